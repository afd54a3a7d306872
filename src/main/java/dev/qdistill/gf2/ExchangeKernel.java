package dev.qdistill.gf2;

import static dev.qdistill.gf2.Memory.ALL;
import static dev.qdistill.gf2.Memory.ORDER;
import static jdk.incubator.vector.VectorOperators.BITWISE_BLEND;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** Transpositions: of the number of a vector with the lane, and of the number of a vector with the bit in a byte. */
final class ExchangeKernel {
    private static final VectorSpecies<Byte> B = ByteVector.SPECIES_512;
    private static final VectorSpecies<Long> L = LongVector.SPECIES_512;
    // Permutations by lane XOR 1, 2, 4, 8, 16, 32, then lanes with bit 0, 1 … 5 set.
    private static final long CONSTANTS = constants();
    private static final long[] LANES = {
        0xAAAAAAAAAAAAAAAAL,
        0xCCCCCCCCCCCCCCCCL,
        0xF0F0F0F0F0F0F0F0L,
        0xFF00FF00FF00FF00L,
        0xFFFF0000FFFF0000L,
        0xFFFFFFFF00000000L
    };

    private ExchangeKernel() {}

    /**
     * Of each group of eight vectors at the sums of d0, d1, d2, swaps the bits of the number, d0 first, with the bits {@code
     * firstBit}, firstBit + 1, firstBit + 2 of the lane. In place, its own inverse. Group g begins at {@code data} + g spread
     * over {@code mask}.
     */
    static void lanes(long data, int groups, long mask, long d0, long d1, long d2, int firstBit) {
        long perm = CONSTANTS + 64L * firstBit;
        ByteVector p0 = ByteVector.fromMemorySegment(B, ALL, perm, ORDER);
        ByteVector p1 = ByteVector.fromMemorySegment(B, ALL, perm + 64, ORDER);
        ByteVector p2 = ByteVector.fromMemorySegment(B, ALL, perm + 128, ORDER);
        VectorMask<Byte> m0 = VectorMask.fromLong(B, LANES[firstBit]);
        VectorMask<Byte> m1 = VectorMask.fromLong(B, LANES[firstBit + 1]);
        VectorMask<Byte> m2 = VectorMask.fromLong(B, LANES[firstBit + 2]);
        for (int g = 0; g < groups; g++) {
            long a = data + Long.expand(g, mask);
            ByteVector v0 = ByteVector.fromMemorySegment(B, ALL, a, ORDER);
            ByteVector v1 = ByteVector.fromMemorySegment(B, ALL, a + d0, ORDER);
            ByteVector v2 = ByteVector.fromMemorySegment(B, ALL, a + d1, ORDER);
            ByteVector v3 = ByteVector.fromMemorySegment(B, ALL, a + d0 + d1, ORDER);
            ByteVector v4 = ByteVector.fromMemorySegment(B, ALL, a + d2, ORDER);
            ByteVector v5 = ByteVector.fromMemorySegment(B, ALL, a + d0 + d2, ORDER);
            ByteVector v6 = ByteVector.fromMemorySegment(B, ALL, a + d1 + d2, ORDER);
            ByteVector v7 = ByteVector.fromMemorySegment(B, ALL, a + d0 + d1 + d2, ORDER);
            ByteVector w0 = v0.blend(p0.selectFrom(v1), m0);
            ByteVector w1 = p0.selectFrom(v0).blend(v1, m0);
            ByteVector w2 = v2.blend(p0.selectFrom(v3), m0);
            ByteVector w3 = p0.selectFrom(v2).blend(v3, m0);
            ByteVector w4 = v4.blend(p0.selectFrom(v5), m0);
            ByteVector w5 = p0.selectFrom(v4).blend(v5, m0);
            ByteVector w6 = v6.blend(p0.selectFrom(v7), m0);
            ByteVector w7 = p0.selectFrom(v6).blend(v7, m0);
            v0 = w0.blend(p1.selectFrom(w2), m1);
            v2 = p1.selectFrom(w0).blend(w2, m1);
            v1 = w1.blend(p1.selectFrom(w3), m1);
            v3 = p1.selectFrom(w1).blend(w3, m1);
            v4 = w4.blend(p1.selectFrom(w6), m1);
            v6 = p1.selectFrom(w4).blend(w6, m1);
            v5 = w5.blend(p1.selectFrom(w7), m1);
            v7 = p1.selectFrom(w5).blend(w7, m1);
            v0.blend(p2.selectFrom(v4), m2).intoMemorySegment(ALL, a, ORDER);
            p2.selectFrom(v0).blend(v4, m2).intoMemorySegment(ALL, a + d2, ORDER);
            v1.blend(p2.selectFrom(v5), m2).intoMemorySegment(ALL, a + d0, ORDER);
            p2.selectFrom(v1).blend(v5, m2).intoMemorySegment(ALL, a + d0 + d2, ORDER);
            v2.blend(p2.selectFrom(v6), m2).intoMemorySegment(ALL, a + d1, ORDER);
            p2.selectFrom(v2).blend(v6, m2).intoMemorySegment(ALL, a + d1 + d2, ORDER);
            v3.blend(p2.selectFrom(v7), m2).intoMemorySegment(ALL, a + d0 + d1, ORDER);
            p2.selectFrom(v3).blend(v7, m2).intoMemorySegment(ALL, a + d0 + d1 + d2, ORDER);
        }
    }

