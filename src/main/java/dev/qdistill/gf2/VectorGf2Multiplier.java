package dev.qdistill.gf2;

import dev.qdistill.accel.Backend;

/** Products by the Vector API: the additive Fourier transform, below {@link #THRESHOLD} the scalar method. */
final class VectorGf2Multiplier implements Gf2Multiplier {
    /** The shorter factor's length from which on the transform is faster, in bits. */
    private static final long THRESHOLD = 1 << 12;

    private final TransformKernels kernels = new VectorTransforms();

    @Override
    public Backend backend() {
        return Backend.VECTOR;
    }

    @Override
    public MiddleProduct middleProduct(long aBits, long bBits, long offset, long length, int threads) {
        Shape shape = new Shape(aBits, bBits, offset, length, threads);
        return Math.min(aBits, bBits) < THRESHOLD
                ? new ScalarGf2Multiplier().middleProduct(aBits, bBits, offset, length, threads)
                : new TransformProduct(shape, kernels);
    }

    @Override
    public long memoryBytes(long aBits, long bBits, long offset, long length, int threads) {
        return Math.min(aBits, bBits) < THRESHOLD
                ? new ScalarGf2Multiplier().memoryBytes(aBits, bBits, offset, length, threads)
                : TransformProduct.bytes(new Shape(aBits, bBits, offset, length, threads));
    }
}
