package dev.qdistill.reconcile;

import dev.qdistill.ldpc.AdaptedCode;
import dev.qdistill.ldpc.CodeFamily;
import dev.qdistill.ldpc.Profile;
import dev.qdistill.ldpc.QuasiCyclicCode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How much is sent about a frame: at first, and after it failed.
 *
 * <p>The leakage needed at an error rate Q is n·h(Q)·f(Q)·e^m. f(Q) comes from the operating points of the family, the margin m is
 * learned: each frame that fails at the first attempt raises it a little, each that does not lowers it less, so that the
 * share of failures settles where the mean of all that is told is about smallest, whatever the codes' true thresholds are. A
 * failure is cheap: a few rows more. Nor does the margin fall where the decoder would have to work more than the profile
 * allows.
 */
final class RateControl {
    /** Rounds of more syndrome rows for a frame. */
    static final int ROUNDS = 3;

    /**
     * By what the leakage is raised at least in each round, in standard deviations of what a frame needs: about what makes
     * the mean least if that is normally distributed, with a long last step.
     */
    private static final double[] RAISE = {0.6, 1, 4};

    /** To how much it is raised at least, above what the frame is likely to need, in the same measure. */
    private static final double[] LIKELY = {0, 0.5, 3};

    /** What a frame needs varies by the counting error of its errors, a little more, and by this at least. */
    private static final double CODE_SPREAD = 1.1;

    private static final double LEAST_SPREAD = 0.005;

    /** The share of frames that fail at the operating points of the family. */
    private static final double OPERATING_FAILURES = 0.006;

    /** The share of short fast frames that should fail before anything is learned: more would be much work. */
    private static final double FIRST_FAST_FAILURES = 0.03;

    private static final double LARGEST_MARGIN = 0.3;
    /** By what one batch may move the margin, in standard deviations of what a frame needs. */
    private static final double LARGEST_RISE = 0.7;

    private static final double LARGEST_FALL = 0.25;

    /**
     * {@linkplain QuasiCyclicCode#iterationWork Work} by bit that the decoder may take on average: what is told falls as the work
     * grows. So the speed is about the same at every error rate.
     */
    private static final double FAST_WORK = 126;

    private static final double EFFICIENT_WORK = 490;

    private static final double WORK_GAIN = 2;

    private static final double LARGEST_GAIN = 0.25;
    private static final double SMALLEST_GAIN = 0.04;

    private final CodeFamily codes;
    private final Profile profile;
    private final QberEstimate qber;
    private final AdaptedCodes adapted;
    private final Map<Integer, Curve> curves = new HashMap<>();

    /** The codes of one frame length. */
    private static final class Curve {
        final List<CodeFamily.Entry> entries;
        final double[] efficiency;
        double margin = Double.NaN;
        long frames;

        Curve(List<CodeFamily.Entry> entries, Profile profile) {
            this.entries = entries;
            efficiency = new double[entries.size()];
            for (int i = 0; i < efficiency.length; i++) {
                int from = Math.max(0, i - 2);
                int to = Math.min(efficiency.length, i + 3);
                for (int j = from; j < to; j++) {
                    efficiency[i] += entries.get(j).efficiency(profile) / (to - from);
                }
            }
        }

        /** f at error rate {@code q}, between the operating points around it. */
        double efficiency(double q, Profile profile) {
            int i = 0;
            while (i < efficiency.length && entries.get(i).operatingQber(profile) < q) {
                i++;
            }
            if (i == 0 || i == efficiency.length) {
                return efficiency[Math.min(i, efficiency.length - 1)];
            }
            double low = entries.get(i - 1).operatingQber(profile);
            double high = entries.get(i).operatingQber(profile);
            double t = (q - low) / (high - low);
            return efficiency[i - 1] + t * (efficiency[i] - efficiency[i - 1]);
        }
    }

    RateControl(CodeFamily codes, Profile profile, QberEstimate qber, AdaptedCodes adapted) {
        this.codes = codes;
        this.profile = profile;
        this.qber = qber;
        this.adapted = adapted;
    }

