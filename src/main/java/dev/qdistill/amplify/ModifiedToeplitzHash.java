package dev.qdistill.amplify;

import dev.qdistill.accel.Backend;
import dev.qdistill.gf2.Gf2Multiplier;

/**
 * y = (T | I) x over GF(2): {@code y = T·x[0, n - m) XOR x[n - m, n)} with {@code T[i][j] = s[i - j + (n - m) - 1]}, a seed
 * s of n - 1 bits: the shortest seed and the smallest product of the Toeplitz families.
 *
 * <p>2-universal: two inputs that differ in the first n - m bits collide with probability 2^-m by the Toeplitz part; two
 * that differ in the last m bits alone never collide (Hayashi, Tsurumaru 2016).
 */
public final class ModifiedToeplitzHash implements SeededHash {
    private final Gf2Multiplier multiplier;

    private ModifiedToeplitzHash(Gf2Multiplier multiplier) {
        this.multiplier = multiplier;
    }

    /**
     * The family that runs on {@code backend}.
     *
     * @throws dev.qdistill.accel.BackendUnavailableException if that cannot be had
     */
    public static ModifiedToeplitzHash create(Backend backend) {
        return new ModifiedToeplitzHash(Gf2Multiplier.create(backend));
    }

    /** The family with products by {@code multiplier}. */
    public static ModifiedToeplitzHash create(Gf2Multiplier multiplier) {
        return new ModifiedToeplitzHash(multiplier);
    }

    @Override
    public Family family() {
        return Family.MODIFIED;
    }

    @Override
    public Backend backend() {
        return multiplier.backend();
    }

    /** n - 1. */
    @Override
    public long seedBits(long inputBits, long outputBits) {
        ToeplitzHash.requireRange("Input", inputBits);
        ToeplitzHash.requireRange("Output", outputBits);
        if (outputBits > inputBits) {
            throw new IllegalArgumentException("Output of " + outputBits + " bits from an input of " + inputBits
                    + ": a modified Toeplitz hash does not lengthen");
        }
        return inputBits - 1;
    }

    @Override
    public PreparedHash prepare(long inputBits, long outputBits, int threads, long memory) {
        long seedBits = seedBits(inputBits, outputBits);
        long k = inputBits - outputBits;
        if (k == 0) {
            return new PreparedHash(inputBits, outputBits, seedBits, null, 0);
        }
        var product = ToeplitzProduct.within(memory, multiplier, k, outputBits, threads);
        return new PreparedHash(inputBits, outputBits, seedBits, product, k);
    }
}
