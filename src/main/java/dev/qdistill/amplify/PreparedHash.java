package dev.qdistill.amplify;

import dev.qdistill.bits.BitString;
import org.jspecify.annotations.Nullable;

/**
 * A hash of one shape with its memory: the seed is transformed once, by {@link #seed}, and serves any number of inputs.
 * One caller at a time.
 *
 * <p>Security guarantee: {@link #close()} overwrites all memory in which something of seed, input or output was left.
 */
public final class PreparedHash implements AutoCloseable {
    private final long inputBits;
    private final long outputBits;
    private final long seedBits;
    // Null where the matrix has no Toeplitz part (modified, n = m).
    private final @Nullable ToeplitzProduct product;
    // The input bits that the Toeplitz part multiplies; the others are added to the output.
    private final long multiplied;
    private boolean seeded;

    PreparedHash(long inputBits, long outputBits, long seedBits, @Nullable ToeplitzProduct product, long multiplied) {
        this.inputBits = inputBits;
        this.outputBits = outputBits;
        this.seedBits = seedBits;
        this.product = product;
        this.multiplied = multiplied;
    }

    /**
     * Chooses the function; the seed may change or be closed afterwards.
     *
     * @throws IllegalArgumentException if its length is wrong
     */
    public void seed(BitString seed) {
        require("seed", seed, seedBits);
        if (product != null) {
            product.seed(seed);
        }
        seeded = true;
    }

    /**
     * {@code output = h_seed(input)}.
     *
     * @param output overwritten; may not share memory with {@code input}
     * @throws IllegalArgumentException if a length is wrong
     * @throws IllegalStateException if there is no seed yet
     */
    public void hash(BitString input, BitString output) {
        require("input", input, inputBits);
        require("output", output, outputBits);
        if (!seeded) {
            throw new IllegalStateException("hash before seed");
        }
        if (product == null) {
            output.copyFrom(input, 0, 0, outputBits);
            return;
        }
        product.multiply(input, output);
        if (multiplied < inputBits) {
            output.xor(input, multiplied, 0, outputBits);
        }
    }

    /** Whether a product was too large for the memory allowed, so that the matrix is cut into blocks. */
    public boolean isSplit() {
        return product != null && product.isSplit();
    }

    /** Wipes and frees the memory. A second call does nothing. */
    @Override
    public void close() {
        if (product != null) {
            product.close();
        }
    }

    private static void require(String what, BitString s, long bits) {
        if (s.length() != bits) {
            throw new IllegalArgumentException("The " + what + " has " + s.length() + " bits; this hash takes " + bits);
        }
    }
}
