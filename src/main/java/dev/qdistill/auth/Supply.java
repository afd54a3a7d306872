package dev.qdistill.auth;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import dev.qdistill.bits.BitString;
import dev.qdistill.bits.SecretArena;
import dev.qdistill.keystore.Durable;
import dev.qdistill.keystore.Site;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.UUID;

/**
 * One file of pads that came together: pre-shared, or cut from one block's key. {@code docs/formats.md} has every byte.
 *
 * <p>A pad is marked as used on the disk before it is given out, and is overwritten then; so a crash at any point can lose
 * pads, and never give one out twice. Not safe for use by several threads.
 */
final class Supply implements AutoCloseable {
    static final String SUFFIX = ".qpad";
    static final int HEADER = 320;
    static final int PAD_BYTES = 16;
    static final int MAX_PADS = 1 << 20;

    private static final byte[] MAGIC = {'Q', 'P', 'A', 'D', '\r', '\n', 0x1a, '\n'};
    private static final int VERSION = 1;
    private static final int AT_VERSION = 8;
    private static final int AT_STATE = 12;
    private static final int AT_HAS_KEY = 13;
    private static final int AT_SITE = 14;
    private static final int AT_LINK_BYTES = 15;
    private static final int AT_ID = 16;
    private static final int AT_COUNTS = 32;
    private static final int AT_ORDER = 40;
    private static final int AT_KEY = 48;
    private static final int AT_LINK = 64;
    static final int MAX_LINK_BYTES = 200;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** What a site knows of a supply. */
    enum State {
        /** Cut from a key that is not complete: not to be used. */
        STAGED(0),
        /** The peer may use it, this site not yet: it does not know whether the peer has it. */
        RECEIVING(1),
        ACTIVE(2);

        private final int code;

        State(int code) {
            this.code = code;
        }

        static State of(int code) {
            return code == 0 ? STAGED : code == 1 ? RECEIVING : ACTIVE;
        }
    }

    private final Path file;
    private final FileChannel channel;
    private final SecretArena arena = new SecretArena();
    private final MemorySegment header;
    private final byte[] used;
    private final int[] firstFree = new int[2];

    /** Closes the channel if the file is not what it should be. */
    private Supply(Path file, FileChannel channel, boolean recover) throws IOException {
        this.file = file;
        this.channel = channel;
        boolean done = false;
        try {
            this.header = arena.allocate(HEADER, 64);
            this.used = readMarks();
            for (int i = 0; recover && i < used.length; i++) {
                if (used[i] != 0) {
                    wipePad(i); // a crash may have come in between
                }
            }
            done = true;
        } finally {
            if (!done) {
                arena.close();
                channel.close();
            }
        }
    }

    /** Reads and checks the header; returns which pads are used. */
    private byte[] readMarks() throws IOException {
        if (Durable.fill(channel.position(0), header) < HEADER
                || !Arrays.equals(header.asSlice(0, MAGIC.length).toArray(JAVA_BYTE), MAGIC)) {
            throw new PoolException(file, "is no supply of pads: it does not begin with QPAD");
        }
        if (header.get(INT, AT_VERSION) != VERSION) {
            throw new PoolException(
                    file, "version " + header.get(INT, AT_VERSION) + "; only version " + VERSION + " is supported");
        }
        int a = header.get(INT, AT_COUNTS);
        int b = header.get(INT, AT_COUNTS + 4);
        if (a < 0 || b < 0 || a > MAX_PADS || b > MAX_PADS) {
            throw new PoolException(file, a + " and " + b + " pads; 0 to " + MAX_PADS + " each are possible");
        }
        int linkBytes = Byte.toUnsignedInt(header.get(JAVA_BYTE, AT_LINK_BYTES));
        if (linkBytes < 1
                || linkBytes > MAX_LINK_BYTES
                || header.get(JAVA_BYTE, AT_SITE) < 0
                || header.get(JAVA_BYTE, AT_SITE) > 1
                || header.get(JAVA_BYTE, AT_STATE) < 0
                || header.get(JAVA_BYTE, AT_STATE) > 2) {
            throw new PoolException(file, "the header is damaged: its site, state or link name is none that there is");
        }
        if (channel.size() != size(a, b)) {
            throw new PoolException(file, channel.size() + " bytes, " + size(a, b) + " are expected");
        }
        byte[] marks = new byte[a + b];
        ByteBuffer to = ByteBuffer.wrap(marks);
        while (to.hasRemaining()) {
            if (channel.read(to, HEADER + to.position()) < 0) {
                throw new PoolException(file, "became shorter while it was read");
            }
        }
        return marks;
    }

