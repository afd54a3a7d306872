package dev.qdistill.keystore;

import java.util.Locale;

/**
 * How far a key has come. Only {@link #AVAILABLE} keys are handed out. The last three are final: the bits are wiped, the
 * id stays known for a while, so that it is never used again and the other site can ask what became of it.
 */
public enum KeyState {
    /** Durable here, but the other site has not confirmed that it has it too. */
    STAGED,
    /** At both sites; some pieces may have been handed out. */
    AVAILABLE,
    /** Taken as a whole; not yet known whether it arrived. */
    RESERVED,
    /** Its file was damaged or gone when it was needed; what is left of it is kept until it expires. */
    DAMAGED,
    /** Handed out, all of it. */
    DELIVERED,
    /** Its time was over. */
    EXPIRED,
    /** Staged, and given up by both sites. */
    DISCARDED;

    /** The number in the index. */
    int code() {
        return switch (this) {
            case STAGED -> 1;
            case AVAILABLE -> 2;
            case RESERVED -> 3;
            case DAMAGED -> 4;
            case DELIVERED -> 5;
            case EXPIRED -> 6;
            case DISCARDED -> 7;
        };
    }

    static KeyState of(int code) {
        for (KeyState state : values()) {
            if (state.code() == code) {
                return state;
            }
        }
        throw new IllegalArgumentException("No state has the number " + code);
    }

    /** Whether the key's bits are gone. */
    public boolean isFinal() {
        return this == DELIVERED || this == EXPIRED || this == DISCARDED;
    }

    /** The name in reports. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }
}
