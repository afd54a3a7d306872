package dev.qdistill.gf2;

import dev.qdistill.accel.Workers;
import java.lang.foreign.Arena;

/** By the Vector API. */
final class VectorTransforms implements TransformKernels {
    @Override
    public Transform transform(int m, Arena arena) {
        return new AdditiveFft(m, arena);
    }

    @Override
    public int scratchBytes() {
        return AdditiveFft.SCRATCH_BYTES;
    }

    @Override
    public void toTransformBasis(long address, long bits, Workers workers) {
        BasisConversion.forward(address, bits, workers);
    }

    @Override
    public void toMonomials(long address, long bits, Workers workers) {
        BasisConversion.inverse(address, bits, workers);
    }

    @Override
    public void xor(long to, long from, long bytes) {
        VectorKernels.xor(to, from, bytes);
    }

    @Override
    public void shift(long lo, long hi, long bytes, int bits) {
        VectorKernels.shift(lo, hi, bytes, bits);
    }
}
