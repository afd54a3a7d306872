package dev.qdistill.security;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Optional;
import java.util.SequencedMap;

/** The quantities of one evaluation of a bound; guards that nothing but finite numbers leaves it. */
final class Terms {
    private final KeyLengthBound bound;
    private final SequencedMap<String, Double> values = new LinkedHashMap<>();
    private String problem = "";

    Terms(KeyLengthBound bound) {
        this.bound = bound;
    }

    /** Keeps a value under its name and returns it; one that is not finite makes the answer "no key". */
    double put(String name, double value) {
        if (Double.isFinite(value)) {
            values.put(name, value);
        } else {
            refuse("the counts or intensities are too extreme for numbers: " + name + " is " + value);
        }
        return value;
    }

    /** Makes the answer "no key"; the first reason counts. */
    void refuse(String reason) {
        if (problem.isEmpty()) {
            problem = reason;
        }
    }

    /**
     * The last line of every bound: what is secret before the costs, less the costs.
     *
     * @param entropyBits the smooth min-entropy of the raw key, at most {@code keyBits}
     * @param secrecyBits what privacy amplification costs
     */
    KeyLength subtract(
            double keyBits,
            double entropyBits,
            double leakedBits,
            double secrecyBits,
            double verificationTagBits,
            EpsilonBudget budget) {
        requireCost("leakedBits", leakedBits);
        requireCost("verificationTagBits", verificationTagBits);
        double entropy = put("entropyBits", Math.min(entropyBits, keyBits));
        put("leakedBits", leakedBits);
        put("secrecyBits", secrecyBits);
        double verification = put("verificationBits", Math.max(verificationTagBits, budget.correctnessBits()));
        double length = put("length", entropy - leakedBits - secrecyBits - verification);
        if (problem.isEmpty() && length < 1) {
            refuse(String.format(
                    Locale.ROOT,
                    "no positive length: %.1f bits of entropy, less %.1f leaked, %.1f for secrecy and %.1f for"
                            + " verification",
                    entropy,
                    leakedBits,
                    secrecyBits,
                    verification));
        }
        return problem.isEmpty()
                ? new KeyLength((long) Math.floor(length), bound.title(), bound.source(), values, Optional.empty())
                : new KeyLength(0, bound.title(), bound.source(), values, Optional.of(problem));
    }

    private static void requireCost(String name, double bits) {
        if (!(bits >= 0 && bits < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException(name + " is " + bits + ": a finite number, 0 or more, is needed");
        }
    }
}
