package dev.qdistill.dump;

import dev.qdistill.bits.BitString;
import dev.qdistill.bits.SecretArena;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** Reads a QRAW file; docs/formats.md has its layout. A length is believed only below what the format allows. */
final class QrawReader implements DumpReader {
    private static final long STOP_BITS = 0x8080_8080_8080_8080L;

    private final Path file;
    private final FileChannel channel;
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

    QrawReader(Path file, FileChannel channel) throws IOException {
        this.file = file;
        this.channel = channel;
        this.size = channel.size();
        // Eight bytes more than the largest chunk: deltas are loaded eight bytes at a time.
        this.buffer = arena.allocate(Qraw.MAX_PAYLOAD_BYTES + 8L, BitString.ALIGNMENT);
        this.bytes = buffer.asByteBuffer();
        boolean done = false;
        try {
            read(Qraw.HEADER_BYTES, "the header");
            this.header = Qraw.readHeader(file, buffer.asSlice(0, Qraw.HEADER_BYTES));
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
    public Path file() {
        return file;
    }

    @Override
    public long size() {
        return size;
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
            if (type == Qraw.CHUNK) {
                readChunk(at);
                return true;
            }
            if (type == Qraw.END) {
                readEnd(at);
                return false;
            }
            throw new BadInputException(
                    file, at, "a chunk or the end should begin here; found the bytes " + Qraw.hex(type));
        } catch (IOException e) {
            throw new UncheckedIOException(file.toString(), e);
        }
    }

    private void readChunk(long at) throws IOException {
        readOn(4, Qraw.CHUNK_HEADER_BYTES, "the header of chunk " + chunks);
        requireChecksum(
                at + 36, "the header of chunk " + chunks, buffer.get(Qraw.INT, 36), Qraw.crc(buffer.asSlice(0, 36)));
        int count = buffer.get(Qraw.INT, 4);
        int payload = buffer.get(Qraw.INT, 8);
        int payloadCrc = buffer.get(Qraw.INT, 12);
        long first = buffer.get(Qraw.LONG, 16);
        long last = buffer.get(Qraw.LONG, 24);
        int number = buffer.get(Qraw.INT, 32);
        if (count < 1 || count > RecordBatch.CAPACITY) {
            throw new BadInputException(
                    file, at + 4, "chunk of " + count + " records; 1 to " + RecordBatch.CAPACITY + " are allowed");
        }
        int planeBytes = Qraw.planeBytes(count);
        boolean implicit = header.kind() != DumpKind.RAW;
        long least = (long) planes * planeBytes + (implicit ? 0 : count - 1);
        long most = (long) planes * planeBytes + (implicit ? 0 : Qraw.MAX_DELTA_BYTES * (long) count);
        if (payload < least || payload > most || payload % 8 != 0) {
            throw new BadInputException(
                    file,
                    at + 8,
                    "chunk of " + payload + " bytes for " + count + " records; " + least + " to " + most
                            + " in whole words of 8 are possible");
        }
        if (number != (int) chunks) {
            throw new BadInputException(
                    file,
                    at + 32,
                    "chunk number " + Integer.toUnsignedString(number) + " where " + chunks + " is expected");
        }
        if (first <= lastPulse || last - first < count - 1 || implicit && last - first != count - 1) {
            throw new BadInputException(
                    file,
                    at + 16,
                    "indices must increase: " + count + " records from " + first + " to " + last + " after "
                            + lastPulse);
        }
        if (implicit && first != records) {
            throw new BadInputException(
                    file, at + 16, "index " + first + " where " + records + " is expected: every record counts");
        }
        read(payload, "chunk " + chunks);
        long start = at + Qraw.CHUNK_HEADER_BYTES;
        requireChecksum(start, "chunk " + chunks, payloadCrc, Qraw.crc(buffer.asSlice(0, payload)));
        readPlanes(start, count, planeBytes);
        if (implicit) {
            long[] pulses = batch.pulseArray();
            for (int i = 0; i < count; i++) {
                pulses[i] = first + i;
            }
        } else {
            readPulses(start, (long) planes * planeBytes, payload, count, first, last);
        }
        batch.count(count);
        chunks++;
        records += count;
        lastPulse = last;
        if (header.role().orElseThrow() == Role.BOB) {
            doubleClicks += batch.plane(RecordBatch.DOUBLE_CLICK).bitCount();
        } else if (header.kind() == DumpKind.FULL_PULSE) {
            countPulses(count);
        }
    }

    private void readPlanes(long start, int count, int planeBytes) {
        int padding = -count & 63;
        for (int p = 0; p < planes; p++) {
            BitString plane = batch.plane(p);
            long from = (long) p * planeBytes;
            if (padding != 0 && buffer.get(Qraw.LONG, from + planeBytes - 8) >>> (64 - padding) != 0) {
                throw new BadInputException(
                        file, start + from + planeBytes - 8, "bits beyond the last record are not zero");
            }
            MemorySegment to = plane.segment();
            MemorySegment.copy(buffer, from, to, 0, planeBytes);
            to.asSlice(planeBytes).fill((byte) 0);
        }
        if (header.role().orElseThrow() == Role.ALICE) {
            // Of the indices 0 to 3 that two planes can say, those from the number of intensities up are wrong.
            BitString low = batch.plane(RecordBatch.INTENSITY_LOW);
            BitString high = batch.plane(RecordBatch.INTENSITY_HIGH);
            int intensities = header.protocol().intensities();
            long wrong = 0;
            for (int w = 0; w < planeBytes / 8; w++) {
                long l = low.word(w);
                long h = high.word(w);
                wrong |= intensities == 1 ? l | h : intensities == 2 ? h : l & h;
            }
            if (wrong != 0) {
                throw new BadInputException(
                        file,
                        start + 2L * planeBytes,
                        "chunk " + chunks + " has an intensity index beyond the " + intensities + " intensities");
            }
        }
    }

    // Deltas as LEB128: eight bytes are loaded, cut after the first byte without a continuation bit, and their
    // 7-bit groups pushed together; without a branch on the length. Runs at the latency of load, count, add.
    private void readPulses(long start, long from, int end, int count, long first, long last) {
        long[] pulses = batch.pulseArray();
        long pulse = first;
        long at = from;
        long wrong = 0;
        pulses[0] = first;
        for (int i = 1; i < count; i++) {
            long w = buffer.get(Qraw.LONG, at);
            long stop = ~w & STOP_BITS;
            long x = w & (stop ^ (stop - 1)) & ~STOP_BITS;
            x = x & 0x007f_007f_007f_007fL | (x & 0x7f00_7f00_7f00_7f00L) >>> 1;
            x = x & 0x0000_3fff_0000_3fffL | (x & 0x3fff_0000_3fff_0000L) >>> 2;
            x = x & 0x0fff_ffffL | x >>> 32 << 28;
            pulse += x;
            pulses[i] = pulse;
            // Negative: the sum left 63 bits; a delta of zero; no end within eight bytes.
            wrong |= pulse | x - 1 | ~(stop | -stop);
            at += (Long.numberOfTrailingZeros(stop) + 1) >>> 3;
        }
        if (wrong < 0 || pulse != last) {
            throw new BadInputException(
                    file,
                    start + from,
                    "the indices of chunk " + chunks + " do not increase from " + first + " to " + last);
        }
        if (at > end || end - at >= 8 || end > at && buffer.get(Qraw.LONG, end - 8L) >>> (64 - 8 * (end - at)) != 0) {
            throw new BadInputException(
                    file, start + Math.min(at, end), "the index column of chunk " + chunks + " has the wrong length");
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
        requireTotal(at + 80, "double clicks", buffer.get(Qraw.LONG, 80), doubleClicks);
        if (header.kind() == DumpKind.SIFTED ? pulses < records : pulses <= lastPulse) {
            throw new BadInputException(
                    file, at + 24, pulses + " pulses in all, but the last record has the index " + lastPulse);
        }
        Optional<SentPulses> sent =
                header.role().orElseThrow() == Role.ALICE ? Optional.of(readSent(at, pulses)) : Optional.empty();
        if (size > position) {
            throw new BadInputException(file, position, (size - position) + " bytes follow the end of the dump");
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
            throw new BadInputException(file, at + 32, String.valueOf(e.getMessage()));
        }
    }

    private void requireTotal(long offset, String what, long found, long expected) {
        if (found != expected) {
            throw new BadInputException(
                    file, offset, "total of " + what + ": the file says " + found + ", but it is " + expected);
        }
    }

    private void requireChecksum(long offset, String what, int found, int expected) {
        if (found != expected) {
            throw new BadInputException(
                    file,
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
            int n = channel.read(bytes, position);
            if (n < 0) {
                throw new BadInputException(
                        file,
                        position,
                        "the file is cut: it ends within " + what + ", " + bytes.remaining() + " bytes short");
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
            throw new UncheckedIOException(file.toString(), e);
        }
    }
}