    private Curve curve(Frame frame) {
        Curve curve = curves.computeIfAbsent(frame.codeBits(), bits -> new Curve(codes.codes(bits, profile), profile));
        if (Double.isNaN(curve.margin)) {
            curve.margin = firstMargin(frame, curve, qber.value());
        }
        return curve;
    }

    // From the failures at the operating points to those wanted.
    private double firstMargin(Frame frame, Curve curve, double q) {
        boolean fast = profile == Profile.FAST;
        if (frame.codeBits() >= 1 << 16) {
            // The operating points of long efficient frames are for cheap failures already.
            return fast || frame.codeBits() >= 1 << 18 ? 0 : firstMargin(frame, q, failures(frame));
        }
        double shift = firstMargin(frame, q, fast ? FIRST_FAST_FAILURES : failures(frame));
        // A code that tells less has a higher rate and a larger f: that of the point where h is as much less.
        double p = Math.min(q, 0.2);
        double slope = p * Math.log((1 - p) / p) / Math.log(2) / QuasiCyclicCode.binaryEntropy(p);
        double margin = shift;
        for (int i = 0; i < 8; i++) {
            double lower = q * Math.exp(margin / slope);
            double other = Math.log(curve.efficiency(lower, profile) / curve.efficiency(q, profile));
            margin = (margin + shift + other) / 2;
        }
        return Math.clamp(margin, -LARGEST_MARGIN, LARGEST_MARGIN);
    }

    private static double firstMargin(Frame frame, double q, double failures) {
        return spread(frame.bits(), q) * FiniteLengthBound.quantile(failures)
                - spread(frame.codeBits(), q) * FiniteLengthBound.quantile(OPERATING_FAILURES);
    }

    /**
     * The share of frames that should fail at the first attempt: the more, the less is told on average, and the more attempts
     * are made. Short frames vary more, and there is little to decode.
     */
    private double failures(Frame frame) {
        boolean fast = profile == Profile.FAST;
        if (frame.codeBits() < 1 << 16) {
            return fast ? 0.3 : 0.38;
        }
        return fast ? 0.02 : frame.codeBits() < 1 << 18 ? 0.12 : 0.08;
    }

    /** The standard deviation of what a frame of so many bits needs, relative to the leakage. */
    private static double spread(int bits, double q) {
        double counting = FiniteLengthBound.deviation(bits, q) / QuasiCyclicCode.binaryEntropy(q);
        return Math.max(CODE_SPREAD * counting, LEAST_SPREAD);
    }

    /** What is expected of such frames at present; it stays so when more batches are noted. */
    Outlook outlook(Frame frame) {
        Curve curve = curve(frame);
        return new Outlook(curve, profile, curve.margin, qber.value(), qber.deviation());
    }

    /** The expectations of one moment, for any thread. */
    static final class Outlook {
        private final Curve curve;
        private final Profile profile;
        private final double margin;
        private final double qber;
        private final double deviation;

        private Outlook(Curve curve, Profile profile, double margin, double qber, double deviation) {
            this.curve = curve;
            this.profile = profile;
            this.margin = margin;
            this.qber = qber;
            this.deviation = deviation;
        }

        /** Bits of syndrome that a frame with error rate {@code q} is likely to need. */
        double needed(Frame frame, double q) {
            return frame.bits()
                    * QuasiCyclicCode.binaryEntropy(q)
                    * (curve.efficiency(q, profile) + frame.shorteningLoss())
                    * Math.exp(margin);
        }

        /**
         * Guesses the error rate of a frame from the expected one and from what the weight of the syndrome tells.
         *
         * @param weight ones in the XOR of both sides' syndromes
         */
        Guess guess(Frame frame, QuasiCyclicCode code, long weight) {
            double prior = qber * (1 - qber) / frame.bits() + deviation * deviation;
            double seen = Math.clamp(code.estimateQber(weight), 1e-5, 0.49);
            double error = code.estimateDeviation(seen);
            double measured = Math.min(error * error, 1);
            double value = (qber * measured + seen * prior) / (measured + prior);
            return new Guess(value, Math.sqrt(measured * prior / (measured + prior)));
        }

