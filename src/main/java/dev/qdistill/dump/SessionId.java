package dev.qdistill.dump;

import java.util.HexFormat;
import java.util.random.RandomGenerator;

/**
 * What the two dumps of one session have in common: 128 bits, drawn at random when the session starts.
 *
 * @param high the first 64 bits as printed
 * @param low the last 64 bits as printed
 */
public record SessionId(long high, long low) {
    public static SessionId random(RandomGenerator source) {
        return new SessionId(source.nextLong(), source.nextLong());
    }

    /** 32 hexadecimal digits. */
    @Override
    public String toString() {
        HexFormat hex = HexFormat.of();
        return hex.toHexDigits(high) + hex.toHexDigits(low);
    }
}
