package dev.qdistill.gf2;

import static dev.qdistill.gf2.Memory.ALL;
import static dev.qdistill.gf2.Memory.ORDER;
import static jdk.incubator.vector.VectorOperators.ADD;
import static jdk.incubator.vector.VectorOperators.BITWISE_BLEND;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.XOR;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.VectorSpecies;

/** Products of vectors of GF(2^32), lane by lane, by {@link NibbleLogs}. */
final class PointwiseKernel {
    private static final VectorSpecies<Byte> B = ByteVector.SPECIES_512;
    private static final long TABLES = Memory.constants(NibbleLogs.tables());
    private static final long BETA15 = Memory.constants(LookupTables.multiply16(CantorTower.beta(15)));

    private PointwiseKernel() {}

    /** {@code x *= y}: byte planes at 0, p, q and q + p; vector k at k spread over {@code mask}, k in [from, to). */
    static void multiply(long x, long y, long p, long q, long from, long to, long mask, long scratch) {
        for (long k = from; k < to; k++) {
            long a = x + Long.expand(k, mask);
            long b = y + Long.expand(k, mask);
            // Karatsuba: X0 Y0, (X0 + X1)(Y0 + Y1), β_15 X1 Y1.
            product(a, a + p, b, b + p, scratch);
            sums(a, p, q, scratch + 384);
            sums(b, p, q, scratch + 512);
            product(scratch + 384, scratch + 448, scratch + 512, scratch + 576, scratch + 128);
            product(a + q, a + q + p, b + q, b + q + p, scratch + 256);
            combine(a, p, q, scratch);
        }
    }

    private static void sums(long a, long p, long q, long to) {
        ByteVector.fromMemorySegment(B, ALL, a, ORDER)
                .lanewise(XOR, ByteVector.fromMemorySegment(B, ALL, a + q, ORDER))
                .intoMemorySegment(ALL, to, ORDER);
        ByteVector.fromMemorySegment(B, ALL, a + p, ORDER)
                .lanewise(XOR, ByteVector.fromMemorySegment(B, ALL, a + q + p, ORDER))
                .intoMemorySegment(ALL, to + 64, ORDER);
    }

    // From X0 Y0, (X0 + X1)(Y0 + Y1) and X1 Y1 in scratch memory.
    private static void combine(long a, long p, long q, long scratch) {
        ByteVector l0 = ByteVector.fromMemorySegment(B, ALL, scratch, ORDER);
        ByteVector l1 = ByteVector.fromMemorySegment(B, ALL, scratch + 64, ORDER);
        ByteVector m0 = ByteVector.fromMemorySegment(B, ALL, scratch + 128, ORDER);
        ByteVector m1 = ByteVector.fromMemorySegment(B, ALL, scratch + 192, ORDER);
        ByteVector h0 = ByteVector.fromMemorySegment(B, ALL, scratch + 256, ORDER);
        ByteVector h1 = ByteVector.fromMemorySegment(B, ALL, scratch + 320, ORDER);
        l0.lanewise(XOR, m0).intoMemorySegment(ALL, a + q, ORDER);
        l1.lanewise(XOR, m1).intoMemorySegment(ALL, a + q + p, ORDER);
        ByteVector t = h1.reinterpretAsInts()
                .lanewise(LSHR, 4)
                .reinterpretAsBytes()
                .lanewise(
                        BITWISE_BLEND,
                        h0.reinterpretAsInts().lanewise(LSHR, 2).reinterpretAsBytes(),
                        ByteVector.broadcast(B, (byte) 0x30));
        l0.lanewise(XOR, h0.selectFrom(ByteVector.fromMemorySegment(B, ALL, BETA15, ORDER)))
                .lanewise(XOR, h1.selectFrom(ByteVector.fromMemorySegment(B, ALL, BETA15 + 64, ORDER)))
                .lanewise(XOR, t.selectFrom(ByteVector.fromMemorySegment(B, ALL, BETA15 + 128, ORDER)))
                .intoMemorySegment(ALL, a, ORDER);
        l1.lanewise(XOR, h0.selectFrom(ByteVector.fromMemorySegment(B, ALL, BETA15 + 192, ORDER)))
                .lanewise(XOR, h1.selectFrom(ByteVector.fromMemorySegment(B, ALL, BETA15 + 256, ORDER)))
                .lanewise(XOR, t.selectFrom(ByteVector.fromMemorySegment(B, ALL, BETA15 + 320, ORDER)))
                .intoMemorySegment(ALL, a + p, ORDER);
    }

