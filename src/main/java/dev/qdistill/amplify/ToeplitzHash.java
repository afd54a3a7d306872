package dev.qdistill.amplify;

import dev.qdistill.accel.Backend;
import dev.qdistill.gf2.Gf2Multiplier;

/**
 * y = T x over GF(2) with the m×n Toeplitz matrix {@code T[i][j] = s[i - j + n - 1]} of a seed s of n + m - 1 bits:
 * 2-universal (Mansour, Nisan, Tiwari 1993).
 *
 * <p>y is bits [n - 1, n - 1 + m) of the product of the polynomials s and x. Some write {@code T[i][j] = s'[(i - j) mod
 * (n + m - 1)]}; that is the same matrix with the seed rotated: {@code s[k] = s'[(k - (n - 1)) mod (n + m - 1)]}.
 */
public final class ToeplitzHash implements SeededHash {
    private final Gf2Multiplier multiplier;

    private ToeplitzHash(Gf2Multiplier multiplier) {
        this.multiplier = multiplier;
    }

    /**
     * The family that runs on {@code backend}.
     *
     * @throws dev.qdistill.accel.BackendUnavailableException if that cannot be had
     */
    public static ToeplitzHash create(Backend backend) {
        return new ToeplitzHash(Gf2Multiplier.create(backend));
    }

    /** The family with products by {@code multiplier}. */
    public static ToeplitzHash create(Gf2Multiplier multiplier) {
        return new ToeplitzHash(multiplier);
    }

    @Override
    public Family family() {
        return Family.TOEPLITZ;
    }

    @Override
    public Backend backend() {
        return multiplier.backend();
    }

    /** n + m - 1. */
    @Override
    public long seedBits(long inputBits, long outputBits) {
        requireRange("Input", inputBits);
        requireRange("Output", outputBits);
        return inputBits + outputBits - 1;
    }

    @Override
    public PreparedHash prepare(long inputBits, long outputBits, int threads, long memory) {
        long seedBits = seedBits(inputBits, outputBits);
        return new PreparedHash(
                inputBits,
                outputBits,
                seedBits,
                ToeplitzProduct.within(memory, multiplier, inputBits, outputBits, threads),
                inputBits);
    }

    static void requireRange(String what, long bits) {
        if (bits < 1 || bits > MAX_BITS) {
            throw new IllegalArgumentException(what + " of " + bits + " bits; 1 to " + MAX_BITS + " are supported");
        }
    }
}
