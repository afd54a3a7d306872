package dev.qdistill.auth;

/** Counts tags and their ε for one link. Safe for use by many threads. */
public final class AuthenticationLog {
    private long made;
    private long checked;
    private long refused;
    private double epsilon;

    synchronized void made(double tagEpsilon) {
        made++;
        epsilon += tagEpsilon;
    }

    synchronized void checked(double tagEpsilon, boolean right) {
        checked++;
        epsilon += tagEpsilon;
        refused += right ? 0 : 1;
    }

    synchronized void refused() {
        refused++;
    }

    /** What there was so far. */
    public synchronized Counts counts() {
        return new Counts(made, checked, refused, epsilon);
    }

    /**
     * Numbers of tags.
     *
     * @param made by this site
     * @param checked by this site
     * @param refused of those checked, or whose pad was spent or unknown
     * @param epsilon the sum of ε(L) over those made and checked
     */
    public record Counts(long made, long checked, long refused, double epsilon) {}
}