    /**
     * Of groups of eight vectors, swaps the number with the bit in each byte; its own inverse. The vectors of group g lie at
     * the sums of s0, s1, s2 from {@code from} + g spread over {@code fromMask}, and go to the sums of t0, t1, t2 from
     * {@code to} + g spread over {@code toMask}.
     */
    static void bits(
            long from,
            long fromMask,
            long s0,
            long s1,
            long s2,
            long to,
            long toMask,
            long t0,
            long t1,
            long t2,
            int groups) {
        LongVector x1 = LongVector.broadcast(L, 0xAAAAAAAAAAAAAAAAL);
        LongVector x2 = LongVector.broadcast(L, 0xCCCCCCCCCCCCCCCCL);
        LongVector x4 = LongVector.broadcast(L, 0xF0F0F0F0F0F0F0F0L);
        for (int g = 0; g < groups; g++) {
            long a = from + Long.expand(g, fromMask);
            LongVector v0 = LongVector.fromMemorySegment(L, ALL, a, ORDER);
            LongVector v1 = LongVector.fromMemorySegment(L, ALL, a + s0, ORDER);
            LongVector v2 = LongVector.fromMemorySegment(L, ALL, a + s1, ORDER);
            LongVector v3 = LongVector.fromMemorySegment(L, ALL, a + s0 + s1, ORDER);
            LongVector v4 = LongVector.fromMemorySegment(L, ALL, a + s2, ORDER);
            LongVector v5 = LongVector.fromMemorySegment(L, ALL, a + s0 + s2, ORDER);
            LongVector v6 = LongVector.fromMemorySegment(L, ALL, a + s1 + s2, ORDER);
            LongVector v7 = LongVector.fromMemorySegment(L, ALL, a + s0 + s1 + s2, ORDER);
            LongVector w0 = v0.lanewise(BITWISE_BLEND, v4.lanewise(LSHL, 4), x4);
            LongVector w4 = v0.lanewise(LSHR, 4).lanewise(BITWISE_BLEND, v4, x4);
            LongVector w1 = v1.lanewise(BITWISE_BLEND, v5.lanewise(LSHL, 4), x4);
            LongVector w5 = v1.lanewise(LSHR, 4).lanewise(BITWISE_BLEND, v5, x4);
            LongVector w2 = v2.lanewise(BITWISE_BLEND, v6.lanewise(LSHL, 4), x4);
            LongVector w6 = v2.lanewise(LSHR, 4).lanewise(BITWISE_BLEND, v6, x4);
            LongVector w3 = v3.lanewise(BITWISE_BLEND, v7.lanewise(LSHL, 4), x4);
            LongVector w7 = v3.lanewise(LSHR, 4).lanewise(BITWISE_BLEND, v7, x4);
            v0 = w0.lanewise(BITWISE_BLEND, w2.lanewise(LSHL, 2), x2);
            v2 = w0.lanewise(LSHR, 2).lanewise(BITWISE_BLEND, w2, x2);
            v1 = w1.lanewise(BITWISE_BLEND, w3.lanewise(LSHL, 2), x2);
            v3 = w1.lanewise(LSHR, 2).lanewise(BITWISE_BLEND, w3, x2);
            v4 = w4.lanewise(BITWISE_BLEND, w6.lanewise(LSHL, 2), x2);
            v6 = w4.lanewise(LSHR, 2).lanewise(BITWISE_BLEND, w6, x2);
            v5 = w5.lanewise(BITWISE_BLEND, w7.lanewise(LSHL, 2), x2);
            v7 = w5.lanewise(LSHR, 2).lanewise(BITWISE_BLEND, w7, x2);
            long b = to + Long.expand(g, toMask);
            v0.lanewise(BITWISE_BLEND, v1.lanewise(LSHL, 1), x1).intoMemorySegment(ALL, b, ORDER);
            v0.lanewise(LSHR, 1).lanewise(BITWISE_BLEND, v1, x1).intoMemorySegment(ALL, b + t0, ORDER);
            v2.lanewise(BITWISE_BLEND, v3.lanewise(LSHL, 1), x1).intoMemorySegment(ALL, b + t1, ORDER);
            v2.lanewise(LSHR, 1).lanewise(BITWISE_BLEND, v3, x1).intoMemorySegment(ALL, b + t0 + t1, ORDER);
            v4.lanewise(BITWISE_BLEND, v5.lanewise(LSHL, 1), x1).intoMemorySegment(ALL, b + t2, ORDER);
            v4.lanewise(LSHR, 1).lanewise(BITWISE_BLEND, v5, x1).intoMemorySegment(ALL, b + t0 + t2, ORDER);
            v6.lanewise(BITWISE_BLEND, v7.lanewise(LSHL, 1), x1).intoMemorySegment(ALL, b + t1 + t2, ORDER);
            v6.lanewise(LSHR, 1).lanewise(BITWISE_BLEND, v7, x1).intoMemorySegment(ALL, b + t0 + t1 + t2, ORDER);
        }
    }

    private static long constants() {
        byte[] t = new byte[6 * 64];
        for (int k = 0; k < 6; k++) {
            for (int i = 0; i < 64; i++) {
                t[64 * k + i] = (byte) (i ^ 1 << k);
            }
        }
        return Memory.constants(t);
    }
}
