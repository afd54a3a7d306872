package dev.qdistill.link;

import java.util.Locale;

/** The stages of a block, in order. */
public enum Stage {
    SIFT,
    RECONCILE,
    VERIFY,
    ESTIMATE,
    AMPLIFY;

    /** The name in reports. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }
}
