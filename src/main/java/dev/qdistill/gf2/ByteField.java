package dev.qdistill.gf2;

import java.util.function.IntUnaryOperator;

/**
 * GF(2^8) in the basis of the instruction {@code gf2p8mulb}: powers of x modulo x^8 + x^4 + x^3 + x + 1; and matrices in the order of
 * {@code gf2p8affineqb}: byte 7 - i has the argument's bits whose sum is bit i of the result.
 */
final class ByteField {
    // Images of the tower's basis, products of β_1, β_2, β_4.
    private static final int[] IMAGES = images();
    private static final int[] BACK = back();

    private ByteField() {}

    /** An element of the tower's GF(2^8) in this basis. */
    static int fromTower(int x) {
        return apply(IMAGES, x);
    }

    /** The inverse of {@link #fromTower}. */
    static int toTower(int x) {
        return BACK[x];
    }

    static int multiply(int a, int b) {
        int r = 0;
        for (int k = 7; k >= 0; k--) {
            r = r << 1 ^ (r >>> 7) * 0x11b ^ (b >>> k & 1) * a;
        }
        return r;
    }

    /** The matrix of a linear map of bytes. */
    static long matrix(IntUnaryOperator map) {
        long m = 0;
        for (int k = 0; k < 8; k++) {
            int image = map.applyAsInt(1 << k);
            for (int i = 0; i < 8; i++) {
                m |= (image >>> i & 1L) << 8 * (7 - i) + k;
            }
        }
        return m;
    }

    /** The matrix of x → c·x. */
    static long product(int c) {
        return matrix(x -> multiply(c & 0xff, x));
    }

    private static int apply(int[] images, int x) {
        int r = 0;
        for (int k = 0; k < 8; k++) {
            r ^= (x >>> k & 1) * images[k];
        }
        return r;
    }

    // β_1, β_2 and β_4 by their equations.
    private static int[] images() {
        int[] r = {1, 0, 0, 0, 0, 0, 0, 0};
        for (int n = 1; n < 8; n *= 2) {
            r[n] = solve(apply(r, CantorTower.beta(n - 1)));
            for (int k = 1; k < n; k++) {
                r[n + k] = multiply(r[n], r[k]);
            }
        }
        return r;
    }

    // x with x² + x = c.
    private static int solve(int c) {
        for (int x = 0; x < 256; x++) {
            if ((multiply(x, x) ^ x) == c) {
                return x;
            }
        }
        throw new AssertionError("x² + x = " + c + " has no solution");
    }

    private static int[] back() {
        int[] r = new int[256];
        for (int x = 0; x < 256; x++) {
            r[apply(IMAGES, x)] = x;
        }
        return r;
    }
}
