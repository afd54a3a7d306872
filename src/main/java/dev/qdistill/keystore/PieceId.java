package dev.qdistill.keystore;

import dev.qdistill.bits.SecretArena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.UUID;

/**
 * The id of a piece of a key: a UUID of version 8 (RFC 9562) that says which piece of which key it is, so that the other
 * site finds the same bits without being told more, and that nobody without the key can make.
 *
 * @param name the first 32 bits of the key's id: a hint, not unique
 * @param granule where the piece begins in the key, in units of 64 bits, below 2^28
 * @param bytes the piece's length, 1 to 16,383
 * @param tag 48 bits of HMAC-SHA256 under 128 bits of the key that are never handed out, over the key's id, the piece
 *     and the two applications it is for
 */
record PieceId(int name, int granule, int bytes, long tag) {
    static final long MAX_GRANULES = 1L << 28;
    static final int MAX_BYTES = (1 << 14) - 1;

    /** Bytes of the key that the tag is made with. */
    static final int TAG_KEY_BYTES = 16;

    private static final byte[] PURPOSE = "qdistill piece of key 1".getBytes(StandardCharsets.US_ASCII);
    private static final int BLOCK = 64;

    static int name(UUID key) {
        return (int) (key.getMostSignificantBits() >>> 32);
    }

    static PieceId of(UUID key, int granule, int bytes, SaePair pair, MemorySegment tagKey) {
        return new PieceId(name(key), granule, bytes, tag(key, granule, bytes, pair, tagKey));
    }

    /** Whether this is the id that the holder of {@code tagKey} gives the piece; in constant time. */
    boolean isGenuine(UUID key, SaePair pair, MemorySegment tagKey) {
        return (tag ^ tag(key, granule, bytes, pair, tagKey)) == 0;
    }

    UUID toUuid() {
        return new UUID(
                (long) name << 32 | tag >>> 32 << 16 | 0x8000L | tag >>> 20 & 0xfff,
                1L << 63 | (tag & 0xfffff) << 42 | (long) granule << 14 | bytes);
    }

    /** Empty if the id is not of this kind. */
    static Optional<PieceId> parse(UUID id) {
        long high = id.getMostSignificantBits();
        long low = id.getLeastSignificantBits();
        int bytes = (int) low & MAX_BYTES;
        if (id.version() != 8 || id.variant() != 2 || bytes == 0) {
            return Optional.empty();
        }
        long tag = (high >>> 16 & 0xffff) << 32 | (high & 0xfff) << 20 | low >>> 42 & 0xfffff;
        return Optional.of(new PieceId((int) (high >>> 32), (int) (low >>> 14 & MAX_GRANULES - 1), bytes, tag));
    }

    // HMAC (RFC 2104) on off-heap memory.
    private static long tag(UUID key, int granule, int bytes, SaePair pair, MemorySegment tagKey) {
        byte[] master = pair.master().getBytes(StandardCharsets.UTF_8);
        byte[] slave = pair.slave().getBytes(StandardCharsets.UTF_8);
        ByteBuffer message = ByteBuffer.allocate(PURPOSE.length + 16 + 8 + 4 + master.length + slave.length)
                .put(PURPOSE)
                .putLong(key.getMostSignificantBits())
                .putLong(key.getLeastSignificantBits())
                .putInt(granule)
                .putInt(bytes)
                .putInt(master.length)
                .put(master)
                .put(slave);
        try (SecretArena arena = new SecretArena();
                Sha256 sha = new Sha256()) {
            MemorySegment pad = arena.allocate(BLOCK, BLOCK);
            pad.copyFrom(tagKey);
            xor(pad, 0x36);
            sha.update(pad);
            sha.update(offHeap(arena, message.array()));
            MemorySegment inner = offHeap(arena, sha.digest());
            sha.reset();
            xor(pad, 0x36 ^ 0x5c);
            sha.update(pad);
            sha.update(inner);
            return ByteBuffer.wrap(sha.digest()).getLong() >>> 16;
        }
    }

    private static void xor(MemorySegment pad, int value) {
        for (long i = 0; i < pad.byteSize(); i++) {
            pad.set(ValueLayout.JAVA_BYTE, i, (byte) (pad.get(ValueLayout.JAVA_BYTE, i) ^ value));
        }
    }

    private static MemorySegment offHeap(SecretArena arena, byte[] bytes) {
        MemorySegment segment = arena.allocate(bytes.length);
        segment.copyFrom(MemorySegment.ofArray(bytes));
        return segment;
    }
}
