package dev.qdistill.gf2;

import dev.qdistill.accel.Backend;

/** Products by the Vector API: the additive Fourier transform, for short factors Karatsuba's method. */
final class VectorGf2Multiplier implements Gf2Multiplier {
    /** Factors of equal length for which that is faster, in bits: 23 µs against 31. */
    private static final int DIRECT = 1 << 14;

    private final TransformKernels kernels = new VectorTransforms();

    @Override
    public Backend backend() {
        return Backend.VECTOR;
    }

    @Override
    public MiddleProduct middleProduct(long aBits, long bBits, long offset, long length, int threads) {
        Shape shape = new Shape(aBits, bBits, offset, length, threads);
        return DirectProduct.isFaster(shape, DIRECT)
                ? new DirectProduct(shape, new VectorDirect())
                : new TransformProduct(shape, kernels);
    }

    @Override
    public long memoryBytes(long aBits, long bBits, long offset, long length, int threads) {
        Shape shape = new Shape(aBits, bBits, offset, length, threads);
        return DirectProduct.isFaster(shape, DIRECT) ? DirectProduct.bytes(shape) : TransformProduct.bytes(shape);
    }
}
