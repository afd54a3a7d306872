package dev.qdistill.agent;

/** One link of the agent: takes the sessions' raw data and distils them with the peer, one session after another. */
public interface LinkService {
    /** Sessions that may wait. */
    int MAXIMUM_WAITING = 256;

    /** The link's name. */
    String name();

    /**
     * Has a session distilled as soon as the peer has it too. Safe for use by many threads.
     *
     * @param feed the service's from now on
     * @throws FeedException if the link does not take it; then the feed stays the caller's
     */
    void offer(Feed feed);

    /** How the link is. */
    LinkStatus status();
}
