package dev.qdistill.security;

import java.util.List;
import java.util.Locale;

/**
 * The check of the detections with unequal bases: in BB84 Bob's bit is then a coin toss whatever Alice sent. If it is
 * not, for any of the four states, the link is not the BB84 that the bounds speak of (an entanglement source in other
 * bases, a labelling error, a blinded detector), and the block must have no key.
 *
 * <p>The rule, for each state: with n detections of which the fraction f are ones, f must lie within 1/2 ± tolerance
 * beyond counting error. Counting error is excluded by Chernoff's bound, which holds at every n: a link whose true
 * fraction lies in the band, at worst at its edge e, shows f or worse with a chance of at most 2^(-n D(f||e)), with
 * D the relative entropy of two coins. The state is refused when f lies outside the band and this chance is below
 * {@link #falseAlarm()}. With the defaults that takes at least 49 detections, however they fall.
 */
public record UnequalBasisCheck(double tolerance, double falseAlarm) {
    /** 50 ± 15 %, at a chance of 1e-9 a state of refusing a link that is within. */
    public static final UnequalBasisCheck DEFAULT = new UnequalBasisCheck(0.15, 1e-9);

    /**
     * @param tolerance allowed distance of the fraction of ones from 1/2, 0 to 1/2 (which accepts everything)
     * @param falseAlarm largest chance, for one state, of refusing a link within the tolerance; above 0, below 1
     * @throws IllegalArgumentException if a value is out of its range
     */
    public UnequalBasisCheck {
        if (!(tolerance >= 0 && tolerance <= 0.5)) {
            throw new IllegalArgumentException("tolerance is " + tolerance + ": a number from 0 to 0.5 is needed");
        }
        if (!(falseAlarm > 0 && falseAlarm < 1)) {
            throw new IllegalArgumentException(
                    "falseAlarm is " + falseAlarm + ": a number above 0 and below 1 is needed");
        }
    }

    /** The default check with another tolerance. */
    public static UnequalBasisCheck withTolerance(double tolerance) {
        return new UnequalBasisCheck(tolerance, DEFAULT.falseAlarm);
    }

    /**
     * The outcome of the check.
     *
     * @param accepted whether all four states are within the band, as far as the counts can tell
     * @param worstState the state that is least compatible with the band, such as {@code X0}
     * @param worstFraction the fraction of ones that Bob saw for it; 1/2 if there were no detections
     * @param evidenceBits -log2 of the chance that a link within the band shows this; 0 if it is inside
     * @param sentence what was found for the worst state, without a full stop
     */
    public record Verdict(
            boolean accepted, String worstState, double worstFraction, double evidenceBits, String sentence) {}

    private record State(String name, String bobBasis, UnequalBasisCounts.Outcomes seen) {
        double fraction() {
            return seen.total() == 0 ? 0.5 : (double) seen.ones() / seen.total();
        }
    }

    /** Checks one block. */
    public Verdict check(UnequalBasisCounts counts) {
        List<State> states = List.of(
                new State("Z0", "X", counts.aliceZ0()),
                new State("Z1", "X", counts.aliceZ1()),
                new State("X0", "Z", counts.aliceX0()),
                new State("X1", "Z", counts.aliceX1()));
        State worst = states.getFirst();
        for (State s : states) {
            double more = evidenceBits(s) - evidenceBits(worst);
            if (more > 0 || more == 0 && Math.abs(s.fraction() - 0.5) > Math.abs(worst.fraction() - 0.5)) {
                worst = s;
            }
        }
        double evidence = evidenceBits(worst);
        boolean accepted = evidence <= -BinaryEntropy.log2(falseAlarm);
        return new Verdict(accepted, worst.name(), worst.fraction(), evidence, sentence(worst, accepted));
    }

    // -log2 of Chernoff's bound on the chance of this fraction, for the coin in the band that makes it likeliest.
    private double evidenceBits(State s) {
        double f = s.fraction();
        if (Math.abs(f - 0.5) <= tolerance) {
            return 0;
        }
        double edge = f > 0.5 ? 0.5 + tolerance : 0.5 - tolerance;
        return s.seen().total() * Math.max(0, part(f, edge) + part(1 - f, 1 - edge));
    }

    private static double part(double f, double edge) {
        return f == 0 ? 0 : f * (BinaryEntropy.log2(f) - BinaryEntropy.log2(edge));
    }

    private String sentence(State s, boolean accepted) {
        String seen = s.seen().total() == 0
                ? "there are no detections with unequal bases"
                : String.format(
                        Locale.ROOT,
                        "when Alice sent %s and Bob measured %s, %d of %d bits (%.1f %%) were ones",
                        s.name(),
                        s.bobBasis(),
                        s.seen().ones(),
                        s.seen().total(),
                        100 * s.fraction());
        return String.format(
                Locale.ROOT,
                "%s; unequal bases must give 50 ± %s %%%s",
                seen,
                new java.math.BigDecimal(100 * tolerance)
                        .round(new java.math.MathContext(4))
                        .stripTrailingZeros()
                        .toPlainString(),
                accepted ? ", and do within counting error" : " beyond counting error, or this is not BB84");
    }
}
