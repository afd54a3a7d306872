package dev.qdistill.ldpc;

import java.util.Locale;
import java.util.function.Consumer;

/**
 * The searches that the degree distributions of {@link FamilyDesign} come from, for other rates, efficiencies or decoders.
 * Deterministic from the seed.
 *
 * @param degrees the distribution found, edge fractions as {@code degree:fraction,...}
 * @param work its edge updates a bit, of the judge of the search
 * @param startWork those of the distribution that the search began with; far above if that does not decode
 */
public record DegreeSearch(String degrees, double work, double startWork) {
    private static final int[] DEGREES = {2, 3, 4, 5, 6, 8, 11, 15, 20, 27, 36, 46};

    /** Flooding iterations of density evolution: for the least leakage, and for the least work. */
    private static final int EFFICIENT_ITERATIONS = 250;

    private static final int FAST_ITERATIONS = 150;

    /** Columns of degree 2 by row, see docs/codes.md. */
    private static final double TWOS = .9;

    private static final double COUPLED_TWOS = .85;
    private static final double FIRST_STEPS = .3;

    /**
     * Searches by density evolution of an uncoupled code with {@link DegreeOptimizer}.
     *
     * @param profile {@link Profile#FAST} caps degrees at 27
     * @param rate R, 0 to 1, exclusive
     * @param efficiency f = (1 - R)/h(Q) at which to decode with the least work
     * @param start {@code degree:fraction,...}; empty for the present distribution of the rate
     * @param generations of 20 trials each; 0 tells the work of the start
     * @param seed of the search
     */
    public static DegreeSearch byDensityEvolution(
            Profile profile, double rate, double efficiency, String start, int generations, long seed) {
        boolean fast = profile == Profile.FAST;
        int[] degrees = fast ? java.util.Arrays.copyOf(DEGREES, 10) : DEGREES;
        int phiResolution = rate < .65 || rate > .85 ? 128 : 96;
        DensityEvolution evolution = new DensityEvolution(UpdateRule.PHI, 6, phiResolution, DecoderTables.LARGEST);
        DegreeOptimizer optimizer =
                new DegreeOptimizer(evolution, rate, efficiency, fast ? FAST_ITERATIONS : EFFICIENT_ITERATIONS, TWOS);
        DegreeDistribution first =
                start.isEmpty() ? DegreeFamily.of(profile).at(rate) : DegreeDistribution.parse(start);
        DegreeOptimizer.Optimum before = optimizer.search(degrees, first, 0, seed);
        DegreeOptimizer.Optimum found = generations == 0 ? before : optimizer.search(degrees, first, generations, seed);
        return new DegreeSearch(found.degrees().toString(), found.cost(), before.cost());
    }

    /**
     * Searches by decoding with spatially coupled codes of 2^20 bits and {@link CoupledDegreeOptimizer}.
     *
     * @param leakage 1 - R of the codes
     * @param efficiency f at which to decode with the least work
     * @param start {@code degree:fraction,...}; empty for the present distribution of the rate
     * @param generations of 12 trials each; 0 tells the work of the start
     * @param seed of the search
     * @param progress gets the window and the lead found
     */
    public static DegreeSearch byDecoding(
            double leakage, double efficiency, String start, int generations, long seed, Consumer<String> progress) {
        int circulant = 1024;
        int columns = 1024;
        int rows = (int) Math.round(leakage * columns);
        double lead = .01 * rows;
        DegreeDistribution first = start.isEmpty()
                ? DegreeFamily.coupled().at(1 - (rows - lead) / columns)
                : DegreeDistribution.parse(start);
        CoupledDegreeOptimizer optimizer =
                new CoupledDegreeOptimizer(circulant, rows, columns, efficiency, COUPLED_TWOS);
        int window = leakage > .36 ? 75 : 65;
        CoupledDegreeOptimizer.Optimum before = optimizer.search(DEGREES, first, window, lead, 0, FIRST_STEPS, seed);
        CoupledDegreeOptimizer.Optimum found = generations == 0
                ? before
                : optimizer.search(DEGREES, first, window, lead, generations, FIRST_STEPS, seed);
        progress.accept(
                String.format(Locale.ROOT, "window of %d rows, lead of %.1f rows", found.window(), found.lead()));
        return new DegreeSearch(found.degrees().toString(), found.cost(), before.cost());
    }
}
