package dev.qdistill.security;

import static dev.qdistill.security.BinaryEntropy.log2;

/**
 * Single photons (BB84, BBM92): M. Tomamichel, C. C. W. Lim, N. Gisin, R. Renner, "Tight finite-key analysis for
 * quantum cryptography", Nature Communications 3, 634 (2012), Eqs. (1) and (2).
 *
 * <pre>
 * l = floor( n (1 - h(Q + mu)) - leak - log2(2 / (ε_sec² ε_cor)) )
 * mu = sqrt( (n + k)/(n k) · (k + 1)/k · ln(4/ε_sec) )
 * </pre>
 *
 * with n key bits and a test sample of k with error rate Q.
 */
public record SinglePhotonBound() implements KeyLengthBound {
    @Override
    public Protocol protocol() {
        return Protocol.SINGLE_PHOTON;
    }

    @Override
    public String title() {
        return "single photons, Tomamichel et al. 2012";
    }

    @Override
    public String source() {
        return "M. Tomamichel, C. C. W. Lim, N. Gisin, R. Renner, Nature Communications 3, 634 (2012)";
    }

    @Override
    public int secrecyTerms() {
        return 1;
    }

    @Override
    public KeyLength keyLength(
            DetectionCounts counts, double leakedBits, double verificationTagBits, EpsilonBudget budget) {
        DecoyMath.requireProtocol(this, counts);
        Terms terms = new Terms(this);
        double n = terms.put("n", DecoyMath.sum(counts, DetectionCounts.Intensity::keyDetections));
        double k = terms.put("k", DecoyMath.sum(counts, DetectionCounts.Intensity::testDetections));
        double errors = DecoyMath.sum(counts, DetectionCounts.Intensity::testErrors);
        double epsilon = budget.epsilonSecrecy();

        double phi = 0.5;
        if (n == 0) {
            terms.refuse("there are no detections in the key basis");
        } else if (k == 0) {
            terms.refuse("there are no detections in the test basis");
        } else {
            double q = terms.put("Q", errors / k);
            double mu = terms.put("mu", Math.sqrt((1 / n + 1 / k) * (1 + 1 / k) * (Math.log(4) - Math.log(epsilon))));
            phi = terms.put("phi", q + mu);
        }
        double h = terms.put("hPhi", BinaryEntropy.ofErrorBound(phi));
        return terms.subtract(n, n * (1 - h), leakedBits, -2 * log2(epsilon), verificationTagBits, budget);
    }
}
