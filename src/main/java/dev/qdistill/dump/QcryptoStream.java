package dev.qdistill.dump;

import dev.qdistill.bits.BitString;
import dev.qdistill.bits.SecretArena;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A file of the qcrypto stack (C. Kurtsiefer, National University of Singapore), which holds one epoch of 2^29 ns, or several in
 * a final key. docs/formats.md has the formats.
 *
 * <p>Security guarantee: what was read is off the heap and wiped by {@link #close}.
 */
public final class QcryptoStream implements AutoCloseable {
    /** Some seconds of any detector fit. */
    private static final long LARGEST = 1L << 30;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int EXTENSION = 0;
    private static final int END = 1;
    /** Times and indices that would be a code word are never written. */
    private static final int CODES = 2;

    /** What a stream holds. */
    public enum Type {
        /** Detections with their times. */
        EVENTS(1, 5),
        /** What Alice tells of them: times and bases. */
        TIMING(2, 6),
        /** Bits that a side keeps. */
        BITS(3, 4),
        /** What Bob answers: which of them count. */
        INDICES(4, 5),
        /** Bits after error correction and privacy amplification. */
        KEY(7, 4);

        private final int number;
        private final int words;

        Type(int number, int words) {
            this.number = number;
            this.words = words;
        }

        /** The name in reports. */
        public String id() {
            return "qcrypto-t" + number;
        }

        private int headerBytes() {
            return 4 * words;
        }
    }

    /**
     * The start of a file.
     *
     * @param type what follows
     * @param extendedEpoch whether the epoch counts from 1970, else from the start of a recording
     * @param epoch in units of 2^29 ns; of a key, its first
     * @param length entries; of a key its epochs; 0 in types 1, 2 and 4 if the file does not say
     * @param first type 1: bits of a time; 2 and 4: bits of a short difference; 3: bits an entry; 7: bits of the key
     * @param baseBits types 1, 2 and 4: bits that go with each entry; else 0
     * @param protocol type 2: 0 service, 1 BB84, 2 rich BB84; else 0
     */
    public record Header(
            Type type, boolean extendedEpoch, long epoch, long length, long first, int baseBits, int protocol) {}

    /** Takes the entries of a stream of type 1, 2 or 4. */
    @FunctionalInterface
    public interface Entries {
        /**
         * An entry.
         *
         * @param value time in units of 125 ps (type 1 absolute, type 2 from the epoch's start), or the index
         * @param pattern the detectors that clicked, or the bits that go with the entry
         */
        void accept(long value, int pattern);
    }

    private final Path file;
    private final SecretArena arena;
    private final MemorySegment data;
    private final Header header;
    /** Of the bit reader. */
    private long at;

    private QcryptoStream(Path file, SecretArena arena, MemorySegment data, Header header) {
        this.file = file;
        this.arena = arena;
        this.data = data;
        this.header = header;
    }

    /** Whether a file begins as one of these streams does. */
    public static boolean isOne(Path file) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            ByteBuffer head = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
            return channel.read(head, 0) == 4 && type(head.getInt(0)).isPresent();
        } catch (IOException e) {
            return false;
        }
    }

    private static Optional<Type> type(int tag) {
        for (Type type : Type.values()) {
            if (type.number == (tag & ~0x100)) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }

    /**
     * Reads a file.
     *
     * @throws BadInputException if it is not a whole stream
     */
    public static QcryptoStream open(Path file) {
        DumpReader.requireFile(file);
        SecretArena arena = new SecretArena();
        boolean done = false;
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            if (size > LARGEST) {
                throw new BadInputException(file, LARGEST, "larger than any epoch of a qcrypto stream");
            }
            MemorySegment data = arena.allocate(Math.max(4, size), 8);
            ByteBuffer to = data.asByteBuffer().limit((int) size);
            while (to.hasRemaining() && channel.read(to) >= 0) {}
            QcryptoStream stream = new QcryptoStream(file, arena, data.asSlice(0, size), header(file, data, size));
            stream.check();
            done = true;
            return stream;
        } catch (IOException e) {
            throw new BadInputException(file, "cannot be read: " + e.getMessage());
        } finally {
            if (!done) {
                arena.close();
            }
        }
    }

    private static Header header(Path file, MemorySegment data, long size) {
        int tag = size < 4 ? 0 : data.get(INT, 0);
        Type type =
                type(tag).orElseThrow(() -> new BadInputException(file, 0, "no qcrypto stream of type 1 to 4 or 7"));
        if (size < type.headerBytes()) {
            throw new BadInputException(file, size, "the file is cut: it ends within the header");
        }
        long[] words = new long[6];
        for (int i = 0; i < type.words; i++) {
            words[i] = Integer.toUnsignedLong(data.get(INT, 4L * i));
        }
        int base = type.words > 4 ? (int) Math.min(words[4], 1 << 20) : 0;
        return new Header(type, (tag & 0x100) != 0, words[1], words[2], words[3], base, (int) words[5]);
    }

    private void check() {
        switch (header.type) {
            case EVENTS -> {
                require(12, header.first == 49, "times of " + header.first + " bits; only 49 are known");
                require(16, header.baseBits >= 1 && header.baseBits <= 8, "detectors in " + header.baseBits + " bits");
            }
            case TIMING, INDICES -> {
                require(12, header.first >= 2 && header.first <= 31, "differences of " + header.first + " bits");
                require(16, header.first + header.baseBits <= 32, "entries of more than 32 bits");
            }
            case BITS -> {
                require(12, header.first >= 1 && header.first <= 8, "entries of " + header.first + " bits");
                requireSize(header.length * header.first);
            }
            case KEY -> requireSize(header.first);
        }
    }

    private void require(long offset, boolean condition, String found) {
        if (!condition) {
            throw new BadInputException(file, offset, header.type.id() + ": " + found);
        }
    }

    private void requireSize(long bits) {
        long expected = header.type.headerBytes() + (bits + 31) / 32 * 4;
        if (data.byteSize() != expected) {
            throw new BadInputException(
                    file,
                    Math.min(data.byteSize(), expected),
                    (data.byteSize() < expected ? "the file is cut: " : "bytes follow the last entry: ") + bits
                            + " bits take " + expected + " bytes, the file has " + data.byteSize());
        }
    }

    public Header header() {
        return header;
    }

    /**
     * The bits of a stream of type 3 or 7, in their order; an entry of several bits has its highest first.
     *
     * @return the caller's to close
     */
    public BitString bits() {
        if (header.type != Type.BITS && header.type != Type.KEY) {
            throw new IllegalStateException(header.type + " is no string of bits");
        }
        long length = header.type == Type.BITS ? header.length * header.first : header.first;
        BitString bits = BitString.allocate(length);
        for (long w = 0; w < (length + 31) / 32; w++) {
            int valid = (int) Math.min(32, length - 32 * w);
            bits.setBits(32 * w, valid, reversed(w) & 0xffff_ffffL >>> 32 - valid);
        }
        return bits;
    }

    /** The first bit of a word is its highest one. */
    private long reversed(long word) {
        return Integer.toUnsignedLong(Integer.reverse(data.get(INT, header.type.headerBytes() + 4 * word)));
    }

    /**
     * The entries of a stream of type 1, 2 or 4.
     *
     * @return how many
     * @throws BadInputException if they do not end as they should
     */
    public long forEach(Entries entries) {
        long count = switch (header.type) {
            case EVENTS -> events(entries);
            case TIMING, INDICES -> differences(entries);
            default -> throw new IllegalStateException(header.type + " has no entries, but bits");
        };
        if (header.length != 0 && header.length != count) {
            throw new BadInputException(
                    file, 8, header.type.id() + ": " + header.length + " entries are announced, there are " + count);
        }
        return count;
    }

    private long events(Entries entries) {
        long count = 0;
        for (long offset = header.type.headerBytes(); offset + 8 <= data.byteSize(); offset += 8) {
            long event = (long) data.get(INT, offset) << 32 | Integer.toUnsignedLong(data.get(INT, offset + 4));
            if (event == 0) {
                requireEnd(offset + 8);
                return count;
            }
            entries.accept(event >>> 15, (int) event & (1 << header.baseBits) - 1);
            count++;
        }
        throw new BadInputException(file, data.byteSize(), "the file is cut: there is no end of events");
    }

    private long differences(Entries entries) {
        at = 8L * header.type.headerBytes();
        long value = 0;
        for (long count = 0; ; count++) {
            long difference = take((int) header.first);
            if (difference == END) {
                take(header.baseBits);
                requireEnd((at + 31) / 32 * 4);
                return count;
            }
            if (difference == EXTENSION) {
                difference = take(32);
            }
            value += header.type == Type.INDICES ? difference - CODES : difference;
            if (value < 0) {
                throw new BadInputException(file, at / 8, "the index is below zero");
            }
            entries.accept(value, (int) take(header.baseBits));
        }
    }

    private void requireEnd(long offset) {
        if (offset != data.byteSize()) {
            throw new BadInputException(file, offset, "bytes follow the end of the stream");
        }
    }

    /** The next bits, the first one the highest. */
    private long take(int count) {
        if (at + count > 8 * data.byteSize()) {
            throw new BadInputException(file, data.byteSize(), "the file is cut: there is no end of entries");
        }
        long bits = 0;
        for (int i = 0; i < count; i++, at++) {
            int word = data.get(INT, at / 32 * 4);
            bits = bits << 1 | word >>> 31 - (int) (at & 31) & 1;
        }
        return bits;
    }

    /**
     * Sifts the bits of one side: those that the other one's answer names.
     *
     * @param own of type 3, with one bit an entry
     * @param answer of type 4, of the same epoch
     * @return the caller's to close
     * @throws BadInputException if they do not belong together
     */
    public static BitString splice(QcryptoStream own, QcryptoStream answer) {
        Header a = own.header;
        Header b = answer.header;
        if (a.type != Type.BITS || a.first != 1) {
            throw new BadInputException(own.file, 0, "a stream of type 3 with one bit an entry is needed");
        }
        if (b.type != Type.INDICES) {
            throw new BadInputException(answer.file, 0, "a stream of type 4 is needed");
        }
        if (a.epoch != b.epoch) {
            throw new BadInputException(
                    answer.file, 4, String.format(Locale.ROOT, "epoch %08x, not %08x", b.epoch, a.epoch));
        }
        long count = answer.forEach((index, pattern) -> {
            if (index >= a.length) {
                throw new BadInputException(
                        answer.file, "entry " + index + " is asked for; " + own.file + " has " + a.length);
            }
        });
        BitString sifted = BitString.allocate(count);
        try (BitString bits = own.bits()) {
            long[] next = {0};
            answer.forEach((index, pattern) -> sifted.set(next[0]++, bits.get(index)));
        }
        return sifted;
    }

    /**
     * Writes a stream of type 3, one bit an entry, or 7, to a new file of mode 0600.
     *
     * @param header type, epoch; of a key its epochs; the numbers of entries and bits are those of {@code bits}
     * @throws BadInputException if the file exists
     */
    public static void write(Path file, Header header, BitString bits) {
        if (header.type != Type.BITS && header.type != Type.KEY || bits.length() > 8 * (LARGEST - 16)) {
            throw new IllegalArgumentException("Only types 3 and 7 are written, with less than 2^33 bits");
        }
        boolean posix = file.getFileSystem().supportedFileAttributeViews().contains("posix");
        @Nullable Path made = null;
        try (SecretArena arena = new SecretArena();
                FileChannel channel = posix
                        ? FileChannel.open(
                                file,
                                Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))
                        : FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            made = file;
            long words = (bits.length() + 31) / 32;
            MemorySegment data = arena.allocate(16 + 4 * words, 8);
            data.set(INT, 0, header.type.number | (header.extendedEpoch ? 0x100 : 0));
            data.set(INT, 4, (int) header.epoch);
            data.set(INT, 8, (int) (header.type == Type.BITS ? bits.length() : header.length));
            data.set(INT, 12, (int) (header.type == Type.BITS ? 1 : bits.length()));
            for (long w = 0; w < words; w++) {
                int valid = (int) Math.min(32, bits.length() - 32 * w);
                data.set(INT, 16 + 4 * w, Integer.reverse((int) bits.bits(32 * w, valid)));
            }
            ByteBuffer from = data.asByteBuffer();
            while (from.hasRemaining()) {
                channel.write(from);
            }
            channel.force(true);
        } catch (IOException e) {
            try {
                if (made != null) {
                    Files.deleteIfExists(made);
                }
            } catch (IOException second) {
                e.addSuppressed(second);
            }
            throw new UncheckedIOException(file + " cannot be written", e);
        }
    }

    /** Wipes what was read. */
    @Override
    public void close() {
        arena.close();
    }
}
