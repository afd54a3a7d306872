package dev.qdistill.security;

import static dev.qdistill.security.BinaryEntropy.log2;

import java.util.List;
import java.util.function.ToLongFunction;

/** What the one-decoy and the two-decoy bound share; the number of failure events (19 or 21) is always the caller's. */
final class DecoyMath {
    private DecoyMath() {}

    static void requireProtocol(KeyLengthBound bound, DetectionCounts counts) {
        if (counts.protocol() != bound.protocol()) {
            throw new IllegalArgumentException("Counts of " + counts.protocol().id() + " for the bound of "
                    + bound.protocol().id());
        }
    }

    /** A count added over the intensities, as a double: it cannot overflow. */
    static double sum(DetectionCounts counts, ToLongFunction<DetectionCounts.Intensity> count) {
        return counts.intensities().stream()
                .mapToDouble(k -> (double) count.applyAsLong(k))
                .sum();
    }

    /** Hoeffding's deviation d(n) = sqrt(n/2 · ln(1/ε)), ε = ε_sec/terms. */
    static double deviation(double n, int terms, double epsilonSecrecy) {
        return Math.sqrt(n / 2 * (Math.log(terms) - Math.log(epsilonSecrecy)));
    }

    /** e^k/p_k: turns a count of intensity k into what it says about the photon numbers. */
    static double weight(DetectionCounts.Intensity k) {
        return Math.exp(k.mean()) / k.probability();
    }

    /** tau_0: the chance that a pulse holds no photon. */
    static double tau0(List<DetectionCounts.Intensity> intensities) {
        return intensities.stream()
                .mapToDouble(k -> k.probability() * Math.exp(-k.mean()))
                .sum();
    }

    /** tau_1: the chance that a pulse holds one photon. */
    static double tau1(List<DetectionCounts.Intensity> intensities) {
        return intensities.stream()
                .mapToDouble(k -> k.probability() * Math.exp(-k.mean()) * k.mean())
                .sum();
    }

    /**
     * The number of errors of single photons in the test basis, tau_1 (m+_i - m-_j)/(mu_i - mu_j), at least 1: g
     * vanishes at b = 0, so no observed errors would otherwise mean no phase errors at all. The difference of the counts
     * is not let below zero, where it can only be by chance: so more errors of the same kind never lower the result.
     */
    static double singlePhotonErrors(
            double tau1, DetectionCounts.Intensity i, DetectionCounts.Intensity j, double deviation) {
        double difference = weight(i) * i.testErrors() - weight(j) * j.testErrors();
        double counting = (weight(i) + weight(j)) * deviation;
        return Math.max(1, tau1 * (Math.max(0, difference) + counting) / (i.mean() - j.mean()));
    }

    /**
     * How much higher the error rate of c bits may be than the rate b seen in d others drawn at random (Lim et al., the
     * function γ):
     *
     * <pre>
     * g = sqrt( (c+d)(1-b)b / (c d ln 2) · log2( (c+d)/(c d (1-b) b) · terms²/ε_sec² ) )
     * </pre>
     *
     * As a function of x = (1-b)b the radicand is x·log2(K/x) times a constant: it falls again beyond x = K/e, and is
     * negative beyond K (only for large samples with a large ε). There its maximum is taken, which is safe and keeps g
     * growing with b.
     *
     * @param b 0 to 1/2
     * @param c above 0
     * @param d above 0
     */
    static double gap(int terms, double epsilonSecrecy, double b, double c, double d) {
        double x = (1 - b) * b;
        if (x <= 0) {
            return 0;
        }
        double inverseSizes = 1 / c + 1 / d;
        // In logarithms: the square of a small ε is no double.
        double log2K = log2(inverseSizes) + 2 * (log2(terms) - log2(epsilonSecrecy));
        double log2E = 1 / Math.log(2);
        double log2X = log2(x);
        double radicand = log2K - log2X >= log2E ? x * (log2K - log2X) : Math.pow(2, log2K - log2E) * log2E;
        return Math.sqrt(inverseSizes * log2E * radicand);
    }

    /**
     * The last part of both decoy bounds: from the vacuum and single-photon counts to the length
     * s0 + s1 (1 - h(phi)) - leak - 6 log2(terms/ε_sec) - verification.
     */
    static KeyLength finish(
            Terms terms,
            int failureEvents,
            double keyBits,
            double s0,
            double s1Key,
            double s1Test,
            double v,
            double leakedBits,
            double verificationTagBits,
            EpsilonBudget budget) {
        double entropy = 0;
        if (s1Key > 0 && s1Test > 0) {
            double b = terms.put("b", v / s1Test);
            double g = b < 0.5 ? terms.put("g", gap(failureEvents, budget.epsilonSecrecy(), b, s1Key, s1Test)) : 0;
            double phi = terms.put("phi", b + g);
            double h = terms.put("hPhi", BinaryEntropy.ofErrorBound(phi));
            entropy = s0 + s1Key * (1 - h);
        } else if (s1Key <= 0) {
            terms.refuse("no detection of a single photon is certain in the key basis");
        } else {
            terms.refuse("no detection of a single photon is certain in the test basis");
        }
        double secrecy = 6 * (log2(failureEvents) - log2(budget.epsilonSecrecy()));
        return terms.subtract(keyBits, entropy, leakedBits, secrecy, verificationTagBits, budget);
    }
}
