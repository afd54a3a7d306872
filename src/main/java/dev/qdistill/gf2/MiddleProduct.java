package dev.qdistill.gf2;

import dev.qdistill.bits.BitString;

/**
 * Products of one shape with the memory for them: bits [offset, offset + length) of a·b, many b to one a.
 *
 * <p>Whatever of a can be computed ahead is computed once, by {@link #setFirst}. No call allocates in proportion to the
 * length. One caller at a time.
 *
 * <p>Security guarantee: {@link #close()} overwrites all memory in which something of a, b or their product was left.
 */
public interface MiddleProduct extends AutoCloseable {
    /**
     * Fixes the first factor; it may change or be closed afterwards.
     *
     * @throws IllegalArgumentException if its length is not the one prepared for
     */
    void setFirst(BitString a);

    /**
     * {@code result} = bits [offset, offset + length) of the product of the first factor and {@code b}.
     *
     * @param b as many bits as prepared for, or more: those beyond do not count
     * @param result overwritten; may not share memory with {@code b}
     * @throws IllegalArgumentException if a length is not the one prepared for
     * @throws IllegalStateException if there is no first factor yet
     */
    void multiply(BitString b, BitString result);

    /** Wipes and frees the memory. A second call does nothing. */
    @Override
    void close();
}
