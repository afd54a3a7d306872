package dev.qdistill.keystore;

/** Keys that were asked for cannot be had. Nothing was handed out, nothing spent. */
public final class HandoutException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Why. */
    public enum Reason {
        /** The store has too few bits for the link at the moment. */
        NOT_ENOUGH,
        /** No key here has this id, for this pair of applications; or it is gone. */
        UNKNOWN_ID,
        /** The key with this id was handed out before. */
        HANDED_OUT,
        /** The key is here, but this site waits for the other's confirmation. */
        NOT_CONFIRMED
    }

    private final Reason reason;

    HandoutException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }
}
