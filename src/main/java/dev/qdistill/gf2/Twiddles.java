package dev.qdistill.gf2;

import java.lang.foreign.Arena;
import java.util.List;

/**
 * The look-up tables of a stage's constants, w(b) = w(0) + Σ β_{e_t} over the bits t of b: computed from block to block by
 * adding tables.
 */
final class Twiddles {
    private final int bytes;
    private final long initial;
    // deltas + bytes·t: the tables of w(b + 1) - w(b), where b ends in t ones: β_{e_0} + … + β_{e_t}.
    private final long deltas;

    /**
     * @param wide whether they are constants of GF(2^32), or of GF(2^16)
     * @param first the exponent k of w(0) = β_k, or -1 for w(0) = 0
     * @param exponents e_0, e_1 …
     */
    Twiddles(Arena arena, boolean wide, int first, List<Integer> exponents) {
        bytes = LookupTables.bytes(wide);
        long basis = LookupTables.beta(wide);
        int n = exponents.size();
        // One more, never used, but read by kernels after their last block.
        initial = arena.allocate((long) bytes * (n + 2), 64).address();
        deltas = initial + bytes;
        if (first >= 0) {
            xor(initial, basis + (long) bytes * first, bytes);
        }
        for (int t = 0; t < n; t++) {
            long at = deltas + (long) bytes * t;
            xor(at, basis + (long) bytes * exponents.get(t), bytes);
            if (t > 0) {
                xor(at, at - bytes, bytes);
            }
        }
    }

    /** Where the steps begin: see {@link ButterflyKernel#shorts}. */
    long deltas() {
        return deltas;
    }

    /** Writes the tables of block b to {@code to}. */
    void start(long b, long to) {
        CopyKernel.copy(initial, to, bytes / 64);
        // Bit t alone is the sum of the steps t and t - 1.
        for (long rest = b; rest != 0; rest &= rest - 1) {
            int t = Long.numberOfTrailingZeros(rest);
            CopyKernel.xor(to, deltas + (long) bytes * t, bytes);
            if (t > 0) {
                CopyKernel.xor(to, deltas + (long) bytes * (t - 1), bytes);
            }
        }
    }

    /** Turns the tables of block b into those of block b + 1. */
    void step(long b, long tables) {
        CopyKernel.xor(tables, deltas + (long) bytes * Long.numberOfTrailingZeros(b + 1), bytes);
    }

    private static void xor(long to, long from, int bytes) {
        for (int k = 0; k < bytes; k += 8) {
            Memory.putWord(to + k, Memory.word(to + k) ^ Memory.word(from + k));
        }
    }
}
