package dev.qdistill.auth;

import dev.qdistill.keystore.Site;

/** Who sends; each direction has pads of its own. */
public enum Direction {
    ALICE_TO_BOB(0),
    BOB_TO_ALICE(1);

    private final int code;

    Direction(int code) {
        this.code = code;
    }

    /** The number in tags and files. */
    int code() {
        return code;
    }

    /** What this site sends. */
    public static Direction from(Site sender) {
        return sender == Site.ALICE ? ALICE_TO_BOB : BOB_TO_ALICE;
    }

    /** The other way. */
    public Direction reverse() {
        return this == ALICE_TO_BOB ? BOB_TO_ALICE : ALICE_TO_BOB;
    }

    /** For messages: {@code Alice to Bob}. */
    String text() {
        return this == ALICE_TO_BOB ? "Alice to Bob" : "Bob to Alice";
    }
}
