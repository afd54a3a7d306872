package dev.qdistill.security;

/**
 * A finite-key bound: the secret length that one block's counts allow.
 *
 * <p>Every bound has a domain; outside it the answer is a length of zero with the reason, never an exception and never
 * a number that is not finite. Inside it the length never grows when errors become more in the same proportions, when
 * the test sample shrinks, when ε does, or when more was leaked.
 */
public sealed interface KeyLengthBound permits SinglePhotonBound, OneDecoyBound, TwoDecoyBound {
    /** The bound for a protocol. */
    static KeyLengthBound of(Protocol protocol) {
        return switch (protocol) {
            case SINGLE_PHOTON -> new SinglePhotonBound();
            case ONE_DECOY -> new OneDecoyBound();
            case TWO_DECOY -> new TwoDecoyBound();
        };
    }

    /** The bound for the counts' protocol, evaluated; see {@link #keyLength}. */
    static KeyLength evaluate(
            DetectionCounts counts, double leakedBits, double verificationTagBits, EpsilonBudget budget) {
        return of(counts.protocol()).keyLength(counts, leakedBits, verificationTagBits, budget);
    }

    /** The protocol it is for. */
    Protocol protocol();

    /** Its name in reports. */
    String title();

    /** The paper it comes from. */
    String source();

    /** Among how many failure events it splits ε_sec evenly; 1 if it does not. */
    int secrecyTerms();

    /**
     * The length of the secret key.
     *
     * @param counts of a block of this bound's {@link #protocol()}
     * @param leakedBits all that was sent about the key in either direction, verification tag not included; a number
     *     of bits, not necessarily whole, zero or more
     * @param verificationTagBits tag bits sent, zero or more; what is subtracted is the larger of this and
     *     log2(2/ε_cor)
     * @param budget the ε of this block
     * @throws IllegalArgumentException if the counts are another protocol's, or a number of bits is negative or not
     *     finite
     */
    KeyLength keyLength(DetectionCounts counts, double leakedBits, double verificationTagBits, EpsilonBudget budget);
}
