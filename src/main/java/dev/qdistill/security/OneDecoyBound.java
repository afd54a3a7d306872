package dev.qdistill.security;

import dev.qdistill.security.DetectionCounts.Intensity;
import java.util.List;
import java.util.function.ToLongFunction;

/**
 * One decoy: D. Rusca, A. Boaron, F. Grünenfelder, A. Martin, H. Zbinden, "Finite-key analysis for the 1-decoy state
 * QKD protocol", Applied Physics Letters 112, 171104 (2018), with mu_1 &gt; mu_2 &gt; 0 and ε = ε_sec/19.
 *
 * <pre>
 * n±_k = e^k/p_k (n_k ± d(n)), d(n) = sqrt(n/2 ln(1/ε)); m±_k likewise; tau_n = Σ p_k e^-k k^n/n!
 * s0 = max(0, tau_0/(mu_1-mu_2) (mu_1 n-_2 - mu_2 n+_1))
 * s0Up = 2 [ tau_0 e^k/p_k (m_k + d(m)) + d(n) ] with k = mu_2, m and n of the same basis
 * s1 = tau_1 mu_1/(mu_2 (mu_1-mu_2)) [ n-_2 - (mu_2/mu_1)² n+_1 - (mu_1²-mu_2²)/mu_1² s0Up/tau_0 ]
 * v = tau_1 (m+_1 - m-_2)/(mu_1-mu_2) in the test basis, phi = v/s1Test + g
 * l = floor( s0Key + s1Key (1 - h(phi)) - leak - 6 log2(19/ε_sec) - log2(2/ε_cor) )
 * </pre>
 *
 * Other papers bound the vacuum events from above in another way; s0Up is the one of Rusca et al., which takes the
 * errors of the weaker intensity, half of which at least vacuum causes.
 */
public record OneDecoyBound() implements KeyLengthBound {
    private static final int FAILURE_EVENTS = 19;

    @Override
    public Protocol protocol() {
        return Protocol.ONE_DECOY;
    }

    @Override
    public String title() {
        return "one decoy, Rusca et al. 2018";
    }

    @Override
    public String source() {
        return "D. Rusca, A. Boaron, F. Grünenfelder, A. Martin, H. Zbinden, Applied Physics Letters 112, 171104 (2018)";
    }

    @Override
    public int secrecyTerms() {
        return FAILURE_EVENTS;
    }

    @Override
    public KeyLength keyLength(
            DetectionCounts counts, double leakedBits, double verificationTagBits, EpsilonBudget budget) {
        DecoyMath.requireProtocol(this, counts);
        Terms terms = new Terms(this);
        double n = terms.put("nKey", DecoyMath.sum(counts, Intensity::keyDetections));
        List<Intensity> k = counts.brightestFirst();
        Intensity signal = k.get(0);
        Intensity decoy = k.get(1);
        double mu1 = terms.put("mu1", signal.mean());
        double mu2 = terms.put("mu2", decoy.mean());
        double tau0 = terms.put("tau0", DecoyMath.tau0(k));
        double tau1 = terms.put("tau1", DecoyMath.tau1(k));
        if (!(mu1 > mu2 && mu2 > 0)) {
            terms.refuse("the bound needs mu1 > mu2 > 0, not " + mu1 + " and " + mu2);
            return terms.subtract(n, 0, leakedBits, 0, verificationTagBits, budget);
        }

        Basis key = new Basis(counts, "Key", Intensity::keyDetections, Intensity::keyErrors, budget, terms);
        Basis test = new Basis(counts, "Test", Intensity::testDetections, Intensity::testErrors, budget, terms);
        double s0 = terms.put(
                "s0Key", Math.clamp(tau0 / (mu1 - mu2) * (mu1 * key.lower(decoy) - mu2 * key.upper(signal)), 0, n));
        double s1Key = singlePhotons(signal, decoy, tau0, tau1, key, terms);
        double s1Test = singlePhotons(signal, decoy, tau0, tau1, test, terms);
        double v = terms.put("v", DecoyMath.singlePhotonErrors(tau1, signal, decoy, test.errorDeviation));
        return DecoyMath.finish(
                terms, FAILURE_EVENTS, n, s0, s1Key, s1Test, v, leakedBits, verificationTagBits, budget);
    }

    private static double singlePhotons(
            Intensity signal, Intensity decoy, double tau0, double tau1, Basis basis, Terms terms) {
        double mu1 = signal.mean();
        double mu2 = decoy.mean();
        double ratio = mu2 / mu1;
        double s0Up = terms.put(
                "s0Up" + basis.name,
                2
                        * (tau0 * DecoyMath.weight(decoy) * (basis.errors.applyAsLong(decoy) + basis.errorDeviation)
                                + basis.deviation));
        double bracket =
                basis.lower(decoy) - ratio * ratio * basis.upper(signal) - (1 - ratio) * (1 + ratio) * s0Up / tau0;
        return terms.put("s1" + basis.name, Math.min(basis.total, tau1 * mu1 / (mu2 * (mu1 - mu2)) * bracket));
    }

    /** The counts of one basis with their deviations. */
    private static final class Basis {
        final String name;
        final ToLongFunction<Intensity> detections;
        final ToLongFunction<Intensity> errors;
        final double total;
        final double deviation;
        final double errorDeviation;

        Basis(
                DetectionCounts counts,
                String name,
                ToLongFunction<Intensity> detections,
                ToLongFunction<Intensity> errors,
                EpsilonBudget budget,
                Terms terms) {
            this.name = name;
            this.detections = detections;
            this.errors = errors;
            this.total = DecoyMath.sum(counts, detections);
            double epsilon = budget.epsilonSecrecy();
            this.deviation = terms.put("dN" + name, DecoyMath.deviation(total, FAILURE_EVENTS, epsilon));
            this.errorDeviation =
                    terms.put("dM" + name, DecoyMath.deviation(DecoyMath.sum(counts, errors), FAILURE_EVENTS, epsilon));
        }

        double lower(Intensity k) {
            return DecoyMath.weight(k) * (detections.applyAsLong(k) - deviation);
        }

        double upper(Intensity k) {
            return DecoyMath.weight(k) * (detections.applyAsLong(k) + deviation);
        }
    }
}
