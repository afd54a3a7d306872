package dev.qdistill.cli;

import dev.qdistill.bits.BitString;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Strings of one length to a file, one after the other without gaps; zeros fill the last byte. */
final class BlockWriter implements AutoCloseable {
    private final ByteTarget target;
    private final BitOrder order;
    private final long blockBits;
    // What did not fill a byte yet, then the next block; null where blocks are whole bytes.
    private final @Nullable BitString pending;
    private int pendingBits;

    /** @param target not closed here */
    BlockWriter(ByteTarget target, BitOrder order, long blockBits) {
        this.target = target;
        this.order = order;
        this.blockBits = blockBits;
        pending = blockBits % 8 == 0 ? null : BitString.allocate(blockBits + 8);
    }

    /** Bytes that a writer allocates. */
    static long bytes(long blockBits) {
        return blockBits % 8 == 0 ? 0 : BitString.paddedBytes(blockBits + 8);
    }

    /** Writes a block; the string is changed. */
    void write(BitString block) throws IOException {
        if (pending == null) {
            write(block.bytes());
            return;
        }
        pending.copyFrom(block, 0, pendingBits, blockBits);
        long ready = pendingBits + blockBits;
        pendingBits = (int) (ready & 7);
        long left = pending.bits(ready - pendingBits, pendingBits);
        write(pending.segment().asSlice(0, ready >>> 3));
        pending.setBits(0, pendingBits, left);
    }

    /** Writes the bits that are left over, filled up with zeros. */
    void finish() throws IOException {
        if (pending != null && pendingBits > 0) {
            pending.setBits(pendingBits, 8 - pendingBits, 0);
            write(pending.segment().asSlice(0, 1));
        }
    }

    private void write(MemorySegment bytes) throws IOException {
        order.apply(bytes);
        target.write(bytes);
    }

    @Override
    public void close() {
        if (pending != null) {
            pending.close();
        }
    }
}
