package dev.qdistill.gf2;

import static dev.qdistill.gf2.Memory.ALL;
import static dev.qdistill.gf2.Memory.ORDER;
import static jdk.incubator.vector.VectorOperators.AND;
import static jdk.incubator.vector.VectorOperators.AND_NOT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.OR;
import static jdk.incubator.vector.VectorOperators.XOR;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Short products by the Vector API: Karatsuba's method on vectors of eight words, down to one vector by one. There each word
 * of one factor is multiplied by the eight of the other in their lanes, four bits at a time from the top, by a table of the sixteen
 * multiples: 128 steps of two additions and a shift for 64 products of words.
 */
final class VectorDirect implements DirectKernel {
    private static final VectorSpecies<Long> L = LongVector.SPECIES_512;
    private static final VectorSpecies<Byte> B = ByteVector.SPECIES_512;
    private static final int VECTOR = 64;
    private static final int TABLE = 16 * 2 * VECTOR;

    // For 0 to 8 words: the permutation that turns lanes up by so many, and the lanes that stay in the vector.
    private static final long TURNS = turns();

    @Override
    public void multiply(
            MemorySegment a, long aWords, MemorySegment b, long bWords, MemorySegment r, MemorySegment scratch) {
        multiply(a.address(), aWords + 7 >>> 3, b.address(), bWords + 7 >>> 3, r.address(), scratch.address());
    }

    // In vectors; the longer factor in pieces as long as the shorter.
    private static void multiply(long a, long aVectors, long b, long bVectors, long r, long t) {
        int n = (int) bVectors;
        if (aVectors == bVectors) {
            karatsuba(a, b, n, r, t + TABLE, t);
            return;
        }
        long bytes = n * (long) VECTOR;
        long piece = t + TABLE;
        long part = piece + bytes;
        long rest = part + 2 * bytes;
        long all = (aVectors + bVectors) * VECTOR;
        CopyKernel.xor(r, r, all);
        for (long at = 0; at < aVectors * VECTOR; at += bytes) {
            long k = Math.min(bytes, aVectors * VECTOR - at);
            CopyKernel.copy(a + at, piece, (int) (k / VECTOR));
            CopyKernel.xor(piece + k, piece + k, bytes - k);
            karatsuba(piece, b, n, part, rest, t);
            CopyKernel.xor(r + at, part, Math.min(2 * bytes, all - at));
        }
    }

    // r[0, 2n) = a·b, n vectors each.
    private static void karatsuba(long a, long b, int n, long r, long t, long table) {
        if (n == 1) {
            leaf(a, b, r, table);
            return;
        }
        int h = (n + 1) / 2;
        int g = n - h;
        int high = h * VECTOR;
        int rest = g * VECTOR;
        long sumB = t + high;
        long middle = sumB + high;
        long next = middle + 2L * high;
        CopyKernel.copy(a, t, h);
        CopyKernel.xorRun(t, a + high, rest);
        CopyKernel.copy(b, sumB, h);
        CopyKernel.xorRun(sumB, b + high, rest);
        karatsuba(t, sumB, h, middle, next, table);
        karatsuba(a, b, h, r, next, table);
        karatsuba(a + high, b + high, g, r + 2L * high, next, table);
        CopyKernel.xorRun(middle, r, 2 * high);
        CopyKernel.xorRun(middle, r + 2L * high, 2 * rest);
        // The middle term has at most 2n - h vectors that are not zero.
        CopyKernel.xorRun(r + high, middle, Math.min(2 * h, 2 * n - h) * VECTOR);
    }

