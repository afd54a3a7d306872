package dev.qdistill.gf2;

import static dev.qdistill.gf2.Memory.ALL;
import static dev.qdistill.gf2.Memory.ORDER;
import static jdk.incubator.vector.VectorOperators.ADD;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.XOR;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Butterflies of GF(2^16) whose constant differs from lane to lane, as {@link ButterflyKernel} otherwise, by
 * {@link NibbleLogs}.
 */
final class LaneKernel {
    private static final VectorSpecies<Byte> B = ByteVector.SPECIES_512;
    private static final long TABLES = Memory.constants(NibbleLogs.tables());

    private LaneKernel() {}

    /**
     * {@code blocks} blocks with constants of their own: block b begins at {@code data} + b spread over {@code blockMask}; its
     * butterfly k lies at k spread over {@code mask}, hi {@code stride} bytes above lo, the high byte {@code plane} bytes
     * above the low.
     */
    static void shorts(
            long data,
            int blocks,
            long blockMask,
            int vectors,
            long mask,
            long stride,
            long plane,
            long constants,
            byte pre,
            byte post) {
        ByteVector before = ByteVector.broadcast(B, pre);
        ByteVector after = ByteVector.broadcast(B, post);
        ByteVector log = ByteVector.fromMemorySegment(B, ALL, TABLES, ORDER);
        ByteVector e0 = ByteVector.fromMemorySegment(B, ALL, TABLES + 64, ORDER);
        ByteVector e1 = ByteVector.fromMemorySegment(B, ALL, TABLES + 128, ORDER);
        ByteVector e2 = ByteVector.fromMemorySegment(B, ALL, TABLES + 192, ORDER);
        for (int b = 0; b < blocks; b++) {
            long lo = data + Long.expand(b, blockMask);
            long c = constants + (long) NibbleLogs.CONSTANT_BYTES * b;
            ByteVector c0 = ByteVector.fromMemorySegment(B, ALL, c, ORDER);
            ByteVector c1 = ByteVector.fromMemorySegment(B, ALL, c + 64, ORDER);
            ByteVector c2 = ByteVector.fromMemorySegment(B, ALL, c + 128, ORDER);
            ByteVector c3 = ByteVector.fromMemorySegment(B, ALL, c + 192, ORDER);
            ByteVector c4 = ByteVector.fromMemorySegment(B, ALL, c + 256, ORDER);
            ByteVector c5 = ByteVector.fromMemorySegment(B, ALL, c + 320, ORDER);
            ByteVector c6 = ByteVector.fromMemorySegment(B, ALL, c + 384, ORDER);
            ByteVector c7 = ByteVector.fromMemorySegment(B, ALL, c + 448, ORDER);
            ByteVector c8 = ByteVector.fromMemorySegment(B, ALL, c + 512, ORDER);
            for (int k = 0; k < vectors; k++) {
                long l = lo + Long.expand(k, mask);
                long h = l + stride;
                ByteVector l0 = ByteVector.fromMemorySegment(B, ALL, l, ORDER);
                ByteVector l1 = ByteVector.fromMemorySegment(B, ALL, l + plane, ORDER);
                ByteVector h0 = ByteVector.fromMemorySegment(B, ALL, h, ORDER);
                ByteVector h1 = ByteVector.fromMemorySegment(B, ALL, h + plane, ORDER);
                h0 = h0.lanewise(XOR, l0.and(before));
                h1 = h1.lanewise(XOR, l1.and(before));
                // Nibbles of h0, h1 and their sum; bits above the nibble do not count.
                ByteVector n0 = h0.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes();
                ByteVector n1 = h1.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes();
                ByteVector s = h0.lanewise(XOR, h1);
                ByteVector n = n0.lanewise(XOR, n1);
                // h0·c0, to both bytes.
                ByteVector r = h0.selectFrom(log)
                        .lanewise(ADD, c0)
                        .selectFrom(e0)
                        .lanewise(XOR, n0.selectFrom(log).lanewise(ADD, c1).selectFrom(e1))
                        .lanewise(
                                XOR,
                                h0.lanewise(XOR, n0)
                                        .selectFrom(log)
                                        .lanewise(ADD, c2)
                                        .selectFrom(e2));
                l0 = l0.lanewise(XOR, r);
                l1 = l1.lanewise(XOR, r);
                // h1·β_7 c1, to the low byte.
                l0 = l0.lanewise(XOR, h1.selectFrom(log).lanewise(ADD, c3).selectFrom(e0))
                        .lanewise(XOR, n1.selectFrom(log).lanewise(ADD, c4).selectFrom(e1))
                        .lanewise(
                                XOR,
                                h1.lanewise(XOR, n1)
                                        .selectFrom(log)
                                        .lanewise(ADD, c5)
                                        .selectFrom(e2));
                // (h0 + h1)(c0 + c1), to the high byte.
                l1 = l1.lanewise(XOR, s.selectFrom(log).lanewise(ADD, c6).selectFrom(e0))
                        .lanewise(XOR, n.selectFrom(log).lanewise(ADD, c7).selectFrom(e1))
                        .lanewise(
                                XOR,
                                s.lanewise(XOR, n)
                                        .selectFrom(log)
                                        .lanewise(ADD, c8)
                                        .selectFrom(e2));
                h0.lanewise(XOR, l0.and(after)).intoMemorySegment(ALL, h, ORDER);
                h1.lanewise(XOR, l1.and(after)).intoMemorySegment(ALL, h + plane, ORDER);
                l0.intoMemorySegment(ALL, l, ORDER);
                l1.intoMemorySegment(ALL, l + plane, ORDER);
            }
        }
    }
}
