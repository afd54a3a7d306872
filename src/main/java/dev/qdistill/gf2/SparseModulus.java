package dev.qdistill.gf2;

import java.lang.foreign.MemorySegment;

/**
 * M = ∏ (s_m + 1) as a polynomial, for middle products: by the sparse factors s_m + 1 = x^{2^m} + Σ x^{2^j} + 1, j over the
 * proper submasks of m (binomial coefficients modulo 2).
 *
 * <p>Let A be a sequence of D = deg M bits as the leading coefficients of a series in 1/x, times x^D. The polynomial part a of A·M/x^D has
 * a/M = A/x^D up to terms below x^{-D}. So for a polynomial b, (a·b mod M)/M begins with the coefficients of A·b from x^{D-1} down to
 * x^{deg b}: products modulo M give a middle product of length D - deg b, with no room for what is not wanted.
 */
final class SparseModulus {
    // Bytes done at a time: no more than half of the smallest factor's degree.
    private static final long CHUNK = 1L << 13;

    private final int[] exponents;
    private final long bytes;
    private final TransformKernels kernels;

    SparseModulus(int[] exponents, TransformKernels kernels) {
        this.exponents = exponents.clone();
        this.kernels = kernels;
        long sum = 0;
        for (int m : exponents) {
            sum += 1L << m - 3;
        }
        bytes = sum;
    }

    /**
     * Turns a sequence A into a.
     *
     * @param address D bits, 64 zero bytes behind them
     * @param scratch as much memory with 64 zero bytes behind it; not used if there is one factor only
     */
    void multiply(long address, long scratch, Team.Part part) {
        if (exponents.length == 1) {
            // From the upper half to the lower.
            long n = bytes / 2 / CHUNK;
            while (part.next()) {
                for (long c = part.from(n); c < part.to(n); c++) {
                    add(address, address, exponents[0], c * CHUNK);
                }
            }
            return;
        }
        long n = bytes / CHUNK;
        long source = address;
        long target = scratch;
        for (int m : exponents) {
            while (part.next()) {
                for (long c = part.from(n); c < part.to(n); c++) {
                    MemorySegment.copy(Memory.ALL, source + c * CHUNK, Memory.ALL, target + c * CHUNK, CHUNK);
                    add(target, source, m, c * CHUNK);
                }
            }
            long t = target;
            target = source;
            source = t;
        }
        while (source != address && part.next()) {
            long from = part.from(n) * CHUNK;
            MemorySegment.copy(Memory.ALL, source + from, Memory.ALL, address + from, part.to(n) * CHUNK - from);
        }
    }

    /**
     * Turns a·b mod M into the leading coefficients of A·b, in place.
     *
     * @param lowest the lowest bit wanted
     */
    void divide(long address, long lowest, Team.Part part) {
        long end = (lowest >>> 3) / CHUNK;
        for (int m : exponents) {
            // What is added comes from 2^(m-1) bits higher at least: so many are independent of each other.
            long window = (1L << m - 4) / CHUNK;
            // From the top chunk that something is added to.
            for (long top = (bytes - (1L << m - 4) - 1) / CHUNK + 1; top > end; top -= window) {
                long from = Math.max(end, top - window);
                long n = top - from;
                while (part.next()) {
                    for (long c = from + part.to(n) - 1; c >= from + part.from(n); c--) {
                        add(address, address, m, c * CHUNK);
                    }
                }
            }
        }
    }

    // Bit q of the target += Σ bit q + 2^m - 2^j of the source + bit q + 2^m, in one chunk; beyond the end are zeros.
    private void add(long to, long from, int m, long at) {
        long unit = 1L << m - 3;
        for (int j = m - 1; j >= 0; j--) {
            if ((j & m) == j) {
                long shift = 1L << j >>> 3;
                long n = Math.min(CHUNK, bytes - unit - at + (j >= 9 ? shift : 64));
                if (n > 0 && j >= 6) {
                    kernels.xor(to + at, from + at + unit - shift, n);
                } else if (n > 0) {
                    kernels.shift(to + at, from + at + unit, n, 1 << j);
                }
            }
        }
        long n = Math.min(CHUNK, bytes - unit - at);
        if (n > 0) {
            kernels.xor(to + at, from + at + unit, n);
        }
    }
}
