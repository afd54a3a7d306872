package dev.qdistill.ldpc;

import java.util.List;
import java.util.SplittableRandom;

/** Small codes for tests, with tables of their own so that both rules do something. */
final class Codes {
    private static final DegreeDistribution DEGREES = DegreeDistribution.parse("2:.1,3:.35,6:.2,10:.35");

    private Codes() {}

    /**
     * Circulants of one vector, of two, of sixteen, and of a number of vectors that is no power of two; of the last also one
     * whose columns do not end with shift 0, as other people's do not.
     */
    static List<QuasiCyclicCode> small() {
        QuasiCyclicCode three = code(192, 13, 36);
        return List.of(code(64, 20, 64), code(128, 18, 40), three, rotated(three), code(1024, 10, 24));
    }

    private static QuasiCyclicCode rotated(QuasiCyclicCode code) {
        SplittableRandom random = new SplittableRandom(4);
        int[] turn = random.ints(code.columns(), 0, code.circulant()).toArray();
        int[][] entries = code.entries();
        for (int[] row : entries) {
            for (int j = 0; j < row.length; j += 2) {
                row[j + 1] = (row[j + 1] + turn[row[j]]) % code.circulant();
            }
        }
        return code.withEntries(code.name() + "-rotated", code.columns(), entries);
    }

    static QuasiCyclicCode code(int circulant, int rows, int columns) {
        double rate = 1 - (double) rows / columns;
        double q = QuasiCyclicCode.inverseBinaryEntropy((1 - rate) / 1.2);
        DecoderTables tables = DecoderTables.of(
                6,
                96,
                44,
                new DensityEvolution(UpdateRule.PHI, 6, 96, 44).tables(DEGREES, rate, q),
                new DensityEvolution(UpdateRule.MIN_SUM, 6, 96, 44).tables(DEGREES, rate, q));
        return new CodeConstruction(circulant, rows, columns, DEGREES.capped(Math.min(10, rows / 2)), 0, 0, 3)
                .build("test-" + circulant, tables);
    }
}
