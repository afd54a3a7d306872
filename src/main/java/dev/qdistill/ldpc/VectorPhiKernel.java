package dev.qdistill.ldpc;

import static jdk.incubator.vector.VectorOperators.ABS;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.SADD;
import static jdk.incubator.vector.VectorOperators.SSUB;
import static jdk.incubator.vector.VectorOperators.SUADD;
import static jdk.incubator.vector.VectorOperators.UMAX;
import static jdk.incubator.vector.VectorOperators.UMIN;
import static jdk.incubator.vector.VectorOperators.XOR;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * One layer of quantised belief propagation, 64 checks a vector. The sum of φ leaves out the largest term, which is kept beside it.
 * Its half as an index needs no mask: the bit that comes from the neighbouring byte is beyond the 128 entries of the table, and
 * indices wrap.
 *
 * <p>Twin of {@link VectorMinSumKernel}; {@link LanedSyndromeDecoder} describes the layout and the order of the work.
 */
final class VectorPhiKernel {
    private static final VectorSpecies<Byte> S = ByteVector.SPECIES_512;
    private static final MemorySegment ROTATIONS = LaneRotations.ALL;
    private static final ByteOrder O = ByteOrder.LITTLE_ENDIAN;

    private VectorPhiKernel() {}

    /**
     * Pass 1 of a layer with pass 2 of the last step before it and of all its steps but the last.
     *
     * @param memory all that the decoder has; what follows are offsets into it
     * @param scratch offset of a vector for each edge; what is pending lies before it
     * @param phi offset of the table of φ
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
            long phi,
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
        ByteVector most = ByteVector.broadcast(S, (byte) 63);
        ByteVector phi0 = ByteVector.fromMemorySegment(S, memory, phi, O);
        ByteVector sign = ByteVector.fromMemorySegment(S, memory, scratch - 192, O);
        ByteVector sum = ByteVector.fromMemorySegment(S, memory, scratch - 128, O);
        ByteVector top = ByteVector.fromMemorySegment(S, memory, scratch - 64, O);
        int unsatisfied = 0;
        int earlier = before;
        int t = at;
        long m = messages;
        for (int chunk = 0; chunk < chunks; chunk++) {
            ByteVector others = sum;
            ByteVector largest = top;
            ByteVector parity = sign;
            sign = ByteVector.fromMemorySegment(S, memory, syndrome + 64L * chunk, O);
            sum = zero;
            top = zero;
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
                ByteVector i = others.lanewise(
                        SUADD, largest.sub(u.lanewise(ABS).lanewise(UMIN, most).selectFrom(phi0)));
                ByteVector c = i.reinterpretAsInts()
                        .lanewise(LSHR, 1)
                        .reinterpretAsBytes()
                        .selectFrom(low, high);
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
                ByteVector i0 = others.lanewise(
                        SUADD, largest.sub(u0.lanewise(ABS).lanewise(UMIN, most).selectFrom(phi0)));
                ByteVector c0 = i0.reinterpretAsInts()
                        .lanewise(LSHR, 1)
                        .reinterpretAsBytes()
                        .selectFrom(low, high);
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
                ByteVector f0 = t0.lanewise(ABS).lanewise(UMIN, most).selectFrom(phi0);
                sum = sum.lanewise(SUADD, top.lanewise(UMIN, f0));
                top = top.lanewise(UMAX, f0);
                ByteVector y1 = ByteVector.fromMemorySegment(S, memory, p + 64, O);
                ByteVector o1 = ByteVector.fromMemorySegment(S, memory, old + 64, O);
                ByteVector u1 = y1.lanewise(SSUB, o1);
                ByteVector i1 = others.lanewise(
                        SUADD, largest.sub(u1.lanewise(ABS).lanewise(UMIN, most).selectFrom(phi0)));
                ByteVector c1 = i1.reinterpretAsInts()
                        .lanewise(LSHR, 1)
                        .reinterpretAsBytes()
                        .selectFrom(low, high);
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
                ByteVector f1 = t1.lanewise(ABS).lanewise(UMIN, most).selectFrom(phi0);
                sum = sum.lanewise(SUADD, top.lanewise(UMIN, f1));
                top = top.lanewise(UMAX, f1);
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
                ByteVector f = d.lanewise(ABS).lanewise(UMIN, most).selectFrom(phi0);
                sum = sum.lanewise(SUADD, top.lanewise(UMIN, f));
                top = top.lanewise(UMAX, f);
                t++;
                m += 64;
                q += 64;
            }
            unsatisfied += Long.bitCount(sign.compare(LT, zero).toLong());
            earlier = degree;
        }
        sign.intoMemorySegment(memory, scratch - 192, O);
        sum.intoMemorySegment(memory, scratch - 128, O);
        top.intoMemorySegment(memory, scratch - 64, O);
        return unsatisfied;
    }
}
