package dev.qdistill.gf2;

import static java.util.Objects.requireNonNull;

import dev.qdistill.bits.BitString;
import dev.qdistill.bits.SecretArena;
import java.lang.foreign.Arena;
import org.jspecify.annotations.Nullable;

/**
 * Products modulo (s_{m_1} + 1)(s_{m_2} + 1) …, m_1 &gt; m_2 &gt; …, whose degree is at least the product's length: a transform for
 * each, so that the time follows the length between powers of two.
 *
 * <p>The moduli have no zero in common, and s_j ≡ 0 modulo s_k + 1 for j &gt; k, since s_j = s_{j-k}(s_k) and s_i(1) = 0 for i &gt; 0.
 * In the basis X_j of {@link BasisConversion} both directions of the Chinese remainder theorem are therefore a few XORs:
 *
 * <ul>
 *   <li>f mod s_k + 1 is the sum of the first and the second 2^k coefficients of f: X_j = X_{j mod 2^k} · Y(s_k), with Y(1) =
 *       1 for the first two and 0 for all others;
 *   <li>f with f ≡ g modulo M = (s_{m_1} + 1) … (s_{m_{k-1}} + 1), f ≡ r modulo s_{m_k} + 1, is f = g + M q with q = r + (g mod s_{m_k}
 *       + 1), as M ≡ 1; and M q is q at all the sums of a subset of 2^{m_1} … 2^{m_{k-1}}.
 * </ul>
 */
final class TransformProduct implements MiddleProduct {
    /** Which factor is a sequence, in a product that is shorter than the whole (see {@link SparseModulus}). */
    private enum Sequence {
        NONE,
        FIRST,
        SECOND
    }

    private final Gf2Multiplier.Shape shape;
    private final Sequence sequence;
    private final SparseModulus modulus;
    private final TransformKernels kernels;
    private final Transform[] transforms;
    // Sums of the degrees before.
    private final long[] offsets;
    private final long degree;
    private final Arena tables = Arena.ofShared();
    private final SecretArena secrets = new SecretArena();
    private final Team team;
    private final BitString coefficients;
    private final BitString product;
    private final long firstValues;
    private final long values;
    private final long scratch;
    private final Team.Work transformFirst = this::transformFirst;
    private final Team.Work multiplySecond = this::multiplySecond;
    // The arguments of the call that is under way.
    private @Nullable BitString factor;
    private @Nullable BitString result;
    private boolean hasFirst;

    TransformProduct(Gf2Multiplier.Shape shape, TransformKernels kernels) {
        this.kernels = kernels;
        this.shape = shape;
        // What is wanted and one factor, as far as they depend on each other, or the whole product.
        int[] whole = exponents(shape.productBits());
        int[] first = exponents(shape.length() + shape.bBits() - 1);
        int[] second = exponents(shape.length() + shape.aBits() - 1);
        sequence = sum(whole) <= Math.min(sum(first), sum(second))
                ? Sequence.NONE
                : sum(first) <= sum(second) ? Sequence.FIRST : Sequence.SECOND;
        int[] exponents = switch (sequence) {
            case NONE -> whole;
            case FIRST -> first;
            case SECOND -> second;
        };
        modulus = new SparseModulus(exponents, kernels);
        transforms = new Transform[exponents.length];
        offsets = new long[exponents.length];
        long sum = 0;
        for (int k = 0; k < exponents.length; k++) {
            transforms[k] = kernels.transform(exponents[k], tables);
            offsets[k] = sum;
            sum += 1L << exponents[k];
        }
        degree = sum;
        team = new Team(shape.threads());
        // 64 bytes more than the coefficients, since kernels read beyond.
        coefficients = BitString.allocate(secrets, degree + 512);
        firstValues = secrets.allocate(degree / 8, 64).address();
        values = secrets.allocate((1L << exponents[0]) / 8, 64).address();
        product = exponents.length == 1 ? coefficients : BitString.allocate(secrets, degree + 512);
        scratch = secrets.allocate((long) kernels.scratchBytes() * shape.threads(), 64)
                .address();
    }

    /** What a product allocates, but for tables. */
    static long bytes(Gf2Multiplier.Shape shape) {
        long shorter = shape.length() + Math.min(shape.aBits(), shape.bBits()) - 1;
        int[] exponents = exponents(Math.min(shape.productBits(), shorter));
        long degree = sum(exponents);
        return BitString.paddedBytes(degree + 512) * (exponents.length == 1 ? 1 : 2)
                + degree / 8
                + (1L << exponents[0]) / 8
                + (long) AdditiveFft.SCRATCH_BYTES * shape.threads();
    }

    // Exponents of two that add up to the length, rounded up in the fourth binary digit.
    private static int[] exponents(long bits) {
        int unit = Math.max(AdditiveFft.MIN, 63 - Long.numberOfLeadingZeros(bits) - 3);
        long units = (bits + (1L << unit) - 1) >>> unit;
        if (units == 15 && unit + 4 <= AdditiveFft.MAX) {
            units = 16;
        }
        int[] result = new int[Long.bitCount(units)];
        for (int k = 0; k < result.length; k++) {
            int top = 63 - Long.numberOfLeadingZeros(units);
            result[k] = unit + top;
            units ^= 1L << top;
        }
        return result;
    }

    private static long sum(int[] exponents) {
        long sum = 0;
        for (int k : exponents) {
            sum += 1L << k;
        }
        return sum;
    }

