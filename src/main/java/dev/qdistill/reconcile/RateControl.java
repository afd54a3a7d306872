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
 * failure is cheap: a few rows more.
 */
final class RateControl {
    /** Rounds of more syndrome rows for a frame. */
    static final int ROUNDS = 3;

    /** By what the leakage is raised at least in each round, in standard deviations of what a frame needs. */
    private static final double[] RAISE = {0.8, 1.6, 6};

    /** What codes need beyond the counting error of a frame's errors, relative to the leakage. */
    private static final double CODE_DEVIATION = 0.005;

    /** The share of frames that fail at the operating points of the family. */
    private static final double OPERATING_FAILURES = 0.006;

    /** What a code that is shortened by half loses in f. */
    private static final double SHORTENING_LOSS = 0.08;

    private static final double LARGEST_MARGIN = 0.3;
    /** By what one batch may move the margin, in standard deviations of what a frame needs. */
    private static final double LARGEST_RISE = 0.7;

    private static final double LARGEST_FALL = 0.25;

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
            curve.margin = profile == Profile.FAST
                    ? 0
                    : spread(frame, qber.value())
                            * (FiniteLengthBound.quantile(failures(frame))
                                    - FiniteLengthBound.quantile(OPERATING_FAILURES));
        }
        return curve;
    }

    /** The share of frames that should fail at the first attempt. */
    private double failures(Frame frame) {
        if (profile == Profile.FAST) {
            return 0.02;
        }
        return frame.codeBits() >= 1 << 16 ? 0.08 : 0.2;
    }

    /** The standard deviation of what a frame needs, relative to the leakage. */
    private static double spread(Frame frame, double q) {
        double counting = FiniteLengthBound.deviation(frame.bits(), q) / FiniteLengthBound.entropy(q);
        return Math.hypot(counting, CODE_DEVIATION);
    }

    /** Bits of syndrome that a frame with error rate {@code q} is likely to need. */
    double needed(Frame frame, double q) {
        Curve curve = curve(frame);
        double shortened = 1 - (double) frame.bits() / frame.codeBits();
        return frame.bits()
                * FiniteLengthBound.entropy(q)
                * (curve.efficiency(q, profile) + 2 * SHORTENING_LOSS * shortened)
                * Math.exp(curve.margin);
    }

    /** The code for the first attempt at a frame; empty if publishing it tells less. */
    Optional<AdaptedCode> first(Frame frame) {
        return forLeakage(frame, needed(frame, qber.value()));
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
     * What is probably the error rate of a frame, given the expected one and what the weight of the syndrome tells.
     *
     * @param weight ones in the XOR of both sides' syndromes
     */
    double frameQber(Frame frame, QuasiCyclicCode code, long weight) {
        double expected = qber.value();
        double prior = expected * (1 - expected) / frame.bits() + qber.deviation() * qber.deviation();
        double seen = code.estimateQber(weight);
        double deviation = code.estimateDeviation(Math.clamp(seen, 1e-5, 0.49));
        double measured = deviation * deviation;
        if (!(measured < 1)) {
            return expected;
        }
        return Math.clamp((expected * measured + seen * prior) / (measured + prior), 1e-5, 0.49);
    }

    /** Whether a frame with error rate {@code q} is all but sure to fail with this code: then no time is spent on trying. */
    boolean hopeless(Frame frame, AdaptedCode code, double q) {
        return needed(frame, q) > code.code().syndromeBits() * (1 + Math.max(0.02, 2 * spread(frame, q)));
    }

    /**
     * The code for the next attempt at a frame that failed; the same parent with more splits.
     *
     * @param q what is probably its error rate
     * @param round 0 for the first time
     * @return empty if that would tell as much as the frame has bits, or all rows are split already
     */
    Optional<AdaptedCode> next(Frame frame, AdaptedCode code, double q, int round) {
        double raised = code.code().syndromeBits() * (1 + RAISE[round] * spread(frame, q));
        double bits = Math.max(raised, needed(frame, q)) - code.code().syndromeBits();
        AdaptedCode more =
                split(frame, code, Math.max(1, Math.round(bits / code.code().circulant())));
        return more == code ? Optional.empty() : Optional.of(more);
    }

    /** Takes note of first attempts at frames of one length. */
    void observe(Frame any, int attempts, int failed) {
        Curve curve = curve(any);
        double gain = Math.max(SMALLEST_GAIN, LARGEST_GAIN / (1 + curve.frames / 60.0));
        curve.frames += attempts;
        double share = failures(any);
        double step = Math.clamp(gain * (failed - share * attempts), -LARGEST_FALL, LARGEST_RISE);
        double least = profile == Profile.FAST ? 0 : -LARGEST_MARGIN;
        curve.margin = Math.clamp(curve.margin + step * spread(any, qber.value()), least, LARGEST_MARGIN);
    }
}
