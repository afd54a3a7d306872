package dev.qdistill.simulate;

import java.util.random.RandomGenerator;

/** Binomial and multinomial random numbers for any number of trials, exact in distribution. */
final class Binomial {
    private static final int SMALL = 64;

    private Binomial() {}

    /**
     * The number of successes in {@code trials} trials of probability {@code p}.
     *
     * <p>The trials are uniform numbers below p; the median of many of them is drawn from its beta distribution, which
     * leaves half of them to be decided (Relles 1972; Ahrens and Dieter 1974), until few enough remain to be drawn one by
     * one.
     */
    static long sample(RandomGenerator random, long trials, double p) {
        long successes = 0;
        long n = trials;
        double q = Math.clamp(p, 0, 1);
        while (n > SMALL && q > 0 && q < 1) {
            long i = n / 2 + 1;
            double a = gamma(random, (double) i);
            double median = a / (a + gamma(random, (double) (n + 1 - i)));
            if (median <= q) {
                successes += i;
                n -= i;
                q = Math.clamp((q - median) / (1 - median), 0, 1);
            } else {
                n = i - 1;
                q = Math.clamp(q / median, 0, 1);
            }
        }
        if (q <= 0 || q >= 1) {
            return q <= 0 ? successes : successes + n;
        }
        for (long i = 0; i < n; i++) {
            successes += random.nextDouble() < q ? 1 : 0;
        }
        return successes;
    }

    /**
     * Distributes {@code trials} over the categories.
     *
     * @param weights of the categories, not negative; need not add up to 1
     */
    static long[] multinomial(RandomGenerator random, long trials, double[] weights) {
        double rest = 0;
        for (double w : weights) {
            rest += w;
        }
        long[] counts = new long[weights.length];
        long left = trials;
        for (int c = 0; c < weights.length - 1; c++) {
            counts[c] = rest > 0 ? sample(random, left, weights[c] / rest) : 0;
            left -= counts[c];
            rest -= weights[c];
        }
        counts[weights.length - 1] = left;
        return counts;
    }

    /** A gamma variate of shape {@code shape} of at least 1 (Marsaglia and Tsang 2000). */
    private static double gamma(RandomGenerator random, double shape) {
        double d = shape - 1.0 / 3;
        double c = 1 / Math.sqrt(9 * d);
        while (true) {
            double x = random.nextGaussian();
            double v = 1 + c * x;
            if (v <= 0) {
                continue;
            }
            v = v * v * v;
            double u = random.nextDouble();
            if (Math.log(u) < .5 * x * x + d - d * v + d * Math.log(v)) {
                return d * v;
            }
        }
    }
}
