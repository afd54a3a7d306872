package dev.qdistill.ldpc;

import dev.qdistill.accel.Backend;
import dev.qdistill.bits.BitString;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.random.RandomGenerator;

/**
 * Searches degree distribution, window and lead with which a spatially coupled code decodes with the least work at a given
 * efficiency: an evolution strategy with its own step width for each coordinate (the separable CMA-ES of Ros and Hansen 2008) over
 * the logarithms of the edge fractions, judged by decoding a few error patterns of just the expected weight. All candidates of a
 * generation get the same seeds, each generation others. Deterministic from its seed.
 *
 * @param circulant bits of a circulant
 * @param rows base rows
 * @param columns base columns
 * @param efficiency f = (1 - R)/h(Q) at which to decode
 * @param degreeTwo largest number of columns of degree 2 by row
 */
record CoupledDegreeOptimizer(int circulant, int rows, int columns, double efficiency, double degreeTwo) {
    private static final int OFFSPRING = 12;
    private static final int PARENTS = 6;
    private static final int FRAMES = 3;
    private static final int MAX_ITERATIONS = 130;
    private static final int SMALLEST_WINDOW = 40;

    /** Edge fractions below this are none. */
    private static final double LEAST = .0025;

    /** The result, and its work in edge updates a bit. */
    record Optimum(DegreeDistribution degrees, int window, double lead, double cost) {}

    /**
     * Searches for {@code generations} generations.
     *
     * @param degrees the degrees that may occur, ascending
     * @param width of the first steps, in nats
     */
    Optimum search(
            int[] degrees,
            DegreeDistribution start,
            int window,
            double lead,
            int generations,
            double width,
            long seed) {
        RandomGenerator random = new SplittableRandom(seed);
        int dimension = degrees.length + 2;
        double[] first = coordinates(degrees, start, window, lead);
        double[] mean = first.clone();
        double[] weights = new double[PARENTS];
        for (int i = 0; i < PARENTS; i++) {
            weights[i] = Math.log(PARENTS + .5) - Math.log(i + 1);
        }
        double sum = Arrays.stream(weights).sum();
        Arrays.setAll(weights, i -> weights[i] / sum);
        double effective = 1 / Arrays.stream(weights).map(w -> w * w).sum();
        double pathRate = (effective + 2) / (dimension + effective + 5);
        double learning = 2
                * (effective - 2 + 1 / effective)
                / ((dimension + 2.) * (dimension + 2) + effective)
                * (dimension + 2)
                / 3;
        double usual = Math.sqrt(dimension) * (1 - 1 / (4. * dimension));
        double[] variance = new double[dimension];
        Arrays.fill(variance, 1);
        double[] path = new double[dimension];
        double sigma = width;
        for (int g = 1; g <= generations; g++) {
            double[][] x = new double[OFFSPRING][dimension];
            double[] cost = new double[OFFSPRING];
            DecoderTables tables = tables(degrees, mean);
            for (int k = 0; k < OFFSPRING; k++) {
                for (int i = 0; i < dimension; i++) {
                    x[k][i] = mean[i] + sigma * Math.sqrt(variance[i]) * random.nextGaussian();
                }
                cost[k] = cost(degrees, x[k], tables, seed * 1000 + g);
            }
            Integer[] order = new Integer[OFFSPRING];
            Arrays.setAll(order, k -> k);
            Arrays.sort(order, (a, b) -> Double.compare(cost[a], cost[b]));
            double length = 0;
            for (int i = 0; i < dimension; i++) {
                double step = 0;
                double square = 0;
                for (int k = 0; k < PARENTS; k++) {
                    double s = (x[order[k]][i] - mean[i]) / sigma;
                    step += weights[k] * s;
                    square += weights[k] * s * s;
                }
                mean[i] += sigma * step;
                path[i] = (1 - pathRate) * path[i]
                        + Math.sqrt(pathRate * (2 - pathRate) * effective) * step / Math.sqrt(variance[i]);
                variance[i] = (1 - learning) * variance[i] + learning * square;
                length += path[i] * path[i];
            }
            sigma *= Math.exp(Math.min(1, pathRate / (1 + pathRate) * (Math.sqrt(length) / usual - 1)));
        }
        double before = cost(degrees, first, tables(degrees, first), seed);
        double after = cost(degrees, mean, tables(degrees, mean), seed);
        double[] best = after < before ? mean : first;
        return new Optimum(distribution(degrees, best), window(best), lead(best), Math.min(after, before));
    }

