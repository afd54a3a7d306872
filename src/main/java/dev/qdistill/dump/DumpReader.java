package dev.qdistill.dump;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.Optional;

/**
 * Reads a raw key dump from front to back, a batch at a time; a dump larger than memory works.
 *
 * <pre>{@code
 * try (DumpReader reader = DumpReader.open(path)) {
 *     while (reader.next()) {
 *         RecordBatch batch = reader.batch();
 *         ...
 *     }
 *     DumpTotals totals = reader.totals();
 * }
 * }</pre>
 *
 * <p>The format is recognised by the contents, never by the name. A file that is cut, damaged or of another format
 * throws {@link BadInputException}, at {@code open} or at the {@code next} that comes upon it, so that nothing may be
 * done with a dump's records for good before {@link #next()} has returned false. Failures of the file system throw
 * {@link UncheckedIOException}.
 *
 * <p>Security guarantee: the memory that held records is wiped on {@link #close()}.
 */
public sealed interface DumpReader extends AutoCloseable permits QrawReader, TextReader, QcryptoReader, LiveDump {
    /**
     * Requires a regular file that can be read.
     *
     * @throws BadInputException if it is something else
     */
    static void requireFile(Path file) {
        if (!Files.exists(file)) {
            throw new BadInputException(file, "no such file");
        }
        if (Files.isDirectory(file)) {
            throw new BadInputException(file, "is a directory; a file is expected");
        }
        if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
            throw new BadInputException(file, "is not a regular file that can be read");
        }
    }

    /**
     * Opens a dump and reads its header.
     *
     * @throws BadInputException if it is not a readable file of a known format
     */
    static DumpReader open(Path file) {
        requireFile(file);
        FileChannel channel;
        try {
            channel = FileChannel.open(file, StandardOpenOption.READ);
        } catch (IOException e) {
            throw new BadInputException(file, "cannot be opened: " + e.getMessage());
        }
        boolean done = false;
        try {
            ByteBuffer head = ByteBuffer.allocate(16);
            while (head.hasRemaining() && channel.read(head, head.position()) >= 0) {}
            head.flip();
            DumpReader reader = recognise(file, channel, head);
            done = true;
            return reader;
        } catch (IOException e) {
            throw new UncheckedIOException(file.toString(), e);
        } finally {
            if (!done) {
                try {
                    channel.close();
                } catch (IOException e) {
                    // The first failure is the one to report.
                }
            }
        }
    }

    /**
     * Opens a QRAW dump that is not a file of this machine's, and reads its header.
     *
     * @param name what it is called in messages
     * @param channel at its start; closed with the reader, or when this fails
     * @throws BadInputException if it is no QRAW dump
     */
    static DumpReader open(String name, SeekableByteChannel channel) {
        boolean done = false;
        try {
            DumpReader reader = new QrawReader(name, channel);
            done = true;
            return reader;
        } catch (IOException e) {
            throw new UncheckedIOException(name, e);
        } finally {
            if (!done) {
                try {
                    channel.close();
                } catch (IOException e) {
                    // The first failure is the one to report.
                }
            }
        }
    }

    /**
     * The pulses sent in a QRAW dump's session, from its end alone, which is checked when the records are read.
     *
     * @param name what the dump is called in messages
     * @param channel the dump; stays open
     * @throws BadInputException if it has no end
     */
    static long pulsesAtEnd(String name, SeekableByteChannel channel) {
        try {
            long at = channel.size() - Qraw.END_BYTES;
            ByteBuffer end = ByteBuffer.allocate(Qraw.END_BYTES).order(ByteOrder.LITTLE_ENDIAN);
            if (at >= 0) {
                channel.position(at);
                while (end.hasRemaining() && channel.read(end) >= 0) {}
            }
            if (end.hasRemaining() || end.getInt(0) != Qraw.END || end.getLong(24) < 0) {
                throw new BadInputException(name, Math.max(0, at), "the file is cut: the end should stand here");
            }
            return end.getLong(24);
        } catch (IOException e) {
            throw new UncheckedIOException(name, e);
        }
    }

    private static DumpReader recognise(Path file, FileChannel channel, ByteBuffer head) throws IOException {
        if (!head.hasRemaining()) {
            throw new BadInputException(file, 0, "the file is empty");
        }
        if (Qraw.isMagic(head)) {
            return new QrawReader(file, channel);
        }
        byte[] first = new byte[head.remaining()];
        head.get(0, first);
        if (TextReader.isHeader(new String(first, StandardCharsets.ISO_8859_1))) {
            return new TextReader(file, channel);
        }
        int stream = QcryptoReader.streamType(head);
        if (stream == 3) {
            return new QcryptoReader(file, channel, head);
        }
        if (stream != 0) {
            throw new BadInputException(
                    file, 0, "qcrypto stream of type " + stream + "; only type 3 (sifted bits) can be distilled");
        }
        byte[] found = new byte[Math.min(8, head.remaining())];
        head.get(0, found);
        throw new BadInputException(
                file,
                0,
                "this is no raw key dump: it begins with the bytes "
                        + HexFormat.ofDelimiter(" ").formatHex(found)
                        + "; expected QRAW, a line index,basis,bit, or a qcrypto T3 header");
    }

    /** What is being read is called in messages: the file's path, or what a stream was called. */
    String name();

    /** The file being read; empty for a stream. */
    Optional<Path> file();

    /** The size of the file in bytes; of a stream the bytes read so far. */
    long size();

    /** About how many records there are, by the size of the file. */
    default long estimatedRecords() {
        return switch (header().format()) {
            case QRAW -> size() * 8 / (header().kind() == DumpKind.RAW ? 12 : 4);
            case TEXT -> size() / 10;
            case QCRYPTO_T3 -> size() * 8;
        };
    }

    /**
     * Records before a pulse are not wanted: a reader that can passes over them, and their checksums are not compared then. Others
     * give them out all the same.
     */
    default void skipBefore(long pulse) {}

    /** The bytes read so far, for a progress bar. */
    long position();

    DumpHeader header();

    /**
     * Reads the next batch.
     *
     * @return false at the end of the dump, whose totals then have been read and checked
     * @throws BadInputException if the file is damaged or cut here
     */
    boolean next();

    /** The batch last read; overwritten by the next {@link #next()}. */
    RecordBatch batch();

    /**
     * The totals.
     *
     * @throws IllegalStateException before {@link #next()} has returned false
     */
    DumpTotals totals();

    /** Closes the file and wipes the memory. */
    @Override
    void close();

    /**
     * Makes sure that the dump is not known to be the other side's.
     *
     * @throws BadInputException if it is
     */
    default void requireRole(Role expected) {
        Optional<Role> found = header().role();
        if (found.isPresent() && found.get() != expected) {
            throw new BadInputException(name(), found.get() + "'s dump was given where " + expected + "'s is expected");
        }
    }

    /**
     * Makes sure that {@code alice} and {@code bob} can be the two dumps of one session, as far as their headers tell:
     * two files, the roles, the session, the protocol, the kind and the link's parameters.
     *
     * @throws BadInputException if they cannot
     */
    static void requirePair(DumpReader alice, DumpReader bob) {
        try {
            if (alice.file().isPresent()
                    && bob.file().isPresent()
                    && Files.isSameFile(alice.file().get(), bob.file().get())) {
                throw new BadInputException(bob.name(), "the same file was given as Alice's and as Bob's dump");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        DumpHeader a = alice.header();
        DumpHeader b = bob.header();
        if (a.role().isPresent()
                && b.role().isPresent()
                && a.role().get() == Role.BOB
                && b.role().get() == Role.ALICE) {
            throw new BadInputException(
                    alice.name(), "the roles are swapped: this is Bob's dump, and " + bob.name() + " is Alice's");
        }
        alice.requireRole(Role.ALICE);
        bob.requireRole(Role.BOB);
        requireEqual(bob, "session", b.session(), a.session());
        requireEqual(
                bob,
                "protocol",
                Optional.of(b.protocol().id()),
                Optional.of(a.protocol().id()));
        if (a.kind() == DumpKind.SIFTED ^ b.kind() == DumpKind.SIFTED) {
            throw new BadInputException(
                    bob.name(),
                    "a " + b.kind().id() + " dump cannot be paired with a "
                            + a.kind().id() + " one");
        }
        requireEqual(bob, "link", b.link(), a.link());
    }

    private static void requireEqual(DumpReader bob, String what, Optional<?> found, Optional<?> expected) {
        if (!found.equals(expected)) {
            throw new BadInputException(
                    bob.name(),
                    "the two dumps belong to different sessions: this one's " + what + " is "
                            + found.map(Object::toString).orElse("unknown") + ", the other one's "
                            + expected.map(Object::toString).orElse("unknown"));
        }
    }
}
