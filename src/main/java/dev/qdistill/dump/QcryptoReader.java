package dev.qdistill.dump;

import dev.qdistill.bits.BitString;
import dev.qdistill.bits.SecretArena;
import dev.qdistill.security.Protocol;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Reads the sifted bits of one epoch of the qcrypto stack: stream type 3 with one bit an entry. The bases are not in the
 * file; the epoch stands for the session.
 */
final class QcryptoReader implements DumpReader {
    private static final int HEADER_BYTES = 16;

    private final Path file;
    private final FileChannel channel;
    private final long size;
    private final long length;
    private final DumpHeader header;
    private final SecretArena arena = new SecretArena();
    private final MemorySegment buffer = arena.allocate(RecordBatch.CAPACITY / 8, BitString.ALIGNMENT);
    private final RecordBatch batch;
    private long position = HEADER_BYTES;
    private long records;
    private @Nullable DumpTotals totals;

    QcryptoReader(Path file, FileChannel channel, ByteBuffer head) throws IOException {
        this.file = file;
        this.channel = channel;
        this.size = channel.size();
        boolean done = false;
        try {
            if (head.remaining() < HEADER_BYTES) {
                throw new BadInputException(file, head.remaining(), "the file is cut: it ends within the header");
            }
            ByteBuffer h = head.duplicate().order(ByteOrder.LITTLE_ENDIAN);
            long epoch = Integer.toUnsignedLong(h.getInt(4));
            this.length = Integer.toUnsignedLong(h.getInt(8));
            int bitsPerEntry = h.getInt(12);
            if (bitsPerEntry != 1) {
                throw new BadInputException(
                        file,
                        12,
                        "qcrypto T3 with " + bitsPerEntry + " bits an entry; only 1 can be imported"
                                + (bitsPerEntry == 8 ? " (8 is the service mode, with both sides' detectors)" : ""));
            }
            long expected = HEADER_BYTES + (length + 31) / 32 * 4;
            if (size != expected) {
                throw new BadInputException(
                        file,
                        Math.min(size, expected),
                        (size < expected ? "the file is cut: " : "bytes follow the last entry: ") + length
                                + " entries take " + expected + " bytes, the file has " + size);
            }
            this.header = new DumpHeader(
                    DumpFormat.QCRYPTO_T3,
                    DumpKind.SIFTED,
                    Optional.empty(),
                    Protocol.SINGLE_PHOTON,
                    Optional.of(new SessionId(0, epoch)),
                    Optional.empty(),
                    EnumSet.of(Column.PULSE));
            this.batch = new RecordBatch(header.columns(), arena);
            done = true;
        } finally {
            if (!done) {
                arena.close();
            }
        }
    }

    /** The stream type 1 to 7 that a file's first bytes name, 0 if they name none. */
    static int streamType(ByteBuffer head) {
        if (head.remaining() < 4) {
            return 0;
        }
        int tag = head.duplicate().order(ByteOrder.LITTLE_ENDIAN).getInt(0);
        int type = tag & ~0x100;
        return type >= 1 && type <= 7 ? type : 0;
    }

    @Override
    public boolean next() {
        if (totals != null) {
            return false;
        }
        if (records == length) {
            totals = new DumpTotals(records, OptionalLong.empty(), Optional.empty());
            return false;
        }
        int count = (int) Math.min(RecordBatch.CAPACITY, length - records);
        read((count + 31) / 32 * 4);
        // Entry 0 is the highest bit of the first 32-bit word; here it is the lowest.
        BitString bits = batch.plane(RecordBatch.BIT);
        bits.wipe();
        for (int w = 0; w < (count + 31) / 32; w++) {
            int valid = Math.min(32, count - 32 * w);
            bits.setBits(32L * w, valid, Integer.reverse(buffer.get(Qraw.INT, 4L * w)) & 0xffff_ffffL);
        }
        for (int i = 0; i < count; i++) {
            batch.pulseArray()[i] = records + i;
        }
        batch.count(count);
        records += count;
        return true;
    }

    private void read(int bytes) {
        ByteBuffer to = buffer.asByteBuffer().limit(bytes);
        try {
            while (to.hasRemaining()) {
                int n = channel.read(to, position);
                if (n < 0) {
                    throw new BadInputException(file, position, "the file is cut: it became shorter while it was read");
                }
                position += n;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(file.toString(), e);
        }
    }

    @Override
    public String name() {
        return file.toString();
    }

    @Override
    public Optional<Path> file() {
        return Optional.of(file);
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
    public void close() {
        arena.close();
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(file.toString(), e);
        }
    }
}
