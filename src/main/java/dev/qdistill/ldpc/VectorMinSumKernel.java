package dev.qdistill.ldpc;

import static jdk.incubator.vector.VectorOperators.ABS;
import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.SADD;
import static jdk.incubator.vector.VectorOperators.SSUB;
import static jdk.incubator.vector.VectorOperators.UMAX;
import static jdk.incubator.vector.VectorOperators.UMIN;
import static jdk.incubator.vector.VectorOperators.XOR;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * One layer of min-sum: 64 checks a vector, pass 2 of each chunk of checks interleaved with pass 1 of the next, because the
 * latency of the two reductions, not the number of instructions, would bound it otherwise.
 *
 * <p>Twin of {@link VectorPhiKernel}; {@link VectorSyndromeDecoder} describes the layout.
 */
final class VectorMinSumKernel {
    private static final VectorSpecies<Byte> S = ByteVector.SPECIES_512;
    private static final MemorySegment M = Memory.ALL;
    private static final ByteOrder O = ByteOrder.LITTLE_ENDIAN;

    private VectorMinSumKernel() {}

    /**
     * Updates the posteriors and messages of one layer.
     *
     * @param rotations address of the 64 lane rotations
     * @param scratch address of {@code degree} vectors
     * @param lut address of the table of 128 magnitudes
     * @param table addresses: by chunk and edge, source | rotation and target; the targets one chunk late
     * @param at where the layer begins in {@code table}
     * @param degree edges of the layer, even
     * @param messages address of the layer's messages, by chunk and edge
     * @param syndrome address of the layer's syndrome bytes
     * @param chunks vectors a circulant
     * @return checks that are unsatisfied by extrinsic signs
     */
    static int layer(
            long rotations,
            long scratch,
            long lut,
            long[] table,
            int at,
            int degree,
            long messages,
            long syndrome,
            int chunks) {
        ByteVector most = ByteVector.broadcast(S, (byte) 127);
        ByteVector zero = ByteVector.zero(S);
        ByteVector low = ByteVector.fromMemorySegment(S, M, lut, O);
        ByteVector high = ByteVector.fromMemorySegment(S, M, lut + 64, O);
        ByteVector min1 = most;
        ByteVector min2 = most;
        ByteVector sign = ByteVector.fromMemorySegment(S, M, syndrome, O);
        int entry = at;
        long m = messages;
        long q = scratch;
        for (int j = 0; j < degree; j += 2) {
            long s0 = table[entry];
            ByteVector x0 = ByteVector.fromMemorySegment(S, M, rotations + ((s0 & 63) << 6), O)
                    .selectFrom(ByteVector.fromMemorySegment(S, M, s0 & ~63L, O));
            x0.intoMemorySegment(M, q, O);
            ByteVector t0 = x0.lanewise(SSUB, ByteVector.fromMemorySegment(S, M, m, O));
            sign = sign.lanewise(XOR, t0);
            ByteVector a0 = t0.lanewise(ABS);
            min2 = min2.lanewise(UMIN, min1.lanewise(UMAX, a0));
            min1 = min1.lanewise(UMIN, a0);
            long s1 = table[entry + 2];
            ByteVector x1 = ByteVector.fromMemorySegment(S, M, rotations + ((s1 & 63) << 6), O)
                    .selectFrom(ByteVector.fromMemorySegment(S, M, s1 & ~63L, O));
            x1.intoMemorySegment(M, q + 64, O);
            ByteVector t1 = x1.lanewise(SSUB, ByteVector.fromMemorySegment(S, M, m + 64, O));
            sign = sign.lanewise(XOR, t1);
            ByteVector a1 = t1.lanewise(ABS);
            min2 = min2.lanewise(UMIN, min1.lanewise(UMAX, a1));
            min1 = min1.lanewise(UMIN, a1);
            entry += 4;
            m += 128;
            q += 128;
        }
        int unsatisfied = Long.bitCount(sign.compare(LT, zero).toLong());
        long old = messages;
        long check = syndrome;
        for (int chunk = 1; chunk < chunks; chunk++) {
            ByteVector smallest = min1;
            ByteVector ofOthers = min1.selectFrom(low, high);
            ByteVector ofSmallest = min2.selectFrom(low, high);
            ByteVector parity = sign;
            check += 64;
            min1 = most;
            min2 = most;
            sign = ByteVector.fromMemorySegment(S, M, check, O);
            q = scratch;
            for (int j = 0; j < degree; j += 2) {
                ByteVector y0 = ByteVector.fromMemorySegment(S, M, q, O);
                ByteVector o0 = ByteVector.fromMemorySegment(S, M, old, O);
                ByteVector u0 = y0.lanewise(SSUB, o0);
                ByteVector c0 = ofOthers.blend(ofSmallest, u0.lanewise(ABS).compare(EQ, smallest));
                ByteVector p0 = y0.lanewise(
                        SADD,
                        c0.blend(zero.sub(c0), parity.lanewise(XOR, u0).compare(LT, zero))
                                .sub(o0));
                o0.add(p0.sub(y0)).intoMemorySegment(M, old, O);
                p0.intoMemorySegment(M, table[entry + 1], O);
                long s0 = table[entry];
                ByteVector x0 = ByteVector.fromMemorySegment(S, M, rotations + ((s0 & 63) << 6), O)
                        .selectFrom(ByteVector.fromMemorySegment(S, M, s0 & ~63L, O));
                x0.intoMemorySegment(M, q, O);
                ByteVector t0 = x0.lanewise(SSUB, ByteVector.fromMemorySegment(S, M, m, O));
                sign = sign.lanewise(XOR, t0);
                ByteVector a0 = t0.lanewise(ABS);
                min2 = min2.lanewise(UMIN, min1.lanewise(UMAX, a0));
                min1 = min1.lanewise(UMIN, a0);
                ByteVector y1 = ByteVector.fromMemorySegment(S, M, q + 64, O);
                ByteVector o1 = ByteVector.fromMemorySegment(S, M, old + 64, O);
                ByteVector u1 = y1.lanewise(SSUB, o1);
                ByteVector c1 = ofOthers.blend(ofSmallest, u1.lanewise(ABS).compare(EQ, smallest));
                ByteVector p1 = y1.lanewise(
                        SADD,
                        c1.blend(zero.sub(c1), parity.lanewise(XOR, u1).compare(LT, zero))
                                .sub(o1));
                o1.add(p1.sub(y1)).intoMemorySegment(M, old + 64, O);
                p1.intoMemorySegment(M, table[entry + 3], O);
                long s1 = table[entry + 2];
                ByteVector x1 = ByteVector.fromMemorySegment(S, M, rotations + ((s1 & 63) << 6), O)
                        .selectFrom(ByteVector.fromMemorySegment(S, M, s1 & ~63L, O));
                x1.intoMemorySegment(M, q + 64, O);
                ByteVector t1 = x1.lanewise(SSUB, ByteVector.fromMemorySegment(S, M, m + 64, O));
                sign = sign.lanewise(XOR, t1);
                ByteVector a1 = t1.lanewise(ABS);
                min2 = min2.lanewise(UMIN, min1.lanewise(UMAX, a1));
                min1 = min1.lanewise(UMIN, a1);
                entry += 4;
                m += 128;
                old += 128;
                q += 128;
            }
            unsatisfied += Long.bitCount(sign.compare(LT, zero).toLong());
        }
        ByteVector smallest = min1;
        ByteVector ofOthers = min1.selectFrom(low, high);
        ByteVector ofSmallest = min2.selectFrom(low, high);
        ByteVector parity = sign;
        q = scratch;
        for (int j = 0; j < degree; j++) {
            ByteVector y = ByteVector.fromMemorySegment(S, M, q, O);
            ByteVector o = ByteVector.fromMemorySegment(S, M, old, O);
            ByteVector u = y.lanewise(SSUB, o);
            ByteVector c = ofOthers.blend(ofSmallest, u.lanewise(ABS).compare(EQ, smallest));
            ByteVector p = y.lanewise(
                    SADD,
                    c.blend(zero.sub(c), parity.lanewise(XOR, u).compare(LT, zero))
                            .sub(o));
            o.add(p.sub(y)).intoMemorySegment(M, old, O);
            p.intoMemorySegment(M, table[entry + 1], O);
            entry += 2;
            old += 64;
            q += 64;
        }
        return unsatisfied;
    }
}
