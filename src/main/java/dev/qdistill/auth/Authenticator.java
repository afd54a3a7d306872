package dev.qdistill.auth;

import dev.qdistill.keystore.Site;
import java.util.Arrays;

/** Gives each conversation of one session its transcript. Safe for use by many threads. */
public final class Authenticator {
    private final PadPool pool;
    private final Site site;
    private final AuthenticationLog log;
    private volatile long[] nonces = new long[4];

    /**
     * @param pool this site's; not closed here
     * @param site this one
     * @param log counts the tags
     */
    public Authenticator(PadPool pool, Site site, AuthenticationLog log) {
        this.pool = pool;
        this.site = site;
        this.log = log;
    }

    /** The two ends' nonces, Alice's first, two words each; in every tag of the conversations that begin from now on. */
    public void nonces(long[] ofBoth) {
        if (ofBoth.length != 4) {
            throw new IllegalArgumentException("Nonces of " + ofBoth.length + " words, not 4");
        }
        nonces = Arrays.copyOf(ofBoth, 4);
    }

    /** The transcript of a conversation that begins. */
    public Transcript transcript(long conversation) {
        return new Transcript(pool, log, site, conversation, nonces);
    }
}
