package dev.qdistill.ldpc;

import java.util.List;

/** Small codes for tests, with tables of their own so that both rules do something. */
final class Codes {
    private static final DegreeDistribution DEGREES = DegreeDistribution.parse("2:.1,3:.35,6:.2,10:.35");

    private Codes() {}

    /** Circulants of one vector, of two, of eight, and one of a number of vectors that is no power of two. */
    static List<QuasiCyclicCode> small() {
        return List.of(code(64, 20, 64), code(128, 18, 40), code(192, 13, 36), code(512, 11, 30));
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
