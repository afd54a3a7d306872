package dev.qdistill.gf2;

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

    /** Bytes of a row that stay together. */
    private static final long PIECE = 1L << 13;

    private BasisConversion() {}

    /**
     * From monomials.
     *
     * @param bits a multiple of {@link #GRANULE}
     */
    static void forward(long address, long bits, Team.Part part) {
        int k = indexBits(bits);
        if (k > BLOCK_BITS) {
            for (int j = k - BLOCK_BITS - 1; j >= 0; j--) {
                level(address, bits, BLOCK_BITS + j, j, false, part);
            }
        }
        blocks(address, bits, false, part);
        rows(address, bits, BLOCK_BITS, k - BLOCK_BITS, false, part);
    }

    /** To monomials: the inverse of {@link #forward}. */
    static void inverse(long address, long bits, Team.Part part) {
        int k = indexBits(bits);
        rows(address, bits, BLOCK_BITS, k - BLOCK_BITS, true, part);
        blocks(address, bits, true, part);
        for (int j = 0; j < k - BLOCK_BITS; j++) {
            level(address, bits, BLOCK_BITS + j, j, true, part);
        }
    }

    private static int indexBits(long bits) {
        return 64 - Long.numberOfLeadingZeros(bits - 1);
    }

    // The conversion on index bits [low, low + k), all above the vector.
    private static void rows(long address, long bits, int low, int k, boolean inverse, Team.Part part) {
        if (k <= 1) {
            return;
        }
        if (k == 4 && (bits & (1L << low + 4) - 1) == 0) {
            rows16(address, bits, low, inverse, part);
            return;
        }
        int t = Integer.highestOneBit(k - 1);
        if (inverse) {
            rows(address, bits, low + t, k - t, true, part);
            rows(address, bits, low, t, true, part);
            for (int j = 0; j < k - t; j++) {
                level(address, bits, low + t + j, low + j, true, part);
            }
        } else {
            for (int j = k - t - 1; j >= 0; j--) {
                level(address, bits, low + t + j, low + j, false, part);
            }
            rows(address, bits, low, t, false, part);
            rows(address, bits, low + t, k - t, false, part);
        }
    }

    private static void blocks(long address, long bits, boolean inverse, Team.Part part) {
        while (part.next()) {
            long from = part.from(bits / GRANULE);
            BlockConversion.convert(address + from * (GRANULE / 8), part.to(bits / GRANULE) - from, inverse);
        }
    }

    // Four bits of the index at once, where all sixteen rows are there.
    private static void rows16(long address, long bits, int low, boolean inverse, Team.Part part) {
        long stride = 1L << low - 3;
        long columns = stride >>> 9;
        long n = bits / 8 / (16 * stride) * columns;
        while (part.next()) {
            for (long u = part.from(n); u < part.to(n); u++) {
                long at = u / columns * 16 * stride + (u % columns << 9);
                if (inverse) {
                    RowConversion.inverse16(address + at, stride, 8);
                } else {
                    RowConversion.forward16(address + at, stride, 8);
                }
            }
        }
    }

    // Level (p, q) of the whole, p >= 16. A part has whole blocks of 2^(p+1) bits, or of one block so much of both
    // halves.
    private static void level(long address, long bits, int p, int q, boolean inverse, Team.Part part) {
        long half = 1L << p - 3;
        long bytes = bits >>> 3;
        long pieces = half / PIECE;
        long n = (bytes + 2 * half - 1) / (2 * half) * pieces;
        // Lines that another part will change next are better taken from it than shared.
        boolean take = part.count() > 1 && 2 * half >= bytes;
        while (part.next()) {
            for (long u = part.from(n); u < part.to(n); ) {
                long run = Math.min(part.to(n) - u, pieces - u % pieces);
                long at = u / pieces * 2 * half;
                long have = Math.min(half, bytes - at - half);
                if (have > 0) {
                    long x = u % pieces * PIECE;
                    level(address + at, half, have, q, x, x + run * PIECE, inverse, take);
                }
                u += run;
            }
        }
    }

    // Bytes [x, end) of the halves of a block, of whose upper half there is so much.
    private static void level(long lo, long half, long have, int q, long x, long end, boolean inverse, boolean take) {
        long hi = lo + half;
        long shift = 1L << q >>> 3;
        if (q >= 9) {
            // Whole vectors: first hi to hi by wrap-around, then hi to lo.
            long wrap = Math.min(have - (half - shift), end) - x;
            if (!inverse && wrap > 0) {
                CopyKernel.xor(hi + x, hi + half - shift + x, wrap);
            }
            long up = Math.min(Math.min(have, half - shift), end) - x;
            if (up > 0) {
                xor(lo + shift + x, hi + x, up, hi + x, take);
            }
            if (inverse && wrap > 0) {
                CopyKernel.xor(hi + x, hi + half - shift + x, wrap);
            }
            return;
        }
        boolean wrap = x == 0 && have == half;
        if (!inverse && wrap) {
            wrap(hi, half, q);
        }
        shifted(lo, hi, x, Math.min(Math.min(half, have + 64), end), q, take);
        if (inverse && wrap) {
            wrap(hi, half, q);
        }
    }

    private static void xor(long to, long from, long bytes, long own, boolean take) {
        if (take) {
            CopyKernel.xorTaking(to, from, bytes, own);
        } else {
            CopyKernel.xor(to, from, bytes);
        }
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
    private static void shifted(long lo, long hi, long from, long to, int q, boolean take) {
        int s = 1 << q;
        int words = s >>> 6;
        if (from == 0) {
            for (int w = words; w < 8; w++) {
                long carry = words > 0 || w == 0 ? 0 : Memory.word(hi + 8L * w - 8) >>> 64 - s;
                long moved = words > 0 ? Memory.word(hi + 8L * (w - words)) : Memory.word(hi + 8L * w) << s;
                Memory.putWord(lo + 8L * w, Memory.word(lo + 8L * w) ^ moved ^ carry);
            }
        }
        for (long at = Math.max(64, from); at < to; at += PIECE) {
            long bytes = Math.min(to - at, PIECE);
            if (words == 0) {
                BlockConversion.shift(lo + at, hi + at, bytes, s);
            } else {
                xor(lo + at, hi + at - 8L * words, bytes, hi + at, take);
            }
        }
    }
}
