package dev.qdistill.agent;

import java.util.List;

/** A request for keys that is answered with an error, as ETSI GS QKD 014 says. */
final class DeliveryException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    static final int BAD_REQUEST = 400;
    static final int UNAUTHORIZED = 401;
    static final int NOT_FOUND = 404;
    static final int METHOD_NOT_ALLOWED = 405;
    static final int UNAVAILABLE = 503;

    private final int status;
    private final transient List<String> details;
    private final long retrySeconds;

    private DeliveryException(int status, String message, List<String> details, long retrySeconds) {
        super(message);
        this.status = status;
        this.details = List.copyOf(details);
        this.retrySeconds = retrySeconds;
    }

    DeliveryException(int status, String message, String... details) {
        this(status, message, List.of(details), 0);
    }

    /** For the moment: the application may try again after this many seconds. */
    static DeliveryException busy(long retrySeconds, String message, String... details) {
        return new DeliveryException(UNAVAILABLE, message, List.of(details), Math.max(1, retrySeconds));
    }

    int status() {
        return status;
    }

    /** What else is to be said; no secrets. */
    List<String> details() {
        return details;
    }

    /** 0 if trying again is of no use. */
    long retrySeconds() {
        return retrySeconds;
    }
}
