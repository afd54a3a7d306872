package dev.qdistill.dump;

import dev.qdistill.bits.BitString;
import dev.qdistill.bits.SecretArena;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** Reads QRAW, a file or a stream; docs/formats.md has its layout. A length is believed only below what the format allows. */
final class QrawReader implements DumpReader {
    private final String name;
    private final Optional<Path> file;
    private final ReadableByteChannel channel;
    private final long size;
    private final SecretArena arena = new SecretArena();
    private final MemorySegment buffer;
    private final ByteBuffer bytes;
    private final DumpHeader header;
    private final int planes;
    private final RecordBatch batch;
    private final long[] fullPulseCounts = new long[6];

    private long position;
    private long chunks;
    private long records;
    private long doubleClicks;
    private long lastPulse = -1;
    private @Nullable DumpTotals totals;
    /** Chunks that end before this pulse are passed over, unread. */
    private long skipBefore;

    private boolean skipped;

    QrawReader(Path file, FileChannel channel) throws IOException {
        this(file.toString(), Optional.of(file), channel, channel.size());
    }

    /** A stream, whose end is not known before it comes; its read waits for data. */
    QrawReader(String name, ReadableByteChannel channel) throws IOException {
        this(name, Optional.empty(), channel, 0);
    }

    private QrawReader(String name, Optional<Path> file, ReadableByteChannel channel, long size) throws IOException {
        this.name = name;
        this.file = file;
        this.channel = channel;
        this.size = size;
        // Eight bytes more than the largest chunk: the index column is loaded eight bytes at a time.
        this.buffer = arena.allocate(Qraw.MAX_PAYLOAD_BYTES + 8L, BitString.ALIGNMENT);
        this.bytes = buffer.asByteBuffer();
        boolean done = false;
        try {
            read(Qraw.HEADER_BYTES, "the header");
            this.header = Qraw.readHeader(name, buffer.asSlice(0, Qraw.HEADER_BYTES));
            done = true;
        } finally {
            if (!done) {
                arena.close();
            }
        }
        this.planes = Qraw.planes(header.role().orElseThrow());
        this.batch = new RecordBatch(header.columns(), arena);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Optional<Path> file() {
        return file;
    }

    @Override
    public long size() {
        return Math.max(size, position);
    }

    @Override
    public long position() {
        return position;
    }

    @Override
    public DumpHeader header() {
        return header;
    }

    @Override
    public RecordBatch batch() {
        return batch;
    }

    @Override
    public DumpTotals totals() {
        if (totals == null) {
            throw new IllegalStateException("The totals come after the last batch");
        }
        return totals;
    }

    @Override
    public boolean next() {
        if (totals != null) {
            return false;
        }
        try {
            long at = position;
            read(4, "a chunk or the end");
            int type = buffer.get(Qraw.INT, 0);
            while (type == Qraw.CHUNK) {
                if (readChunk(at)) {
                    return true;
                }
                at = position;
                read(4, "a chunk or the end");
                type = buffer.get(Qraw.INT, 0);
            }
            if (type == Qraw.END) {
                readEnd(at);
                return false;
            }
            throw new BadInputException(
                    name, at, "a chunk or the end should begin here; found the bytes " + Qraw.hex(type));
        } catch (IOException e) {
            throw new UncheckedIOException(name, e);
        }
    }

    @Override
    public void skipBefore(long pulse) {
        skipBefore = header.kind() == DumpKind.RAW && channel instanceof SeekableByteChannel ? pulse : 0;
    }

    /** Returns whether the chunk's records are there; false if it was passed over. */
    private boolean readChunk(long at) throws IOException {
        readOn(4, Qraw.CHUNK_HEADER_BYTES, "the header of chunk " + chunks);
        requireChecksum(
                at + 44, "the header of chunk " + chunks, buffer.get(Qraw.INT, 44), Qraw.crc(buffer.asSlice(0, 44)));
        int count = buffer.get(Qraw.INT, 4);
        int payload = buffer.get(Qraw.INT, 8);
        int payloadCrc = buffer.get(Qraw.INT, 12);
        long first = buffer.get(Qraw.LONG, 16);
        long last = buffer.get(Qraw.LONG, 24);
        long number = buffer.get(Qraw.LONG, 32);
        int width = buffer.get(Qraw.INT, 40);
        boolean implicit = header.kind() != DumpKind.RAW;
        if (count < 1 || count > RecordBatch.CAPACITY) {
            throw new BadInputException(
                    name, at + 4, "chunk of " + count + " records; 1 to " + RecordBatch.CAPACITY + " are allowed");
        }
        int mostBits = implicit ? 0 : IndexColumn.MAX_WIDTH;
        if (width < 0 || width > mostBits) {
            throw new BadInputException(
                    name, at + 40, "index column of " + width + " bits a record; 0 to " + mostBits + " are allowed");
        }
        int planeBytes = Qraw.planeBytes(count);
        int expected = planes * planeBytes + IndexColumn.bytes(count, width);
        if (payload != expected) {
            throw new BadInputException(
                    name,
                    at + 8,
                    "chunk of " + payload + " bytes; " + count + " records with " + width + " bits of index take "
                            + expected);
        }
        if (number != chunks) {
            throw new BadInputException(
                    name,
                    at + 32,
                    "chunk number " + Long.toUnsignedString(number) + " where " + chunks + " is expected");
        }
        if (first <= lastPulse || last < first || last - first < count - 1 || implicit && last - first != count - 1) {
            throw new BadInputException(
                    name,
                    at + 16,
                    "indices must increase: " + count + " records from " + first + " to " + last + " after "
                            + lastPulse);
        }
        if (implicit && first != records) {
            throw new BadInputException(
                    name, at + 16, "index " + first + " where " + records + " is expected: every record counts");
        }
        if (last < skipBefore && channel instanceof SeekableByteChannel seekable) {
            position += payload;
            seekable.position(position);
            skipped = true;
            chunks++;
            records += count;
            lastPulse = last;
            return false;
        }
        read(payload, "chunk " + chunks);
        long start = at + Qraw.CHUNK_HEADER_BYTES;
        if (payloadCrc != Qraw.crc(buffer.asSlice(0, payload))) {
            // Without the values: they are parities of raw key, and this goes to logs.
            throw new BadInputException(
                    name,
                    start,
                    "chunk " + chunks + " is damaged: its checksum does not fit its " + payload + " bytes");
        }
        readPlanes(start, count, planeBytes);
        readPulses(start, (long) planes * planeBytes, payload, width, count, first, last);
        batch.count(count);
        chunks++;
        records += count;
        lastPulse = last;
        if (header.role().orElseThrow() == Role.BOB) {
            doubleClicks += batch.plane(RecordBatch.DOUBLE_CLICK).bitCount();
        } else if (header.kind() == DumpKind.FULL_PULSE) {
            countPulses(count);
        }
        return true;
    }

    private void readPlanes(long start, int count, int planeBytes) {
        int padding = -count & 63;
        for (int p = 0; p < planes; p++) {
            BitString plane = batch.plane(p);
            long from = (long) p * planeBytes;
            if (padding != 0 && buffer.get(Qraw.LONG, from + planeBytes - 8) >>> (64 - padding) != 0) {
                throw new BadInputException(
                        name, start + from + planeBytes - 8, "bits beyond the last record are not zero");
            }
            MemorySegment to = plane.segment();
            MemorySegment.copy(buffer, from, to, 0, planeBytes);
            to.asSlice(planeBytes).fill((byte) 0);
        }
        if (header.role().orElseThrow() == Role.ALICE) {
            // Of the indices 0 to 3 that two planes can say, those from the number of intensities up are wrong.
            MemorySegment low = batch.plane(RecordBatch.INTENSITY_LOW).segment();
            MemorySegment high = batch.plane(RecordBatch.INTENSITY_HIGH).segment();
            int intensities = header.protocol().intensities();
            long noLow = intensities < 2 ? -1 : 0;
            long noHigh = intensities < 3 ? -1 : 0;
            long wrong = 0;
            for (int at = 0; at < planeBytes; at += 8) {
                long l = low.get(Qraw.LONG, at);
                long h = high.get(Qraw.LONG, at);
                wrong |= l & h | l & noLow | h & noHigh;
            }
            if (wrong != 0) {
                throw new BadInputException(
                        name,
                        start + 2L * planeBytes,
                        "chunk " + chunks + " has an intensity index beyond the " + intensities + " intensities");
            }
        }
    }

    private void readPulses(long start, long from, int end, int width, int count, long first, long last) {
        if (!IndexColumn.unpack(buffer, from, width, first, last, batch.pulseArray(), count)) {
            throw new BadInputException(
                    name,
                    start + from,
                    "the indices of chunk " + chunks + " do not increase from " + first + " to " + last);
        }
        long used = (long) (count - 1) * width & 63;
        if (used != 0 && buffer.get(Qraw.LONG, end - 8L) >>> used != 0) {
            throw new BadInputException(name, start + end - 8, "bits beyond the last index are not zero");
        }
    }

    private void countPulses(int count) {
        BitString basis = batch.plane(RecordBatch.BASIS);
        BitString low = batch.plane(RecordBatch.INTENSITY_LOW);
        BitString high = batch.plane(RecordBatch.INTENSITY_HIGH);
        for (int w = 0; w < (count + 63) / 64; w++) {
            long valid = count - 64 * w >= 64 ? -1L : (1L << (count & 63)) - 1;
            long b = basis.word(w);
            long l = low.word(w);
            long h = high.word(w);
            for (int k = 0; k < 3; k++) {
                long is = valid & ((k & 1) == 0 ? ~l : l) & ((k & 2) == 0 ? ~h : h);
                fullPulseCounts[k] += Long.bitCount(is & ~b);
                fullPulseCounts[3 + k] += Long.bitCount(is & b);
            }
        }
    }

    private void readEnd(long at) throws IOException {
        readOn(4, Qraw.END_BYTES, "the end");
        requireChecksum(at + 92, "the end", buffer.get(Qraw.INT, 92), Qraw.crc(buffer.asSlice(0, 92)));
        requireTotal(at + 4, "length of the end", Integer.toUnsignedLong(buffer.get(Qraw.INT, 4)), Qraw.END_BYTES);
        requireTotal(at + 8, "records", buffer.get(Qraw.LONG, 8), records);
        requireTotal(at + 16, "chunks", buffer.get(Qraw.LONG, 16), chunks);
        long pulses = buffer.get(Qraw.LONG, 24);
        if (!skipped) {
            requireTotal(at + 80, "double clicks", buffer.get(Qraw.LONG, 80), doubleClicks);
        }
        if (header.kind() == DumpKind.SIFTED ? pulses < records : pulses <= lastPulse) {
            throw new BadInputException(
                    name, at + 24, pulses + " pulses in all, but the last record has the index " + lastPulse);
        }
        Optional<SentPulses> sent =
                header.role().orElseThrow() == Role.ALICE ? Optional.of(readSent(at, pulses)) : Optional.empty();
        bytes.limit(1).position(0);
        if (channel.read(bytes) > 0) {
            throw new BadInputException(
                    name,
                    position,
                    (file.isEmpty() ? "" : (size - position) + " ") + "bytes follow the end of the dump");
        }
        totals = new DumpTotals(records, OptionalLong.of(pulses), sent);
    }

    private SentPulses readSent(long at, long pulses) {
        int intensities = header.protocol().intensities();
        long[] z = new long[intensities];
        long[] x = new long[intensities];
        for (int k = 0; k < 3; k++) {
            long inZ = buffer.get(Qraw.LONG, 32 + 8L * k);
            long inX = buffer.get(Qraw.LONG, 56 + 8L * k);
            if (header.kind() == DumpKind.FULL_PULSE) {
                requireTotal(at + 32 + 8L * k, "pulses in Z with intensity " + k, inZ, fullPulseCounts[k]);
                requireTotal(at + 56 + 8L * k, "pulses in X with intensity " + k, inX, fullPulseCounts[3 + k]);
            }
            if (k < intensities) {
                z[k] = inZ;
                x[k] = inX;
            } else {
                requireTotal(at + 32 + 8L * k, "pulses with an intensity that is not there", inZ | inX, 0);
            }
        }
        try {
            SentPulses sent = new SentPulses(z, x);
            requireTotal(at + 24, "pulses", pulses, sent.total());
            return sent;
        } catch (IllegalArgumentException e) {
            throw new BadInputException(name, at + 32, String.valueOf(e.getMessage()));
        }
    }

    private void requireTotal(long offset, String what, long found, long expected) {
        if (found != expected) {
            throw new BadInputException(
                    name, offset, "total of " + what + ": the file says " + found + ", but it is " + expected);
        }
    }

    private void requireChecksum(long offset, String what, int found, int expected) {
        if (found != expected) {
            throw new BadInputException(
                    name,
                    offset,
                    what + " is damaged: its checksum is " + Qraw.hex(expected) + ", the file says " + Qraw.hex(found));
        }
    }

    private void read(int length, String what) throws IOException {
        readOn(0, length, what);
    }

    // Fills the buffer from byte `from` to byte `to`.
    private void readOn(int from, int to, String what) throws IOException {
        bytes.limit(to).position(from);
        while (bytes.hasRemaining()) {
            int n = channel.read(bytes);
            if (n < 0) {
                throw new BadInputException(
                        name,
                        position,
                        (file.isEmpty() ? "the stream" : "the file") + " is cut: it ends within " + what + ", "
                                + bytes.remaining() + " bytes short");
            }
            position += n;
        }
    }

    @Override
    public void close() {
        arena.close();
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(name, e);
        }
    }
}
