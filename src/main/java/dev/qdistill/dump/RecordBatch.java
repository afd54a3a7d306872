package dev.qdistill.dump;

import dev.qdistill.bits.BitString;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Set;

/**
 * Consecutive records of a dump, by columns: bit i of each string belongs to record i. A reader has one batch and
 * overwrites it with each {@link DumpReader#next()}; its strings are wiped when the reader is closed.
 */
public final class RecordBatch {
    /** The most records of a batch, and of a chunk of a QRAW file. */
    public static final int CAPACITY = 65_536;

    /** The planes of one batch: basis, bit, then the low and high bit of the intensity, or the double clicks. */
    static final int BASIS = 0;

    static final int BIT = 1;
    static final int INTENSITY_LOW = 2;
    static final int INTENSITY_HIGH = 3;
    static final int DOUBLE_CLICK = 2;

    private final Set<Column> columns;
    private final BitString[] full = new BitString[4];
    private final BitString[] planes = new BitString[4];
    private final long[] pulses = new long[CAPACITY];
    private int count;

    RecordBatch(Set<Column> columns, Arena arena) {
        this.columns = columns;
        for (int p = 0; p < full.length; p++) {
            full[p] = BitString.allocate(arena, CAPACITY);
            planes[p] = full[p];
        }
    }

    /** The number of records, 1 to {@link #CAPACITY}. */
    public int count() {
        return count;
    }

    /**
     * The pulse indices, increasing, of which the first {@link #count()} count. The array is the reader's and is not
     * to be written to.
     */
    public long[] pulses() {
        require(Column.PULSE);
        return pulses;
    }

    /** {@link #count()} bits: 0 for Z, 1 for X. */
    public BitString basis() {
        require(Column.BASIS);
        return planes[BASIS];
    }

    /** {@link #count()} bits: what Alice prepared or Bob measured. Secret. */
    public BitString bits() {
        return planes[BIT];
    }

    /** {@link #count()} bits: bit 0 of the index of the intensity. */
    public BitString intensityLow() {
        require(Column.INTENSITY);
        return planes[INTENSITY_LOW];
    }

    /** {@link #count()} bits: bit 1 of the index of the intensity. */
    public BitString intensityHigh() {
        require(Column.INTENSITY);
        return planes[INTENSITY_HIGH];
    }

    /** {@link #count()} bits: 1 where both detectors of the basis clicked (the bit was then drawn at random). */
    public BitString doubleClicks() {
        require(Column.DOUBLE_CLICK);
        return planes[DOUBLE_CLICK];
    }

    private void require(Column column) {
        if (!columns.contains(column)) {
            throw new IllegalStateException("This dump has no column " + column + ", only " + columns);
        }
    }

    /** The whole string behind plane {@code index}, {@link #CAPACITY} bits, for filling. */
    BitString plane(int index) {
        return full[index];
    }

    long[] pulseArray() {
        return pulses;
    }

    /** Sets the number of records after filling; the planes must be zero beyond it. */
    void count(int newCount) {
        count = newCount;
        for (int p = 0; p < full.length; p++) {
            planes[p] = newCount == CAPACITY
                    ? full[p]
                    : BitString.wrap(full[p].segment().asSlice(0, BitString.paddedBytes(newCount)), newCount);
        }
    }

    /** Zeros every plane. */
    void clear() {
        for (BitString plane : full) {
            plane.wipe();
        }
        Arrays.fill(pulses, 0);
        count = 0;
    }
}
