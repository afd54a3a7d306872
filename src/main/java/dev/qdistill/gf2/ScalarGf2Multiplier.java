package dev.qdistill.gf2;

import dev.qdistill.accel.Backend;
import dev.qdistill.bits.BitString;
import dev.qdistill.bits.SecretArena;
import java.lang.foreign.MemorySegment;

/** The reference: Karatsuba's method over a comb with 4-bit windows, one thread. */
final class ScalarGf2Multiplier implements Gf2Multiplier {
    @Override
    public Backend backend() {
        return Backend.SCALAR;
    }

    @Override
    public MiddleProduct middleProduct(long aBits, long bBits, long offset, long length, int threads) {
        return new Prepared(new Shape(aBits, bBits, offset, length, threads));
    }

    @Override
    public long memoryBytes(long aBits, long bBits, long offset, long length, int threads) {
        long aWords = aBits + 63 >>> 6;
        long bWords = bBits + 63 >>> 6;
        return BitString.paddedBytes(aBits)
                + BitString.paddedBytes(bBits)
                + BitString.paddedBytes(aWords + bWords << 6)
                + 8 * Comb.scratchWords(aWords, bWords);
    }

    private static final class Prepared implements MiddleProduct {
        private final Shape shape;
        private final SecretArena arena = new SecretArena();
        private final BitString first;
        private final BitString second;
        private final MemorySegment product;
        private final MemorySegment scratch;
        private boolean hasFirst;

        Prepared(Shape shape) {
            this.shape = shape;
            first = BitString.allocate(arena, shape.aBits());
            second = BitString.allocate(arena, shape.bBits());
            long aWords = shape.aBits() + 63 >>> 6;
            long bWords = shape.bBits() + 63 >>> 6;
            product = arena.allocate(BitString.paddedBytes(aWords + bWords << 6), 64);
            scratch = arena.allocate(Comb.scratchWords(aWords, bWords) << 3, 64);
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
            Comb.multiply(first.segment(), first.wordCount(), second.segment(), second.wordCount(), product, scratch);
            BitString whole = BitString.wrap(product, product.byteSize() << 3);
            result.copyFrom(whole, shape.offset(), 0, shape.length());
        }

        @Override
        public void close() {
            arena.close();
        }
    }
}
