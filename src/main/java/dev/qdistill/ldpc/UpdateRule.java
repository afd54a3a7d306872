package dev.qdistill.ldpc;

/** How a check node turns the magnitudes of its incoming messages into those of its outgoing ones. */
public enum UpdateRule {
    /**
     * Quantised belief propagation: φ(|t|) is summed in 8 bits, the largest term kept out of the sum so that it cannot
     * saturate the others, and the result is mapped back by a table for the present state of the decoder.
     */
    PHI,
    /** Min-sum, the two smallest magnitudes mapped through a table for the present state of the decoder. */
    MIN_SUM
}
