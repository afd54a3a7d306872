package dev.qdistill.dump;

import dev.qdistill.bits.BitString;
import dev.qdistill.bits.SecretArena;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Writes QRAW from front to back: a file, or a stream.
 *
 * <p>The records of a file go to a temporary file (mode 0600) beside the target, which takes the target's name when
 * {@link #finish} has made it durable; a writer that is closed before leaves nothing, and the target, if there was
 * one, as it was.
 *
 * <p>Security guarantee: the memory that held records is wiped on {@link #close()}.
 */
public final class DumpWriter implements AutoCloseable {
    private final String name;
    private final Optional<TemporaryFile> file;
    private final WritableByteChannel channel;
    private final DumpHeader header;
    private final Role role;
    private final int intensities;
    private final boolean implicit;
    private final SecretArena arena = new SecretArena();
    private final MemorySegment buffer;
    private final ByteBuffer bytes;
    private final MemorySegment[] planes;
    private final long[] pulses = new long[RecordBatch.CAPACITY];

    // The words of the planes being filled, and the number of records in the chunk being filled.
    private long basisWord;
    private long bitWord;
    private long lowWord;
    private long highWord;
    private int count;

    private long lastPulse = -1;
    private long chunks;
    private long records;
    private long doubleClicks;
    private boolean finished;
    private boolean closed;

    /** A file that has not got its name yet. */
    private record TemporaryFile(Path target, Path temporary, FileChannel channel) {}

    /**
     * Starts a dump.
     *
     * @param target the file to be; an existing one is replaced at the end
     * @param header of a QRAW file ({@link DumpHeader#qraw})
     * @throws IllegalArgumentException if the header is another format's
     * @throws UncheckedIOException if the directory cannot be written to
     */
    public static DumpWriter create(Path target, DumpHeader header) {
        requireQraw(header);
        try {
            // A device, say, would be replaced.
            if (Files.exists(target) && !Files.isRegularFile(target)) {
                throw new FileSystemException(
                        target.toString(), null, Files.isDirectory(target) ? "is a directory" : "is no regular file");
            }
            Path temporary = createTemporary(target.toAbsolutePath());
            // An interrupted program leaves no half dump either.
            temporary.toFile().deleteOnExit();
            FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE);
            return new DumpWriter(
                    target.toString(), Optional.of(new TemporaryFile(target, temporary, channel)), channel, header);
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot write " + target, e);
        }
    }

    /**
     * Starts a dump that goes to a stream, a whole chunk at a time; {@link #flush} sends what there is.
     *
     * @param name what the stream is called in messages
     * @param channel the stream, which takes all that it is given; closed at the end
     * @param header of a QRAW file ({@link DumpHeader#qraw})
     * @throws IllegalArgumentException if the header is another format's
     * @throws UncheckedIOException if the stream takes nothing
     */
    public static DumpWriter stream(String name, WritableByteChannel channel, DumpHeader header) {
        requireQraw(header);
        return new DumpWriter(name, Optional.empty(), channel, header);
    }

    private static void requireQraw(DumpHeader header) {
        if (header.format() != DumpFormat.QRAW) {
            throw new IllegalArgumentException("Only QRAW can be written, not " + header.format());
        }
    }

    private DumpWriter(String name, Optional<TemporaryFile> file, WritableByteChannel channel, DumpHeader header) {
        this.name = name;
        this.file = file;
        this.channel = channel;
        this.header = header;
        this.role = header.role().orElseThrow();
        this.intensities = header.protocol().intensities();
        this.implicit = header.kind() != DumpKind.RAW;
        this.buffer = arena.allocate(Qraw.CHUNK_HEADER_BYTES + (long) Qraw.MAX_PAYLOAD_BYTES + 8, BitString.ALIGNMENT);
        this.bytes = buffer.asByteBuffer();
        this.planes = new MemorySegment[Qraw.planes(role)];
        for (int p = 0; p < planes.length; p++) {
            planes[p] = arena.allocate(RecordBatch.CAPACITY / 8, BitString.ALIGNMENT);
        }
        boolean done = false;
        try {
            Qraw.writeHeader(header, buffer.asSlice(0, Qraw.HEADER_BYTES));
            write(Qraw.HEADER_BYTES);
            done = true;
        } finally {
            if (!done) {
                close();
            }
        }
    }

    private static Path createTemporary(Path target) throws IOException {
        Path directory = target.getParent();
        if (directory == null) {
            throw new FileSystemException(target.toString(), null, "is a directory");
        }
        FileAttribute<?>[] attributes =
                directory.getFileSystem().supportedFileAttributeViews().contains("posix")
                        ? new FileAttribute<?>[] {
                            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
                        }
                        : new FileAttribute<?>[0];
        return Files.createTempFile(directory, "." + target.getFileName() + ".", ".tmp", attributes);
    }

    public DumpHeader header() {
        return header;
    }

    /** The records so far. */
    public long records() {
        return records + count;
    }

    /**
     * Adds a record of Alice's.
     *
     * @param pulse the index of the pulse, above the last one's; of a sifted or full-pulse dump the number of the record
     * @param basis 0 for Z, 1 for X
     * @param bit 0 or 1
     * @param intensity the index of the intensity
     */
    public void alice(long pulse, int basis, int bit, int intensity) {
        if (role != Role.ALICE || intensity < 0 || intensity >= intensities) {
            throw new IllegalArgumentException("Not a record for " + role + "'s "
                    + header.protocol().id() + " dump: Alice's, intensity " + intensity);
        }
        append(pulse, basis, bit, intensity & 1, intensity >> 1);
    }

    /**
     * Adds a record of Bob's.
     *
     * @param pulse the index of the pulse, above the last one's; of a sifted dump the number of the record
     * @param basis 0 for Z, 1 for X
     * @param bit 0 or 1; drawn at random after a double click
     * @param doubleClick 1 if both detectors of the basis clicked, 0 if one did
     */
    public void bob(long pulse, int basis, int bit, int doubleClick) {
        if (role != Role.BOB) {
            throw new IllegalArgumentException("Bob's record for Alice's dump");
        }
        append(pulse, basis, bit, doubleClick & 1, 0);
        doubleClicks += doubleClick & 1;
    }

    private void append(long pulse, int basis, int bit, int low, int high) {
        if (finished || closed) {
            throw new IllegalStateException("The dump is finished");
        }
        if (pulse <= lastPulse || implicit && pulse != lastPulse + 1) {
            throw new IllegalArgumentException("Record " + records() + " has the index " + pulse + " after " + lastPulse
                    + (implicit ? "; this dump has no gaps" : "; they must increase"));
        }
        if (!implicit && count > 0 && pulse - lastPulse > 1L << IndexColumn.MAX_WIDTH) {
            flushChunk();
        }
        int shift = count & 63;
        basisWord |= (basis & 1L) << shift;
        bitWord |= (bit & 1L) << shift;
        lowWord |= (long) low << shift;
        highWord |= (long) high << shift;
        pulses[count++] = pulse;
        lastPulse = pulse;
        if (shift == 63) {
            flushWord();
            if (count == RecordBatch.CAPACITY) {
                flushChunk();
            }
        }
    }

    private void flushWord() {
        long at = (count - 1 >>> 6) * 8L;
        planes[RecordBatch.BASIS].set(Qraw.LONG, at, basisWord);
        planes[RecordBatch.BIT].set(Qraw.LONG, at, bitWord);
        planes[2].set(Qraw.LONG, at, lowWord);
        if (role == Role.ALICE) {
            planes[RecordBatch.INTENSITY_HIGH].set(Qraw.LONG, at, highWord);
        }
        basisWord = 0;
        bitWord = 0;
        lowWord = 0;
        highWord = 0;
    }

    /**
     * Writes the records so far as a chunk of their own, even if it is not full: who reads a stream sees them now. Small chunks
     * cost more bytes a record.
     */
    public void flush() {
        if (finished || closed) {
            throw new IllegalStateException("The dump is finished");
        }
        flushChunk();
    }

    private void flushChunk() {
        if (count == 0) {
            return;
        }
        if ((count & 63) != 0) {
            flushWord();
        }
        int planeBytes = Qraw.planeBytes(count);
        long at = Qraw.CHUNK_HEADER_BYTES;
        for (MemorySegment plane : planes) {
            MemorySegment.copy(plane, 0, buffer, at, planeBytes);
            at += planeBytes;
        }
        int width = IndexColumn.width(pulses, count);
        IndexColumn.pack(pulses, count, width, buffer, at);
        at += IndexColumn.bytes(count, width);
        int payload = (int) at - Qraw.CHUNK_HEADER_BYTES;
        buffer.set(Qraw.INT, 0, Qraw.CHUNK);
        buffer.set(Qraw.INT, 4, count);
        buffer.set(Qraw.INT, 8, payload);
        buffer.set(Qraw.INT, 12, Qraw.crc(buffer.asSlice(Qraw.CHUNK_HEADER_BYTES, payload)));
        buffer.set(Qraw.LONG, 16, pulses[0]);
        buffer.set(Qraw.LONG, 24, pulses[count - 1]);
        buffer.set(Qraw.LONG, 32, chunks);
        buffer.set(Qraw.INT, 40, width);
        buffer.set(Qraw.INT, 44, Qraw.crc(buffer.asSlice(0, 44)));
        write((int) at);
        chunks++;
        records += count;
        count = 0;
    }

    /**
     * Ends Alice's dump: writes the totals, makes the file durable and gives it its name.
     *
     * @param sent all pulses of the session by basis and intensity
     * @throws IllegalArgumentException if there are fewer pulses than the records say
     */
    public void finish(SentPulses sent) {
        if (role != Role.ALICE || sent.intensities() != intensities) {
            throw new IllegalArgumentException(
                    "Alice's dump ends with the pulses of " + intensities + " intensities, and only hers");
        }
        finish(sent.total(), sent);
    }

    /**
     * Ends Bob's dump, as {@link #finish(SentPulses)}.
     *
     * @param pulseCount all pulses of the session
     */
    public void finish(long pulseCount) {
        if (role != Role.BOB) {
            throw new IllegalArgumentException("Alice's dump ends with the pulses by basis and intensity");
        }
        finish(pulseCount, null);
    }

    private void finish(long pulseCount, @Nullable SentPulses sent) {
        if (finished || closed) {
            throw new IllegalStateException("The dump is finished");
        }
        if (lastPulse >= pulseCount && records() > 0) {
            throw new IllegalArgumentException("There is a record of pulse " + lastPulse + " of " + pulseCount);
        }
        flushChunk();
        MemorySegment end = buffer.asSlice(0, Qraw.END_BYTES);
        end.fill((byte) 0);
        end.set(Qraw.INT, 0, Qraw.END);
        end.set(Qraw.INT, 4, Qraw.END_BYTES);
        end.set(Qraw.LONG, 8, records);
        end.set(Qraw.LONG, 16, chunks);
        end.set(Qraw.LONG, 24, pulseCount);
        if (sent != null) {
            for (int k = 0; k < sent.intensities(); k++) {
                end.set(Qraw.LONG, 32 + 8L * k, sent.count(Basis.Z, k));
                end.set(Qraw.LONG, 56 + 8L * k, sent.count(Basis.X, k));
            }
        }
        end.set(Qraw.LONG, 80, doubleClicks);
        end.set(Qraw.INT, 92, Qraw.crc(end.asSlice(0, 92)));
        write(Qraw.END_BYTES);
        try {
            if (file.isPresent()) {
                TemporaryFile f = file.get();
                f.channel().force(true);
                f.channel().close();
                Files.move(
                        f.temporary(), f.target(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
                finished = true;
                syncDirectory(f.target());
            }
            finished = true;
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot write " + name, e);
        } finally {
            close();
        }
    }

    private static void syncDirectory(Path target) throws IOException {
        Path directory = target.toAbsolutePath().getParent();
        if (directory != null
                && directory.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            try (FileChannel d = FileChannel.open(directory, StandardOpenOption.READ)) {
                d.force(true);
            }
        }
    }

    private void write(int length) {
        bytes.limit(length).position(0);
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            close();
            throw new UncheckedIOException("Cannot write " + name, e);
        }
    }

    /** Ends writing; without {@link #finish} before, nothing remains of the dump. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        basisWord = 0;
        bitWord = 0;
        lowWord = 0;
        highWord = 0;
        arena.close();
        try {
            channel.close();
            if (!finished && file.isPresent()) {
                Files.deleteIfExists(file.get().temporary());
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot write " + name, e);
        }
    }
}
