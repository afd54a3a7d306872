package dev.qdistill.gf2;

import java.lang.foreign.MemorySegment;

/** Products of short factors, without a transform: lengths in 64-bit words, memory 64-byte aligned with zeros to the next vector. */
sealed interface DirectKernel permits Comb, VectorDirect, NativeTransforms {
    /** {@code r[0, aWords + bWords) = a·b}; what lies behind in {@code r} is undefined. */
    void multiply(MemorySegment a, long aWords, MemorySegment b, long bWords, MemorySegment r, MemorySegment scratch);

    /** The words of scratch memory that suffice for every kernel, for factors of which the shorter has so many words. */
    static long scratchWords(long shorter) {
        // A piece of the longer factor and its product; for Karatsuba's method 4·ceil(n/2) words a level and what
        // rounding to
        // whole vectors adds; the comb's table.
        long n = shorter + 7 & -8;
        return 3 * n + 4 * n + 8 * 4 * 64 + 16 * 32;
    }
}
