package dev.qdistill.accel;

/** A backend was asked for by name that this machine, JVM or build does not have. */
public final class BackendUnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String reason;

    /**
     * @param backend the one asked for
     * @param reason why it cannot be had, as a sentence without a full stop
     */
    public BackendUnavailableException(Backend backend, String reason) {
        super("Backend " + backend.id() + " is not available: " + reason);
        this.reason = reason;
    }

    /** Why it cannot be had, as a sentence without a full stop. */
    public String reason() {
        return reason;
    }
}