    private static double[] coordinates(int[] degrees, DegreeDistribution start, int window, double lead) {
        double[] fractions = new double[degrees.length];
        for (int i = 0; i < start.size(); i++) {
            int nearest = 0;
            for (int j = 1; j < degrees.length; j++) {
                if (Math.abs(degrees[j] - start.degree(i)) < Math.abs(degrees[nearest] - start.degree(i))) {
                    nearest = j;
                }
            }
            fractions[nearest] += start.fraction(i);
        }
        double[] x = new double[degrees.length + 2];
        for (int j = 0; j < degrees.length; j++) {
            x[j] = Math.log(Math.max(1.2 * LEAST, fractions[j]));
        }
        x[degrees.length] = Math.log(window);
        x[degrees.length + 1] = Math.log(lead);
        return x;
    }

    private DegreeDistribution distribution(int[] degrees, double[] x) {
        double sum = 0;
        for (int j = 0; j < degrees.length; j++) {
            sum += Math.exp(x[j]);
        }
        TreeMap<Integer, Double> fractions = new TreeMap<>();
        for (int j = 0; j < degrees.length; j++) {
            double f = Math.exp(x[j]) / sum;
            if (f > LEAST) {
                fractions.put(degrees[j], f);
            }
        }
        return new DegreeDistribution(fractions).withDegreeTwoAtMost(degreeTwo * rows / columns);
    }

    private int window(double[] x) {
        int window = (int) Math.round(Math.exp(x[x.length - 2]));
        return Math.min(rows, Math.max(Math.min(SMALLEST_WINDOW, rows / 2), window));
    }

    private static double lead(double[] x) {
        return Math.exp(x[x.length - 1]);
    }

    private DecoderTables tables(int[] degrees, double[] x) {
        return FamilyDesign.longTables(distribution(degrees, x), 1 - (rows - lead(x)) / columns);
    }

    private double cost(int[] degrees, double[] x, DecoderTables tables, long seed) {
        QuasiCyclicCode code = new CodeConstruction(
                        circulant, rows, columns, distribution(degrees, x), window(x), lead(x), seed)
                .build("trial", tables);
        double q = FamilyDesign.qber(code, efficiency);
        SyndromeEncoder encoder = SyndromeEncoder.create(code, Backend.AUTO);
        double iterations = 0;
        try (SyndromeDecoder decoder = SyndromeDecoder.create(code, Backend.AUTO);
                BitString error = BitString.allocate(code.frameBits());
                BitString syndrome = BitString.allocate(code.syndromeBits())) {
            for (int i = 0; i < FRAMES; i++) {
                draw(error, (int) Math.round(q * code.frameBits()), new SplittableRandom(seed * 31 + i));
                encoder.encode(error, 0, syndrome, 0);
                decoder.begin(syndrome, 0, q);
                boolean converged = decoder.run(UpdateRule.PHI, MAX_ITERATIONS);
                // The further a failed frame is from convergence, the worse.
                iterations += decoder.iterations()
                        + (converged ? 0 : 60 * Math.min(1, 10. * decoder.unsatisfied() / code.syndromeBits()));
            }
        }
        return iterations / FRAMES * code.edges() / columns;
    }

    private static void draw(BitString error, int weight, RandomGenerator random) {
        error.wipe();
        for (int w = 0; w < weight; ) {
            int at = random.nextInt((int) error.length());
            if (!error.get(at)) {
                error.set(at, true);
                w++;
            }
        }
    }
}
