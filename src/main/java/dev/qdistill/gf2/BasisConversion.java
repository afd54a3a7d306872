package dev.qdistill.gf2;

import dev.qdistill.accel.Workers;

/**
 * Polynomials over GF(2) between the monomial basis and the basis X_j = ∏ s_i^{j_i} (Lin, Al-Naffouri, Han, Chung 2016),
 * in place, packed bits.
 *
 * <p>s_i is the vanishing polynomial of V_i; s_{2^t} = x^{2^{2^t}} + x. A polynomial of 2^k coefficients is written in
 * powers of S = s_{2^t}, 2^t the largest power of two below k, by dividing by S^{2^j} = x^{2^{2^t + j}} + x^{2^j} for j =
 * k - 2^t - 1 … 0; then the coefficients of the powers and, on the other bits of the index, the powers themselves are
 * converted in the same way. One division is {@code f[i - 2^p + 2^q] ^= f[i]} over the upper half of each 2^{p+1}
 * coefficients, from the top down, p = 2^t + j, q = j: called level (p, q) here.
 */
final class BasisConversion {

    /** Bits that are converted at a time where they fit: a memory block of 8 KB. */
    private static final int BLOCK_BITS = 16;

    /** Lengths must be multiples of this many bits; behind them 64 bytes must be readable. */
    static final long GRANULE = 1L << BLOCK_BITS;

    private BasisConversion() {}

    /**
     * From monomials.
     *
     * @param bits a multiple of {@link #GRANULE}
     */
    static void forward(long address, long bits, Workers workers) {
        int k = indexBits(bits);
        if (k > BLOCK_BITS) {
            for (int j = k - BLOCK_BITS - 1; j >= 0; j--) {
                level(address, bits, BLOCK_BITS + j, j, false, workers);
            }
        }
        workers.split(bits / GRANULE, 8, (from, to, worker) -> {
            VectorKernels.blocks(address + from * (GRANULE / 8), to - from, false);
        });
        rows(address, bits, BLOCK_BITS, k - BLOCK_BITS, false, workers);
    }

    /** To monomials: the inverse of {@link #forward}. */
    static void inverse(long address, long bits, Workers workers) {
        int k = indexBits(bits);
        rows(address, bits, BLOCK_BITS, k - BLOCK_BITS, true, workers);
        workers.split(bits / GRANULE, 8, (from, to, worker) -> {
            VectorKernels.blocks(address + from * (GRANULE / 8), to - from, true);
        });
        for (int j = 0; j < k - BLOCK_BITS; j++) {
            level(address, bits, BLOCK_BITS + j, j, true, workers);
        }
    }

    private static int indexBits(long bits) {
        return 64 - Long.numberOfLeadingZeros(bits - 1);
    }

    // The conversion on index bits [low, low + k), all above the vector.
    private static void rows(long address, long bits, int low, int k, boolean inverse, Workers workers) {
        if (k <= 1) {
            return;
        }
        if (k == 4 && (bits & (1L << low + 4) - 1) == 0) {
            rows16(address, bits, low, inverse, workers);
            return;
        }
        int t = Integer.highestOneBit(k - 1);
        if (inverse) {
            rows(address, bits, low + t, k - t, true, workers);
            rows(address, bits, low, t, true, workers);
            for (int j = 0; j < k - t; j++) {
                level(address, bits, low + t + j, low + j, true, workers);
            }
        } else {
            for (int j = k - t - 1; j >= 0; j--) {
                level(address, bits, low + t + j, low + j, false, workers);
            }
            rows(address, bits, low, t, false, workers);
            rows(address, bits, low + t, k - t, false, workers);
        }
    }

    // Four bits of the index at once, where all sixteen rows are there.
    private static void rows16(long address, long bits, int low, boolean inverse, Workers workers) {
        long stride = 1L << low - 3;
        for (long at = 0; at < bits >>> 3; at += 16 * stride) {
            long a = address + at;
            workers.split(stride >>> 9, 16, (from, to, worker) -> {
                for (long c = from; c < to; c++) {
                    VectorKernels.rows16(a + (c << 9), stride, 8, inverse);
                }
            });
        }
    }

    // Level (p, q) of the whole, p >= 16.
    private static void level(long address, long bits, int p, int q, boolean inverse, Workers workers) {
        long half = 1L << p - 3;
        long bytes = bits >>> 3;
        for (long at = 0; at + half < bytes; at += 2 * half) {
            long lo = address + at;
            long hi = lo + half;
            long have = Math.min(half, bytes - at - half);
            long shift = 1L << q >>> 3;
            if (q >= 9) {
                // Whole vectors: first hi to hi by wrap-around, then hi to lo.
                long wrap = Math.max(0, have - (half - shift));
                if (!inverse && wrap > 0) {
                    xor(hi, hi + half - shift, wrap, workers);
                }
                xor(lo + shift, hi, Math.min(have, half - shift), workers);
                if (inverse && wrap > 0) {
                    xor(hi, hi + half - shift, wrap, workers);
                }
            } else {
                if (!inverse && have == half) {
                    wrap(hi, half, q);
                }
                long end = Math.min(half, have + 64);
                // First what is shifted with the bits below hi, the end of lo: others may write there next.
                shifted(lo, hi, 0, 64, q);
                workers.split(
                        (end >>> 6) - 1, 512, (from, to, worker) -> shifted(lo, hi, from + 1 << 6, to + 1 << 6, q));
                if (inverse && have == half) {
                    wrap(hi, half, q);
                }
            }
        }
    }

    private static void xor(long to, long from, long bytes, Workers workers) {
        workers.split(
                bytes >>> 6, 512, (a, b, worker) -> VectorKernels.xor(to + (a << 6), from + (a << 6), b - a << 6));
    }

    // The low 2^q bits of hi ^= its top 2^q, q < 9.
    private static void wrap(long hi, long half, int q) {
        int bits = 1 << q;
        if (bits < 64) {
            Memory.putWord(hi, Memory.word(hi) ^ Memory.word(hi + half - 8) >>> 64 - bits);
        } else {
            for (int k = 0; k < bits / 8; k += 8) {
                Memory.putWord(hi + k, Memory.word(hi + k) ^ Memory.word(hi + half - bits / 8 + k));
            }
        }
    }

    // lo[from, to) ^= hi << 2^q, q < 9; nothing comes in below hi.
    private static void shifted(long lo, long hi, long from, long to, int q) {
        for (long at = from; at < to; at += 1 << 14) {
            int bytes = (int) Math.min(to - at, 1 << 14);
            if (q < 6) {
                shiftedBits(lo + at, hi + at, bytes, 1 << q, at == 0);
            } else {
                shiftedWords(lo + at, hi + at, bytes, 1 << q - 6, at == 0);
            }
        }
    }

    // By 1, 2, 4 … 32 bits.
    private static void shiftedBits(long lo, long hi, int bytes, int s, boolean first) {
        if (first) {
            // The first vector of hi is shifted with what is below it: taken out again in advance.
            Memory.putWord(lo, Memory.word(lo) ^ Memory.word(hi - 8) >>> 64 - s);
        }
        VectorKernels.shift(lo, hi, bytes, s);
    }

    // By 1, 2, 4 words.
    private static void shiftedWords(long lo, long hi, int bytes, int words, boolean first) {
        if (first) {
            for (int w = 0; w < words; w++) {
                Memory.putWord(lo + 8L * w, Memory.word(lo + 8L * w) ^ Memory.word(hi - 8L * (words - w)));
            }
        }
        VectorKernels.xor(lo, hi - 8L * words, bytes);
    }
}
