package dev.qdistill.reconcile;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;

/**
 * A piece of a block that is reconciled with one codeword.
 *
 * @param index its number in the block, from 0
 * @param offset its first bit in the block, a multiple of 64
 * @param bits the bits of the block in it
 * @param codeBits the length of the codes for it in bits, {@code bits} or more: the code is shortened to the frame
 */
public record Frame(int index, long offset, int bits, int codeBits) {

    // What is told beyond the entropy of the errors, relative to it, is about EXCESS + COUNTING / sqrt(bits), as
    // simulated at
    // an error rate of 2 %.
    private static final double EXCESS = 0.05;
    private static final double COUNTING = 18;

    // What a code loses in f by the square of the share it is shortened by, as simulated for shares to 0.6.
    private static final double SHORTENING_LOSS = 0.25;

    /**
     * Cuts a block into frames of nearly equal length, as few as the codes allow or as many as are expected to tell the
     * least. A block that is a multiple of the largest length is cut into frames of just that length.
     *
     * @param blockBits the length of the block, zero or more
     * @param largest the largest frame length to use, one of {@code lengths} or above the smallest
     * @param lengths the code lengths to choose from, multiples of 64
     */
    public static List<Frame> cut(long blockBits, int largest, Collection<Integer> lengths) {
        TreeSet<Integer> usable = new TreeSet<>(lengths);
        usable.removeIf(n -> n > largest);
        if (usable.isEmpty()) {
            throw new IllegalArgumentException("No code has at most " + largest + " bits; lengths are " + lengths);
        }
        int best = usable.first();
        double least = Double.POSITIVE_INFINITY;
        for (int n : usable) {
            long count = Math.max(1, (blockBits + n - 1) / n);
            double bits = (double) blockBits / count;
            double excess = EXCESS + COUNTING / Math.sqrt(bits) + shorteningLoss(bits, n);
            if (excess <= least) {
                least = excess;
                best = n;
            }
        }
        return equal(blockBits, best);
    }

    // Lengths are whole units, the first frames a unit longer than the others; what the last unit lacks is the last's.
    private static List<Frame> equal(long blockBits, int codeBits) {
        int unit = Math.clamp(codeBits >> 8, 64, 1024);
        long units = (blockBits + unit - 1) / unit;
        long count = (blockBits + codeBits - 1) / codeBits;
        List<Frame> frames = new ArrayList<>();
        long offset = 0;
        for (int i = 0; i < count; i++) {
            long own = units / count + (i < units % count ? 1 : 0);
            int bits = (int) Math.min(own * unit, blockBits - offset);
            frames.add(new Frame(i, offset, bits, codeBits));
            offset += bits;
        }
        return List.copyOf(frames);
    }

    /** What the code loses in f by being shortened. */
    double shorteningLoss() {
        return shorteningLoss(bits, codeBits);
    }

    private static double shorteningLoss(double bits, double codeBits) {
        double share = 1 - bits / codeBits;
        return SHORTENING_LOSS * share * share;
    }

    /** The columns of a code's base matrix that the frame takes. */
    int columns(int circulant) {
        return (bits + circulant - 1) / circulant;
    }

    /** Whether the last of the columns is not filled: the missing bits are zero on both sides and known to be right. */
    boolean padded(int circulant) {
        return bits % circulant != 0;
    }
}
