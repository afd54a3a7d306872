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
 * One layer of min-sum, 64 checks a vector.
 *
 * <p>Twin of {@link VectorPhiKernel}; {@link LanedSyndromeDecoder} describes the layout and the order of the work.
 */
final class VectorMinSumKernel {
    private static final VectorSpecies<Byte> S = ByteVector.SPECIES_512;
    private static final MemorySegment M = Memory.ALL;
    private static final ByteOrder O = ByteOrder.LITTLE_ENDIAN;

    private VectorMinSumKernel() {}

    /**
     * Pass 1 of a layer with pass 2 of the last step before it and of all its steps but the last.
     *
     * @param rotations address of the 64 lane rotations
     * @param scratch address of a vector for each edge; what is pending lies before it
     * @param lut address of the table of 128 magnitudes
     * @param table addresses by step and edge, source | rotation and target
     * @param at where the layer begins in {@code table}
     * @param degree edges of the layer; with 0 only what is pending is done
     * @param before edges of the layer before, 0 if there is none
     * @param messages address of the layer's messages, by step and edge; those of the layer before end there
     * @param syndrome address of the layer's syndrome bytes
     * @param chunks steps of the layer
     * @return checks that are unsatisfied by extrinsic signs
     */
    static int layer(
            long rotations,
            long scratch,
            long lut,
            long[] table,
            int at,
            int degree,
            int before,
            long messages,
            long syndrome,
            int chunks) {
        ByteVector zero = ByteVector.zero(S);
        ByteVector low = ByteVector.fromMemorySegment(S, M, lut, O);
        ByteVector high = ByteVector.fromMemorySegment(S, M, lut + 64, O);
        ByteVector most = ByteVector.broadcast(S, (byte) 127);
        ByteVector sign = ByteVector.fromMemorySegment(S, M, scratch - 192, O);
        ByteVector min1 = ByteVector.fromMemorySegment(S, M, scratch - 128, O);
        ByteVector min2 = ByteVector.fromMemorySegment(S, M, scratch - 64, O);
        int unsatisfied = 0;
        int earlier = before;
        for (int chunk = 0; chunk < chunks; chunk++) {
            ByteVector smallest = min1;
            ByteVector ofOthers = min1.selectFrom(low, high);
            ByteVector ofSmallest = min2.selectFrom(low, high);
            ByteVector parity = sign;
            sign = ByteVector.fromMemorySegment(S, M, syndrome + 64L * chunk, O);
            min1 = most;
            min2 = most;
            // Entries of the table, two an edge.
            int both = 2 * (Math.min(earlier, degree) & -2);
            int lead = 2 * earlier - both;
            int next = at + 2 * degree * chunk;
            int present = next - 2 * earlier;
            long m = messages + 64L * degree * chunk;
            long old = m - 64L * earlier;
            long p = scratch;
            for (int j = 0; j < lead; j += 2) {
                ByteVector y = ByteVector.fromMemorySegment(S, M, p + 32L * j, O);
                ByteVector o = ByteVector.fromMemorySegment(S, M, old + 32L * j, O);
                ByteVector u = y.lanewise(SSUB, o);
                ByteVector c = ofOthers.blend(ofSmallest, u.lanewise(ABS).compare(EQ, smallest));
                ByteVector w = y.lanewise(
                        SADD,
                        c.blend(zero.sub(c), parity.lanewise(XOR, u).compare(LT, zero))
                                .sub(o));
                o.add(w.sub(y)).intoMemorySegment(M, old + 32L * j, O);
                w.intoMemorySegment(M, table[present + j + 1], O);
            }
            present += lead;
            old += 32L * lead;
            p += 32L * lead;
            for (int j = 0; j < both; j += 4) {
                ByteVector y0 = ByteVector.fromMemorySegment(S, M, p + 32L * j, O);
                ByteVector o0 = ByteVector.fromMemorySegment(S, M, old + 32L * j, O);
                ByteVector u0 = y0.lanewise(SSUB, o0);
                ByteVector c0 = ofOthers.blend(ofSmallest, u0.lanewise(ABS).compare(EQ, smallest));
                ByteVector w0 = y0.lanewise(
                        SADD,
                        c0.blend(zero.sub(c0), parity.lanewise(XOR, u0).compare(LT, zero))
                                .sub(o0));
                o0.add(w0.sub(y0)).intoMemorySegment(M, old + 32L * j, O);
                w0.intoMemorySegment(M, table[present + j + 1], O);
                long s0 = table[next + j];
                ByteVector x0 = ByteVector.fromMemorySegment(S, M, rotations + ((s0 & 63) << 6), O)
                        .selectFrom(ByteVector.fromMemorySegment(S, M, s0 & -64L, O));
                x0.intoMemorySegment(M, scratch + 32L * j, O);
                ByteVector t0 = x0.lanewise(SSUB, ByteVector.fromMemorySegment(S, M, m + 32L * j, O));
                sign = sign.lanewise(XOR, t0);
                ByteVector a0 = t0.lanewise(ABS);
                min2 = min2.lanewise(UMIN, min1.lanewise(UMAX, a0));
                min1 = min1.lanewise(UMIN, a0);
                ByteVector y1 = ByteVector.fromMemorySegment(S, M, p + 32L * j + 64, O);
                ByteVector o1 = ByteVector.fromMemorySegment(S, M, old + 32L * j + 64, O);
                ByteVector u1 = y1.lanewise(SSUB, o1);
                ByteVector c1 = ofOthers.blend(ofSmallest, u1.lanewise(ABS).compare(EQ, smallest));
                ByteVector w1 = y1.lanewise(
                        SADD,
                        c1.blend(zero.sub(c1), parity.lanewise(XOR, u1).compare(LT, zero))
                                .sub(o1));
                o1.add(w1.sub(y1)).intoMemorySegment(M, old + 32L * j + 64, O);
                w1.intoMemorySegment(M, table[present + j + 3], O);
                long s1 = table[next + j + 2];
                ByteVector x1 = ByteVector.fromMemorySegment(S, M, rotations + ((s1 & 63) << 6), O)
                        .selectFrom(ByteVector.fromMemorySegment(S, M, s1 & -64L, O));
                x1.intoMemorySegment(M, scratch + 32L * j + 64, O);
                ByteVector t1 = x1.lanewise(SSUB, ByteVector.fromMemorySegment(S, M, m + 32L * j + 64, O));
                sign = sign.lanewise(XOR, t1);
                ByteVector a1 = t1.lanewise(ABS);
                min2 = min2.lanewise(UMIN, min1.lanewise(UMAX, a1));
                min1 = min1.lanewise(UMIN, a1);
            }
            for (int j = both; j < 2 * degree; j += 2) {
                long s = table[next + j];
                ByteVector x = ByteVector.fromMemorySegment(S, M, rotations + ((s & 63) << 6), O)
                        .selectFrom(ByteVector.fromMemorySegment(S, M, s & -64L, O));
                x.intoMemorySegment(M, scratch + 32L * j, O);
                ByteVector t = x.lanewise(SSUB, ByteVector.fromMemorySegment(S, M, m + 32L * j, O));
                sign = sign.lanewise(XOR, t);
                ByteVector a = t.lanewise(ABS);
                min2 = min2.lanewise(UMIN, min1.lanewise(UMAX, a));
                min1 = min1.lanewise(UMIN, a);
            }
            unsatisfied += Long.bitCount(sign.compare(LT, zero).toLong());
            earlier = degree;
        }
        sign.intoMemorySegment(M, scratch - 192, O);
        min1.intoMemorySegment(M, scratch - 128, O);
        min2.intoMemorySegment(M, scratch - 64, O);
        return unsatisfied;
    }
}