    @Override
    public void setFirst(BitString a) {
        shape.requireFirst(a);
        hasFirst = false;
        run(transformFirst, a, null);
        hasFirst = true;
    }

    @Override
    public void multiply(BitString b, BitString result) {
        shape.requireSecond(b, result);
        if (!hasFirst) {
            throw new IllegalStateException("multiply before setFirst");
        }
        run(multiplySecond, b, result);
    }

    private void run(Team.Work work, BitString factor, @Nullable BitString result) {
        this.factor = factor;
        this.result = result;
        try {
            team.run(work);
        } finally {
            this.factor = null;
            this.result = null;
        }
    }

    private void transformFirst(Team.Part part) {
        long bits = load(shape.aBits(), sequence == Sequence.FIRST, part);
        long c = coefficients.segment().address();
        for (int k = 0; k < transforms.length; k++) {
            fold(c, bits, k, part);
            transforms[k].forward(c, firstValues + offsets[k] / 8, scratch, part);
            fold(c, bits, k, part);
        }
    }

    private void multiplySecond(Team.Part part) {
        long bits = load(shape.bBits(), sequence == Sequence.SECOND, part);
        long c = coefficients.segment().address();
        long r = product.segment().address();
        for (int k = 0; k < transforms.length; k++) {
            fold(c, bits, k, part);
            long at = offsets[k] / 8;
            transforms[k].multiply(c, firstValues + at, values, r + at, scratch, part);
            fold(c, bits, k, part);
            if (k > 0) {
                combine(r, k, part);
            }
        }
        if (sequence == Sequence.NONE) {
            kernels.toMonomials(r, roundUp(shape.productBits()), part);
            unload(shape.offset(), part);
        } else {
            kernels.toMonomials(r, degree, part);
            modulus.divide(r, degree - shape.length(), part);
            unload(degree - shape.length(), part);
        }
    }

    // The coefficients of a factor, and zeros beyond. Returns the bits that are not all beyond.
    private long load(long length, boolean isSequence, Team.Part part) {
        long bits = roundUp(length);
        long address = coefficients.segment().address();
        long skipped = 0;
        long to = 0;
        if (isSequence) {
            // Bit offset + length - 1, the last one needed, comes to the top.
            long shift = degree - shape.offset() - shape.length();
            skipped = Math.max(0, -shift);
            to = Math.max(0, shift);
            bits = degree;
        }
        long end = Math.min(degree, to + length - skipped);
        while (part.next()) {
            clear(address, 0, to + 63 >>> 6 << 3, part);
            clear(address, end >>> 6 << 3, coefficients.segment().byteSize(), part);
        }
        while (part.next()) {
            copy(requireNonNull(factor), skipped, coefficients, to, end - to, part);
        }
        if (isSequence) {
            modulus.multiply(address, product.segment().address(), part);
        }
        kernels.toTransformBasis(address, bits, part);
        return bits;
    }

    // In pieces of whole words of the target.
    private static void copy(BitString from, long fromOffset, BitString to, long toOffset, long count, Team.Part part) {
        long first = toOffset >>> 6;
        long words = (toOffset + count + 63 >>> 6) - first;
        long begin = Math.max(toOffset, first + part.from(words) << 6);
        long end = Math.min(toOffset + count, first + part.to(words) << 6);
        if (begin < end) {
            to.copyFrom(from, fromOffset + begin - toOffset, begin, end - begin);
        }
    }

    private void unload(long offset, Team.Part part) {
        while (part.next()) {
            copy(product, offset, requireNonNull(result), 0, shape.length(), part);
        }
    }

    // Bytes [from, to), multiples of 8: whole vectors together, words before and behind by one.
    private void clear(long address, long from, long to, Team.Part part) {
        long first = Math.min(to, from + 63 & -64);
        long n = to - first >>> 6;
        long begin = address + first + (part.from(n) << 6);
        kernels.xor(begin, begin, part.to(n) - part.from(n) << 6);
        if (part.index == 0) {
            for (long at = from; at < first; at += 8) {
                Memory.putWord(address + at, 0);
            }
            for (long at = first + (n << 6); at < to; at += 8) {
                Memory.putWord(address + at, 0);
            }
        }
    }

    // Modulo s_k + 1, and back, which is the same.
    private void fold(long c, long bits, int k, Team.Part part) {
        long half = transforms[k].bytes();
        xor(c, c + half, Math.clamp(bits / 8 - half, 0, half), part);
    }

    private void combine(long c, int k, Team.Part part) {
        long bytes = transforms[k].bytes();
        long q = c + offsets[k] / 8;
        xor(q, c, bytes, part);
        xor(q, c + bytes, bytes, part);
        for (int subset = 0; subset < (1 << k) - 1; subset++) {
            long at = 0;
            for (int j = 0; j < k; j++) {
                at += (subset >>> j & 1) == 0 ? 0 : transforms[j].bytes();
            }
            xor(c + at, q, bytes, part);
        }
    }

    private void xor(long to, long from, long bytes, Team.Part part) {
        long n = bytes >>> 6;
        while (n > 0 && part.next()) {
            long first = part.from(n) << 6;
            kernels.xor(to + first, from + first, (part.to(n) << 6) - first);
        }
    }

    private static long roundUp(long bits) {
        return bits + BasisConversion.GRANULE - 1 & -BasisConversion.GRANULE;
    }

    @Override
    public void close() {
        team.close();
        secrets.close();
        if (tables.scope().isAlive()) {
            tables.close();
        }
    }
}
