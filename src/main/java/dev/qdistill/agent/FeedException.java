package dev.qdistill.agent;

/** A link does not take a feed. */
public final class FeedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Why. */
    public enum Reason {
        /** It is of another link or role, or does not say of which session: it never will be taken. */
        NOT_OF_THIS_LINK,
        /** The link has this session already, waiting or in work. */
        KNOWN,
        /** The link had this session before, and it ended in order. */
        OVER,
        /** The link had this session before, and it failed. */
        FAILED,
        /** As many sessions wait as can: try again later. */
        BUSY,
        /** The agent stops. */
        STOPPING
    }

    private final Reason reason;

    FeedException(Reason reason, String problem) {
        super(problem);
        this.reason = reason;
    }

    /** Why it was not taken. */
    public Reason reason() {
        return reason;
    }
}