    // A product of GF(2^16): (x0 + x1 β_8)(y0 + y1 β_8) to r, r + 64.
    private static void product(long ax0, long ax1, long ay0, long ay1, long r) {
        ByteVector log = ByteVector.fromMemorySegment(B, ALL, TABLES, ORDER);
        ByteVector e0 = ByteVector.fromMemorySegment(B, ALL, TABLES + 64, ORDER);
        ByteVector e1 = ByteVector.fromMemorySegment(B, ALL, TABLES + 128, ORDER);
        ByteVector e2 = ByteVector.fromMemorySegment(B, ALL, TABLES + 192, ORDER);
        ByteVector f0 = ByteVector.fromMemorySegment(B, ALL, TABLES + 256, ORDER);
        ByteVector f1 = ByteVector.fromMemorySegment(B, ALL, TABLES + 320, ORDER);
        ByteVector f2 = ByteVector.fromMemorySegment(B, ALL, TABLES + 384, ORDER);
        ByteVector x0 = ByteVector.fromMemorySegment(B, ALL, ax0, ORDER);
        ByteVector x1 = ByteVector.fromMemorySegment(B, ALL, ax1, ORDER);
        ByteVector y0 = ByteVector.fromMemorySegment(B, ALL, ay0, ORDER);
        ByteVector y1 = ByteVector.fromMemorySegment(B, ALL, ay1, ORDER);
        ByteVector u0 = x0.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes();
        ByteVector u1 = x1.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes();
        ByteVector v0 = y0.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes();
        ByteVector v1 = y1.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes();
        ByteVector low = x0.selectFrom(log)
                .lanewise(ADD, y0.selectFrom(log))
                .selectFrom(e0)
                .lanewise(
                        XOR,
                        u0.selectFrom(log).lanewise(ADD, v0.selectFrom(log)).selectFrom(e1))
                .lanewise(
                        XOR,
                        x0.lanewise(XOR, u0)
                                .selectFrom(log)
                                .lanewise(ADD, y0.lanewise(XOR, v0).selectFrom(log))
                                .selectFrom(e2));
        ByteVector high = x1.selectFrom(log)
                .lanewise(ADD, y1.selectFrom(log))
                .selectFrom(f0)
                .lanewise(
                        XOR,
                        u1.selectFrom(log).lanewise(ADD, v1.selectFrom(log)).selectFrom(f1))
                .lanewise(
                        XOR,
                        x1.lanewise(XOR, u1)
                                .selectFrom(log)
                                .lanewise(ADD, y1.lanewise(XOR, v1).selectFrom(log))
                                .selectFrom(f2));
        ByteVector xs = x0.lanewise(XOR, x1);
        ByteVector ys = y0.lanewise(XOR, y1);
        ByteVector us = u0.lanewise(XOR, u1);
        ByteVector vs = v0.lanewise(XOR, v1);
        ByteVector sum = xs.selectFrom(log)
                .lanewise(ADD, ys.selectFrom(log))
                .selectFrom(e0)
                .lanewise(
                        XOR,
                        us.selectFrom(log).lanewise(ADD, vs.selectFrom(log)).selectFrom(e1))
                .lanewise(
                        XOR,
                        xs.lanewise(XOR, us)
                                .selectFrom(log)
                                .lanewise(ADD, ys.lanewise(XOR, vs).selectFrom(log))
                                .selectFrom(e2));
        low.lanewise(XOR, high).intoMemorySegment(ALL, r, ORDER);
        low.lanewise(XOR, sum).intoMemorySegment(ALL, r + 64, ORDER);
    }
}
