package dev.qdistill.keystore;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class Sha256Test {
    @Test
    void givesTheStandardsAnswer() {
        assertEquals(
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                HexFormat.of().formatHex(hash("abc".getBytes(StandardCharsets.US_ASCII), 1)));
    }

    @Test
    void agreesWithThePlatformAtEveryLengthAndInAnyPieces() throws NoSuchAlgorithmException {
        Random random = new Random(1);
        MessageDigest platform = MessageDigest.getInstance("SHA-256");
        for (int length = 0; length <= 300; length++) {
            byte[] message = new byte[length];
            random.nextBytes(message);
            assertArrayEquals(platform.digest(message), hash(message, 1 + random.nextInt(100)));
        }
        byte[] message = new byte[100_003];
        random.nextBytes(message);
        assertArrayEquals(platform.digest(message), hash(message, message.length));
    }

    private static byte[] hash(byte[] message, int piece) {
        try (Arena arena = Arena.ofConfined();
                Sha256 sha = new Sha256()) {
            MemorySegment m = arena.allocate(Math.max(1, message.length)).asSlice(0, message.length);
            m.copyFrom(MemorySegment.ofArray(message));
            for (int at = 0; at < message.length; at += piece) {
                sha.update(m.asSlice(at, Math.min(piece, message.length - at)));
            }
            return sha.digest();
        }
    }
}
