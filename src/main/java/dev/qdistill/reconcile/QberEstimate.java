package dev.qdistill.reconcile;

/**
 * The error rate to choose the next code for: at first from public data, then from the corrected frames, the newer the
 * weightier. A margin over the plain estimate grows when frames fail and shrinks when none do, so that the sum of
 * syndromes and reveals is kept small whatever the codes' true thresholds are.
 */
public final class QberEstimate {
    /** Old observations count half after as many bits. */
    private static final double HALF_LIFE_BITS = 1 << 23;

    private static final double LARGEST_MARGIN = 1.25;
    private static final double SMALLEST_MARGIN = 0.97;

    private final double first;
    private double errors;
    private double bits;
    private double margin = 1;

    private QberEstimate(double first) {
        this.first = first;
    }

    /**
     * Expects the error rate of a public sample, such as the test basis, and 1.5 standard deviations above it.
     *
     * @param errors errors of the sample
     * @param bits size of the sample, zero for none: then 5 % is expected
     */
    public static QberEstimate fromSample(long errors, long bits) {
        if (bits == 0) {
            return new QberEstimate(0.05);
        }
        double rate = (errors + 0.5) / (bits + 1);
        return new QberEstimate(Math.min(0.5, rate + 1.5 * Math.sqrt(rate * (1 - rate) / bits)));
    }

    /** The error rate to choose a code for. */
    public double value() {
        return bits == 0 ? first : Math.clamp(errors / bits * margin, 1e-4, 0.5);
    }

    /** Takes note of a batch of frames: its errors (estimated where a frame failed), and how many failed at first. */
    void observe(double moreErrors, long moreBits, int failures, int frames) {
        double keep = Math.pow(0.5, moreBits / HALF_LIFE_BITS);
        errors = errors * keep + moreErrors + 0.01;
        bits = bits * keep + moreBits;
        double share = (double) failures / frames;
        if (share > 0.02) {
            margin = Math.min(LARGEST_MARGIN, margin * (1 + 0.01 * Math.min(1, share * 4)));
        } else if (failures == 0) {
            margin = Math.max(SMALLEST_MARGIN, margin * (1 - 0.00005 * frames));
        }
    }
}
