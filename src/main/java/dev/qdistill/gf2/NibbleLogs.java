package dev.qdistill.gf2;

/**
 * Products whose factors both differ from lane to lane: down to GF(16) by Karatsuba's formula, there by logarithms.
 *
 * <p>A byte x + β_4 y has three logarithms: of x, of y and of x + y (as nibbles). With 0 having the logarithm 31 and all
 * others below 15, a sum of two logarithms above 28 means a factor 0, so that one table of 64 exponentials needs no test.
 *
 * <p>(x + y β_4)(u + v β_4) = xu + β_3 yv + β_4 [ (x + y)(u + v) + xu ]: the exponentials of log x + log u go to both
 * nibbles of the product, those of log y + log v, times β_3, to the low, those of the sums to the high one.
 */
final class NibbleLogs {
    /** Bytes of the tables: logarithms, then three exponentials, then the same three times β_7. */
    static final int BYTES = 7 * 64;

    /** Bytes of the logarithms of one constant per lane: of c0, β_7 c1 and c0 + c1, three vectors each. */
    static final int CONSTANT_BYTES = 9 * 64;

    private static final int[] LOG = logs();

    private NibbleLogs() {}

    private static int[] logs() {
        int[] log = new int[16];
        log[0] = 31;
        // The first generator of the multiplicative group, of order 15.
        for (int g = 2; g < 16; g++) {
            int x = 1;
            int order = 0;
            do {
                log[x] = order++;
                x = CantorTower.multiply(x, g);
            } while (x != 1);
            if (order == 15) {
                return log;
            }
        }
        throw new AssertionError("GF(16) has no generator");
    }

    /** The logarithm of a nibble. */
    static int log(int nibble) {
        return LOG[nibble];
    }

    /** The tables. Those of logarithms are indexed by the low four of the six bits. */
    static byte[] tables() {
        byte[] t = new byte[BYTES];
        int[] exp = new int[64];
        for (int x = 1; x < 16; x++) {
            exp[LOG[x]] = x;
            exp[LOG[x] + 15] = x;
        }
        for (int i = 0; i < 64; i++) {
            t[i] = (byte) LOG[i & 15];
            // 29 and 30 are no sum of two logarithms below 15.
            int e = i <= 28 ? exp[i] : 0;
            int[] products = {e | e << 4, CantorTower.multiply(CantorTower.beta(3), e), e << 4};
            for (int k = 0; k < 3; k++) {
                t[64 * (1 + k) + i] = (byte) products[k];
                t[64 * (4 + k) + i] = (byte) CantorTower.multiply(CantorTower.beta(7), products[k]);
            }
        }
        return t;
    }

    /** Writes the three logarithms of a byte to t[at], t[at + 64], t[at + 128]. */
    private static void put(byte[] t, int at, int x) {
        t[at] = (byte) LOG[x & 15];
        t[at + 64] = (byte) LOG[x >>> 4];
        t[at + 128] = (byte) LOG[(x ^ x >>> 4) & 15];
    }

    /** The logarithms of the constants c[0] … c[63] of GF(2^16). */
    static byte[] constants(int[] c) {
        byte[] t = new byte[CONSTANT_BYTES];
        for (int lane = 0; lane < 64; lane++) {
            int c0 = c[lane] & 0xff;
            int c1 = c[lane] >>> 8;
            put(t, lane, c0);
            put(t, 192 + lane, CantorTower.multiply(CantorTower.beta(7), c1));
            put(t, 384 + lane, c0 ^ c1);
        }
        return t;
    }
}
