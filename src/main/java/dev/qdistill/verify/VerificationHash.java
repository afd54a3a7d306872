package dev.qdistill.verify;

import dev.qdistill.bits.BitString;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The hash by which both sides check that their reconciled keys are the same: ε-almost universal, a short tag, many Gb/s
 * in plain Java.
 *
 * <p>The data, padded with zeros to L words w_1 … w_L of 64 bits, L a multiple of {@value #GROUP}, and their length in
 * bits are hashed in two steps, with p = 2^127 - 1:
 *
 * <pre>
 *   (1)  u = w_1 k^(L+1) + w_2 k^L + … + w_L k^2 + length·k  mod p      (polynomial hash, key k: 127 bits)
 *   (2)  tag = T u over GF(2), T[i][j] = t[i - j + 126], u as 127 bits    (Toeplitz hash, key t: 126 + b bits)
 * </pre>
 *
 * <p>Collision bound. Let two strings differ, each at most {@code length} bits. If their lengths differ, the coefficient
 * of k differs; if not, they have the same L and a coefficient of a higher power differs. All coefficients are below p, so the
 * difference of the two sums (1) is a polynomial in k of degree at most L + 1 that is not zero: at most L + 1 residues k
 * make the sums equal. A key of 127 random bits hits any residue with probability 2^-127, but 0 with 2^-126: step (1)
 * collides with probability at most (L + 2)/2^127. Different u collide in step (2) with probability 2^-b exactly. Together
 *
 * <pre>
 *   (3)  ε(length) = 2^-b + (L + 2)/2^127
 * </pre>
 *
 * <p>The first term does not grow with the length: at b = 50 a block of 2^30 bits has ε = 8.9e-16.
 *
 * <p>The bound needs a key that is uniform and independent of the data: drawn fresh for each block, sent after correction.
 * Tags are compared by {@link BitString#contentEquals}. Immutable, safe for use by many threads.
 */
public final class VerificationHash {
    /** Words between two reductions. */
    private static final int GROUP = 16;

    private static final int FIELD_BITS = 127;
    private static final long LOW32 = 0xffffffffL;
    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final int tagBits;

    /**
     * @param tagBits b, 1 to 128
     * @throws IllegalArgumentException if it is out of range
     */
    public VerificationHash(int tagBits) {
        if (tagBits < 1 || tagBits > 128) {
            throw new IllegalArgumentException("Tag of " + tagBits + " bits; 1 to 128 are supported");
        }
        this.tagBits = tagBits;
    }

    /**
     * The hash with the shortest tag whose collision bound is at most {@code epsilon} for strings of {@code length} bits.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static VerificationHash forBound(double epsilon, long length) {
        for (int b = 1; b <= 128; b++) {
            VerificationHash h = new VerificationHash(b);
            if (h.collisionBound(length) <= epsilon) {
                return h;
            }
        }
        throw new IllegalArgumentException(
                "No tag of up to 128 bits has a collision bound of " + epsilon + " at " + length + " bits");
    }

    /** The bits of a tag, b. */
    public int tagBits() {
        return tagBits;
    }

    /** The random bits of a key: k, then t. */
    public int keyBits() {
        return FIELD_BITS + FIELD_BITS - 1 + tagBits;
    }

    /**
     * The probability, over the key, that two different strings of at most {@code length} bits have the same tag is at most
     * this: equation (3).
     */
    public double collisionBound(long length) {
        return Math.scalb(1.0, -tagBits) + Math.scalb((double) (groups(length) * GROUP + 2), -FIELD_BITS);
    }

    /** The tag of a whole string. */
    public BitString tag(BitString key, BitString data) {
        return tag(key, data, 0, data.length());
    }

    /**
     * The tag of {@code length} bits of {@code data} from {@code offset} up.
     *
     * @param key {@link #keyBits} uniform bits
     * @return {@link #tagBits} bits, owning their memory
     * @throws IllegalArgumentException if the key has another length
     * @throws IndexOutOfBoundsException if the range is not in the string
     */
    public BitString tag(BitString key, BitString data, long offset, long length) {
        if (key.length() != keyBits()) {
            throw new IllegalArgumentException("The key has " + key.length() + " bits; this hash takes " + keyBits());
        }
        java.util.Objects.checkFromIndexSize(offset, length, data.length());
        long[] u = polynomial(key.bits(0, 64), key.bits(64, 63), data, offset, length);
        BitString tag = BitString.allocate(tagBits);
        for (int i = 0; i < tagBits; i++) {
            // Row i of T is t[i + 126], t[i + 125] … t[i]: the reversed window of t that starts at i.
            long low = Long.reverse(key.bits(FIELD_BITS + i + 63, 64));
            long high = Long.reverse(key.bits(FIELD_BITS + i, 63)) >>> 1;
            tag.set(i, (Long.bitCount(low & u[0]) + Long.bitCount(high & u[1]) & 1) != 0);
        }
        return tag;
    }

    // Equation (1), as the canonical residue {low, high}.
    private static long[] polynomial(long keyLow, long keyHigh, BitString data, long offset, long length) {
        // powers[2j], powers[2j + 1]: k^(GROUP - j); the last is k itself.
        long[] powers = new long[2 * GROUP];
        long[] power = {keyLow, keyHigh};
        for (int j = GROUP - 1; j >= 0; j--) {
            powers[2 * j] = power[0];
            powers[2 * j + 1] = power[1];
            times(power, keyLow, keyHigh);
        }
        long[] sum = new long[2];
        long groups = groups(length);
        long whole = length / (64 * GROUP);
        MemorySegment memory = data.segment();
        int shift = (int) (offset & 63);
        long at = offset >>> 6 << 3;
        for (long g = 0; g < whole; g++, at += 8 * GROUP) {
            // k^GROUP is powers[0], powers[1].
            times(sum, powers[0], powers[1]);
            if (shift == 0) {
                addGroup(memory, at, powers, sum);
            } else if (at + 8 * GROUP + 8 <= memory.byteSize()) {
                addShiftedGroup(memory, at, shift, powers, sum);
            } else {
                addLastGroup(data, offset + g * 64 * GROUP, 64 * GROUP, powers, sum);
            }
        }
        if (whole < groups) {
            times(sum, powers[0], powers[1]);
            long done = whole * 64 * GROUP;
            addLastGroup(data, offset + done, (int) (length - done), powers, sum);
        }
        // So far the last word has k^1: one more k for all, then length·k.
        sum = plusWord(sum, length);
        times(sum, keyLow, keyHigh);
        canonical(sum);
        return sum;
    }

    private static long groups(long length) {
        return (length + 64 * GROUP - 1) / (64 * GROUP);
    }

    // sum += sum over j of word j times k^(GROUP - j). The products are added up in columns of 32 bits, so that no
    // carry
    // is lost and none has to be looked for: column c has weight 2^(32 c).
    private static void addGroup(MemorySegment memory, long at, long[] powers, long[] sum) {
        long c0 = 0, c1 = 0, c2 = 0, c3 = 0, c4 = 0, c5 = 0;
        for (int j = 0; j < GROUP; j++) {
            long w = memory.get(WORD, at + 8L * j);
            long low = powers[2 * j];
            long high = powers[2 * j + 1];
            long a = w * low;
            long b = Math.unsignedMultiplyHigh(w, low);
            long c = w * high;
            long d = Math.unsignedMultiplyHigh(w, high);
            c0 += a & LOW32;
            c1 += a >>> 32;
            c2 += (b & LOW32) + (c & LOW32);
            c3 += (b >>> 32) + (c >>> 32);
            c4 += d & LOW32;
            c5 += d >>> 32;
        }
        addColumns(c0, c1, c2, c3, c4, c5, sum);
    }

    private static void addShiftedGroup(MemorySegment memory, long at, int shift, long[] powers, long[] sum) {
        long c0 = 0, c1 = 0, c2 = 0, c3 = 0, c4 = 0, c5 = 0;
        for (int j = 0; j < GROUP; j++) {
            long w = memory.get(WORD, at + 8L * j) >>> shift | memory.get(WORD, at + 8L * j + 8) << -shift;
            long low = powers[2 * j];
            long high = powers[2 * j + 1];
            long a = w * low;
            long b = Math.unsignedMultiplyHigh(w, low);
            long c = w * high;
            long d = Math.unsignedMultiplyHigh(w, high);
            c0 += a & LOW32;
            c1 += a >>> 32;
            c2 += (b & LOW32) + (c & LOW32);
            c3 += (b >>> 32) + (c >>> 32);
            c4 += d & LOW32;
            c5 += d >>> 32;
        }
        addColumns(c0, c1, c2, c3, c4, c5, sum);
    }

    // As above, for up to GROUP words that end at any bit.
    private static void addLastGroup(BitString data, long offset, int bits, long[] powers, long[] sum) {
        long c0 = 0, c1 = 0, c2 = 0, c3 = 0, c4 = 0, c5 = 0;
        for (int j = 0; 64 * j < bits; j++) {
            long w = data.bits(offset + 64L * j, Math.min(64, bits - 64 * j));
            long low = powers[2 * j];
            long high = powers[2 * j + 1];
            long a = w * low;
            long b = Math.unsignedMultiplyHigh(w, low);
            long c = w * high;
            long d = Math.unsignedMultiplyHigh(w, high);
            c0 += a & LOW32;
            c1 += a >>> 32;
            c2 += (b & LOW32) + (c & LOW32);
            c3 += (b >>> 32) + (c >>> 32);
            c4 += d & LOW32;
            c5 += d >>> 32;
        }
        addColumns(c0, c1, c2, c3, c4, c5, sum);
    }

    // sum += c0 + 2^32 c1 + … + 2^160 c5 mod p, each column below 2^38.
    private static void addColumns(long c0, long c1, long c2, long c3, long c4, long c5, long[] sum) {
        c0 += sum[0] & LOW32;
        c1 += (sum[0] >>> 32) + (c0 >>> 32);
        c2 += (sum[1] & LOW32) + (c1 >>> 32);
        c3 += (sum[1] >>> 32) + (c2 >>> 32);
        c4 += c3 >>> 32;
        c5 += c4 >>> 32;
        long low = c0 & LOW32 | c1 << 32;
        long high = c2 & LOW32 | c3 << 32;
        long top = c4 & LOW32 | c5 << 32;
        // 2^128 = 2 mod p; c5 < 2^38, so the seven bits of it that do not fit into `top` are added on their own.
        fold(low, high, top, c5 >>> 32, sum);
    }

    // sum = low + 2^64 high + 2^128 top + 2^192 over mod p, below 2^127 + 2^66, kept below 2^127 by folding twice.
    private static void fold(long low, long high, long top, long over, long[] sum) {
        long l = low;
        long h = high & Long.MAX_VALUE;
        // 2^127 = 1: bits 127 and up of the number are added to the rest.
        long addLow = high >>> 63 | top << 1;
        long addHigh = top >>> 63 | over << 1;
        l += addLow;
        h += addHigh + (Long.compareUnsigned(l, addLow) < 0 ? 1 : 0);
        long carry = h >>> 63;
        h &= Long.MAX_VALUE;
        l += carry;
        h += l == 0 && carry != 0 ? 1 : 0;
        sum[0] = l;
        sum[1] = h;
    }

    private static long[] plusWord(long[] sum, long word) {
        long l = sum[0] + word;
        long h = sum[1] + (Long.compareUnsigned(l, word) < 0 ? 1 : 0);
        fold(l, h, 0, 0, sum);
        return sum;
    }

    // value = value·k mod p.
    private static void times(long[] value, long keyLow, long keyHigh) {
        long a = value[0];
        long b = value[1];
        long p0 = a * keyLow;
        long p1 = Math.unsignedMultiplyHigh(a, keyLow);
        long q0 = a * keyHigh;
        long q1 = Math.unsignedMultiplyHigh(a, keyHigh);
        long r0 = b * keyLow;
        long r1 = Math.unsignedMultiplyHigh(b, keyLow);
        long s0 = b * keyHigh;
        long s1 = Math.unsignedMultiplyHigh(b, keyHigh);
        long w1 = p1 + q0;
        long carry = Long.compareUnsigned(w1, p1) < 0 ? 1 : 0;
        w1 += r0;
        carry += Long.compareUnsigned(w1, r0) < 0 ? 1 : 0;
        long w2 = q1 + r1;
        long carry2 = Long.compareUnsigned(w2, q1) < 0 ? 1 : 0;
        w2 += s0;
        carry2 += Long.compareUnsigned(w2, s0) < 0 ? 1 : 0;
        w2 += carry;
        carry2 += Long.compareUnsigned(w2, carry) < 0 ? 1 : 0;
        fold(p0, w1, w2, s1 + carry2, value);
    }

    // The residue below p of a number of at most 127 bits.
    private static void canonical(long[] value) {
        if (value[0] == -1L && value[1] == Long.MAX_VALUE) {
            value[0] = 0;
            value[1] = 0;
        }
    }
}
