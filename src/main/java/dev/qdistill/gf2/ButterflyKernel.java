package dev.qdistill.gf2;

import static dev.qdistill.gf2.Memory.ALL;
import static dev.qdistill.gf2.Memory.ORDER;
import static jdk.incubator.vector.VectorOperators.BITWISE_BLEND;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.XOR;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Butterflies with one constant for all lanes: {@code hi ^= lo & pre; lo ^= w·hi; hi ^= lo & post}. pre = 0, post = -1 is a
 * stage of the transform, pre = -1, post = 0 its inverse, pre = post = 0 a truncated stage (its own inverse).
 *
 * <p>Bound by the two permutations a clock: 16 bits 6 look-ups for 128 bytes, 32 bits 18 for 256.
 */
final class ButterflyKernel {
    private static final VectorSpecies<Byte> B = ByteVector.SPECIES_512;

    private ButterflyKernel() {}

    /** GF(2^8); butterfly k lies at k spread over {@code mask}. */
    static void bytes(long lo, long hi, int vectors, long mask, long table, byte pre, byte post) {
        ByteVector before = ByteVector.broadcast(B, pre);
        ByteVector after = ByteVector.broadcast(B, post);
        ByteVector ta = ByteVector.fromMemorySegment(B, ALL, table, ORDER);
        ByteVector tb = ByteVector.fromMemorySegment(B, ALL, table + 64, ORDER);
        for (int k = 0; k < vectors; k++) {
            long at = Long.expand(k, mask);
            ByteVector l = ByteVector.fromMemorySegment(B, ALL, lo + at, ORDER);
            ByteVector h = ByteVector.fromMemorySegment(B, ALL, hi + at, ORDER);
            h = h.lanewise(XOR, l.and(before));
            ByteVector i = h.reinterpretAsInts().lanewise(LSHR, 2).reinterpretAsBytes();
            l = l.lanewise(XOR, h.selectFrom(ta)).lanewise(XOR, i.selectFrom(tb));
            h = h.lanewise(XOR, l.and(after));
            l.intoMemorySegment(ALL, lo + at, ORDER);
            h.intoMemorySegment(ALL, hi + at, ORDER);
        }
    }

    /** A linear map of GF(2^8) in place. */
    static void map(long data, int vectors, long table) {
        ByteVector ta = ByteVector.fromMemorySegment(B, ALL, table, ORDER);
        ByteVector tb = ByteVector.fromMemorySegment(B, ALL, table + 64, ORDER);
        for (int k = 0; k < vectors; k++) {
            long at = data + 64L * k;
            ByteVector x = ByteVector.fromMemorySegment(B, ALL, at, ORDER);
            ByteVector i = x.reinterpretAsInts().lanewise(LSHR, 2).reinterpretAsBytes();
            x.selectFrom(ta).lanewise(XOR, i.selectFrom(tb)).intoMemorySegment(ALL, at, ORDER);
        }
    }

    /**
     * GF(2^16), byte planes 0 and {@code plane}, blocks [from, to) with a constant each: block b begins at {@code data} + b
     * spread over {@code blockMask}, and has {@code vectors} butterflies at k spread over {@code mask}.
     *
     * @param stride bytes from lo to hi
     * @param table the tables of block {@code from}
     * @param deltas what to add to the tables of block b for those of block b + 1, at {@value LookupTables#BYTES16} times the
     *     number of trailing ones of b
     */
    static void shorts(
            long data,
            long from,
            long to,
            long blockMask,
            int vectors,
            long mask,
            long stride,
            long plane,
            long table,
            long deltas,
            byte pre,
            byte post) {
        ByteVector before = ByteVector.broadcast(B, pre);
        ByteVector after = ByteVector.broadcast(B, post);
        ByteVector top0 = ByteVector.broadcast(B, (byte) 0x30);
        ByteVector ta0 = ByteVector.fromMemorySegment(B, ALL, table, ORDER);
        ByteVector tb0 = ByteVector.fromMemorySegment(B, ALL, table + 64, ORDER);
        ByteVector tc0 = ByteVector.fromMemorySegment(B, ALL, table + 128, ORDER);
        ByteVector ta1 = ByteVector.fromMemorySegment(B, ALL, table + 192, ORDER);
        ByteVector tb1 = ByteVector.fromMemorySegment(B, ALL, table + 256, ORDER);
        ByteVector tc1 = ByteVector.fromMemorySegment(B, ALL, table + 320, ORDER);
        for (long b = from; b < to; b++) {
            long block = data + Long.expand(b, blockMask);
            for (int k = 0; k < vectors; k++) {
                long l = block + Long.expand(k, mask);
                long h = l + stride;
                ByteVector l0 = ByteVector.fromMemorySegment(B, ALL, l, ORDER);
                ByteVector l1 = ByteVector.fromMemorySegment(B, ALL, l + plane, ORDER);
                ByteVector h0 = ByteVector.fromMemorySegment(B, ALL, h, ORDER);
                ByteVector h1 = ByteVector.fromMemorySegment(B, ALL, h + plane, ORDER);
                h0 = xor(h0, l0.and(before));
                h1 = xor(h1, l1.and(before));
                ByteVector c = topBits(h0, h1, top0);
                l0 = xor(xor(l0, h0.selectFrom(ta0)), xor(h1.selectFrom(tb0), c.selectFrom(tc0)));
                l1 = xor(xor(l1, h0.selectFrom(ta1)), xor(h1.selectFrom(tb1), c.selectFrom(tc1)));
                xor(h0, l0.and(after)).intoMemorySegment(ALL, h, ORDER);
                xor(h1, l1.and(after)).intoMemorySegment(ALL, h + plane, ORDER);
                l0.intoMemorySegment(ALL, l, ORDER);
                l1.intoMemorySegment(ALL, l + plane, ORDER);
            }
            long d = deltas + (long) LookupTables.BYTES16 * Long.numberOfTrailingZeros(b + 1);
            ta0 = xor(ta0, ByteVector.fromMemorySegment(B, ALL, d, ORDER));
            tb0 = xor(tb0, ByteVector.fromMemorySegment(B, ALL, d + 64, ORDER));
            tc0 = xor(tc0, ByteVector.fromMemorySegment(B, ALL, d + 128, ORDER));
            ta1 = xor(ta1, ByteVector.fromMemorySegment(B, ALL, d + 192, ORDER));
            tb1 = xor(tb1, ByteVector.fromMemorySegment(B, ALL, d + 256, ORDER));
            tc1 = xor(tc1, ByteVector.fromMemorySegment(B, ALL, d + 320, ORDER));
        }
    }

