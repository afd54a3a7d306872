package dev.qdistill.security;

import dev.qdistill.security.DetectionCounts.Intensity;
import java.util.List;
import java.util.function.ToLongFunction;

/**
 * Two decoys: C. C. W. Lim, M. Curty, N. Walenta, F. Xu, H. Zbinden, "Concise security bounds for practical decoy-state
 * quantum key distribution", Physical Review A 89, 022307 (2014), with mu_1 &gt; mu_2 + mu_3, mu_2 &gt; mu_3 &gt;= 0
 * and ε = ε_sec/21. Its X (key) and Z (test) are our Z and X.
 *
 * <pre>
 * n±_k = e^k/p_k (n_k ± d(n)), d(n) = sqrt(n/2 ln(1/ε)); m±_k likewise; tau_n = Σ p_k e^-k k^n/n!
 * s0 = max(0, tau_0 (mu_2 n-_3 - mu_3 n+_2)/(mu_2-mu_3))
 * s1 = tau_1 mu_1 [ n-_2 - n+_3 - (mu_2²-mu_3²)/mu_1² (n+_1 - s0/tau_0) ] / [ mu_1 (mu_2-mu_3) - mu_2² + mu_3² ]
 * v = tau_1 (m+_2 - m-_3)/(mu_2-mu_3) in the test basis, phi = v/s1Test + g
 * l = floor( s0Key + s1Key (1 - h(phi)) - leak - 6 log2(21/ε_sec) - log2(2/ε_cor) )
 * </pre>
 */
public record TwoDecoyBound() implements KeyLengthBound {
    private static final int FAILURE_EVENTS = 21;

    @Override
    public Protocol protocol() {
        return Protocol.TWO_DECOY;
    }

    @Override
    public String title() {
        return "two decoys, Lim et al. 2014";
    }

    @Override
    public String source() {
        return "C. C. W. Lim, M. Curty, N. Walenta, F. Xu, H. Zbinden, Physical Review A 89, 022307 (2014)";
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
        double mu1 = terms.put("mu1", k.get(0).mean());
        double mu2 = terms.put("mu2", k.get(1).mean());
        double mu3 = terms.put("mu3", k.get(2).mean());
        double tau0 = terms.put("tau0", DecoyMath.tau0(k));
        double tau1 = terms.put("tau1", DecoyMath.tau1(k));
        if (!(mu1 > mu2 + mu3 && mu2 > mu3)) {
            terms.refuse("the bound needs mu1 > mu2 + mu3 and mu2 > mu3, not " + mu1 + ", " + mu2 + " and " + mu3);
            return terms.subtract(n, 0, leakedBits, 0, verificationTagBits, budget);
        }

        Basis key = singlePhotons(k, tau0, tau1, "Key", Intensity::keyDetections, budget, terms);
        Basis test = singlePhotons(k, tau0, tau1, "Test", Intensity::testDetections, budget, terms);
        double errorDeviation = terms.put(
                "dMTest",
                DecoyMath.deviation(
                        DecoyMath.sum(counts, Intensity::testErrors), FAILURE_EVENTS, budget.epsilonSecrecy()));
        double v = terms.put("v", DecoyMath.singlePhotonErrors(tau1, k.get(1), k.get(2), errorDeviation));
        return DecoyMath.finish(
                terms, FAILURE_EVENTS, n, key.s0, key.s1, test.s1, v, leakedBits, verificationTagBits, budget);
    }

    /** Lower bounds on the detections of one basis that came from empty pulses and from single photons. */
    private record Basis(double s0, double s1) {}

    private static Basis singlePhotons(
            List<Intensity> k,
            double tau0,
            double tau1,
            String name,
            ToLongFunction<Intensity> detections,
            EpsilonBudget budget,
            Terms terms) {
        double mu1 = k.get(0).mean();
        double mu2 = k.get(1).mean();
        double mu3 = k.get(2).mean();
        double total =
                k.stream().mapToDouble(i -> (double) detections.applyAsLong(i)).sum();
        double d = terms.put("dN" + name, DecoyMath.deviation(total, FAILURE_EVENTS, budget.epsilonSecrecy()));
        double upper1 = DecoyMath.weight(k.get(0)) * (detections.applyAsLong(k.get(0)) + d);
        double lower2 = DecoyMath.weight(k.get(1)) * (detections.applyAsLong(k.get(1)) - d);
        double upper2 = DecoyMath.weight(k.get(1)) * (detections.applyAsLong(k.get(1)) + d);
        double lower3 = DecoyMath.weight(k.get(2)) * (detections.applyAsLong(k.get(2)) - d);
        double upper3 = DecoyMath.weight(k.get(2)) * (detections.applyAsLong(k.get(2)) + d);

        double s0 = terms.put("s0" + name, Math.clamp(tau0 * (mu2 * lower3 - mu3 * upper2) / (mu2 - mu3), 0, total));
        // mu_1 (mu_2-mu_3) - mu_2² + mu_3² = (mu_2-mu_3)(mu_1-mu_2-mu_3): no cancellation.
        double bracket = lower2 - upper3 - (mu2 - mu3) * (mu2 + mu3) / (mu1 * mu1) * (upper1 - s0 / tau0);
        double s1 = terms.put("s1" + name, Math.min(total, tau1 * mu1 * bracket / ((mu2 - mu3) * (mu1 - mu2 - mu3))));
        return new Basis(s0, s1);
    }
}
