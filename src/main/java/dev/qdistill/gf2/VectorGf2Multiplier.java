package dev.qdistill.gf2;

import dev.qdistill.accel.Backend;

/** Products by the Vector API. */
final class VectorGf2Multiplier implements Gf2Multiplier {
    @Override
    public Backend backend() {
        return Backend.VECTOR;
    }

    @Override
    public MiddleProduct middleProduct(long aBits, long bBits, long offset, long length, int threads) {
        return new ScalarGf2Multiplier().middleProduct(aBits, bBits, offset, length, threads);
    }
}
