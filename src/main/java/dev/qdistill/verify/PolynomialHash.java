package dev.qdistill.verify;

import dev.qdistill.bits.BitString;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * A polynomial over the prime field of p = 2^127 - 1 at a secret point k: for 64-bit words w_1 … w_L, L a multiple of
 * {@value #GROUP},
 *
 * <pre>
 *   (1)  w_1 k^L + w_2 k^(L-1) + … + w_L k  mod p
 * </pre>
 *
 * <p>Takes the words a group of {@value #GROUP} at a time, in constant memory. Two hashes that were built apart under the same
 * key are joined by {@link #append}. Not for use by several threads at once.
 */
public final class PolynomialHash {
    /** Words between two reductions. */
    public static final int GROUP = 16;

    /** Bytes of a group. */
    public static final int GROUP_BYTES = 8 * GROUP;

    /** Bits of the point k, and of a value. */
    public static final int FIELD_BITS = 127;

    private static final long LOW32 = 0xffffffffL;
    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle WORDS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    // powers[2j], powers[2j + 1]: k^(GROUP - j); the last is k itself.
    private final long[] powers;
    private final long[] sum;
    private long groups;

    /**
     * The hash of no words.
     *
     * @param keyLow the low 64 bits of k
     * @param keyHigh the other 63
     */
    public PolynomialHash(long keyLow, long keyHigh) {
        powers = new long[2 * GROUP];
        sum = new long[2];
        long[] power = {keyLow, keyHigh};
        for (int j = GROUP - 1; j >= 0; j--) {
            powers[2 * j] = power[0];
            powers[2 * j + 1] = power[1];
            times(power, keyLow, keyHigh);
        }
    }

    /** A copy, which goes on by itself. */
    public PolynomialHash(PolynomialHash other) {
        powers = other.powers;
        sum = other.sum.clone();
        groups = other.groups;
    }

    /** The groups taken so far. */
    public long groups() {
        return groups;
    }

    /** Takes whole groups from an array. */
    public void update(byte[] data, int from, int count) {
        for (int g = 0, at = from; g < count; g++, at += GROUP_BYTES) {
            step();
            addGroup(data, at, powers, sum);
        }
    }

    /** Takes one group of words. */
    public void update(long[] words) {
        byte[] bytes = new byte[GROUP_BYTES];
        for (int j = 0; j < GROUP; j++) {
            WORDS.set(bytes, 8 * j, words[j]);
        }
        update(bytes, 0, 1);
    }

    /** Takes the words of another hash under the same key after this one's own. */
    public void append(PolynomialHash other) {
        // k^(GROUP·groups) by squaring.
        long[] square = {powers[0], powers[1]};
        for (long n = other.groups; n != 0; n >>>= 1) {
            if ((n & 1) != 0) {
                times(sum, square[0], square[1]);
            }
            times(square, square[0], square[1]);
        }
        fold(sum[0] + other.sum[0], highOfSum(sum, other.sum), 0, 0, sum);
        groups += other.groups;
    }

    /** The value, canonical: {low 64 bits, high 63 bits}, below p. */
    public long[] value() {
        long[] value = sum.clone();
        canonical(value);
        return value;
    }

    /** Takes {@code length} bits from {@code offset} up, padded with zeros to whole groups. */
    void update(BitString data, long offset, long length) {
        long whole = length / (64 * GROUP);
        MemorySegment memory = data.segment();
        int shift = (int) (offset & 63);
        long at = offset >>> 6 << 3;
        for (long g = 0; g < whole; g++, at += GROUP_BYTES) {
            step();
            if (shift == 0) {
                addGroup(memory, at, powers, sum);
            } else if (at + GROUP_BYTES + 8 <= memory.byteSize()) {
                addShiftedGroup(memory, at, shift, powers, sum);
            } else {
                addLastGroup(data, offset + g * 64 * GROUP, 64 * GROUP, powers, sum);
            }
        }
        long done = whole * 64 * GROUP;
        if (done < length) {
            step();
            addLastGroup(data, offset + done, (int) (length - done), powers, sum);
        }
    }

    /** The value of (1), and {@code last} as a word more, all times k once more. */
    long[] valueWith(long last) {
        long[] value = sum.clone();
        long low = value[0] + last;
        fold(low, value[1] + (Long.compareUnsigned(low, last) < 0 ? 1 : 0), 0, 0, value);
        times(value, powers[2 * GROUP - 2], powers[2 * GROUP - 1]);
        canonical(value);
        return value;
    }

    /** {@code a + b mod p} of two values, canonical. */
    public static long[] plus(long[] a, long[] b) {
        long[] result = new long[2];
        fold(a[0] + b[0], highOfSum(a, b), 0, 0, result);
        canonical(result);
        return result;
    }

    private static long highOfSum(long[] a, long[] b) {
        long low = a[0] + b[0];
        return a[1] + b[1] + (Long.compareUnsigned(low, b[0]) < 0 ? 1 : 0);
    }

    private void step() {
        times(sum, powers[0], powers[1]);
        groups++;
    }

    // sum += sum over j of word j times k^(GROUP - j). The products are added up in columns of 32 bits, so that no
    // carry is
    // lost and none has to be looked for: column c has weight 2^(32 c). Three times the same loop, for three kinds of
    // memory: a common one would not be compiled well for any.
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

    private static void addGroup(byte[] data, int at, long[] powers, long[] sum) {
        long c0 = 0, c1 = 0, c2 = 0, c3 = 0, c4 = 0, c5 = 0;
        for (int j = 0; j < GROUP; j++) {
            long w = (long) WORDS.get(data, at + 8 * j);
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