    private static void leaf(long a, long b, long r, long table) {
        table(b, table);
        LongVector r0 = LongVector.zero(L);
        LongVector r1 = LongVector.zero(L);
        for (int i = 0; i < 8; i++) {
            long w = Memory.word(a + 8L * i);
            long at = table + (w >>> 60) * (2 * VECTOR);
            LongVector lo = LongVector.fromMemorySegment(L, ALL, at, ORDER);
            LongVector hi = LongVector.fromMemorySegment(L, ALL, at + VECTOR, ORDER);
            for (int k = 0; k < 15; k++) {
                w <<= 4;
                at = table + (w >>> 60) * (2 * VECTOR);
                hi = hi.lanewise(LSHL, 4)
                        .lanewise(OR, lo.lanewise(LSHR, 60))
                        .lanewise(XOR, LongVector.fromMemorySegment(L, ALL, at + VECTOR, ORDER));
                lo = lo.lanewise(LSHL, 4).lanewise(XOR, LongVector.fromMemorySegment(L, ALL, at, ORDER));
            }
            long turn = TURNS + 2L * VECTOR * i;
            LongVector x = ByteVector.fromMemorySegment(B, ALL, turn, ORDER)
                    .selectFrom(lo.reinterpretAsBytes())
                    .reinterpretAsLongs();
            LongVector stay = LongVector.fromMemorySegment(L, ALL, turn + VECTOR, ORDER);
            LongVector y = ByteVector.fromMemorySegment(B, ALL, turn + 2 * VECTOR, ORDER)
                    .selectFrom(hi.reinterpretAsBytes())
                    .reinterpretAsLongs();
            LongVector stay1 = LongVector.fromMemorySegment(L, ALL, turn + 3 * VECTOR, ORDER);
            r0 = r0.lanewise(XOR, x.lanewise(AND, stay)).lanewise(XOR, y.lanewise(AND, stay1));
            r1 = r1.lanewise(XOR, x.lanewise(AND_NOT, stay)).lanewise(XOR, y.lanewise(AND_NOT, stay1));
        }
        r0.intoMemorySegment(ALL, r, ORDER);
        r1.intoMemorySegment(ALL, r + VECTOR, ORDER);
    }

    // Row k: the low and the high words of k·b, for polynomials k of degree below 4.
    private static void table(long b, long table) {
        LongVector l1 = LongVector.fromMemorySegment(L, ALL, b, ORDER);
        LongVector l2 = l1.lanewise(LSHL, 1);
        LongVector l4 = l1.lanewise(LSHL, 2);
        LongVector l8 = l1.lanewise(LSHL, 3);
        LongVector h2 = l1.lanewise(LSHR, 63);
        LongVector h4 = l1.lanewise(LSHR, 62);
        LongVector h8 = l1.lanewise(LSHR, 61);
        LongVector zero = LongVector.zero(L);
        for (int k = 0; k < 16; k += 8) {
            LongVector l = k == 0 ? zero : l8;
            LongVector h = k == 0 ? zero : h8;
            long at = table + 2L * VECTOR * k;
            LongVector l24 = l2.lanewise(XOR, l4).lanewise(XOR, l);
            l.intoMemorySegment(ALL, at, ORDER);
            h.intoMemorySegment(ALL, at + 64, ORDER);
            l.lanewise(XOR, l1).intoMemorySegment(ALL, at + 128, ORDER);
            h.intoMemorySegment(ALL, at + 192, ORDER);
            l.lanewise(XOR, l2).intoMemorySegment(ALL, at + 256, ORDER);
            h.lanewise(XOR, h2).intoMemorySegment(ALL, at + 320, ORDER);
            l.lanewise(XOR, l2).lanewise(XOR, l1).intoMemorySegment(ALL, at + 384, ORDER);
            h.lanewise(XOR, h2).intoMemorySegment(ALL, at + 448, ORDER);
            l.lanewise(XOR, l4).intoMemorySegment(ALL, at + 512, ORDER);
            h.lanewise(XOR, h4).intoMemorySegment(ALL, at + 576, ORDER);
            l.lanewise(XOR, l4).lanewise(XOR, l1).intoMemorySegment(ALL, at + 640, ORDER);
            h.lanewise(XOR, h4).intoMemorySegment(ALL, at + 704, ORDER);
            l24.intoMemorySegment(ALL, at + 768, ORDER);
            h.lanewise(XOR, h2).lanewise(XOR, h4).intoMemorySegment(ALL, at + 832, ORDER);
            l24.lanewise(XOR, l1).intoMemorySegment(ALL, at + 896, ORDER);
            h.lanewise(XOR, h2).lanewise(XOR, h4).intoMemorySegment(ALL, at + 960, ORDER);
        }
    }

    private static long turns() {
        ByteBuffer b = ByteBuffer.allocate(9 * 2 * VECTOR);
        for (int i = 0; i <= 8; i++) {
            for (int k = 0; k < VECTOR; k++) {
                b.put((byte) (k - 8 * i & 63));
            }
            for (int k = 0; k < VECTOR; k++) {
                b.put((byte) (k >= 8 * i ? -1 : 0));
            }
        }
        return Memory.constants(b.array());
    }
}
