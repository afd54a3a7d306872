package dev.qdistill.gf2;

import dev.qdistill.bits.BitString;
import dev.qdistill.bits.SecretArena;
import java.lang.foreign.MemorySegment;

/** Middle products that compute the whole product without a transform, on one thread. */
final class DirectProduct implements MiddleProduct {
    private final Gf2Multiplier.Shape shape;
    private final DirectKernel kernel;
    private final SecretArena arena = new SecretArena();
    private final BitString first;
    private final BitString second;
    private final BitString product;
    private final MemorySegment scratch;
    private boolean hasFirst;

    DirectProduct(Gf2Multiplier.Shape shape, DirectKernel kernel) {
        this.shape = shape;
        this.kernel = kernel;
        first = BitString.allocate(arena, shape.aBits());
        second = BitString.allocate(arena, shape.bBits());
        product = BitString.allocate(arena, productBits(shape));
        scratch = arena.allocate(8 * DirectKernel.scratchWords(shorterWords(shape)), 64);
    }

    /**
     * Whether the direct method is faster than a transform. It takes n^1.585 for factors of n bits, a piece of the longer factor
     * after the other; the shortest transform has 2^17 bits, and others take time in proportion.
     *
     * @param equal the longest factors of equal length for which it is, in bits: measured
     */
    static boolean isFaster(Gf2Multiplier.Shape shape, int equal) {
        double shorter = Math.min(shape.aBits(), shape.bBits());
        double pieces = Math.ceil(Math.max(shape.aBits(), shape.bBits()) / shorter);
        return pieces * Math.pow(shorter / equal, 1.585) <= Math.max(1, shape.productBits() / (double) (1 << 17));
    }

    // Room for whole vectors of both factors.
    private static long productBits(Gf2Multiplier.Shape shape) {
        return (shape.aBits() + 511 & -512) + (shape.bBits() + 511 & -512);
    }

    private static long shorterWords(Gf2Multiplier.Shape shape) {
        return Math.min(shape.aBits(), shape.bBits()) + 63 >>> 6;
    }

    /** What a product allocates. */
    static long bytes(Gf2Multiplier.Shape shape) {
        return BitString.paddedBytes(shape.aBits())
                + BitString.paddedBytes(shape.bBits())
                + BitString.paddedBytes(productBits(shape))
                + 8 * DirectKernel.scratchWords(shorterWords(shape));
    }

    @Override
    public void setFirst(BitString a) {
        shape.requireFirst(a);
        first.copyFrom(a, 0, 0, a.length());
        hasFirst = true;
    }

    @Override
    public void multiply(BitString b, BitString result) {
        shape.requireSecond(b, result);
        if (!hasFirst) {
            throw new IllegalStateException("multiply before setFirst");
        }
        second.copyFrom(b, 0, 0, second.length());
        if (first.wordCount() >= second.wordCount()) {
            multiplyWords(first, second);
        } else {
            multiplyWords(second, first);
        }
        result.copyFrom(product, shape.offset(), 0, shape.length());
    }

    private void multiplyWords(BitString longer, BitString shorter) {
        kernel.multiply(
                longer.segment(),
                longer.wordCount(),
                shorter.segment(),
                shorter.wordCount(),
                product.segment(),
                scratch);
    }

    @Override
    public void close() {
        arena.close();
    }
}
