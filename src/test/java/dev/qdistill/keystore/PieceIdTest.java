package dev.qdistill.keystore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.bits.BitString;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;

final class PieceIdTest {
    private static final SaePair PAIR = new SaePair("sae-a", "sae-b");

    @Test
    void anIdIsAUuidOfVersion8AndComesBack() {
        Random random = new Random(5);
        for (int i = 0; i < 1000; i++) {
            PieceId id = new PieceId(
                    random.nextInt(),
                    random.nextInt(1 << 28),
                    1 + random.nextInt(PieceId.MAX_BYTES),
                    random.nextLong() >>> 16);
            assertEquals(8, id.toUuid().version());
            assertEquals(2, id.toUuid().variant());
            assertEquals(Optional.of(id), PieceId.parse(id.toUuid()));
            assertEquals(
                    String.format("%08x", id.name()), id.toUuid().toString().substring(0, 8));
        }
        assertEquals(Optional.empty(), PieceId.parse(new UUID(random.nextLong() & ~0xf000L | 0x4000, 1L << 63 | 5)));
        assertEquals(Optional.empty(), PieceId.parse(new UUID(0x8000, 1L << 63)));
    }

    @Test
    void theTagIsHmacSha256() throws Exception {
        UUID key = UUID.fromString("01234567-89ab-4def-8123-456789abcdef");
        try (BitString tagKey = Keys.bits(3, 128)) {
            PieceId id = PieceId.of(key, 70, 32, PAIR, tagKey.bytes());
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(tagKey.bytes().toArray(java.lang.foreign.ValueLayout.JAVA_BYTE), "HmacSHA256"));
            mac.update("qdistill piece of key 1".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
            mac.update(
                    HexFormat.of().parseHex("0123456789ab4def8123456789abcdef" + "00000046" + "00000020" + "00000005"));
            mac.update("sae-asae-b".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
            assertEquals(HexFormat.of().formatHex(mac.doFinal()).substring(0, 12), String.format("%012x", id.tag()));
        }
    }

    @Test
    void anIdHoldsForOnePieceOfOneKeyAndOnePairAlone() {
        UUID key = new UUID(1, 2);
        try (BitString tagKey = Keys.bits(3, 128);
                BitString other = Keys.bits(4, 128)) {
            MemorySegment k = tagKey.bytes();
            PieceId id = PieceId.of(key, 70, 32, PAIR, k);
            assertTrue(id.isGenuine(key, PAIR, k));
            assertFalse(id.isGenuine(new UUID(1, 3), PAIR, k));
            assertFalse(id.isGenuine(key, new SaePair("sae-b", "sae-a"), k));
            assertFalse(id.isGenuine(key, new SaePair("sae-as", "ae-b"), k));
            assertFalse(id.isGenuine(key, PAIR, other.bytes()));
            assertFalse(new PieceId(id.name(), 71, 32, id.tag()).isGenuine(key, PAIR, k));
            assertFalse(new PieceId(id.name(), 70, 31, id.tag()).isGenuine(key, PAIR, k));
            assertFalse(new PieceId(id.name(), 70, 32, id.tag() ^ 1).isGenuine(key, PAIR, k));
        }
    }
}
