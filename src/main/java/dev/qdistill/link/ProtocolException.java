package dev.qdistill.link;

/** The peer sent something that the protocol does not allow, or went away. Ends the block without a key. */
public final class ProtocolException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param problem what was received and what was expected, as a sentence without a full stop */
    public ProtocolException(String problem) {
        super(problem);
    }

    ProtocolException(String problem, RuntimeException cause) {
        super(problem, cause);
    }
}
