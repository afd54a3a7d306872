package dev.qdistill.dump;

import java.util.Locale;

/** What the records of a dump are. */
public enum DumpKind {
    /** One record for each detected pulse, with its pulse index. */
    RAW(1),
    /** One record for each detection with equal bases, numbered from 0; both sides have the same numbers. */
    SIFTED(2),
    /** One record for every pulse sent, numbered from 0: Alice's, for short captures. */
    FULL_PULSE(3);

    private final int code;

    DumpKind(int code) {
        this.code = code;
    }

    /** The number in a QRAW file. */
    int code() {
        return code;
    }

    /** The name in reports, such as {@code full-pulse}. */
    public String id() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
