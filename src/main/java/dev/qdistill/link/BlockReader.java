package dev.qdistill.link;

import dev.qdistill.bits.BitString;
import dev.qdistill.dump.BadInputException;
import dev.qdistill.dump.Column;
import dev.qdistill.dump.DumpKind;
import dev.qdistill.dump.DumpReader;
import dev.qdistill.dump.RecordBatch;
import java.util.Arrays;

/**
 * Gives the records of a dump to one block after another: pieces of at most {@link RecordBatch#CAPACITY} records that do
 * not cross the end of the block.
 */
final class BlockReader {
    private final DumpReader dump;
    private int from;
    private int to;
    private int count;
    private boolean ended;
    private long records;
    private final long[] numbers = new long[RecordBatch.CAPACITY];

    BlockReader(DumpReader dump) {
        this.dump = dump;
    }

    DumpReader dump() {
        return dump;
    }

    /** Whether every record was given out. */
    boolean exhausted() {
        return to == count && !fill();
    }

    /**
     * Moves to the next piece of the block that ends before pulse {@code endPulse}.
     *
     * @return false if the block has no more records
     * @throws BadInputException if the dump is damaged here
     */
    boolean next(long endPulse) {
        if (to == count && !fill()) {
            from = to;
            return false;
        }
        long[] pulses = pulses();
        from = to;
        if (pulses[count - 1] < endPulse) {
            to = count;
        } else {
            int at = Arrays.binarySearch(pulses, from, count, endPulse);
            to = at < 0 ? -at - 1 : at;
        }
        return to > from;
    }

    /** Passes over all records before a pulse. */
    void skipTo(long pulse) {
        while (next(pulse)) {}
    }

    /** The batch with the piece: its records {@link #from()} to {@link #to()}. */
    RecordBatch batch() {
        return dump.batch();
    }

    int from() {
        return from;
    }

    int to() {
        return to;
    }

    /** The pulse indices of the batch; records of a dump without indices are numbered. */
    long[] pulses() {
        return dump.header().has(Column.PULSE) ? dump.batch().pulses() : numbers;
    }

    /** The pulses sent in the block, as far as the dump tells; else the records. */
    long pulsesSent(long firstPulse, long endPulse) {
        if (!ended || dump.header().kind() == DumpKind.SIFTED) {
            return ended ? records : endPulse - firstPulse;
        }
        return Math.min(endPulse, dump.totals().pulses().orElse(records)) - firstPulse;
    }

    /** The bases of the piece, appended; a dump without bases was sifted to the key basis. */
    void appendBases(dev.qdistill.bits.BitStringBuilder bases) {
        if (dump.header().has(Column.BASIS)) {
            append(bases, batch().basis());
        } else {
            bases.appendZeros((long) to - from);
        }
    }

    void append(dev.qdistill.bits.BitStringBuilder builder, BitString plane) {
        builder.append(plane, from, (long) to - from);
    }

    private boolean fill() {
        if (ended) {
            return false;
        }
        ended = !dump.next();
        from = 0;
        to = 0;
        count = ended ? 0 : dump.batch().count();
        if (!dump.header().has(Column.PULSE)) {
            for (int i = 0; i < count; i++) {
                numbers[i] = records + i;
            }
        }
        records += count;
        return !ended;
    }
}
