package dev.qdistill.security;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.security.UnequalBasisCheck.Verdict;
import dev.qdistill.security.UnequalBasisCounts.Outcomes;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class UnequalBasisCheckTest {
    private static final UnequalBasisCheck CHECK = UnequalBasisCheck.DEFAULT;
    private static final Outcomes FAIR = new Outcomes(500, 500);

    // Alice X0, Bob Z: of 1,159 coincidences of an entanglement source 1,128 were Z1.
    @Test
    void refusesTheEntanglementSourceAndNamesTheState() {
        Verdict v = CHECK.check(new UnequalBasisCounts(FAIR, FAIR, new Outcomes(31, 1128), FAIR));
        assertFalse(v.accepted());
        assertEquals("X0", v.worstState());
        assertEquals(1128 / 1159.0, v.worstFraction());
        assertEquals(
                "when Alice sent X0 and Bob measured Z, 1128 of 1159 bits (97.3 %) were ones; unequal bases must give"
                        + " 50 ± 15 % beyond counting error, or this is not BB84",
                v.sentence());
    }

    @Test
    void refusesEachStateOnEitherSide() {
        for (int state = 0; state < 4; state++) {
            for (Outcomes bad : new Outcomes[] {new Outcomes(20, 980), new Outcomes(980, 20)}) {
                Outcomes[] o = {FAIR, FAIR, FAIR, FAIR};
                o[state] = bad;
                assertFalse(CHECK.check(new UnequalBasisCounts(o[0], o[1], o[2], o[3]))
                        .accepted());
            }
        }
    }

    @Test
    void acceptsTheBandAndNothingFarOutsideItForLargeSamples() {
        assertTrue(CHECK.check(one(350_000, 650_000)).accepted());
        assertTrue(CHECK.check(one(650_000, 350_000)).accepted());
        assertFalse(CHECK.check(one(340_000, 660_000)).accepted());
        assertFalse(CHECK.check(one(660_000, 340_000)).accepted());
        assertFalse(CHECK.check(one(0, Long.MAX_VALUE)).accepted());
    }

    @Test
    void smallSamplesAreNeverRefused() {
        for (long n = 0; n <= 48; n++) {
            for (long ones = 0; ones <= n; ones++) {
                assertTrue(CHECK.check(one(n - ones, ones)).accepted());
            }
        }
        assertFalse(CHECK.check(one(0, 49)).accepted());
        Outcomes no = Outcomes.NONE;
        Verdict none = CHECK.check(new UnequalBasisCounts(no, no, no, no));
        assertTrue(none.accepted());
        assertTrue(none.sentence().contains("no detections"));
    }

    @Test
    void linksAtTheEdgeOfTheBandAreNotRefusedByChance() {
        SplittableRandom random = new SplittableRandom(7);
        for (int trial = 0; trial < 3000; trial++) {
            int n = random.nextInt(1, 2000);
            int ones = 0;
            for (int i = 0; i < n; i++) {
                ones += random.nextDouble() < .65 ? 1 : 0;
            }
            assertTrue(CHECK.check(one(n - ones, ones)).accepted());
        }
    }

    @Test
    void toleranceCanBeSet() {
        assertFalse(UnequalBasisCheck.withTolerance(.05)
                .check(one(400_000, 600_000))
                .accepted());
        assertTrue(UnequalBasisCheck.withTolerance(.5).check(one(0, 1_000_000)).accepted());
        assertThrows(IllegalArgumentException.class, () -> UnequalBasisCheck.withTolerance(.51));
        assertThrows(IllegalArgumentException.class, () -> UnequalBasisCheck.withTolerance(Double.NaN));
        assertThrows(IllegalArgumentException.class, () -> new Outcomes(-1, 0));
        assertThrows(IllegalArgumentException.class, () -> new Outcomes(Long.MAX_VALUE, 1));
    }

    private static UnequalBasisCounts one(long zeros, long ones) {
        return new UnequalBasisCounts(FAIR, FAIR, FAIR, new Outcomes(zeros, ones));
    }
}
