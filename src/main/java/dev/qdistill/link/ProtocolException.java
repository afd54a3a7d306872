package dev.qdistill.link;

import org.jspecify.annotations.Nullable;

/**
 * The peer sent something that the protocol does not allow, or went away; or a block cannot be finished. Ends the block without a
 * key.
 */
public final class ProtocolException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What it ends. */
    private enum Scope {
        SESSION,
        /** The session, in order. */
        CLOSED,
        BLOCK
    }

    private final Scope scope;

    /** @param problem what was received and what was expected, as a sentence without a full stop */
    public ProtocolException(String problem) {
        this(problem, null, Scope.SESSION);
    }

    ProtocolException(String problem, RuntimeException cause) {
        this(problem, cause, Scope.SESSION);
    }

    private ProtocolException(String problem, @Nullable Throwable cause, Scope scope) {
        super(problem, cause);
        this.scope = scope;
    }

    /** This block cannot be finished; nothing speaks against the others. */
    static ProtocolException ofBlock(String problem) {
        return new ProtocolException(problem, null, Scope.BLOCK);
    }

    /** The same, because something failed at this end. */
    static ProtocolException ofBlock(String problem, Throwable cause) {
        return new ProtocolException(problem, cause, Scope.BLOCK);
    }

    /** Whether other blocks of the session can go on. */
    public boolean endsOneBlock() {
        return scope == Scope.BLOCK;
    }

    /** The peer ended the channel in order, after all that it said. */
    public static ProtocolException closedInOrder(String problem) {
        return new ProtocolException(problem, null, Scope.CLOSED);
    }

    /** Whether the peer ended the channel in order: what it said before still counts. */
    public boolean isClosedInOrder() {
        return scope == Scope.CLOSED;
    }

    /** The same, thrown anew. */
    public ProtocolException again() {
        return new ProtocolException(String.valueOf(getMessage()), null, scope);
    }
}
