package dev.qdistill.link;

import dev.qdistill.security.BinaryEntropy;
import dev.qdistill.security.DetectionCounts;
import dev.qdistill.security.EpsilonBudget;
import dev.qdistill.security.KeyLength;
import dev.qdistill.security.KeyLengthBound;
import dev.qdistill.security.UnequalBasisCheck;
import dev.qdistill.security.UnequalBasisCounts;
import java.util.Locale;
import java.util.Optional;

/**
 * The decision over a block, which both sides take from the same public numbers: a key of this length, or none.
 *
 * @param length the bound's answer
 * @param abort why the block gets no key, as a sentence without a full stop; empty if it gets one
 */
public record Verdict(KeyLength length, Optional<String> abort) {

    /** All checks together, so that a refused block still reports everything. */
    static Verdict of(
            Parameters parameters, DetectionCounts counts, UnequalBasisCounts unequal, long leakedBits, long tagBits) {
        EpsilonBudget budget = new EpsilonBudget(parameters.epsilonSecrecy(), parameters.epsilonCorrectness());
        KeyLength length = KeyLengthBound.evaluate(counts, (double) leakedBits, (double) tagBits, budget);
        return new Verdict(length, refusal(parameters, counts, unequal).or(length::reason));
    }

    private static Optional<String> refusal(Parameters parameters, DetectionCounts counts, UnequalBasisCounts unequal) {
        long seen = unequal.aliceZ0().total()
                + unequal.aliceZ1().total()
                + unequal.aliceX0().total()
                + unequal.aliceX1().total();
        if (seen > 0 || parameters.requireUnequalBasis()) {
            UnequalBasisCheck.Verdict check = UnequalBasisCheck.withTolerance(parameters.unequalBasisTolerance())
                    .check(unequal);
            if (!check.accepted() || seen == 0) {
                return Optional.of("unequal-basis check failed: " + check.sentence());
            }
        }
        double qber = rate(counts.keyErrors(), counts.keyDetections());
        if (qber > parameters.maximumQber()) {
            return Optional.of(String.format(
                    Locale.ROOT,
                    "key-basis QBER %.2f %% is above the limit of %.2f %%",
                    100 * qber,
                    100 * parameters.maximumQber()));
        }
        return Optional.empty();
    }

    static double rate(long errors, long bits) {
        return bits == 0 ? 0 : (double) errors / bits;
    }

    /** The reconciliation efficiency f = leaked / (n·h(Q)); 0 where there were no errors. */
    static double efficiency(long leakedBits, long bits, long errors) {
        double entropy = bits * BinaryEntropy.of(rate(errors, bits));
        return entropy == 0 ? 0 : leakedBits / entropy;
    }
}
