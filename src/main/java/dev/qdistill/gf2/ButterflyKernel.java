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
     * @param table the tables of block {@code from}, replaced by those of the last block
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
        for (long b = from; b < to; b++) {
            ByteVector ta0 = ByteVector.fromMemorySegment(B, ALL, table, ORDER);
            ByteVector tb0 = ByteVector.fromMemorySegment(B, ALL, table + 64, ORDER);
            ByteVector tc0 = ByteVector.fromMemorySegment(B, ALL, table + 128, ORDER);
            ByteVector ta1 = ByteVector.fromMemorySegment(B, ALL, table + 192, ORDER);
            ByteVector tb1 = ByteVector.fromMemorySegment(B, ALL, table + 256, ORDER);
            ByteVector tc1 = ByteVector.fromMemorySegment(B, ALL, table + 320, ORDER);
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
            if (b + 1 < to) {
                long d = deltas + (long) LookupTables.BYTES16 * Long.numberOfTrailingZeros(b + 1);
                for (int k = 0; k < LookupTables.BYTES16; k += 64) {
                    ByteVector.fromMemorySegment(B, ALL, table + k, ORDER)
                            .lanewise(XOR, ByteVector.fromMemorySegment(B, ALL, d + k, ORDER))
                            .intoMemorySegment(ALL, table + k, ORDER);
                }
            }
        }
    }

    /** {@code to ^= from}, GF(2^32), byte planes at 0, p, q and q + p; vector k lies at k spread over {@code mask}. */
    static void add(long to, long from, long p, long q, int vectors, long mask) {
        for (int k = 0; k < vectors; k++) {
            long t = to + Long.expand(k, mask);
            long f = from + Long.expand(k, mask);
            ByteVector t0 = ByteVector.fromMemorySegment(B, ALL, t, ORDER);
            ByteVector t1 = ByteVector.fromMemorySegment(B, ALL, t + p, ORDER);
            ByteVector t2 = ByteVector.fromMemorySegment(B, ALL, t + q, ORDER);
            ByteVector t3 = ByteVector.fromMemorySegment(B, ALL, t + q + p, ORDER);
            t0.lanewise(XOR, ByteVector.fromMemorySegment(B, ALL, f, ORDER)).intoMemorySegment(ALL, t, ORDER);
            t1.lanewise(XOR, ByteVector.fromMemorySegment(B, ALL, f + p, ORDER)).intoMemorySegment(ALL, t + p, ORDER);
            t2.lanewise(XOR, ByteVector.fromMemorySegment(B, ALL, f + q, ORDER)).intoMemorySegment(ALL, t + q, ORDER);
            t3.lanewise(XOR, ByteVector.fromMemorySegment(B, ALL, f + q + p, ORDER))
                    .intoMemorySegment(ALL, t + q + p, ORDER);
        }
    }

    /**
     * {@code lo += w·hi}, GF(2^32): two sums of two products of GF(2^16), as twelve tables stay in registers and Karatsuba's
     * eighteen do not.
     */
    static void ints(long lo, long hi, long p, long q, int vectors, long mask, long table) {
        half(lo, hi, p, q, vectors, mask, table);
        half(lo + q, hi, p, q, vectors, mask, table + 2 * LookupTables.BYTES16);
    }

    // (l0, l1) += A·(h0, h1) + B·(h2, h3).
    private static void half(long lo, long hi, long p, long q, int vectors, long mask, long table) {
        ByteVector top0 = ByteVector.broadcast(B, (byte) 0x30);
        ByteVector ta0 = ByteVector.fromMemorySegment(B, ALL, table, ORDER);
        ByteVector tb0 = ByteVector.fromMemorySegment(B, ALL, table + 64, ORDER);
        ByteVector tc0 = ByteVector.fromMemorySegment(B, ALL, table + 128, ORDER);
        ByteVector ta1 = ByteVector.fromMemorySegment(B, ALL, table + 192, ORDER);
        ByteVector tb1 = ByteVector.fromMemorySegment(B, ALL, table + 256, ORDER);
        ByteVector tc1 = ByteVector.fromMemorySegment(B, ALL, table + 320, ORDER);
        ByteVector td0 = ByteVector.fromMemorySegment(B, ALL, table + 384, ORDER);
        ByteVector te0 = ByteVector.fromMemorySegment(B, ALL, table + 448, ORDER);
        ByteVector tf0 = ByteVector.fromMemorySegment(B, ALL, table + 512, ORDER);
        ByteVector td1 = ByteVector.fromMemorySegment(B, ALL, table + 576, ORDER);
        ByteVector te1 = ByteVector.fromMemorySegment(B, ALL, table + 640, ORDER);
        ByteVector tf1 = ByteVector.fromMemorySegment(B, ALL, table + 704, ORDER);
        for (int k = 0; k < vectors; k++) {
            long l = lo + Long.expand(k, mask);
            long h = hi + Long.expand(k, mask);
            ByteVector h0 = ByteVector.fromMemorySegment(B, ALL, h, ORDER);
            ByteVector h1 = ByteVector.fromMemorySegment(B, ALL, h + p, ORDER);
            ByteVector h2 = ByteVector.fromMemorySegment(B, ALL, h + q, ORDER);
            ByteVector h3 = ByteVector.fromMemorySegment(B, ALL, h + q + p, ORDER);
            ByteVector c = topBits(h0, h1, top0);
            ByteVector d = topBits(h2, h3, top0);
            ByteVector.fromMemorySegment(B, ALL, l, ORDER)
                    .lanewise(XOR, h0.selectFrom(ta0))
                    .lanewise(XOR, h1.selectFrom(tb0))
                    .lanewise(XOR, c.selectFrom(tc0))
                    .lanewise(XOR, h2.selectFrom(td0))
                    .lanewise(XOR, h3.selectFrom(te0))
                    .lanewise(XOR, d.selectFrom(tf0))
                    .intoMemorySegment(ALL, l, ORDER);
            ByteVector.fromMemorySegment(B, ALL, l + p, ORDER)
                    .lanewise(XOR, h0.selectFrom(ta1))
                    .lanewise(XOR, h1.selectFrom(tb1))
                    .lanewise(XOR, c.selectFrom(tc1))
                    .lanewise(XOR, h2.selectFrom(td1))
                    .lanewise(XOR, h3.selectFrom(te1))
                    .lanewise(XOR, d.selectFrom(tf1))
                    .intoMemorySegment(ALL, l + p, ORDER);
        }
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
