package dev.qdistill.keystore;

import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import dev.qdistill.bits.BitString;
import dev.qdistill.bits.SecretArena;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.BitSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * A key file while pieces are cut out of it, within one transaction of the index.
 *
 * <p>The key is spent in granules of 64 bits. For each segment of {@value #SEGMENT_BYTES} bytes the index has the spent
 * granules and the SHA-256 of the segment with those as zeros. So what is left can be checked whether the bits of what
 * was spent have been wiped already or not: a crash between the transaction and the wiping does no harm.
 */
final class CutKey implements AutoCloseable {
    static final int GRANULE_BYTES = 8;
    static final int SEGMENT_BYTES = 4096;
    private static final int SEGMENT_GRANULES = SEGMENT_BYTES / GRANULE_BYTES;

    private final IndexDatabase index;
    private final IndexedKey key;
    private final Path file;
    private final long start;
    private final FileChannel channel;
    private final SecretArena arena = new SecretArena();
    private final Sha256 sha = new Sha256();
    private final Map<Integer, Segment> segments = new TreeMap<>();

    /** The key cannot be handed out: its file is not what the index says. */
    static final class DamagedException extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final transient IndexedKey key;
        private final KeyStoreException reason;

        DamagedException(IndexedKey key, KeyStoreException reason) {
            super(reason);
            this.key = key;
            this.reason = reason;
        }

        IndexedKey key() {
            return key;
        }

        KeyStoreException reason() {
            return reason;
        }
    }

    private static final class Segment {
        final MemorySegment bytes;
        final BitSet spent;
        boolean changed;

        Segment(MemorySegment bytes, BitSet spent) {
            this.bytes = bytes;
            this.spent = spent;
        }
    }

    /**
     * Opens a key's file.
     *
     * @param file where it is
     * @param held where it is until its writer has renamed it
     * @throws DamagedException if it is not there
     */
    CutKey(IndexDatabase index, IndexedKey key, Path file, Path held) throws IOException {
        this.index = index;
        this.key = key;
        this.file = file;
        this.start = KeyFile.keyOffset(key.record());
        this.channel = open(key, file, held);
    }

    private static FileChannel open(IndexedKey key, Path file, Path held) throws IOException {
        // Between looking for one and for the other it may be renamed: hence the first again.
        for (Path candidate : new Path[] {file, held, file}) {
            try {
                return FileChannel.open(candidate, Set.of(READ, WRITE, LinkOption.NOFOLLOW_LINKS));
            } catch (NoSuchFileException e) {
                // Perhaps the next one.
            }
        }
        throw new DamagedException(key, new KeyStoreException(file, "no such file, but the index has the key"));
    }

    /** Enters the segments of a new key into the index. */
    static void index(IndexDatabase index, long number, BitString key) {
        MemorySegment bytes = key.bytes();
        try (Sha256 sha = new Sha256()) {
            for (long at = 0; at < bytes.byteSize(); at += SEGMENT_BYTES) {
                sha.reset();
                sha.update(bytes.asSlice(at, Math.min(SEGMENT_BYTES, bytes.byteSize() - at)));
                index.update(
                        "INSERT INTO segment (key, number, hash, spent) VALUES (?, ?, ?, ?)",
                        number,
                        at / SEGMENT_BYTES,
                        sha.digest(),
                        new byte[0]);
            }
        }
    }

    IndexedKey key() {
        return key;
    }

    boolean isSpent(long granule, int count) throws IOException {
        boolean spent = false;
        for (long g = granule; g < granule + count; g++) {
            spent |= segment(g).spent.get((int) (g % SEGMENT_GRANULES));
        }
        return spent;
    }

    /**
     * Copies bits of the key that have not been spent.
     *
     * @param granule where they begin
     * @param to where they go, from its first byte on
     * @throws DamagedException if a segment with any of them is damaged
     */
    void copy(long granule, MemorySegment to) throws IOException {
        for (long at = 0; at < to.byteSize(); at += GRANULE_BYTES) {
            long g = granule + at / GRANULE_BYTES;
            MemorySegment.copy(
                    segment(g).bytes,
                    g % SEGMENT_GRANULES * GRANULE_BYTES,
                    to,
                    at,
                    Math.min(GRANULE_BYTES, to.byteSize() - at));
        }
    }

    /** Marks granules as spent, in the index when the transaction is committed. */
    void spend(long granule, int count) throws IOException {
        for (long g = granule; g < granule + count; g++) {
            Segment segment = segment(g);
            int at = (int) (g % SEGMENT_GRANULES);
            segment.spent.set(at);
            segment.bytes.asSlice((long) at * GRANULE_BYTES, GRANULE_BYTES).fill((byte) 0);
            segment.changed = true;
        }
    }

    /** Writes to the index what was spent; part of the transaction. */
    void save() {
        segments.forEach((number, segment) -> {
            if (segment.changed) {
                sha.reset();
                sha.update(segment.bytes);
                index.update(
                        "UPDATE segment SET hash = ?, spent = ? WHERE key = ? AND number = ?",
                        sha.digest(),
                        segment.spent.toByteArray(),
                        key.number(),
                        number);
            }
        });
    }

    /** Overwrites in the file what this object spent; after the transaction. */
    void wipe() throws IOException {
        for (Map.Entry<Integer, Segment> entry : segments.entrySet()) {
            Segment segment = entry.getValue();
            if (segment.changed) {
                zero(entry.getKey(), segment.spent);
                segment.changed = false;
            }
        }
    }

    /** Overwrites everything that the index says is spent, and forces it to the disk. */
    void wipeAll() throws IOException {
        record Spent(int number, BitSet granules) {}
        for (Spent spent : index.query(
                "SELECT number, spent FROM segment WHERE key = ? AND length(spent) > 0",
                row -> new Spent(row.getInt(1), BitSet.valueOf(row.getBytes(2))),
                key.number())) {
            zero(spent.number(), spent.granules());
        }
        channel.force(false);
    }

    /** Forces what was wiped before to the disk. */
    void force() throws IOException {
        channel.force(false);
    }

    /**
     * Reads everything that is left and compares it with the index.
     *
     * @throws DamagedException if it is not the same
     */
    void verify() throws IOException {
        long bytes = (key.record().bits() + 7) / 8;
        for (int number = 0; (long) number * SEGMENT_BYTES < bytes; number++) {
            try (Arena own = new SecretArena()) {
                load(number, own);
            }
        }
    }

    private void zero(int number, BitSet spent) throws IOException {
        long base = start + (long) number * SEGMENT_BYTES;
        for (int from = spent.nextSetBit(0); from >= 0; ) {
            int to = spent.nextClearBit(from);
            Durable.zero(channel, base + (long) from * GRANULE_BYTES, (long) (to - from) * GRANULE_BYTES);
            from = spent.nextSetBit(to);
        }
    }

    private Segment segment(long granule) throws IOException {
        int number = (int) (granule / SEGMENT_GRANULES);
        Segment segment = segments.get(number);
        if (segment == null) {
            segment = load(number, arena);
            segments.put(number, segment);
        }
        return segment;
    }

    private Segment load(int number, Arena to) throws IOException {
        record Row(ByteBuffer hash, BitSet spent) {}
        Row row = index
                .query(
                        "SELECT hash, spent FROM segment WHERE key = ? AND number = ?",
                        r -> new Row(ByteBuffer.wrap(r.getBytes(1)), BitSet.valueOf(r.getBytes(2))),
                        key.number(),
                        number)
                .stream()
                .findFirst()
                .orElseThrow(() -> new KeyStoreException(file, "the index lacks segment " + number));
        long from = (long) number * SEGMENT_BYTES;
        long length = Math.min(SEGMENT_BYTES, (key.record().bits() + 7) / 8 - from);
        MemorySegment bytes = to.allocate(length, 64);
        channel.position(start + from);
        long got = Durable.fill(channel, bytes);
        if (got < length) {
            throw new DamagedException(
                    key, new KeyStoreException(file, start + from + got, "the file ends within the key"));
        }
        for (int g = row.spent().nextSetBit(0); g >= 0; g = row.spent().nextSetBit(g + 1)) {
            bytes.asSlice((long) g * GRANULE_BYTES, GRANULE_BYTES).fill((byte) 0);
        }
        sha.reset();
        sha.update(bytes);
        if (!MessageDigest.isEqual(sha.digest(), row.hash().array())) {
            throw new DamagedException(
                    key,
                    new KeyStoreException(
                            file,
                            start + from,
                            "the next " + length
                                    + " bytes do not have the checksum that the index has: the file is damaged"));
        }
        return new Segment(bytes, row.spent());
    }

    @Override
    public void close() throws IOException {
        arena.close();
        sha.close();
        channel.close();
    }
}