    /** GF(2^32), byte planes at 0, p, q and q + p; butterfly k lies at k spread over {@code mask}. */
    static void ints(long lo, long hi, long p, long q, int vectors, long mask, long table, byte pre, byte post) {
        ByteVector before = ByteVector.broadcast(B, pre);
        ByteVector after = ByteVector.broadcast(B, post);
        ByteVector top0 = ByteVector.broadcast(B, (byte) 0x30);
        for (int k = 0; k < vectors; k++) {
            long l = lo + Long.expand(k, mask);
            long h = hi + Long.expand(k, mask);
            ByteVector l0 = ByteVector.fromMemorySegment(B, ALL, l, ORDER);
            ByteVector l1 = ByteVector.fromMemorySegment(B, ALL, l + p, ORDER);
            ByteVector l2 = ByteVector.fromMemorySegment(B, ALL, l + q, ORDER);
            ByteVector l3 = ByteVector.fromMemorySegment(B, ALL, l + q + p, ORDER);
            ByteVector h0 = xor(ByteVector.fromMemorySegment(B, ALL, h, ORDER), l0.and(before));
            ByteVector h1 = xor(ByteVector.fromMemorySegment(B, ALL, h + p, ORDER), l1.and(before));
            ByteVector h2 = xor(ByteVector.fromMemorySegment(B, ALL, h + q, ORDER), l2.and(before));
            ByteVector h3 = xor(ByteVector.fromMemorySegment(B, ALL, h + q + p, ORDER), l3.and(before));
            // W0·H0, to both halves.
            ByteVector c = topBits(h0, h1, top0);
            ByteVector r0 = xor(xor(at(table, h0), at(table + 64, h1)), at(table + 128, c));
            ByteVector r1 = xor(xor(at(table + 192, h0), at(table + 256, h1)), at(table + 320, c));
            l0 = xor(l0, r0);
            l1 = xor(l1, r1);
            l2 = xor(l2, r0);
            l3 = xor(l3, r1);
            // (W0 + W1)(H0 + H1), to the high half.
            ByteVector s0 = xor(h0, h2);
            ByteVector s1 = xor(h1, h3);
            ByteVector d = topBits(s0, s1, top0);
            l2 = xor(xor(l2, at(table + 384, s0)), xor(at(table + 448, s1), at(table + 512, d)));
            l3 = xor(xor(l3, at(table + 576, s0)), xor(at(table + 640, s1), at(table + 704, d)));
            // β_15 W1·H1, to the low half.
            ByteVector e = topBits(h2, h3, top0);
            l0 = xor(xor(l0, at(table + 768, h2)), xor(at(table + 832, h3), at(table + 896, e)));
            l1 = xor(xor(l1, at(table + 960, h2)), xor(at(table + 1024, h3), at(table + 1088, e)));
            xor(h0, l0.and(after)).intoMemorySegment(ALL, h, ORDER);
            xor(h1, l1.and(after)).intoMemorySegment(ALL, h + p, ORDER);
            xor(h2, l2.and(after)).intoMemorySegment(ALL, h + q, ORDER);
            xor(h3, l3.and(after)).intoMemorySegment(ALL, h + q + p, ORDER);
            l0.intoMemorySegment(ALL, l, ORDER);
            l1.intoMemorySegment(ALL, l + p, ORDER);
            l2.intoMemorySegment(ALL, l + q, ORDER);
            l3.intoMemorySegment(ALL, l + q + p, ORDER);
        }
    }

    private static ByteVector at(long table, ByteVector index) {
        return index.selectFrom(ByteVector.fromMemorySegment(B, ALL, table, ORDER));
    }

    private static ByteVector xor(ByteVector a, ByteVector b) {
        return a.lanewise(XOR, b);
    }

    // Bits 6, 7 of x0 at 4, 5; those of x1 at 2, 3; bits 0, 1, 6, 7 do not count.
    private static ByteVector topBits(ByteVector x0, ByteVector x1, ByteVector top0) {
        ByteVector a = x0.reinterpretAsInts().lanewise(LSHR, 2).reinterpretAsBytes();
        ByteVector b = x1.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes();
        return b.lanewise(BITWISE_BLEND, a, top0);
    }
}
