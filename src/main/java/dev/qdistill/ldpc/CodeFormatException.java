package dev.qdistill.ldpc;

/** A description of a code that is cut, damaged, of an unknown format or version, or not a code. */
public final class CodeFormatException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final long offset;

    /**
     * A problem at a place.
     *
     * @param offset the offset in bytes at which it was noticed, or -1 where there is none
     * @param problem what was found and what was expected
     */
    public CodeFormatException(long offset, String problem) {
        super(problem);
        this.offset = offset;
    }

    /** The offset in bytes at which the problem was noticed, or -1. */
    public long offset() {
        return offset;
    }
}
