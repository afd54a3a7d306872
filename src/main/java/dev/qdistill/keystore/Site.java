package dev.qdistill.keystore;

import java.util.Locale;

/** At whose end of the link a key lies. */
public enum Site {
    ALICE(1),
    BOB(2);

    private final int code;

    Site(int code) {
        this.code = code;
    }

    /** The number in a key file. */
    int code() {
        return code;
    }

    /** The name in reports. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }
}
