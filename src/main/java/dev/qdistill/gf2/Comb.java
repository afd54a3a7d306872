package dev.qdistill.gf2;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Products of word strings over GF(2): Karatsuba's method (Karatsuba, Ofman 1962) down to {@value #BASE} words, there
 * the left-to-right comb with windows of 4 bits (López, Dahab 2000, algorithm 5). Lengths are in 64-bit words.
 */
final class Comb implements DirectKernel {
    private static final int BASE = 24;
    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN);

    @Override
    public void multiply(
            MemorySegment a, long aWords, MemorySegment b, long bWords, MemorySegment r, MemorySegment scratch) {
        if (aWords < bWords) {
            multiply(b, bWords, a, aWords, r, scratch);
            return;
        }
        // The longer factor in pieces as long as the shorter.
        r.fill((byte) 0);
        int n = (int) bWords;
        long rest = n + 2L * n;
        for (long at = 0; at < aWords; at += n) {
            int k = (int) Math.min(n, aWords - at);
            scratch.asSlice(0, (long) n << 3).fill((byte) 0);
            MemorySegment.copy(a, at << 3, scratch, 0, (long) k << 3);
            karatsuba(scratch, 0, b, 0, n, scratch, n, scratch, rest);
            xor(r, at, scratch, n, n + k);
        }
    }

    // r[ro, ro + 2n) = a[ao, ao + n) · b[bo, bo + n), with scratch memory t from word `to` up.
    private static void karatsuba(
            MemorySegment a,
            long ao,
            MemorySegment b,
            long bo,
            int n,
            MemorySegment r,
            long ro,
            MemorySegment t,
            long to) {
        if (n <= BASE) {
            comb(a, ao, b, bo, n, r, ro, t, to);
            return;
        }
        int h = (n + 1) / 2;
        int g = n - h;
        long sumA = to;
        long sumB = to + h;
        long middle = to + 2L * h;
        long next = to + 4L * h;
        copy(a, ao, t, sumA, h);
        xor(t, sumA, a, ao + h, g);
        copy(b, bo, t, sumB, h);
        xor(t, sumB, b, bo + h, g);
        karatsuba(t, sumA, t, sumB, h, t, middle, t, next);
        karatsuba(a, ao, b, bo, h, r, ro, t, next);
        karatsuba(a, ao + h, b, bo + h, g, r, ro + 2L * h, t, next);
        xor(t, middle, r, ro, 2 * h);
        xor(t, middle, r, ro + 2L * h, 2 * g);
        // The middle term has at most 2n - h words that are not zero.
        xor(r, ro + h, t, middle, Math.min(2 * h, 2 * n - h));
    }

    private static void comb(
            MemorySegment a,
            long ao,
            MemorySegment b,
            long bo,
            int n,
            MemorySegment r,
            long ro,
            MemorySegment t,
            long to) {
        // Table: row k holds k·b for the polynomial k of degree < 4, n + 1 words each.
        int row = n + 1;
        for (int i = 0; i < row; i++) {
            set(t, to + i, 0);
        }
        copy(b, bo, t, to + row, n);
        set(t, to + row + n, 0);
        for (int k = 2; k < 16; k++) {
            long half = to + (long) (k >> 1) * row;
            long carry = 0;
            for (int i = 0; i < row; i++) {
                long w = get(t, half + i);
                set(t, to + (long) k * row + i, w << 1 | carry);
                carry = w >>> 63;
            }
            if ((k & 1) != 0) {
                xor(t, to + (long) k * row, t, to + row, row);
            }
        }
        for (int i = 0; i < 2 * n; i++) {
            set(r, ro + i, 0);
        }
        for (int shift = 60; shift >= 0; shift -= 4) {
            for (int i = 0; i < n; i++) {
                long k = get(a, ao + i) >>> shift & 15;
                xor(r, ro + i, t, to + k * row, row);
            }
            if (shift != 0) {
                for (int i = 2 * n - 1; i > 0; i--) {
                    set(r, ro + i, get(r, ro + i) << 4 | get(r, ro + i - 1) >>> 60);
                }
                set(r, ro, get(r, ro) << 4);
            }
        }
    }

    private static long get(MemorySegment s, long word) {
        return s.get(WORD, word << 3);
    }

    private static void set(MemorySegment s, long word, long value) {
        s.set(WORD, word << 3, value);
    }

    private static void copy(MemorySegment from, long fromWord, MemorySegment to, long toWord, int words) {
        MemorySegment.copy(from, fromWord << 3, to, toWord << 3, (long) words << 3);
    }

    private static void xor(MemorySegment r, long at, MemorySegment s, long from, int words) {
        for (int i = 0; i < words; i++) {
            r.set(WORD, at + i << 3, r.get(WORD, at + i << 3) ^ s.get(WORD, from + i << 3));
        }
    }
}
