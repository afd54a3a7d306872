package dev.qdistill.ldpc;

/** What a code's operating point is chosen for. */
public enum Profile {
    /** The least decoding work: about {@value #FAST_WORK} edge updates a bit. */
    FAST,
    /** The least leakage, whatever the number of iterations up to {@value #EFFICIENT_ITERATIONS}. */
    EFFICIENT;

    static final int FAST_WORK = 136;
    static final int EFFICIENT_ITERATIONS = 120;
}
