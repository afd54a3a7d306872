package dev.qdistill.gf2;

import java.io.ByteArrayOutputStream;
import java.util.function.IntFunction;
import java.util.function.IntUnaryOperator;

/**
 * Multiplication by a constant as table look-ups of six bits each, the size of one vector permutation.
 *
 * <p>A table of 64 bytes is indexed by the low six bits of each byte of an index vector. For a map of GF(2^8) these are
 * the element x itself (its bits 0–5) and x shifted right by two (bits 6 and 7 arrive at 4 and 5; lower bits do not
 * count). For a map of GF(2^16) with byte planes x0, x1: x0, x1, and one index with the top bits of both, those of x0 at
 * 4 and 5, those of x1 at 2 and 3. A map of GF(2^32) is four maps of GF(2^16). All tables are
 * linear in the constant, so that the tables of a sum are the XOR of the tables.
 */
final class LookupTables {
    /** Bytes of a table of GF(2^8), GF(2^16), GF(2^32). */
    static final int BYTES8 = 128;

    static final int BYTES16 = 384;
    static final int BYTES32 = 4 * BYTES16;

    /** The tables of β_0 … β_15 as constants of GF(2^16), one after the other. */
    static final long BETA16 = basis(16, LookupTables::multiply16);

    /** The tables of β_0 … β_31 as constants of GF(2^32). */
    static final long BETA32 = basis(32, LookupTables::multiply32);

    private LookupTables() {}

    /** Bytes of a table of GF(2^32), if wide, or of GF(2^16). */
    static int bytes(boolean wide) {
        return wide ? BYTES32 : BYTES16;
    }

    /** The tables of the β_k of GF(2^32), if wide, or of GF(2^16). */
    static long beta(boolean wide) {
        return wide ? BETA32 : BETA16;
    }

    private static long basis(int n, IntFunction<byte[]> tables) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (int k = 0; k < n; k++) {
            all.writeBytes(tables.apply(CantorTower.beta(k)));
        }
        return Memory.constants(all.toByteArray());
    }

    /** Tables of a linear map of GF(2^8). */
    static byte[] map8(IntUnaryOperator map) {
        byte[] t = new byte[BYTES8];
        for (int i = 0; i < 64; i++) {
            t[i] = (byte) map.applyAsInt(i);
            t[64 + i] = (byte) map.applyAsInt(i >> 4 << 6);
        }
        return t;
    }

    /** Tables of x → w·x, w in GF(2^16): for each byte of the result those of the three indices. */
    static byte[] multiply16(int w) {
        int[] images = new int[16];
        for (int k = 0; k < 16; k++) {
            images[k] = CantorTower.multiply(w, 1 << k);
        }
        byte[] t = new byte[BYTES16];
        for (int i = 0; i < 64; i++) {
            int[] arguments = {i, i << 8, (i >> 4 & 3) << 6 | (i >> 2 & 3) << 14};
            for (int k = 0; k < 3; k++) {
                int y = 0;
                for (int x = arguments[k]; x != 0; x &= x - 1) {
                    y ^= images[Integer.numberOfTrailingZeros(x)];
                }
                t[64 * k + i] = (byte) y;
                t[64 * (3 + k) + i] = (byte) (y >>> 8);
            }
        }
        return t;
    }

    /**
     * Tables of x → w·x, w = W0 + W1 β_16: those of W0 and β_15·W1 for the low half, W1 and W0 + W1 for the high half.
     *
     * <p>(X0 + X1 β)(W0 + W1 β) = W0 X0 + β_15 W1 X1 + β [ W1 X0 + (W0 + W1) X1 ].
     */
    static byte[] multiply32(int w) {
        int low = w & 0xffff;
        int high = w >>> 16;
        byte[] t = new byte[BYTES32];
        int[] constants = {low, CantorTower.multiply(CantorTower.beta(15), high), high, low ^ high};
        for (int k = 0; k < 4; k++) {
            System.arraycopy(multiply16(constants[k]), 0, t, k * BYTES16, BYTES16);
        }
        return t;
    }
}
