package dev.qdistill.reconcile;

import dev.qdistill.bits.BitString;
import dev.qdistill.reconcile.ReconcileMessage.CascadePass;
import dev.qdistill.reconcile.ReconcileMessage.CascadeStart;
import dev.qdistill.reconcile.ReconcileMessage.Parities;
import dev.qdistill.reconcile.ReconcileMessage.ParityRequest;
import java.util.Arrays;
import java.util.Optional;

/**
 * Bob's side of Cascade on one frame: he compares parities of blocks with Alice's, finds an error in each block that
 * differs by halving, and looks again at the blocks of all passes that had the bit.
 *
 * <p>Only Alice's parities are sent. What Bob asks for next tells the result of each comparison, so every parity of
 * Alice's costs a second bit ({@link Leakage#parities}, {@link Leakage#feedback}).
 *
 * <p>In each round Bob asks for a half of every block that differs, the shortest first, unless it shares a bit with one
 * already chosen: two blocks may differ by the same error, and one search for it is enough. So the parities are hardly more
 * than if one block were searched after another, in a small part of the messages.
 */
public final class BobCascade {
    private final BitString key;
    private final long offset;
    private final int bits;
    private final int frame;
    private final CascadeVariant variant;
    private final int firstBlock;
    private final int limit;
    private final CascadePermutations permutations;
    private final CascadeBlocks blocks;
    /** For each block whether Alice's parity and Bob's differ. */
    private boolean[] odd = new boolean[1024];
    /** Blocks that may be odd and not split, each once. */
    private int[] suspects = new int[256];

    private boolean[] suspected = new boolean[1024];
    private int suspectCount;

    /** The positions at which Alice's bit is known; there no block can have an error. A bit a position. */
    private final long[] known;

    private int[] asked = {};
    private int expected;
    private int parities;
    private int requests;
    private int errors;
    private boolean givenUp;

    /**
     * @param key Bob's key; corrected in place, not closed
     * @param offset the frame's first bit in it
     * @param frame the frame's number, for the messages
     * @param qber the expected error rate, above zero
     * @param limit the number of parities at which Bob gives up, at most the frame's length
     * @param permutations for the frame's length
     */
    public BobCascade(
            BitString key,
            long offset,
            int frame,
            CascadeVariant variant,
            double qber,
            int limit,
            CascadePermutations permutations) {
        this.key = key;
        this.offset = offset;
        this.bits = permutations.bits();
        this.frame = frame;
        this.variant = variant;
        this.limit = Math.min(limit, bits);
        this.permutations = permutations;
        this.firstBlock = variant.firstBlock(qber, bits);
        this.blocks = new CascadeBlocks(variant, firstBlock, permutations);
        this.known = new long[(bits + 63) >>> 6];
    }

    /** The first request; empty if even this is beyond the limit. */
    public Optional<ReconcileMessage> start() {
        return request(blocks.nextParities(), new CascadeStart(frame, variant, firstBlock));
    }

    /**
     * Takes an answer of Alice's.
     *
     * @return the next request; empty when it is over
     * @throws IllegalArgumentException if it does not answer what was asked
     */
    public Optional<ReconcileMessage> receive(Parities m) {
        if (m.frame() != frame || expected == 0 || m.parities().length() != expected) {
            throw new IllegalArgumentException("Alice tells " + m.parities().length() + " parities of frame "
                    + m.frame() + ", not " + expected + " of frame " + frame);
        }
        expected = 0;
        if (asked.length == 0) {
            takePass(m.parities());
        } else {
            takeHalves(m.parities());
        }
        correct();
        return suspectCount == 0 ? nextPass() : nextHalves();
    }

    /** Whether Bob gave up at the limit, with blocks left that differ or passes that were not made. */
    public boolean givenUp() {
        return givenUp;
    }

    /** The parities asked for so far. */
    public int parities() {
        return parities;
    }

    /** The number of parities asked for in the latest request. */
    int latest() {
        return expected;
    }

    /** The requests so far; each has an answer. */
    public int requests() {
        return requests;
    }

    /** The bits corrected so far. */
    public int errors() {
        return errors;
    }

    /** What was leaked so far. */
    public Leakage leakage() {
        return countParities(countStart(Leakage.NONE, variant, bits), parities);
    }

    /** What starting leaks: the length of the blocks, and later whether Bob succeeded. */
    static Leakage countStart(Leakage leakage, CascadeVariant variant, int bits) {
        return leakage.plusChoices(variant.choiceBits(bits)).plusFeedback(1);
    }

    /** What parities of Alice's leak: themselves, and whether Bob's were the same. */
    static Leakage countParities(Leakage leakage, long parities) {
        return leakage.plusParities(parities).plusFeedback(parities);
    }

    private Optional<ReconcileMessage> request(int count, ReconcileMessage message) {
        if (count > limit - parities) {
            givenUp = true;
            return Optional.empty();
        }
        expected = count;
        parities += count;
        requests++;
        return Optional.of(message);
    }

