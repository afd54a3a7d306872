package dev.qdistill.ldpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FamilyDesignTest {
    private final CodeFamily family = CodeFamily.shipped();

    @Test
    void aShippedCodeAndItsOperatingPointsComeFromTheDesignBitForBit() {
        assumeTrue(
                SyndromeDecoder.nativeProblem().isEmpty()
                        || SyndromeDecoder.vectorProblem().isEmpty(),
                "a minute with the scalar decoder");
        FamilyDesign design = new FamilyDesign(1 << 12, Profile.EFFICIENT, 0, 1, FamilyDesign.SHIPPED_SEED);
        QuasiCyclicCode code = design.designAll(design.leakages().subList(0, 1), 1.25, line -> {})
                .getFirst();
        assertEquals(family.code(code.name()), code);
    }

    // One of each row; all of them: 'codes check'.
    @ParameterizedTest
    @CsvSource({
        "n4096-m896, EFFICIENT",
        "n16384-m3648, EFFICIENT",
        "n65536-m19712, EFFICIENT",
        "n262144-m107264, EFFICIENT",
        "n262144-m43008-fast, FAST",
        "n1048576-m348160, EFFICIENT"
    })
    void theBaseMatrixAndTablesOfShippedCodesComeFromTheDesignBitForBit(String name, Profile designedFor) {
        QuasiCyclicCode code = family.code(name);
        FamilyDesign design = new FamilyDesign(code.frameBits(), designedFor, 0, 1, FamilyDesign.SHIPPED_SEED);
        assertTrue(design.seedOf(code).isPresent());
    }

    @Test
    void anotherCodeIsNotOfTheDesign() {
        FamilyDesign design = new FamilyDesign(1 << 12, Profile.EFFICIENT, 0, 1, FamilyDesign.SHIPPED_SEED);
        QuasiCyclicCode other = family.code("n4096-m2560").with("n4096-m2560", .1, .1, DecoderTables.generic());
        assertEquals(OptionalLong.empty(), design.seedOf(other));
    }

    @Test
    void noTwoColumnsOfDegreeThreeAreJoinedByTwoChains() {
        DegreeDistribution degrees = DegreeDistribution.parse("2:.05,3:.3,8:.3,20:.35");
        int with = chainPairs(new CodeConstruction(256, 42, 256, degrees, 0, 0, true, 1));
        int without = chainPairs(new CodeConstruction(256, 42, 256, degrees, 0, 0, false, 1));
        assertEquals(0, with);
        assertFalse(without == 0);
    }

    // Pairs of columns of degree 3 with two columns of degree 2 that join them to a cycle of length 8.
    private static int chainPairs(CodeConstruction construction) {
        QuasiCyclicCode code = construction.build("x", DecoderTables.generic());
        int count = 0;
        List<int[]> threes = columns(code, 3);
        for (int[] a : threes) {
            for (int i = 0; i < 6; i += 2) {
                for (int j = i + 2; j < 6; j += 2) {
                    for (int[] p : through(columns(code, 2), a[i])) {
                        for (int[] q : through(columns(code, 2), a[j])) {
                            for (int[] b : threes) {
                                count += closes(a, i, j, p, q, b, code.circulant()) ? 1 : 0;
                            }
                        }
                    }
                }
            }
        }
        return count;
    }

    private static List<int[]> columns(QuasiCyclicCode code, int degree) {
        return Stream.of(code.columnEntries())
                .filter(c -> c.length == 2 * degree)
                .toList();
    }

    private static List<int[]> through(List<int[]> twos, int row) {
        return twos.stream().filter(c -> c[0] == row || c[2] == row).toList();
    }

    private static boolean closes(int[] a, int i, int j, int[] p, int[] q, int[] b, int z) {
        for (int u = 0; u < 4; u += 2) {
            for (int v = 0; v < 4; v += 2) {
                if (Arrays.equals(a, b) || p[u] != a[i] || q[v] != a[j]) {
                    continue;
                }
                for (int k = 0; k < 6; k += 2) {
                    for (int l = 0; l < 6; l += 2) {
                        if (k == l || b[k] != p[2 - u] || b[l] != q[2 - v]) {
                            continue;
                        }
                        // From a's row i through p, b and q to its row j, and through a back: differences of the
                        // shifts.
                        int sum = p[u + 1] - p[3 - u] + b[k + 1] - b[l + 1] + q[3 - v] - q[v + 1] + a[j + 1] - a[i + 1];
                        if (sum % z == 0) {
                            return true;
                        }
                    }
                }
            }
        }
        return false;
    }
}
