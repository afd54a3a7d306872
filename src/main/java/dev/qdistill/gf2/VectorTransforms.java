package dev.qdistill.gf2;

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
    public void toTransformBasis(long address, long bits, Team.Part part) {
        BasisConversion.forward(address, bits, part);
    }

    @Override
    public void toMonomials(long address, long bits, Team.Part part) {
        BasisConversion.inverse(address, bits, part);
    }

    @Override
    public void xor(long to, long from, long bytes) {
        CopyKernel.xor(to, from, bytes);
    }

    @Override
    public void shift(long lo, long hi, long bytes, int bits) {
        BlockConversion.shift(lo, hi, bytes, bits);
    }
}
