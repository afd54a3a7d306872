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
 * @param bits the bits of the block in it; less than {@code codeBits} only in the last frame, which is shortened: the
 *     missing bits are zero on both sides and known to be right
 * @param codeBits the length of the code in bits
 */
public record Frame(int index, long offset, int bits, int codeBits) {

    /**
     * Cuts a block into frames: as many of the largest length as fit, of the rest as many of the next smaller length,
     * and so on; a last piece below the smallest length is a shortened frame.
     *
     * @param blockBits the length of the block, zero or more
     * @param largest the largest frame length to use, one of {@code lengths} or above the smallest
     * @param lengths the code lengths to choose from, multiples of 64
     */
    public static List<Frame> cut(long blockBits, int largest, Collection<Integer> lengths) {
        TreeSet<Integer> ordered = new TreeSet<>(lengths);
        if (ordered.isEmpty() || largest < ordered.first()) {
            throw new IllegalArgumentException("No code has at most " + largest + " bits; lengths are " + lengths);
        }
        List<Frame> frames = new ArrayList<>();
        long offset = 0;
        for (int length : ordered.descendingSet()) {
            while (length <= largest && blockBits - offset >= length) {
                frames.add(new Frame(frames.size(), offset, length, length));
                offset += length;
            }
        }
        if (offset < blockBits) {
            frames.add(new Frame(frames.size(), offset, (int) (blockBits - offset), ordered.first()));
        }
        return List.copyOf(frames);
    }

    /** Whether the code is longer than the frame. */
    boolean shortened() {
        return bits < codeBits;
    }
}