        /** Whether a frame is all but sure to fail with this code: then no time is spent on trying. */
        boolean hopeless(Frame frame, AdaptedCode code, Guess guess) {
            return needed(frame, guess.value) * (1 - 2 * guess.spread(frame))
                    > code.code().syndromeBits();
        }
    }

    /** The code for the first attempt at a frame; empty if publishing it tells less. */
    Optional<AdaptedCode> first(Frame frame) {
        return forLeakage(frame, outlook(frame).needed(frame, qber.value()));
    }

    /** The code of about as many syndrome bits, or a stronger one; empty if none tells less than the frame has bits. */
    Optional<AdaptedCode> forLeakage(Frame frame, double bits) {
        List<CodeFamily.Entry> entries = curve(frame).entries;
        int i = 0;
        while (i + 1 < entries.size() && entries.get(i + 1).syndromeBits() <= bits) {
            i++;
        }
        for (; i < entries.size() && entries.get(i).syndromeBits() < frame.bits(); i++) {
            QuasiCyclicCode parent = codes.code(entries.get(i).name());
            Optional<AdaptedCode> code = adapted.get(parent, frame, 0);
            if (code.isPresent()) {
                return Optional.of(
                        split(frame, code.get(), Math.round((bits - parent.syndromeBits()) / parent.circulant())));
            }
        }
        return Optional.empty();
    }

    /** The code with {@code rows} more rows split, or as many as still tell less than the frame has bits. */
    private AdaptedCode split(Frame frame, AdaptedCode code, long rows) {
        QuasiCyclicCode c = code.code();
        long most =
                Math.min(code.maximumSplits() - code.splits(), (frame.bits() - 1 - c.syndromeBits()) / c.circulant());
        long more = Math.min(rows, most);
        return more <= 0 ? code : adapted.more(code, code.splits() + (int) more);
    }

    /**
     * What is probably the error rate of a frame.
     *
     * @param value the most likely one
     * @param deviation its standard deviation
     */
    record Guess(double value, double deviation) {
        /** The standard deviation of what the frame needs, relative to the leakage. */
        double spread(Frame frame) {
            double slope = Math.log((1 - value) / value) / Math.log(2) / QuasiCyclicCode.binaryEntropy(value);
            return Math.hypot(slope * deviation, 0.5 * RateControl.spread(frame.bits(), value));
        }
    }

    /**
     * The code for the next attempt at a frame that failed; the same parent with more splits.
     *
     * @param guess what is probably its error rate
     * @param round 0 for the first time
     * @return empty if that would tell as much as the frame has bits, or all rows are split already
     */
    Optional<AdaptedCode> next(Frame frame, AdaptedCode code, Guess guess, int round) {
        double present = code.code().syndromeBits();
        double spread = guess.spread(frame);
        double raised = present * (1 + RAISE[round] * spread);
        double likely = outlook(frame).needed(frame, guess.value) * (1 + LIKELY[round] * spread);
        long rows =
                Math.round((Math.max(raised, likely) - present) / code.code().circulant());
        AdaptedCode more = split(frame, code, Math.max(1, rows));
        return more.splits() == code.splits() ? Optional.empty() : Optional.of(more);
    }

    /**
     * Takes note of a batch.
     *
     * @param any one of its frames
     * @param attempts frames tried for the first time
     * @param failed those of them that failed
     * @param work of the decoder in all attempts, by bit of the frames tried for the first time
     */
    void observe(Frame any, int attempts, int failed, double work) {
        Curve curve = curve(any);
        double gain = Math.max(SMALLEST_GAIN, LARGEST_GAIN / (1 + curve.frames / 60.0));
        curve.frames += attempts;
        double step = Math.clamp(gain * (failed - failures(any) * attempts), -LARGEST_FALL, LARGEST_RISE);
        double excess = work / (profile == Profile.FAST ? FAST_WORK : EFFICIENT_WORK) - 1;
        if (excess > -0.05) {
            // Not less leakage, and more where the work is too much.
            step = Math.max(step, Math.clamp(WORK_GAIN * excess, 0, LARGEST_FALL));
        }
        curve.margin =
                Math.clamp(curve.margin + step * spread(any.bits(), qber.value()), -LARGEST_MARGIN, LARGEST_MARGIN);
    }
}
