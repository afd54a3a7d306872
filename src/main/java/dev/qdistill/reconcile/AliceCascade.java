package dev.qdistill.reconcile;

import dev.qdistill.bits.BitString;
import dev.qdistill.reconcile.ReconcileMessage.CascadePass;
import dev.qdistill.reconcile.ReconcileMessage.CascadeStart;
import dev.qdistill.reconcile.ReconcileMessage.Parities;
import dev.qdistill.reconcile.ReconcileMessage.ParityRequest;
import java.lang.foreign.Arena;
import java.util.HashSet;
import java.util.Set;

/**
 * Alice's side of Cascade on one frame: tells the parities that Bob asks for, at most as many as the frame has bits. Keeps
 * no copy of the key.
 */
public final class AliceCascade {
    private final BitString key;
    private final long offset;
    private final int frame;
    private final CascadeVariant variant;
    private final CascadeBlocks blocks;
    private int told;

    /**
     * @param key Alice's key; not changed, not closed
     * @param offset the frame's first bit in it
     * @param start Bob's first message, to be answered by {@link #answer}
     * @param permutations for the frame's length
     * @throws IllegalArgumentException if Bob may not start so
     */
    public AliceCascade(BitString key, long offset, CascadeStart start, CascadePermutations permutations) {
        this.key = key;
        this.offset = offset;
        this.frame = start.frame();
        this.variant = start.variant();
        this.blocks = new CascadeBlocks(variant, start.firstBlock(), permutations);
    }

    /**
     * Answers a request of Bob's.
     *
     * @throws IllegalArgumentException if Bob may not ask this; nothing is told then
     */
    public Parities answer(ReconcileMessage request) {
        return switch (request) {
            case CascadeStart r when blocks.passes() == 0 && r.frame() == frame -> pass();
            case CascadePass r when blocks.passes() > 0 && r.frame() == frame -> pass();
            case ParityRequest r when r.frame() == frame -> halves(r.blocks());
            default ->
                throw new IllegalArgumentException(
                        "Bob may not send " + request.getClass().getSimpleName() + " now");
        };
    }

    /** The parities told so far. */
    public int parities() {
        return told;
    }

    private Parities pass() {
        if (blocks.lastPass()) {
            throw new IllegalArgumentException("Bob asks for more passes than there are");
        }
        int n = blocks.nextParities();
        requireWithinLimit(n);
        BitString parities = BitString.allocate(Arena.ofAuto(), n);
        int first = blocks.beginPass();
        for (int i = 0; i < n; i++) {
            parities.set(i, blocks.parity(key, offset, first + i, blocks.length(first + i)));
        }
        told += n;
        return new Parities(frame, parities);
    }

    private Parities halves(int[] wanted) {
        requireWithinLimit(wanted.length);
        Set<Integer> seen = new HashSet<>();
        for (int block : wanted) {
            if (block < 0 || block >= blocks.count() || blocks.length(block) < 2 || !seen.add(block)) {
                throw new IllegalArgumentException("Bob asks for a half of block " + block + " of " + blocks.count());
            }
            if (variant.reusesParities() && blocks.left(block) != CascadeBlocks.NONE) {
                throw new IllegalArgumentException("Bob asks for a half of block " + block + " again");
            }
        }
        BitString parities = BitString.allocate(Arena.ofAuto(), wanted.length);
        for (int i = 0; i < wanted.length; i++) {
            parities.set(i, blocks.parity(key, offset, wanted[i], blocks.leftLength(wanted[i])));
            blocks.split(wanted[i]);
        }
        told += wanted.length;
        return new Parities(frame, parities);
    }

    private void requireWithinLimit(int more) {
        if (more < 1 || more > blocks.bits - told) {
            throw new IllegalArgumentException(
                    "Bob asks for " + more + " parities after " + told + " of a frame of " + blocks.bits + " bits");
        }
    }
}
