package dev.qdistill.reconcile;

import dev.qdistill.bits.BitString;
import java.util.Arrays;

/**
 * The blocks of a frame whose parities were exchanged: for each pass a row of blocks, each the root of a binary tree of
 * halves. Public; both sides add the same blocks in the same order, so a block is named by its number.
 */
final class CascadeBlocks {
    /** The left half of a block that is not split. */
    static final int NONE = -1;

    final int bits;
    private final CascadeVariant variant;
    private final CascadePermutations permutations;
    private final int[] lengths;
    private final int[] firstRoots;
    private final int[][] orders;
    private int passes;
    private int count;
    private byte[] passOf = new byte[1024];
    private int[] start = new int[1024];
    private int[] length = new int[1024];
    private int[] left = new int[1024];

    /**
     * @throws IllegalArgumentException if {@code firstBlock} is not possible
     */
    CascadeBlocks(CascadeVariant variant, int firstBlock, CascadePermutations permutations) {
        this.bits = permutations.bits();
        this.variant = variant;
        this.permutations = permutations;
        this.lengths = variant.blockLengths(firstBlock, bits);
        this.firstRoots = new int[lengths.length];
        this.orders = new int[lengths.length][];
    }

    /** Blocks so far. */
    int count() {
        return count;
    }

    /** Passes begun. */
    int passes() {
        return passes;
    }

    boolean lastPass() {
        return passes == lengths.length;
    }

    /** The number of blocks that the next pass begins with. */
    int nextRoots() {
        return (bits - 1) / lengths[passes] + 1;
    }

    /** The number of parities that the next pass begins with. */
    int nextParities() {
        return variant.reusesParities() && passes > 0 ? nextRoots() - 1 : nextRoots();
    }

    /** Adds the blocks of the next pass, from the returned number up. */
    int beginPass() {
        int first = count;
        firstRoots[passes] = first;
        orders[passes] = permutations.order(passes);
        int k = lengths[passes];
        for (int at = 0; at < bits; at += Math.min(k, bits - at)) {
            add(passes, at, Math.min(k, bits - at));
        }
        passes++;
        return first;
    }

    /** Splits a block: the returned number is the left half, the next one the right half. */
    int split(int block) {
        int half = leftLength(block);
        int child = count;
        add(passOf[block], start[block], half);
        add(passOf[block], start[block] + half, length[block] - half);
        left[block] = child;
        return child;
    }

    /** Makes a block one that is not split. */
    void join(int block) {
        left[block] = NONE;
    }

    int left(int block) {
        return left[block];
    }

    int length(int block) {
        return length[block];
    }

    int leftLength(int block) {
        return (length[block] + 1) / 2;
    }

    int pass(int block) {
        return passOf[block];
    }

    /** The block of a pass, as it began, that has a place in it. */
    int root(int pass, int place) {
        return firstRoots[pass] + place / lengths[pass];
    }

    /** The position in the frame of a block's bit. */
    int position(int block, int index) {
        return orders[passOf[block]][start[block] + index];
    }

    /** The place in its pass of a block's first bit. */
    int start(int block) {
        return start[block];
    }

    /** The parity of the first {@code n} bits of a block, in the frame at {@code offset} of a key. */
    boolean parity(BitString key, long offset, int block, int n) {
        int[] order = orders[passOf[block]];
        int from = start[block];
        int parity = 0;
        for (int i = from; i < from + n; i++) {
            parity ^= key.get(offset + order[i]) ? 1 : 0;
        }
        return parity != 0;
    }

    private void add(int pass, int from, int n) {
        if (count == start.length) {
            int more = count + (count >> 1);
            passOf = Arrays.copyOf(passOf, more);
            start = Arrays.copyOf(start, more);
            length = Arrays.copyOf(length, more);
            left = Arrays.copyOf(left, more);
        }
        passOf[count] = (byte) pass;
        start[count] = from;
        length[count] = n;
        left[count] = NONE;
        count++;
    }
}
