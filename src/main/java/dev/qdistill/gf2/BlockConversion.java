package dev.qdistill.gf2;

import static dev.qdistill.gf2.Memory.ALL;
import static dev.qdistill.gf2.Memory.ORDER;
import static jdk.incubator.vector.VectorOperators.AND_NOT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.XOR;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorSpecies;

/** {@link BasisConversion} of one block of 2^16 bits, 8 KB. */
final class BlockConversion {
    private static final VectorSpecies<Long> L = LongVector.SPECIES_512;
    private static final VectorSpecies<Byte> B = ByteVector.SPECIES_512;
    private static final int BLOCK_BITS = 16;
    private static final long MASKS = masks();

    private BlockConversion() {}

    /** Blocks that follow each other, from monomials or, inverse, back. */
    static void convert(long address, long blocks, boolean inverse) {
        for (long b = 0; b < blocks; b++) {
            if (inverse) {
                inverse(address + (b << 13));
            } else {
                forward(address + (b << 13));
            }
        }
    }

    // Index bits 0–15.
    private static void forward(long a) {
        for (int p = 15; p >= 11; p--) {
            blockLevelForward(a, 1 << p - 3, 1 << p - 11);
        }
        InnerConversion.forward(a, 1 << BLOCK_BITS - 11);
        // (15, 11), (14, 10), (13, 9) move whole vectors.
        for (int p = 15; p >= 13; p--) {
            blockRows(a, 1 << p - 3, 1 << p - 7, false);
        }
        blockLevelForward(a, 1 << 9, 32);
        RowConversion.forward8(a, 1 << BLOCK_BITS - 12);
        RowConversion.forward16(a, 512, 8);
    }

    private static void inverse(long a) {
        RowConversion.inverse16(a, 512, 8);
        RowConversion.inverse8(a, 1 << BLOCK_BITS - 12);
        blockLevelInverse(a, 1 << 9, 32);
        for (int p = 13; p <= 15; p++) {
            blockRows(a, 1 << p - 3, 1 << p - 7, true);
        }
        InnerConversion.inverse(a, 1 << BLOCK_BITS - 11);
        for (int p = 11; p <= 15; p++) {
            blockLevelInverse(a, 1 << p - 3, 1 << p - 11);
        }
    }

    // A level of one block of 2^16 bits, half and shift in bytes, shift a multiple of the vector.
    private static void blockRows(long a, int half, int shift, boolean inverse) {
        for (int at = 0; at < 1 << BLOCK_BITS - 3; at += 2 * half) {
            long lo = a + at;
            long hi = lo + half;
            if (!inverse) {
                CopyKernel.xorRun(hi, hi + half - shift, shift);
            }
            CopyKernel.xorRun(lo + shift, hi, half - shift);
            if (inverse) {
                CopyKernel.xorRun(hi, hi + half - shift, shift);
            }
        }
    }

    // As blockRows for a shift of 1 to 32 bytes. What wraps around, the top of hi, goes to the bottom of hi and from
    // there
    // to lo, one shift higher: taken from the top, since a load of bytes just stored would stall.
    private static void blockLevelForward(long a, int half, int shift) {
        ByteVector wrap = ByteVector.fromMemorySegment(B, ALL, MASKS + 64 - shift, ORDER);
        ByteVector moved = ByteVector.fromMemorySegment(B, ALL, MASKS + 64 - 2L * shift, ORDER)
                .lanewise(XOR, wrap);
        for (int at = 0; at < 1 << BLOCK_BITS - 3; at += 2 * half) {
            long lo = a + at;
            long hi = lo + half;
            for (int k = half - 64; k > 0; k -= 64) {
                ByteVector.fromMemorySegment(B, ALL, lo + k, ORDER)
                        .lanewise(XOR, ByteVector.fromMemorySegment(B, ALL, hi + k - shift, ORDER))
                        .intoMemorySegment(ALL, lo + k, ORDER);
            }
            ByteVector h =
                    ByteVector.fromMemorySegment(B, ALL, hi - shift, ORDER).lanewise(AND_NOT, wrap);
            ByteVector top = ByteVector.fromMemorySegment(B, ALL, hi + half - shift, ORDER)
                    .and(wrap);
            ByteVector top2 = ByteVector.fromMemorySegment(B, ALL, hi + half - 2L * shift, ORDER)
                    .and(moved);
            ByteVector.fromMemorySegment(B, ALL, lo, ORDER)
                    .lanewise(XOR, h)
                    .lanewise(XOR, top2)
                    .intoMemorySegment(ALL, lo, ORDER);
            ByteVector.fromMemorySegment(B, ALL, hi, ORDER).lanewise(XOR, top).intoMemorySegment(ALL, hi, ORDER);
        }
    }

    private static void blockLevelInverse(long a, int half, int shift) {
        ByteVector wrap = ByteVector.fromMemorySegment(B, ALL, MASKS + 64 - shift, ORDER);
        for (int at = 0; at < 1 << BLOCK_BITS - 3; at += 2 * half) {
            long lo = a + at;
            long hi = lo + half;
            for (int k = half - 64; k > 0; k -= 64) {
                ByteVector.fromMemorySegment(B, ALL, lo + k, ORDER)
                        .lanewise(XOR, ByteVector.fromMemorySegment(B, ALL, hi + k - shift, ORDER))
                        .intoMemorySegment(ALL, lo + k, ORDER);
            }
            ByteVector h =
                    ByteVector.fromMemorySegment(B, ALL, hi - shift, ORDER).lanewise(AND_NOT, wrap);
            ByteVector top = ByteVector.fromMemorySegment(B, ALL, hi + half - shift, ORDER)
                    .and(wrap);
            ByteVector.fromMemorySegment(B, ALL, lo, ORDER).lanewise(XOR, h).intoMemorySegment(ALL, lo, ORDER);
            ByteVector.fromMemorySegment(B, ALL, hi, ORDER).lanewise(XOR, top).intoMemorySegment(ALL, hi, ORDER);
        }
    }

    // 64 bytes of ones, 128 of zeros: from 64 - n, a vector whose first n bytes are ones.
    private static long masks() {
        byte[] m = new byte[192];
        java.util.Arrays.fill(m, 0, 64, (byte) -1);
        return Memory.constants(m);
    }

    /** {@code lo ^= hi << s}, with what is below hi at the start. */
    static void shift(long lo, long hi, long bytes, int s) {
        for (long k = 0; k < bytes; k += 64) {
            LongVector h = LongVector.fromMemorySegment(L, ALL, hi + k, ORDER);
            LongVector c = LongVector.fromMemorySegment(L, ALL, hi + k - 8, ORDER);
            LongVector.fromMemorySegment(L, ALL, lo + k, ORDER)
                    .lanewise(XOR, h.lanewise(LSHL, s))
                    .lanewise(XOR, c.lanewise(LSHR, 64 - s))
                    .intoMemorySegment(ALL, lo + k, ORDER);
        }
    }
}
