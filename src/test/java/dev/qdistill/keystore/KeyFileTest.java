package dev.qdistill.keystore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.bits.BitString;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class KeyFileTest {
    @TempDir
    Path dir;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 7, 8, 9, 63, 64, 65, 255, 256, 511, 512, 513, 4097, 1_000_003, 10_000_000})
    void comesBackAsItWentIn(long bits) throws IOException {
        Path file = dir.resolve("key");
        KeyRecord record = Keys.record(3, bits);
        try (BitString key = Keys.bits(bits, bits)) {
            KeyFile.write(file, record, key);
            assertEquals(record, KeyFile.readRecord(file));
            try (BitString back = KeyFile.readKey(file)) {
                assertTrue(back.contentEquals(key));
            }
        }
    }

    /** The layout of docs/formats.md, byte by byte. */
    @Test
    void hasTheDocumentedLayout() throws IOException, NoSuchAlgorithmException {
        Path file = dir.resolve("key");
        KeyRecord record = new KeyRecord(
                UUID.fromString("00112233-4455-6677-8899-aabbccddeeff"),
                "link",
                Site.BOB,
                UUID.fromString("01234567-89ab-cdef-fedc-ba9876543210"),
                5,
                12,
                1e-9,
                1e-15,
                Instant.ofEpochMilli(1_775_000_000_123L));
        try (BitString key = BitString.parse("101000001101")) {
            KeyFile.write(file, record, key);
        }
        byte[] bytes = Files.readAllBytes(file);
        ByteBuffer b = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        assertEquals(192 + 2 + 32, bytes.length);
        assertEquals("514b45590d0a1a0a", hex(bytes, 0, 8));
        assertEquals(1, b.getInt(8));
        assertEquals(192, b.getInt(12));
        assertEquals("00112233445566778899aabbccddeeff", hex(bytes, 16, 16));
        assertEquals("0123456789abcdeffedcba9876543210", hex(bytes, 32, 16));
        assertEquals(5, b.getLong(48));
        assertEquals(12, b.getLong(56));
        assertEquals(0, b.getLong(64));
        assertEquals(12, b.getLong(72));
        assertEquals(1e-9, b.getDouble(80));
        assertEquals(1e-15, b.getDouble(88));
        assertEquals(1_775_000_000_123L, b.getLong(96));
        assertEquals(2, bytes[104]);
        assertEquals(4, bytes[105]);
        assertEquals("00".repeat(22), hex(bytes, 106, 22));
        assertEquals("6c696e6b", hex(bytes, 128, 4));
        assertEquals("00".repeat(60), hex(bytes, 132, 60));
        assertEquals("050b", hex(bytes, 192, 2));
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(Arrays.copyOf(bytes, 194));
        assertEquals(HexFormat.of().formatHex(hash), hex(bytes, 194, 32));
    }

    @Test
    void findsAFlippedBitAnywhere() throws IOException {
        Path file = written();
        byte[] good = Files.readAllBytes(file);
        for (int i = 0; i < good.length; i++) {
            for (int bit : new int[] {0, 3, 7}) {
                byte[] bad = good.clone();
                bad[i] ^= (byte) (1 << bit);
                Files.write(file, bad);
                KeyStoreException e = assertThrows(KeyStoreException.class, () -> KeyFile.readKey(file));
                assertTrue(Keys.message(e).startsWith(file + " at byte "), Keys.message(e));
            }
        }
    }

    @Test
    void findsACutAnywhereAndBytesTooMany() throws IOException {
        Path file = written();
        byte[] good = Files.readAllBytes(file);
        for (int length = 0; length < good.length + 3; length++) {
            if (length != good.length) {
                Files.write(file, Arrays.copyOf(good, length));
                // Already on listing, which checks no checksum.
                KeyStoreException e = assertThrows(KeyStoreException.class, () -> KeyFile.readRecord(file));
                assertTrue(Keys.message(e).contains(" at byte "), Keys.message(e));
            }
        }
    }

    @Test
    void saysWhatItFoundAndExpected() throws IOException {
        Path file = written();
        byte[] good = Files.readAllBytes(file);
        assertProblem(file, good, 8, 2, "at byte 8: version 2; only version 1 is supported");
        assertProblem(file, good, 12, 1, "a header of 1 bytes; with a link name of 13 bytes it has 192");
        assertProblem(file, good, 104, 9, "at byte 104: site 9; 1 (Alice) and 2 (Bob) are possible");
        assertProblem(file, good, 105, 0, "a link name of 0 bytes; 1 to 200 are possible");
        assertProblem(file, good, 110, 1, "at byte 110: byte 1 where version 1 has zeros");
        assertProblem(file, good, 130, 0xff, "the link name is not UTF-8");
        assertProblem(file, good, 0, 'P', "a key file begins with 51 4b 45 59 0d 0a 1a 0a");
        assertProblem(file, good, 64, 1, "a part of a longer secret; version 1 holds whole ones");
        Files.writeString(file, "{\"this\": \"is JSON\"}");
        assertTrue(Keys.message(assertThrows(KeyStoreException.class, () -> KeyFile.readRecord(file)))
                .contains("a key file begins with"));
    }

    @Test
    void refusesBitsBeyondTheEndEvenWithAGoodChecksum() throws IOException, NoSuchAlgorithmException {
        Path file = dir.resolve("key");
        try (BitString key = Keys.bits(1, 13)) {
            KeyFile.write(file, Keys.record(1, 13), key);
        }
        byte[] bytes = Files.readAllBytes(file);
        int end = bytes.length - 32;
        bytes[end - 1] |= (byte) 0x80;
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(Arrays.copyOf(bytes, end));
        System.arraycopy(hash, 0, bytes, end, 32);
        Files.write(file, bytes);
        assertTrue(Keys.message(assertThrows(KeyStoreException.class, () -> KeyFile.readKey(file)))
                .contains("beyond the key's end"));
    }

    @Test
    void isReadableByItsOwnerAlone() throws IOException {
        Path file = written();
        if (Durable.isPosix(file)) {
            assertFalse(Durable.isOpenToOthers(file));
        }
    }

    private static void assertProblem(Path file, byte[] good, int at, int value, String message) throws IOException {
        byte[] bad = good.clone();
        bad[at] = (byte) value;
        Files.write(file, bad);
        KeyStoreException e = assertThrows(KeyStoreException.class, () -> KeyFile.readRecord(file));
        assertTrue(Keys.message(e).contains(message), Keys.message(e));
    }

    private Path written() throws IOException {
        Path file = dir.resolve("key");
        try (BitString key = Keys.bits(1, 1001)) {
            KeyFile.write(file, Keys.record(1, 1001), key);
        }
        return file;
    }

    private static String hex(byte[] bytes, int from, int count) {
        return HexFormat.of().formatHex(bytes, from, from + count);
    }
}
