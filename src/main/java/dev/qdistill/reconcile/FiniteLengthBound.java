package dev.qdistill.reconcile;

import static dev.qdistill.ldpc.QuasiCyclicCode.binaryEntropy;

/**
 * The least that one-way reconciliation of independent errors must tell at a finite length: the normal approximation for the
 * binary symmetric channel (Y. Polyanskiy, H. V. Poor, S. Verdú, IEEE Transactions on Information Theory 56, 2307 (2010),
 * theorem 52), as the length of a syndrome.
 *
 * <p>With rounds of more information the mean may be below it, since only the frames that need more get more.
 */
public final class FiniteLengthBound {
    /** The share of failing frames that figures are given for where nothing else is said. */
    public static final double FRAME_ERROR_RATE = 0.01;

    private FiniteLengthBound() {}

    /**
     * f = (h(Q) + sqrt(V/n)·t - log2(n)/(2n)) / h(Q), where V = Q(1-Q)·log2²((1-Q)/Q) and t is the quantile of the normal
     * distribution that it exceeds with probability {@code frameErrorRate}.
     *
     * @param bits n, the length of a frame, 1 or more
     * @param qber Q, above 0 and below 1/2
     * @param frameErrorRate above 0 and below 1
     */
    public static double efficiency(double bits, double qber, double frameErrorRate) {
        if (!(bits >= 1) || !(qber > 0 && qber < 0.5) || !(frameErrorRate > 0 && frameErrorRate < 1)) {
            throw new IllegalArgumentException("No bound for frames of " + bits + " bits at an error rate of " + qber
                    + " and a frame error rate of " + frameErrorRate);
        }
        double syndrome = binaryEntropy(qber)
                + deviation(bits, qber) * quantile(frameErrorRate)
                - Math.log(bits) / Math.log(2) / (2 * bits);
        return syndrome / binaryEntropy(qber);
    }

    /** sqrt(V/n): the standard deviation of the information that a frame of n bits needs, by bit. */
    static double deviation(double bits, double qber) {
        return Math.sqrt(qber * (1 - qber) / bits) * Math.log((1 - qber) / qber) / Math.log(2);
    }

    /** The t that a normal variable exceeds with probability {@code p}, by bisection. */
    static double quantile(double p) {
        double low = -40;
        double high = 40;
        for (int i = 0; i < 80; i++) {
            double t = (low + high) / 2;
            if (exceeds(t) > p) {
                low = t;
            } else {
                high = t;
            }
        }
        return low;
    }

    /** The probability that a normal variable exceeds t: a Taylor series near zero, a continued fraction beyond. */
    private static double exceeds(double t) {
        if (t < 0) {
            return 1 - exceeds(-t);
        }
        double density = Math.exp(-t * t / 2) / Math.sqrt(2 * Math.PI);
        if (t < 3) {
            double term = t;
            double sum = t;
            for (int i = 1; i < 60; i++) {
                term *= t * t / (2 * i + 1);
                sum += term;
            }
            return 0.5 - density * sum;
        }
        double fraction = t;
        for (int i = 60; i > 0; i--) {
            fraction = t + i / fraction;
        }
        return density / fraction;
    }
}
