package dev.qdistill.ldpc;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * Searches the degree distribution that decodes with the least work at a given efficiency: differential evolution (Storn, Price
 * 1997) over the edge fractions, judged by density evolution. Deterministic from its seed.
 *
 * @param evolution the decoder to optimise for
 * @param rate R
 * @param efficiency f = (1 - R)/h(Q) at which to decode
 * @param maxIterations flooding iterations that must suffice
 * @param degreeTwo largest number of nodes of degree 2 as a fraction of the checks
 */
record DegreeOptimizer(
        DensityEvolution evolution, double rate, double efficiency, int maxIterations, double degreeTwo) {
    private static final int POPULATION = 20;

    /** The result: the distribution, its flooding iterations, and its work in edge updates a bit. */
    record Optimum(DegreeDistribution degrees, double iterations, double cost) {}

    /**
     * Searches for {@code generations} generations.
     *
     * @param degrees the degrees that may occur, ascending
     */
    Optimum search(int[] degrees, DegreeDistribution start, int generations, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int n = degrees.length;
        double[][] population = new double[POPULATION][n];
        double[] cost = new double[POPULATION];
        double[] first = nearest(degrees, start);
        for (int i = 0; i < POPULATION; i++) {
            for (int j = 0; j < n; j++) {
                population[i][j] =
                        i == 0 ? first[j] : first[j] * (.5 + random.nextDouble()) + .04 * random.nextDouble();
            }
            cost[i] = cost(degrees, population[i]);
        }
        for (int g = 0; g < generations; g++) {
            for (int i = 0; i < POPULATION; i++) {
                int best = best(cost);
                double[] base = population[random.nextDouble() < .4 ? best : random.nextInt(POPULATION)];
                double[] b = population[random.nextInt(POPULATION)];
                double[] c = population[random.nextInt(POPULATION)];
                double scale = .4 + .5 * random.nextDouble();
                double[] trial = population[i].clone();
                int always = random.nextInt(n);
                for (int j = 0; j < n; j++) {
                    if (j == always || random.nextDouble() < .8) {
                        trial[j] = Math.max(0, base[j] + scale * (b[j] - c[j]));
                    }
                }
                if (Arrays.stream(trial).sum() < .1) {
                    continue;
                }
                double k = cost(degrees, trial);
                if (k <= cost[i]) {
                    cost[i] = k;
                    population[i] = trial;
                }
            }
        }
        int best = best(cost);
        DegreeDistribution d = distribution(degrees, population[best]);
        return new Optimum(d, cost[best] / d.averageDegree(), cost[best]);
    }

    private static int best(double[] cost) {
        int best = 0;
        for (int i = 1; i < cost.length; i++) {
            best = cost[i] < cost[best] ? i : best;
        }
        return best;
    }

    private double cost(int[] degrees, double[] fractions) {
        DegreeDistribution d = distribution(degrees, fractions);
        double twos = d.degreeTwoNodes() / (1 - rate);
        if (twos > degreeTwo) {
            return 1e6 * (1 + twos);
        }
        double q = QuasiCyclicCode.inverseBinaryEntropy((1 - rate) / efficiency);
        double iterations = evolution.iterations(d, rate, q, maxIterations);
        // What does not decode at all is worse than everything that does, whatever its degrees.
        return iterations * (iterations > maxIterations ? 1000 : d.averageDegree());
    }

    private static double[] nearest(int[] degrees, DegreeDistribution start) {
        double[] f = new double[degrees.length];
        for (int i = 0; i < start.size(); i++) {
            int best = 0;
            for (int j = 1; j < degrees.length; j++) {
                if (Math.abs(degrees[j] - start.degree(i)) < Math.abs(degrees[best] - start.degree(i))) {
                    best = j;
                }
            }
            f[best] += start.fraction(i);
        }
        return f;
    }

    private static DegreeDistribution distribution(int[] degrees, double[] fractions) {
        double sum = Arrays.stream(fractions).sum();
        TreeMap<Integer, Double> map = new TreeMap<>();
        for (int j = 0; j < degrees.length; j++) {
            // What is less than a thousandth of the edges is noise.
            if (fractions[j] > 1e-3 * sum) {
                map.put(degrees[j], fractions[j]);
            }
        }
        return new DegreeDistribution(map);
    }
}
