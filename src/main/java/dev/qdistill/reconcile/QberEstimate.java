package dev.qdistill.reconcile;

/** The error rate that the frames to come are expected to have: at first from public data, then from the corrected frames. */
public final class QberEstimate {
    /** Old observations count half after as many bits. */
    private static final double HALF_LIFE_BITS = 1 << 24;

    /**
     * What a public sample counts for at most: it may come from the other basis, whose error rate is not quite the same, so the
     * first frames outweigh it.
     */
    private static final double SAMPLE_WEIGHT = 20_000;

    private double errors;
    private double bits;

    private QberEstimate(double rate, double weight) {
        errors = rate * weight;
        bits = weight;
    }

    /**
     * Expects the error rate of a public sample, such as the test basis.
     *
     * @param errors errors of the sample
     * @param bits size of the sample, zero for none: then 5 % is expected
     */
    public static QberEstimate fromSample(long errors, long bits) {
        if (bits == 0) {
            return new QberEstimate(0.05, 10);
        }
        return new QberEstimate(Math.min(0.5, (errors + 0.5) / (bits + 1)), Math.min((double) bits, SAMPLE_WEIGHT));
    }

    /** The expected error rate. */
    double value() {
        return Math.clamp(errors / bits, 1e-4, 0.499);
    }

    /** The standard deviation of {@link #value()}. */
    double deviation() {
        double q = value();
        return Math.sqrt(q * (1 - q) / bits);
    }

    /** Takes note of frames: their errors, estimated where they are not known yet. */
    void observe(double moreErrors, long moreBits) {
        double keep = Math.pow(0.5, (double) moreBits / HALF_LIFE_BITS);
        errors = errors * keep + moreErrors;
        bits = bits * keep + moreBits;
    }
}
