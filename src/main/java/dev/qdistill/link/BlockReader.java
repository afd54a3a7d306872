package dev.qdistill.link;

import dev.qdistill.bits.BitString;
import dev.qdistill.dump.BadInputException;
import dev.qdistill.dump.Column;
import dev.qdistill.dump.DumpKind;
import dev.qdistill.dump.DumpReader;
import dev.qdistill.dump.RecordBatch;
import java.time.Duration;
import java.util.Arrays;

/**
 * Gives the records of a dump to one block after another: pieces of at most {@link RecordBatch#CAPACITY} records that do
 * not cross the end of the block. Where the records cannot be read again, since they come from a device, one reader goes on over all
 * connections; then a block of which some were given out cannot be begun anew.
 */
public final class BlockReader implements AutoCloseable {
    private static final Duration SLICE = Duration.ofMillis(500);

    /** Waits for records to come. */
    @FunctionalInterface
    public interface Arrival {
        /** A file's are there. */
        Arrival THERE = patience -> true;

        /**
         * Waits.
         *
         * @param patience for how long at most
         * @return whether the dump's {@link DumpReader#next} would not wait now
         */
        boolean await(Duration patience) throws InterruptedException;
    }

    private final DumpReader dump;
    private final Arrival arrival;
    private Runnable idle = () -> {};
    private long untouched;
    private int from;
    private int to;
    private int count;
    private boolean ended;
    private long records;
    private final long[] numbers = new long[RecordBatch.CAPACITY];

    /** @param dump closed with this */
    public BlockReader(DumpReader dump) {
        this(dump, Arrival.THERE);
    }

    /**
     * @param dump closed with this
     * @param arrival of its records
     */
    public BlockReader(DumpReader dump, Arrival arrival) {
        this.dump = dump;
        this.arrival = arrival;
    }

    /** The dump itself. */
    public DumpReader dump() {
        return dump;
    }

    /** The first block of which no records were given out. */
    public long untouched() {
        return untouched;
    }

    @Override
    public void close() {
        dump.close();
    }

    /**
     * It is a block's turn to read.
     *
     * @param whileWaiting called about every second while records are awaited; may throw
     */
    void turn(long block, Runnable whileWaiting) {
        untouched = Math.max(untouched, block + 1);
        idle = whileWaiting;
    }

    /** As {@link #turn}, but only to look whether there are any. */
    void look(Runnable whileWaiting) {
        idle = whileWaiting;
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
        dump.skipBefore(pulse);
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
        try {
            while (!arrival.await(SLICE)) {
                idle.run();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ProtocolException("interrupted while waiting for raw data");
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
