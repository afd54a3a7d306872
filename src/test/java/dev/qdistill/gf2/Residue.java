package dev.qdistill.gf2;

import dev.qdistill.bits.BitString;

/**
 * Residues of polynomials modulo x^64 + x^4 + x^3 + x + 1, which is irreducible: a product is right if residues multiply, but for
 * a chance of 2^-64. Independent of all multipliers, and fast at any length.
 */
final class Residue {
    private static final long POLYNOMIAL = 0b11011;
    private static final long[] TABLE = new long[256];

    static {
        for (int i = 0; i < 256; i++) {
            long r = (long) i << 56;
            for (int k = 0; k < 8; k++) {
                r = timesX(r);
            }
            TABLE[i] = r;
        }
    }

    private Residue() {}

    static long of(BitString s) {
        long r = 0;
        for (long w = s.wordCount() - 1; w >= 0; w--) {
            long word = s.word(w);
            for (int k = 56; k >= 0; k -= 8) {
                r = r << 8 ^ TABLE[(int) (r >>> 56)] ^ (word >>> k & 255);
            }
        }
        return r;
    }

    static long multiply(long a, long b) {
        long r = 0;
        for (int k = 63; k >= 0; k--) {
            r = timesX(r) ^ ((b >>> k & 1) == 0 ? 0 : a);
        }
        return r;
    }

    private static long timesX(long a) {
        return a << 1 ^ (a < 0 ? POLYNOMIAL : 0);
    }
}
