package dev.qdistill.dump;

import java.lang.foreign.MemorySegment;

/**
 * The index column of a QRAW chunk, and of a message with detections: for each record but the first the gap to the one before, less one, in a width of
 * {@code b} bits that is the same for the whole chunk; packed as in a {@link dev.qdistill.bits.BitString}, zeros up to a
 * whole number of 64-bit words.
 */
public final class IndexColumn {
    /** So wide that an eight-byte load at the byte where a value begins always has all of it. */
    public static final int MAX_WIDTH = 56;

    /** Up to this width a chunk's gaps add up to less than 2^63, so that an index and they stay below 2^64. */
    private static final int MAX_SAFE_WIDTH = 47;

    private IndexColumn() {}

    /** The length in bytes, a multiple of 8. */
    public static int bytes(int count, int width) {
        return ((count - 1) * width + 63) / 64 * 8;
    }

    /** The least width for these indices; more than {@link #MAX_WIDTH} if a gap is too large for a chunk. */
    public static int width(long[] pulses, int count) {
        long all = 0;
        for (int i = 1; i < count; i++) {
            all |= pulses[i] - pulses[i - 1] - 1;
        }
        return 64 - Long.numberOfLeadingZeros(all);
    }

    /**
     * Writes a column.
     *
     * @param pulses increasing, with no gap wider than {@code width} bits
     * @param to of {@link #bytes} bytes from {@code offset} up, and eight more, which may be overwritten
     */
    public static void pack(long[] pulses, int count, int width, MemorySegment to, long offset) {
        int length = bytes(count, width);
        if (length == 0) {
            return;
        }
        to.set(Qraw.LONG, offset + length - 8, 0);
        // The bits of the byte at which the next value begins, and that value: all in one overlapping store.
        long pending = 0;
        for (int i = 1, bit = 0; i < count; i++) {
            pending |= pulses[i] - pulses[i - 1] - 1 << (bit & 7);
            to.set(Qraw.LONG, offset + (bit >>> 3), pending);
            int next = bit + width;
            pending >>>= (next & -8) - (bit & -8);
            bit = next;
        }
    }

    /**
     * Reads a column. The loads do not depend on each other; only the sum does.
     *
     * @param from with {@link #bytes} bytes from {@code offset} up, and eight more, which do not matter
     * @param first the index of the first record, 0 or more
     * @param last the index that the last record should have, 0 or more
     * @param pulses where the indices go
     * @return whether they increase from {@code first} to {@code last}; if not, {@code pulses} is undefined
     */
    public static boolean unpack(
            MemorySegment from, long offset, int width, long first, long last, long[] pulses, int count) {
        MemorySegment column = from.asSlice(offset, bytes(count, width) + 8L);
        long mask = (1L << width) - 1;
        long pulse = first;
        pulses[0] = first;
        for (int i = 1, bit = 0; i < count; i++, bit += width) {
            pulse += (column.get(Qraw.LONG, bit >>> 3) >>> (bit & 7) & mask) + 1;
            pulses[i] = pulse;
        }
        // A sum beyond 2^64 may look right in the end, but was negative on its way: a gap is far below 2^63.
        long wrong = pulse ^ last;
        if (width > MAX_SAFE_WIDTH) {
            for (int i = 1; i < count; i++) {
                wrong |= pulses[i] & Long.MIN_VALUE;
            }
        }
        return wrong == 0;
    }
}
