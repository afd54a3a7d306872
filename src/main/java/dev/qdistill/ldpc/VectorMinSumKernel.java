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
    private static final MemorySegment ROTATIONS = LaneRotations.ALL;
    private static final ByteOrder O = ByteOrder.LITTLE_ENDIAN;

    private VectorMinSumKernel() {}

    /**
     * Pass 1 of a layer with pass 2 of the last step before it and of all its steps but the last.
     *
     * @param memory all that the decoder has; what follows are offsets into it
     * @param scratch offset of a vector for each edge; what is pending lies before it
     * @param lut offset of the table of 128 magnitudes
     * @param trace offsets in the order in which they are used: sources | rotations and targets
     * @param at where the layer begins in {@code trace}
     * @param degree edges of the layer; with 0 only what is pending is done
     * @param before edges of the layer before, 0 if there is none
     * @param messages offset of the layer's messages, by step and edge; those of the layer before end there
     * @param syndrome offset of the layer's syndrome bytes
     * @param chunks steps of the layer
     * @return checks that are unsatisfied by extrinsic signs
     */
    static int layer(
            MemorySegment memory,
            long scratch,
            long lut,
            long[] trace,
            int at,
            int degree,
            int before,
            long messages,
            long syndrome,
            int chunks) {
        ByteVector zero = ByteVector.zero(S);
        ByteVector low = ByteVector.fromMemorySegment(S, memory, lut, O);
        ByteVector high = ByteVector.fromMemorySegment(S, memory, lut + 64, O);
        ByteVector most = ByteVector.broadcast(S, (byte) 127);
        ByteVector sign = ByteVector.fromMemorySegment(S, memory, scratch - 192, O);
        ByteVector min1 = ByteVector.fromMemorySegment(S, memory, scratch - 128, O);
        ByteVector min2 = ByteVector.fromMemorySegment(S, memory, scratch - 64, O);
        int unsatisfied = 0;
        int earlier = before;
        int t = at;
        long m = messages;
        for (int chunk = 0; chunk < chunks; chunk++) {
            ByteVector smallest = min1;
            ByteVector ofOthers = min1.selectFrom(low, high);
            ByteVector ofSmallest = min2.selectFrom(low, high);
            ByteVector parity = sign;
            sign = ByteVector.fromMemorySegment(S, memory, syndrome + 64L * chunk, O);
            min1 = most;
            min2 = most;
            int both = Math.min(earlier, degree) & -2;
            int leadEnd = t + earlier - both;
            int bothEnd = leadEnd + 2 * both;
            int end = bothEnd + degree - both;
            long old = m - 64L * earlier;
            long p = scratch;
            long q = scratch;
            while (t != leadEnd) {
                ByteVector y = ByteVector.fromMemorySegment(S, memory, p, O);
                ByteVector o = ByteVector.fromMemorySegment(S, memory, old, O);
                ByteVector u = y.lanewise(SSUB, o);
                ByteVector c = ofOthers.blend(ofSmallest, u.lanewise(ABS).compare(EQ, smallest));
                ByteVector w = y.lanewise(
                        SADD,
                        c.blend(zero.sub(c), parity.lanewise(XOR, u).compare(LT, zero))
                                .sub(o));
                o.add(w.sub(y)).intoMemorySegment(memory, old, O);
                w.intoMemorySegment(memory, trace[t], O);
                t++;
                old += 64;
                p += 64;
            }
            while (t != bothEnd) {
                ByteVector y0 = ByteVector.fromMemorySegment(S, memory, p, O);
                ByteVector o0 = ByteVector.fromMemorySegment(S, memory, old, O);
                ByteVector u0 = y0.lanewise(SSUB, o0);
                ByteVector c0 = ofOthers.blend(ofSmallest, u0.lanewise(ABS).compare(EQ, smallest));
                ByteVector w0 = y0.lanewise(
                        SADD,
                        c0.blend(zero.sub(c0), parity.lanewise(XOR, u0).compare(LT, zero))
                                .sub(o0));
                o0.add(w0.sub(y0)).intoMemorySegment(memory, old, O);
                w0.intoMemorySegment(memory, trace[t], O);
                long s0 = trace[t + 1];
                ByteVector x0 = ByteVector.fromMemorySegment(S, ROTATIONS, (s0 & 63) << 6, O)
                        .selectFrom(ByteVector.fromMemorySegment(S, memory, s0 & -64L, O));
                x0.intoMemorySegment(memory, q, O);
                ByteVector t0 = x0.lanewise(SSUB, ByteVector.fromMemorySegment(S, memory, m, O));
                sign = sign.lanewise(XOR, t0);
                ByteVector a0 = t0.lanewise(ABS);
                min2 = min2.lanewise(UMIN, min1.lanewise(UMAX, a0));
                min1 = min1.lanewise(UMIN, a0);
                ByteVector y1 = ByteVector.fromMemorySegment(S, memory, p + 64, O);
                ByteVector o1 = ByteVector.fromMemorySegment(S, memory, old + 64, O);
                ByteVector u1 = y1.lanewise(SSUB, o1);
                ByteVector c1 = ofOthers.blend(ofSmallest, u1.lanewise(ABS).compare(EQ, smallest));
                ByteVector w1 = y1.lanewise(
                        SADD,
                        c1.blend(zero.sub(c1), parity.lanewise(XOR, u1).compare(LT, zero))
                                .sub(o1));
                o1.add(w1.sub(y1)).intoMemorySegment(memory, old + 64, O);
                w1.intoMemorySegment(memory, trace[t + 2], O);
                long s1 = trace[t + 3];
                ByteVector x1 = ByteVector.fromMemorySegment(S, ROTATIONS, (s1 & 63) << 6, O)
                        .selectFrom(ByteVector.fromMemorySegment(S, memory, s1 & -64L, O));
                x1.intoMemorySegment(memory, q + 64, O);
                ByteVector t1 = x1.lanewise(SSUB, ByteVector.fromMemorySegment(S, memory, m + 64, O));
                sign = sign.lanewise(XOR, t1);
                ByteVector a1 = t1.lanewise(ABS);
                min2 = min2.lanewise(UMIN, min1.lanewise(UMAX, a1));
                min1 = min1.lanewise(UMIN, a1);
                t += 4;
                old += 128;
                m += 128;
                p += 128;
                q += 128;
            }
            while (t != end) {
                long s = trace[t];
                ByteVector x = ByteVector.fromMemorySegment(S, ROTATIONS, (s & 63) << 6, O)
                        .selectFrom(ByteVector.fromMemorySegment(S, memory, s & -64L, O));
                x.intoMemorySegment(memory, q, O);
                ByteVector d = x.lanewise(SSUB, ByteVector.fromMemorySegment(S, memory, m, O));
                sign = sign.lanewise(XOR, d);
                ByteVector a = d.lanewise(ABS);
                min2 = min2.lanewise(UMIN, min1.lanewise(UMAX, a));
                min1 = min1.lanewise(UMIN, a);
                t++;
                m += 64;
                q += 64;
            }
            unsatisfied += Long.bitCount(sign.compare(LT, zero).toLong());
            earlier = degree;
        }
        sign.intoMemorySegment(memory, scratch - 192, O);
        min1.intoMemorySegment(memory, scratch - 128, O);
        min2.intoMemorySegment(memory, scratch - 64, O);
        return unsatisfied;
    }
}
