package dev.qdistill.security;

/** The binary entropy h(p) = -p log2 p - (1-p) log2(1-p) and its inverse. */
public final class BinaryEntropy {
    private static final double LN2 = Math.log(2);

    private BinaryEntropy() {}

    /**
     * h(p) in bits, accurate for p down to the smallest double.
     *
     * @param p a probability, 0 to 1
     * @throws IllegalArgumentException if it is not
     */
    public static double of(double p) {
        if (!(p >= 0 && p <= 1)) {
            throw new IllegalArgumentException(p + " is no probability");
        }
        if (p == 0 || p == 1) {
            return 0;
        }
        return Math.min(1, -(p * Math.log(p) + (1 - p) * Math.log1p(-p)) / LN2);
    }

    /**
     * h(p) for a bound p on an error rate: 1 from p = 1/2 up, since a rate that may be anything up to p may be 1/2.
     *
     * @param p zero or more; infinite or not a number (nothing is known) count as 1/2
     */
    public static double ofErrorBound(double p) {
        return p < 0.5 ? of(p) : 1;
    }

    /**
     * The p in 0 to 1/2 with h(p) = {@code entropy}, to the last digit where h is steep.
     *
     * @param entropy 0 to 1 bits
     * @throws IllegalArgumentException if it is not
     */
    public static double inverse(double entropy) {
        if (!(entropy >= 0 && entropy <= 1)) {
            throw new IllegalArgumentException(entropy + " bits is no entropy of one bit");
        }
        // Bisection over the doubles themselves: those at and above zero are ordered as their bit patterns are.
        long low = 0;
        long high = Double.doubleToRawLongBits(0.5);
        while (low < high) {
            long middle = (low + high) >>> 1;
            if (of(Double.longBitsToDouble(middle)) < entropy) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return Double.longBitsToDouble(low);
    }

    static double log2(double x) {
        return Math.log(x) / LN2;
    }
}
