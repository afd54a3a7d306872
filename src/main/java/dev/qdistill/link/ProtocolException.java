package dev.qdistill.link;

/** The peer sent something that the protocol does not allow, or went away. Ends the block without a key. */
public final class ProtocolException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean closedInOrder;

    /** @param problem what was received and what was expected, as a sentence without a full stop */
    public ProtocolException(String problem) {
        super(problem);
        this.closedInOrder = false;
    }

    ProtocolException(String problem, RuntimeException cause) {
        super(problem, cause);
        this.closedInOrder = false;
    }

    private ProtocolException(String problem, boolean closedInOrder) {
        super(problem);
        this.closedInOrder = closedInOrder;
    }

    /** The peer ended the channel in order, after all that it said. */
    public static ProtocolException closedInOrder(String problem) {
        return new ProtocolException(problem, true);
    }

    /** Whether the peer ended the channel in order: what it said before still counts. */
    public boolean isClosedInOrder() {
        return closedInOrder;
    }

    /** The same, thrown anew. */
    public ProtocolException again() {
        return new ProtocolException(String.valueOf(getMessage()), closedInOrder);
    }
}
