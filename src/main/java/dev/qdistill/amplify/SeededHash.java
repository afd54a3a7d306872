package dev.qdistill.amplify;

import dev.qdistill.accel.Backend;
import dev.qdistill.bits.BitString;
import dev.qdistill.gf2.Gf2Multiplier;

/**
 * A 2-universal family of linear hash functions, {0,1}^n to {0,1}^m, one function per seed: what privacy amplification
 * needs (leftover hash lemma).
 *
 * <p>For any two different inputs and a uniform seed the outputs agree with probability at most 2^-m. Exact: products of
 * binary polynomials, no floating point.
 */
public sealed interface SeededHash permits ToeplitzHash, ModifiedToeplitzHash {
    /** The longest input and output, in bits. */
    long MAX_BITS = 1L << 30;

    /** The families, by their names on the command line. */
    enum Family {
        TOEPLITZ,
        MODIFIED
    }

    /**
     * The family that runs on {@code backend}.
     *
     * @throws dev.qdistill.accel.BackendUnavailableException if that cannot be had
     */
    static SeededHash create(Family family, Backend backend) {
        return switch (family) {
            case TOEPLITZ -> ToeplitzHash.create(backend);
            case MODIFIED -> ModifiedToeplitzHash.create(backend);
        };
    }

    /** The family with products by {@code multiplier}. */
    static SeededHash create(Family family, Gf2Multiplier multiplier) {
        return switch (family) {
            case TOEPLITZ -> ToeplitzHash.create(multiplier);
            case MODIFIED -> ModifiedToeplitzHash.create(multiplier);
        };
    }

    Family family();

    /** What it runs on. */
    Backend backend();

    /**
     * The bits of a seed.
     *
     * @param inputBits n, 1 to 2^30
     * @param outputBits m, 1 to 2^30; at most n for {@link ModifiedToeplitzHash}
     * @throws IllegalArgumentException if they are out of range
     */
    long seedBits(long inputBits, long outputBits);

    /**
     * Memory and plan for hashing blocks of one shape.
     *
     * @param threads threads to share the work of one block, at least 1
     * @param memory bytes that the plan may allocate; a product that needs more is cut into smaller ones, with the same result
     * @throws IllegalArgumentException as {@link #seedBits}
     * @throws MemoryLimitException if {@code memory} does not suffice for the smallest products
     */
    PreparedHash prepare(long inputBits, long outputBits, int threads, long memory);

    /** The same without a limit of memory. */
    default PreparedHash prepare(long inputBits, long outputBits, int threads) {
        return prepare(inputBits, outputBits, threads, Long.MAX_VALUE);
    }

    /**
     * {@code output = h_seed(input)}, once, on one thread.
     *
     * @param seed {@link #seedBits} bits
     * @param input n bits
     * @param output m bits, overwritten
     */
    default void hash(BitString seed, BitString input, BitString output) {
        try (PreparedHash h = prepare(input.length(), output.length(), 1)) {
            h.seed(seed);
            h.hash(input, output);
        }
    }
}
