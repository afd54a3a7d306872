package dev.qdistill.gf2;

/**
 * GF(2^32) as a tower of quadratic extensions by Cantor's basis β_0 = 1, β_i² + β_i = β_{i-1} (Cantor 1989):
 * GF(2^{2k}) = GF(2^k) + β_k·GF(2^k) for k = 1, 2, 4, 8, 16.
 *
 * <p>An element is an int: bit e stands for the product of the β_{2^t} over the bits t of e. So the low half of an
 * element's bits is its part in the subfield, the high half its part times β_k, and subfields are short ints.
 */
final class CantorTower {
    private static final int[] BETA = basis();

    private CantorTower() {}

    /** β_i, i from 0 to 31: the span of β_0 … β_{k-1} is V_k, and V_1, V_2, V_4, … are the subfields. */
    static int beta(int i) {
        return BETA[i];
    }

    /** The product. */
    static int multiply(int a, int b) {
        return multiply(a, b, 16, BETA);
    }

    // Elements of 2·half bits: (a0 + a1 β)(b0 + b1 β) with β² = β + β_{half - 1}.
    private static int multiply(int a, int b, int half, int[] beta) {
        if (half == 0) {
            return a & b;
        }
        int mask = (1 << half) - 1;
        int a1 = a >>> half;
        int b1 = b >>> half;
        int low = multiply(a & mask, b & mask, half / 2, beta);
        int high = multiply(a1, b1, half / 2, beta);
        int sum = multiply(a & mask ^ a1, b & mask ^ b1, half / 2, beta);
        return low ^ multiply(high, beta[half - 1], half / 2, beta) ^ (sum ^ low) << half;
    }

    private static int[] basis() {
        int[] beta = new int[32];
        beta[0] = 1;
        for (int i = 1; i < 32; i++) {
            beta[i] = (i & (i - 1)) == 0 ? 1 << i : solve(beta[i - 1], i, beta);
        }
        return beta;
    }

    // x with x² + x = c, in the smallest subfield that holds β_i, by elimination.
    private static int solve(int c, int i, int[] beta) {
        int bits = 2 * Integer.highestOneBit(i);
        int[] image = new int[bits];
        int[] source = new int[bits];
        int x = 0;
        int rest = c;
        for (int k = 0; k < bits; k++) {
            int s = 1 << k;
            int v = multiply(s, s, bits / 2, beta) ^ s;
            for (int bit = bits - 1; bit >= 0 && v != 0; bit--) {
                if ((v >>> bit & 1) != 0) {
                    if (image[bit] == 0) {
                        image[bit] = v;
                        source[bit] = s;
                        break;
                    }
                    v ^= image[bit];
                    s ^= source[bit];
                }
            }
        }
        for (int bit = bits - 1; bit >= 0; bit--) {
            if ((rest >>> bit & 1) != 0) {
                rest ^= image[bit];
                x ^= source[bit];
            }
        }
        if (rest != 0) {
            throw new AssertionError("x² + x = β_" + (i - 1) + " has no solution");
        }
        return x;
    }
}
