package dev.qdistill.gf2;

import java.lang.foreign.Arena;

/** What {@link TransformProduct} computes with, on absolute addresses of 64-byte aligned memory (see {@link Memory}). */
sealed interface TransformKernels permits VectorTransforms, NativeTransforms {
    /** A transform of 2^m bits. */
    Transform transform(int m, Arena arena);

    /** Bytes of scratch memory that each worker needs. */
    int scratchBytes();

    /** From monomials to the basis of the transform: see {@link BasisConversion}. */
    void toTransformBasis(long address, long bits, Team.Part part);

    /** The inverse of {@link #toTransformBasis}. */
    void toMonomials(long address, long bits, Team.Part part);

    /** {@code to ^= from}, a multiple of 64 bytes. */
    void xor(long to, long from, long bytes);

    /** {@code lo ^= hi << bits}, 1, 2, 4 … 32 bits, with what is below hi at the start; a multiple of 64 bytes. */
    void shift(long lo, long hi, long bytes, int bits);
}
