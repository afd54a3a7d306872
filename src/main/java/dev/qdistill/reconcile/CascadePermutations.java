package dev.qdistill.reconcile;

import java.util.ArrayList;
import java.util.List;

/**
 * The permutations of Cascade's passes for frames of one length: pseudo-random, public, the same on both sides and for
 * every frame. Nothing secret depends on them. They are made when first used and kept; safe for use by many threads.
 */
public final class CascadePermutations {
    /** Any number will do; both sides must have the same. */
    private static final long SEED = 0x51d15711_ca5cade0L;

    private final int bits;
    private final List<int[]> orders = new ArrayList<>();
    private final List<int[]> places = new ArrayList<>();

    /** For frames of {@code bits} bits. */
    public CascadePermutations(int bits) {
        this.bits = bits;
    }

    /** The length of the frames. */
    public int bits() {
        return bits;
    }

    /** The position in the frame of each place of a pass. Not to be changed. */
    synchronized int[] order(int pass) {
        while (orders.size() <= pass) {
            orders.add(shuffled(orders.size()));
        }
        return orders.get(pass);
    }

    /** The place in a pass of each position of the frame: the inverse of {@link #order}. Not to be changed. */
    synchronized int[] places(int pass) {
        while (places.size() <= pass) {
            int[] order = order(places.size());
            int[] inverse = new int[bits];
            for (int i = 0; i < bits; i++) {
                inverse[order[i]] = i;
            }
            places.add(inverse);
        }
        return places.get(pass);
    }

    /** Fisher and Yates, with SplitMix64 (Steele, Lea, Flood 2014) and multiplication for the range. */
    private int[] shuffled(int pass) {
        int[] order = new int[bits];
        long state = SEED + ((long) pass << 32) + bits;
        for (int i = 0; i < bits; i++) {
            state += 0x9e3779b97f4a7c15L;
            long z = (state ^ state >>> 30) * 0xbf58476d1ce4e5b9L;
            z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
            z ^= z >>> 31;
            int j = (int) Math.unsignedMultiplyHigh(z, i + 1L);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }
}
