package dev.qdistill.gf2;

import dev.qdistill.accel.Backend;

/** The reference: Karatsuba's method over a comb with 4-bit windows, one thread. */
final class ScalarGf2Multiplier implements Gf2Multiplier {
    @Override
    public Backend backend() {
        return Backend.SCALAR;
    }

    @Override
    public MiddleProduct middleProduct(long aBits, long bBits, long offset, long length, int threads) {
        return new DirectProduct(new Shape(aBits, bBits, offset, length, threads), new Comb());
    }

    @Override
    public long memoryBytes(long aBits, long bBits, long offset, long length, int threads) {
        return DirectProduct.bytes(new Shape(aBits, bBits, offset, length, threads));
    }
}
