package dev.qdistill.keystore;

import dev.qdistill.bits.BitString;
import java.time.Instant;
import java.util.Random;
import java.util.UUID;

/** Records and keys for tests. */
final class Keys {
    private Keys() {}

    static KeyRecord record(long seed, long bits) {
        return new KeyRecord(
                new UUID(seed, seed + 1),
                "Vienna–Graz",
                Site.ALICE,
                new UUID(0x0123456789abcdefL, 0xfedcba9876543210L),
                seed,
                bits,
                1e-9,
                1e-15,
                Instant.ofEpochMilli(1_775_000_000_000L + seed));
    }

    static BitString bits(long seed, long bits) {
        return BitString.random(bits, new Random(seed));
    }

    static String message(KeyStoreException e) {
        return String.valueOf(e.getMessage());
    }
}
