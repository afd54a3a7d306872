package dev.qdistill.dump;

import java.util.Locale;

/** Whose records a dump holds. */
public enum Role {
    /** The sender: what was prepared. */
    ALICE(1),
    /** The receiver: what was detected. */
    BOB(2);

    private final int code;

    Role(int code) {
        this.code = code;
    }

    /** The number in a QRAW file. */
    int code() {
        return code;
    }

    /** The name on the command line and in reports. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    @Override
    public String toString() {
        return this == ALICE ? "Alice" : "Bob";
    }
}
