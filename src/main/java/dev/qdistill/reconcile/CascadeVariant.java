package dev.qdistill.reconcile;

import java.util.Arrays;

/** Which Cascade: the lengths of the blocks of each pass, and whether known parities are used again. */
public enum CascadeVariant {
    /**
     * G. Brassard and L. Salvail, Secret-key reconciliation by public discussion, EUROCRYPT '93: four passes, k1 = 0.73/Q,
     * k(i+1) = 2·k(i), no parity inside a block is kept.
     */
    ORIGINAL,
    /**
     * After J. Martinez-Mateo, C. Pacher, M. Peev, A. Ciurana, V. Martin, Demystifying the information reconciliation
     * protocol Cascade, Quantum Information and Computation 15, 453 (2015): 14 passes, with α = log2(1/Q) - 1/2
     * k1 = 2^⌈α⌉, k2 = 2^(⌈(α+12)/2⌉-1), k3 = 2^12, then halves of the frame; every known parity is used again. k2 is half of
     * theirs: fewer errors are left for the long blocks, which find them one after another, in many messages. The last
     * block of a pass from the second on is not asked for: the parity of the whole frame is known.
     */
    OPTIMISED;

    private static final int ORIGINAL_PASSES = 4;
    private static final int OPTIMISED_PASSES = 14;

    /**
     * The length of the first pass's blocks.
     *
     * @param qber the expected error rate, above zero
     * @param bits the length of the frame, one or more
     * @return 1 to {@code bits}; for {@link #OPTIMISED} a power of two
     */
    public int firstBlock(double qber, int bits) {
        if (!(qber > 0) || bits < 1) {
            throw new IllegalArgumentException("Error rate " + qber + " in a frame of " + bits + " bits");
        }
        return switch (this) {
            case ORIGINAL -> (int) Math.clamp(Math.round(0.73 / qber), 1L, bits);
            case OPTIMISED -> {
                double exponent = Math.ceil(Math.log(1 / qber) / Math.log(2) - 0.5);
                yield Math.min(1 << (int) Math.clamp(exponent, 0, 30), Integer.highestOneBit(bits));
            }
        };
    }

    /**
     * The lengths of the blocks of all passes.
     *
     * @throws IllegalArgumentException if the first is not one that {@link #firstBlock} can give
     */
    int[] blockLengths(int firstBlock, int bits) {
        if (firstBlock < 1 || firstBlock > bits || this == OPTIMISED && Integer.bitCount(firstBlock) != 1) {
            throw new IllegalArgumentException("Blocks of " + firstBlock + " bits in a frame of " + bits);
        }
        if (firstBlock == 1) {
            // Every bit is told.
            return new int[] {1};
        }
        int half = (bits + 1) / 2;
        int[] lengths;
        if (this == ORIGINAL) {
            lengths = new int[ORIGINAL_PASSES];
            for (int i = 0; i < lengths.length; i++) {
                lengths[i] = (int) Math.min((long) firstBlock << i, bits);
            }
        } else {
            lengths = new int[OPTIMISED_PASSES];
            Arrays.fill(lengths, half);
            int exponent = Integer.numberOfTrailingZeros(firstBlock);
            lengths[0] = firstBlock;
            // ⌈(α+12)/2⌉ = ⌈(⌈α⌉+12)/2⌉ = ⌊(⌈α⌉+13)/2⌋
            lengths[1] = Math.min(half, 1 << Math.max(exponent, (exponent + 11) / 2));
            lengths[2] = Math.min(half, 1 << Math.max(exponent, 12));
        }
        return lengths;
    }

    /** Whether parities inside of blocks stay known, and the last block of a pass follows from the others. */
    boolean reusesParities() {
        return this == OPTIMISED;
    }

    /** Bits that tell the length of the first pass's blocks. */
    int choiceBits(int bits) {
        return 32
                - Integer.numberOfLeadingZeros(
                        this == ORIGINAL ? bits - 1 : Integer.numberOfTrailingZeros(Integer.highestOneBit(bits)));
    }
}
