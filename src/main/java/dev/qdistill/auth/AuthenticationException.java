package dev.qdistill.auth;

/** A tag that does not fit what was received, or there is no key to make or check one with. Holds no key bits. */
public final class AuthenticationException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean dry;

    private AuthenticationException(String problem, boolean dry) {
        super(problem);
        this.dry = dry;
    }

    /** What was received is not what the peer sent, or not from the peer. */
    public static AuthenticationException refused(String problem) {
        return new AuthenticationException(problem, false);
    }

    static AuthenticationException dry(String problem) {
        return new AuthenticationException(problem, true);
    }

    /** Whether the pool is used up: only new authentication key helps. */
    public boolean dry() {
        return dry;
    }
}
