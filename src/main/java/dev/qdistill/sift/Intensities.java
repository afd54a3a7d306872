package dev.qdistill.sift;

import dev.qdistill.bits.BitString;

/**
 * The intensity of each pulse of a row, as two bit planes: intensity index = low + 2·high, 0 to 3.
 *
 * @param low bit 0 of the index of each pulse
 * @param high bit 1 of the index of each pulse
 */
public record Intensities(BitString low, BitString high) implements AutoCloseable {

    /** The number of pulses. */
    public long length() {
        return low.length();
    }

    /** The intensities of the pulses at which {@code mask} is one. */
    public Intensities compress(BitString mask) {
        return new Intensities(low.compress(mask), high.compress(mask));
    }

    /**
     * How many of the marked pulses had each intensity.
     *
     * @param marks one bit a pulse, such as the errors
     * @param count the number of intensities, 1 to 4
     */
    public long[] countMarked(BitString marks, int count) {
        long[] counts = new long[4];
        for (long w = 0; w < marks.wordCount(); w++) {
            long m = marks.word(w);
            long l = low.word(w);
            long h = high.word(w);
            counts[0] += Long.bitCount(m & ~(l | h));
            counts[1] += Long.bitCount(m & l & ~h);
            counts[2] += Long.bitCount(m & ~l & h);
            counts[3] += Long.bitCount(m & l & h);
        }
        for (int k = count; k < 4; k++) {
            if (counts[k] != 0) {
                throw new IllegalArgumentException(
                        counts[k] + " pulses have intensity " + k + ", but there are only " + count + " intensities");
            }
        }
        return java.util.Arrays.copyOf(counts, count);
    }

    /** How many of all pulses had each intensity. */
    public long[] count(int count) {
        try (BitString all = BitString.allocate(length())) {
            all.invert();
            return countMarked(all, count);
        }
    }

    @Override
    public void close() {
        low.close();
        high.close();
    }
}