    private Optional<ReconcileMessage> nextPass() {
        if (blocks.lastPass()) {
            return Optional.empty();
        }
        asked = new int[0];
        return request(blocks.nextParities(), new CascadePass(frame));
    }

    private Optional<ReconcileMessage> nextHalves() {
        long[] byLength = new long[suspectCount];
        for (int i = 0; i < suspectCount; i++) {
            byLength[i] = (long) blocks.length(suspects[i]) << 32 | suspects[i];
        }
        Arrays.sort(byLength);
        long[] taken = new long[known.length];
        int[] chosen = new int[suspectCount];
        int n = 0;
        for (long entry : byLength) {
            int block = (int) entry;
            if (disjoint(block, taken)) {
                mark(block, taken);
                chosen[n++] = block;
            }
        }
        asked = Arrays.copyOf(chosen, n);
        return request(n, new ParityRequest(frame, asked));
    }

    private boolean disjoint(int block, long[] taken) {
        for (int i = 0; i < blocks.length(block); i++) {
            int p = blocks.position(block, i);
            if (((taken[p >>> 6] & ~known[p >>> 6]) >>> p & 1) != 0) {
                return false;
            }
        }
        return true;
    }

    private void mark(int block, long[] taken) {
        for (int i = 0; i < blocks.length(block); i++) {
            int p = blocks.position(block, i);
            taken[p >>> 6] |= 1L << p;
        }
    }

    private void takePass(BitString told) {
        boolean whole = false;
        for (int root = 0; blocks.passes() > 0 && root <= blocks.root(0, bits - 1); root++) {
            whole ^= odd[root];
        }
        int first = blocks.beginPass();
        grow();
        int n = (int) told.length();
        for (int i = 0; i < n; i++) {
            odd[first + i] = told.get(i) ^ blocks.parity(key, offset, first + i, blocks.length(first + i));
            whole ^= odd[first + i];
        }
        if (first + n < blocks.count()) {
            odd[first + n] = whole;
        }
        for (int block = first; block < blocks.count(); block++) {
            suspect(block);
        }
    }

    private void takeHalves(BitString told) {
        for (int i = 0; i < asked.length; i++) {
            int block = asked[i];
            boolean differs = told.get(i) ^ blocks.parity(key, offset, block, blocks.leftLength(block));
            int left = blocks.split(block);
            grow();
            odd[left] = differs;
            odd[left + 1] = odd[block] ^ differs;
            learn(left);
            learn(left + 1);
        }
    }

    private void learn(int block) {
        suspect(block);
        if (blocks.length(block) == 1) {
            int p = blocks.position(block, 0);
            known[p >>> 6] |= 1L << p;
        }
    }

    private void grow() {
        if (blocks.count() > odd.length) {
            int more = blocks.count() + (blocks.count() >> 1);
            odd = Arrays.copyOf(odd, more);
            suspected = Arrays.copyOf(suspected, more);
        }
    }

    private void suspect(int block) {
        if (odd[block] && !suspected[block]) {
            if (suspectCount == suspects.length) {
                suspects = Arrays.copyOf(suspects, 2 * suspectCount);
            }
            suspected[block] = true;
            suspects[suspectCount++] = block;
        }
    }

    /** Corrects the errors that are found, which may bring more suspects; then keeps the suspects that still are. */
    private void correct() {
        for (int i = 0; i < suspectCount; i++) {
            int block = suspects[i];
            if (odd[block] && blocks.length(block) == 1) {
                flip(blocks.position(block, 0));
                if (!variant.reusesParities()) {
                    int root = blocks.root(blocks.pass(block), blocks.start(block));
                    forget(root);
                    suspect(root);
                }
            }
        }
        int kept = 0;
        for (int i = 0; i < suspectCount; i++) {
            int block = suspects[i];
            suspected[block] = odd[block] && blocks.left(block) == CascadeBlocks.NONE;
            if (suspected[block]) {
                suspects[kept++] = block;
            }
        }
        suspectCount = kept;
    }

    private void flip(int position) {
        if (++errors > bits) {
            throw new IllegalArgumentException("Alice's parities of frame " + frame + " contradict each other");
        }
        key.set(offset + position, !key.get(offset + position));
        for (int pass = 0; pass < blocks.passes(); pass++) {
            int place = permutations.places(pass)[position];
            int block = blocks.root(pass, place);
            odd[block] ^= true;
            while (blocks.left(block) != CascadeBlocks.NONE) {
                int left = blocks.left(block);
                block = place < blocks.start(left + 1) ? left : left + 1;
                odd[block] ^= true;
            }
            suspect(block);
        }
    }

    /** Forgets the parities inside of a block. */
    private void forget(int block) {
        int left = blocks.left(block);
        if (left != CascadeBlocks.NONE) {
            forget(left);
            forget(left + 1);
            odd[left] = false;
            odd[left + 1] = false;
            blocks.join(block);
        }
    }
}
