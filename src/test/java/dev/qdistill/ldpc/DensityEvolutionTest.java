package dev.qdistill.ldpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DensityEvolutionTest {
    // Martinez-Mateo, Elkouss, Martin, Blind Reconciliation (2012), appendix B: p* = .0502 under belief propagation.
    private static final DegreeDistribution PUBLISHED =
            DegreeDistribution.parse("2:.091699,3:.171401,4:.0683878,5:.120523,11:.187471,28:.208278,30:.152239");

    @Test
    void quantisedBeliefPropagationComesNearThePublishedThreshold() {
        double f = new DensityEvolution(UpdateRule.PHI, 6, 128, 50).threshold(PUBLISHED, .7, 800);
        double q = QuasiCyclicCode.inverseBinaryEntropy(.3 / f);
        assertEquals(.0502, q, .0009);
        assertTrue(q < .0503, "8 bits are no better than belief propagation: " + q);
    }

    @Test
    void minSumIsWorseThanPhiByLittle() {
        double phi = new DensityEvolution(UpdateRule.PHI, 6, 96, 44).threshold(PUBLISHED, .7, 200);
        double minSum = new DensityEvolution(UpdateRule.MIN_SUM, 6, 96, 44).threshold(PUBLISHED, .7, 200);
        assertTrue(phi < minSum && minSum < phi + .05, phi + " " + minSum);
    }

    @ParameterizedTest
    @EnumSource(UpdateRule.class)
    void tablesAreMonotonicAndClipped(UpdateRule rule) {
        byte[][] tables = new DensityEvolution(rule, 6, 96, 44)
                .tables(PUBLISHED, .7, QuasiCyclicCode.inverseBinaryEntropy(.3 / 1.08));
        assertEquals(DecoderTables.STATES, tables.length);
        for (byte[] t : tables) {
            for (int i = 0; i < DecoderTables.SIZE; i++) {
                assertTrue(t[i] >= 0 && t[i] <= 44);
                int step = i == 0 ? 0 : t[i] - t[i - 1];
                assertTrue(rule == UpdateRule.PHI ? step <= 0 : step >= 0);
            }
        }
    }

    @Test
    void optimisedDegreesNeedLessWork() {
        DensityEvolution evolution = new DensityEvolution(UpdateRule.MIN_SUM, 6, 96, 44);
        DegreeDistribution start = DegreeDistribution.parse("2:.1,3:.3,8:.6");
        double q = QuasiCyclicCode.inverseBinaryEntropy(.3 / 1.2);
        double before = evolution.iterations(start, .7, q, 100) * start.averageDegree();
        var optimum =
                new DegreeOptimizer(evolution, .7, 1.2, 100, .9).search(new int[] {2, 3, 4, 6, 8, 12, 20}, start, 6, 1);
        assertTrue(optimum.cost() < before, optimum.cost() + " against " + before);
        assertEquals(optimum.cost(), optimum.iterations() * optimum.degrees().averageDegree(), 1e-6 * optimum.cost());
    }

    @Test
    void degreesOptimisedByDecodingNeedNoMoreWork() {
        int[] degrees = {2, 3, 4, 8, 16};
        DegreeDistribution start = DegreeDistribution.parse("2:.1,3:.4,8:.5");
        var optimizer = new CoupledDegreeOptimizer(64, 40, 128, 1.3, .8);
        var before = optimizer.search(degrees, start, 20, 1, 0, .2, 1);
        var after = optimizer.search(degrees, start, 20, 1, 2, .2, 1);
        assertTrue(after.cost() <= before.cost(), after + " against " + before);
        assertEquals(
                after.toString(),
                optimizer.search(degrees, start, 20, 1, 2, .2, 1).toString());
    }
}
