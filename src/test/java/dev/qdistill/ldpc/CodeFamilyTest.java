package dev.qdistill.ldpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import org.junit.jupiter.api.Test;

class CodeFamilyTest {
    private final CodeFamily family = CodeFamily.shipped();

    @Test
    void hasTheFrameLengthsOfTheDesign() {
        assertTrue(family.frameLengths().containsAll(List.of(1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20)));
    }

    @Test
    void everyCodeIsWhatItsEntrySaysAndHasNoFourCycles() {
        Set<String> names = new HashSet<>();
        for (int length : family.frameLengths()) {
            for (CodeFamily.Entry e : family.codes(length)) {
                QuasiCyclicCode code = family.code(e.name());
                assertTrue(names.add(e.name()), e.name());
                assertEquals(length, code.frameBits());
                assertEquals(e.syndromeBits(), code.syndromeBits());
                assertEquals(0, code.fourCycles(), e.name());
                for (Profile p : Profile.values()) {
                    assertEquals(e.operatingQber(p), code.operatingQber(p));
                }
            }
        }
    }

    @Test
    void ratesDescendInSmallStepsOfLeakage() {
        for (int length : family.frameLengths()) {
            for (Profile p : Profile.values()) {
                List<CodeFamily.Entry> codes = family.codes(length, p);
                for (int i = 1; i < codes.size(); i++) {
                    double step = (double) codes.get(i).syndromeBits()
                            / codes.get(i - 1).syndromeBits();
                    assertTrue(step > 1, codes.get(i).name());
                    assertTrue(length < 1 << 16 || step < 1.06, codes.get(i).name() + ": step " + step);
                }
            }
        }
    }

    @Test
    void selectsTheHighestRateThatIsGoodEnough() {
        for (Profile p : Profile.values()) {
            for (double q = .005; q < .11; q += .0037) {
                for (int length : family.frameLengths()) {
                    QuasiCyclicCode code = family.select(length, q, p).orElseThrow();
                    assertTrue(code.operatingQber(p) >= q);
                    for (CodeFamily.Entry e : family.codes(length, p)) {
                        assertTrue(e.operatingQber(p) < q || e.syndromeBits() >= code.syndromeBits());
                    }
                }
            }
        }
    }

    @Test
    void efficiencyOfLongFramesIsNearTheLimitAtEveryQber() {
        for (double q = .02; q <= .11; q += .001) {
            assertTrue(efficiency(1 << 14, q) < 1.36, "2^14 at " + q);
            assertTrue(efficiency(1 << 16, q) < 1.19, "2^16 at " + q);
            assertTrue(efficiency(1 << 18, q) < 1.14, "2^18 at " + q);
            assertTrue(efficiency(1 << 20, q) < 1.11, "2^20 at " + q);
        }
    }

    private double efficiency(int frameBits, double qber) {
        return family.select(frameBits, qber, Profile.EFFICIENT).orElseThrow().efficiency(qber);
    }

    @Test
    void knowsItsCodesByName() {
        String name = family.codes(1 << 14).getFirst().name();
        assertEquals(name, family.code(name).name());
        assertThrows(NoSuchElementException.class, () -> family.code("none"));
    }
}
