package dev.qdistill.gf2;

import java.util.function.IntUnaryOperator;

/**
 * Multiplication by a constant as 8×8 matrices of bits, one for each pair of bytes of result and argument, in the order of the
 * instruction {@code vgf2p8affineqb}: byte 7 - i of a matrix has the argument's bits whose sum is bit i of the result.
 */
final class BitMatrices {
    /** Bytes of the four matrices of GF(2^16), padded; of the sixteen of GF(2^32). */
    static final int BYTES16 = 64;

    static final int BYTES32 = 128;

    /** The matrices of β_0 … β_15 as constants of GF(2^16), one set after the other. */
    static final long BETA16 = basis(16, 2, BYTES16);

    /** The matrices of β_0 … β_31 as constants of GF(2^32). */
    static final long BETA32 = basis(32, 4, BYTES32);

    private BitMatrices() {}

    /** The matrix of a linear map of GF(2^8), padded. */
    static byte[] map8(IntUnaryOperator map) {
        byte[] t = new byte[LookupTables.BYTES8];
        for (int k = 0; k < 8; k++) {
            column(t, 0, k, map.applyAsInt(1 << k));
        }
        return t;
    }

    private static long basis(int n, int width, int bytes) {
        byte[] t = new byte[n * bytes];
        for (int e = 0; e < n; e++) {
            for (int from = 0; from < width; from++) {
                for (int k = 0; k < 8; k++) {
                    int image = CantorTower.multiply(CantorTower.beta(e), 1 << 8 * from + k);
                    for (int to = 0; to < width; to++) {
                        column(t, e * bytes + 8 * (width * to + from), k, image >>> 8 * to);
                    }
                }
            }
        }
        return Memory.constants(t);
    }

    private static void column(byte[] t, int at, int k, int image) {
        for (int i = 0; i < 8; i++) {
            t[at + 7 - i] |= (byte) ((image >>> i & 1) << k);
        }
    }
}