    /** What is left in a file; none if it is staged. */
    record Level(String link, Site site, int toBob, int toAlice) {}

    /** Looks at a file that another process may be using. */
    static Level level(Path file) {
        try (Supply s = new Supply(file, FileChannel.open(file, Set.of(READ, LinkOption.NOFOLLOW_LINKS)), false)) {
            boolean usable = s.state() != State.STAGED;
            return new Level(
                    s.link(),
                    s.site(),
                    usable ? s.remaining(Direction.ALICE_TO_BOB) : 0,
                    usable ? s.remaining(Direction.BOB_TO_ALICE) : 0);
        } catch (IOException e) {
            throw new PoolException(file, "read it", e);
        }
    }

    static long size(int toBob, int toAlice) {
        return HEADER + (toBob + toAlice) * (1L + PAD_BYTES);
    }

    static Supply open(Path file) {
        try {
            if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
                throw new PoolException(file, "is not a regular file");
            }
            if (Durable.isOpenToOthers(file)) {
                throw new PoolException(file, "others than its owner can read it; mode 0600 is expected");
            }
            return new Supply(file, FileChannel.open(file, Set.of(READ, WRITE, LinkOption.NOFOLLOW_LINKS)), true);
        } catch (IOException e) {
            throw new PoolException(file, "open it", e);
        }
    }

    /**
     * What a file says of itself.
     *
     * @param id the same at both sites
     * @param link the link's name, 1 to 200 bytes
     * @param site whose file it is
     * @param hasKey whether it brings a hash key
     * @param toBob pads for what Alice sends
     * @param toAlice pads for what Bob sends
     * @param order milliseconds since 1970; older supplies are used first
     */
    record Head(UUID id, String link, Site site, boolean hasKey, int toBob, int toAlice, long order) {}

    /**
     * Writes a new supply.
     *
     * @param bits the hash key, if it has one, then the pads, Alice's first: {@link PadPool#KEY_BITS} bits each
     */
    static void write(Path file, Head head, State state, BitString bits) throws IOException {
        int keys = head.hasKey() ? 1 : 0;
        int toBob = head.toBob();
        int toAlice = head.toAlice();
        byte[] link = head.link().getBytes(UTF_8);
        if (link.length < 1 || link.length > MAX_LINK_BYTES) {
            throw new IllegalArgumentException("A link name of " + link.length + " bytes; 1 to 200 are possible");
        }
        if (bits.length() != (long) PadPool.KEY_BITS * (keys + toBob + toAlice)) {
            throw new IllegalArgumentException(
                    bits.length() + " bits for " + (keys + toBob + toAlice) + " keys of " + PadPool.KEY_BITS);
        }
        try (SecretArena memory = new SecretArena()) {
            MemorySegment all = memory.allocate(size(toBob, toAlice), 64);
            MemorySegment.copy(MAGIC, 0, all, JAVA_BYTE, 0, MAGIC.length);
            all.set(INT, AT_VERSION, VERSION);
            all.set(JAVA_BYTE, AT_STATE, (byte) state.code);
            all.set(JAVA_BYTE, AT_HAS_KEY, (byte) keys);
            all.set(JAVA_BYTE, AT_SITE, (byte) (head.site() == Site.ALICE ? 0 : 1));
            all.set(JAVA_BYTE, AT_LINK_BYTES, (byte) link.length);
            MemorySegment.copy(link, 0, all, JAVA_BYTE, AT_LINK, link.length);
            all.set(LONG, AT_ID, head.id().getMostSignificantBits());
            all.set(LONG, AT_ID + 8, head.id().getLeastSignificantBits());
            all.set(INT, AT_COUNTS, toBob);
            all.set(INT, AT_COUNTS + 4, toAlice);
            all.set(LONG, AT_ORDER, head.order());
            long from = 0;
            if (head.hasKey()) {
                put(all, AT_KEY, bits, 0);
                from = PadPool.KEY_BITS;
            }
            long at = (long) HEADER + toBob + toAlice;
            for (int i = 0; i < toBob + toAlice; i++) {
                put(all, at + (long) PAD_BYTES * i, bits, from + (long) PadPool.KEY_BITS * i);
            }
            Durable.write(file, c -> Durable.append(c, all));
        }
    }

    private static void put(MemorySegment to, long at, BitString bits, long from) {
        to.set(LONG, at, bits.bits(from, 64));
        to.set(LONG, at + 8, bits.bits(from + 64, PadPool.KEY_BITS - 64));
    }

    Path file() {
        return file;
    }

    UUID id() {
        return new UUID(header.get(LONG, AT_ID), header.get(LONG, AT_ID + 8));
    }

    String link() {
        return new String(
                header.asSlice(AT_LINK, Byte.toUnsignedInt(header.get(JAVA_BYTE, AT_LINK_BYTES)))
                        .toArray(JAVA_BYTE),
                UTF_8);
    }

    Site site() {
        return header.get(JAVA_BYTE, AT_SITE) == 0 ? Site.ALICE : Site.BOB;
    }

    long order() {
        return header.get(LONG, AT_ORDER);
    }

    boolean hasKey() {
        return header.get(JAVA_BYTE, AT_HAS_KEY) != 0;
    }

    /** The low and the high word of the hash key. */
    long[] key() {
        return new long[] {header.get(LONG, AT_KEY), header.get(LONG, AT_KEY + 8) & Long.MAX_VALUE};
    }

    State state() {
        return State.of(header.get(JAVA_BYTE, AT_STATE));
    }

    void state(State next) {
        header.set(JAVA_BYTE, AT_STATE, (byte) next.code);
        write(AT_STATE, (byte) next.code);
        force();
    }

    int count(Direction direction) {
        return header.get(INT, AT_COUNTS + 4L * direction.code());
    }

    boolean isUsed(Direction direction, int index) {
        return used[slot(direction, index)] != 0;
    }

    /** The pads of a direction that are left. */
    int remaining(Direction direction) {
        int n = 0;
        for (int i = 0; i < count(direction); i++) {
            n += isUsed(direction, i) ? 0 : 1;
        }
        return n;
    }

    /** The first pad of a direction that is left; {@link #count} if there is none. */
    int firstFree(Direction direction) {
        int i = firstFree[direction.code()];
        while (i < count(direction) && isUsed(direction, i)) {
            i++;
        }
        firstFree[direction.code()] = i;
        return i;
    }

    /** One more than the last pad of a direction that is used; 0 if none is. */
    int afterLastUsed(Direction direction) {
        int i = count(direction);
        while (i > 0 && !isUsed(direction, i - 1)) {
            i--;
        }
        return i;
    }

    /** Marks pads [from, to) of a direction that are not used yet; after this returns a crash cannot bring them back. */
    void markUsed(Direction direction, int from, int to) {
        for (int i = from; i < to; i++) {
            used[slot(direction, i)] = 1;
            write(HEADER + slot(direction, i), (byte) 1);
        }
        force();
    }

    /** Reads a pad that is marked, and overwrites it. */
    long[] takeMarked(Direction direction, int index) {
        int slot = slot(direction, index);
        try (SecretArena memory = new SecretArena()) {
            MemorySegment pad = memory.allocate(PAD_BYTES, 64);
            if (Durable.fill(channel.position(padAt(slot)), pad) < PAD_BYTES) {
                throw new PoolException(file, "became shorter");
            }
            wipePad(slot);
            return new long[] {pad.get(LONG, 0), pad.get(LONG, 8) & Long.MAX_VALUE};
        } catch (IOException e) {
            throw new PoolException(file, "read a pad", e);
        }
    }

    /** Overwrites marked pads that will not be used. */
    void wipeMarked(Direction direction, int from, int to) {
        try {
            for (int i = from; i < to; i++) {
                wipePad(slot(direction, i));
            }
        } catch (IOException e) {
            throw new PoolException(file, "wipe a pad", e);
        }
    }

    private int slot(Direction direction, int index) {
        return direction == Direction.ALICE_TO_BOB ? index : count(Direction.ALICE_TO_BOB) + index;
    }

    private long padAt(int slot) {
        return HEADER + used.length + (long) PAD_BYTES * slot;
    }

    private void wipePad(int slot) throws IOException {
        ByteBuffer zeros = ByteBuffer.allocate(PAD_BYTES);
        while (zeros.hasRemaining()) {
            channel.write(zeros, padAt(slot) + zeros.position());
        }
    }

    private void write(long at, byte value) {
        try {
            channel.write(ByteBuffer.wrap(new byte[] {value}), at);
        } catch (IOException e) {
            throw new PoolException(file, "write to it", e);
        }
    }

    private void force() {
        try {
            channel.force(false);
        } catch (IOException e) {
            throw new PoolException(file, "force it to the disk", e);
        }
    }

    /** Overwrites the pads and deletes the file. */
    void destroy() {
        try (this) {
            for (int slot = 0; slot < used.length; slot++) {
                wipePad(slot);
            }
            channel.force(true);
            Files.deleteIfExists(file);
            Durable.force(Durable.directory(file));
        } catch (IOException e) {
            throw new PoolException(file, "delete it", e);
        }
    }

    @Override
    public void close() {
        try {
            arena.close();
            channel.close();
        } catch (IOException e) {
            throw new PoolException(file, "close it", e);
        }
    }
}
