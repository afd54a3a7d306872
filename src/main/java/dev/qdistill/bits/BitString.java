package dev.qdistill.bits;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Objects;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A string of bits in off-heap memory: packed, 64-byte aligned, wiped on close.
 *
 * <p>Bit i is bit {@code i & 7} of byte {@code i >> 3}, which is bit {@code i & 63} of the little-endian 64-bit word
 * {@code i >> 6}. The memory is a whole number of 64-byte lines; all bits at and beyond {@link #length()} are zero,
 * and every method keeps them so. Code that writes through {@link #segment()} must do the same.
 *
 * <p>Lengths and offsets are in bits unless a name says words or bytes. Offsets out of range throw
 * {@link IndexOutOfBoundsException}. Strings that overlap in memory must not be mixed in one call.
 *
 * <p>Security guarantees: {@link #close()} overwrites the contents with zeros before the memory is given back;
 * {@link #contentEquals} takes a time that depends on the length only; {@link #toString} shows the length only.
 *
 * <p>Memory comes from shared or automatic arenas, never from confined ones: a second kind of scope slows the loops here.
 *
 * <p>Not safe for concurrent writes; threads may share one string when they touch different 64-bit words.
 */
public final class BitString implements AutoCloseable {
    /** The alignment and granularity of the memory, in bytes: one cache line, one 512-bit vector. */
    public static final int ALIGNMENT = 64;

    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final MemorySegment segment;
    private final long length;
    private final @Nullable Arena owned;

    private BitString(MemorySegment segment, long length, @Nullable Arena owned) {
        this.segment = segment;
        this.length = length;
        this.owned = owned;
    }

    /**
     * A string of {@code length} zeros that owns its memory; usable from any thread.
     *
     * @param length bits, zero or more
     */
    public static BitString allocate(long length) {
        Arena arena = Arena.ofShared();
        return new BitString(arena.allocate(paddedBytes(length), ALIGNMENT), length, arena);
    }

    /**
     * A string of {@code length} zeros in the memory of {@code arena}, which outlives it; {@link #close()} wipes it,
     * the arena frees it. Use a {@link SecretArena} to have it wiped in any case.
     */
    public static BitString allocate(Arena arena, long length) {
        return new BitString(arena.allocate(paddedBytes(length), ALIGNMENT), length, null);
    }

    /**
     * A view of the first {@code length} bits of {@code segment}, which must be 64-byte aligned, a multiple of 64 bytes
     * long, native, and zero beyond {@code length}.
     *
     * @throws IllegalArgumentException if it is not
     */
    public static BitString wrap(MemorySegment segment, long length) {
        if (!segment.isNative() || segment.address() % ALIGNMENT != 0 || segment.byteSize() != paddedBytes(length)) {
            throw new IllegalArgumentException(
                    "A string of " + length + " bits needs a native 64-byte aligned segment of "
                            + paddedBytes(length) + " bytes, not " + segment.byteSize() + " bytes at alignment "
                            + segment.maxByteAlignment());
        }
        return new BitString(segment, length, null);
    }

    /** The string written as a row of the characters 0 and 1, bit 0 first. */
    public static BitString parse(CharSequence bits) {
        BitString s = allocate(bits.length());
        for (int i = 0; i < bits.length(); i++) {
            switch (bits.charAt(i)) {
                case '0' -> {}
                case '1' -> s.set(i, true);
                default -> throw new IllegalArgumentException("Bit " + i + " is neither 0 nor 1");
            }
        }
        return s;
    }

    /** {@code length} bits from {@code source}, whose quality is the caller's matter. */
    public static BitString random(long length, RandomGenerator source) {
        BitString s = allocate(length);
        s.randomize(source);
        return s;
    }

    /** The bytes of memory behind a string of {@code length} bits: a multiple of 64. */
    public static long paddedBytes(long length) {
        if (length < 0) {
            throw new IllegalArgumentException("Negative length: " + length + " bits");
        }
        return Math.max(ALIGNMENT, ((length + 511) >>> 9) << 6);
    }

    /** The length in bits. */
    public long length() {
        return length;
    }

    /** The number of 64-bit words that hold the bits, the last one padded with zeros. */
    public long wordCount() {
        return (length + 63) >>> 6;
    }

    /** The number of bytes that hold the bits, the last one padded with zeros. */
    public long byteCount() {
        return (length + 7) >>> 3;
    }

    /** The memory: 64-byte aligned, {@link #paddedBytes} long, zero beyond {@link #length()}. */
    public MemorySegment segment() {
        return segment;
    }

    /** The {@link #byteCount()} bytes that hold the bits, for reading and writing files. */
    public MemorySegment bytes() {
        return segment.asSlice(0, byteCount());
    }

    public boolean get(long index) {
        Objects.checkIndex(index, length);
        return (segment.get(JAVA_BYTE, index >>> 3) >>> (index & 7) & 1) != 0;
    }

    public void set(long index, boolean value) {
        Objects.checkIndex(index, length);
        int mask = 1 << (index & 7);
        byte old = segment.get(JAVA_BYTE, index >>> 3);
        segment.set(JAVA_BYTE, index >>> 3, (byte) (value ? old | mask : old & ~mask));
    }

    /** The 64-bit word with bits {@code 64·index} and up. */
    public long word(long index) {
        Objects.checkIndex(index, wordCount());
        return segment.get(WORD, index << 3);
    }

    /** Overwrites the 64-bit word with bits {@code 64·index} and up; bits beyond the length stay zero. */
    public void setWord(long index, long value) {
        Objects.checkIndex(index, wordCount());
        segment.set(WORD, index << 3, index == wordCount() - 1 ? value & lastWordMask() : value);
    }

    /**
     * {@code count} bits from {@code offset} up, in the low bits of the result.
     *
     * @param count 0 to 64
     */
    public long bits(long offset, int count) {
        Objects.checkFromIndexSize(offset, count, length);
        if (count == 0) {
            return 0;
        }
        long value = funnel(offset);
        return count == 64 ? value : value & ((1L << count) - 1);
    }

    /**
     * Overwrites {@code count} bits from {@code offset} up with the low bits of {@code value}.
     *
     * @param count 0 to 64
     */
    public void setBits(long offset, int count, long value) {
        Objects.checkFromIndexSize(offset, count, length);
        if (count == 0) {
            return;
        }
        long mask = count == 64 ? -1L : (1L << count) - 1;
        long v = value & mask;
        long at = offset >>> 6 << 3;
        int shift = (int) (offset & 63);
        segment.set(WORD, at, segment.get(WORD, at) & ~(mask << shift) | v << shift);
        if (shift + count > 64) {
            segment.set(WORD, at + 8, segment.get(WORD, at + 8) & ~(mask >>> (64 - shift)) | v >>> (64 - shift));
        }
    }

    /** A copy of {@code length} bits from {@code offset} up, owning its memory. */
    public BitString slice(long offset, long length) {
        BitString s = allocate(length);
        s.copyFrom(this, offset, 0, length);
        return s;
    }

    /** A copy that owns its memory. */
    public BitString copy() {
        return slice(0, length);
    }

    /**
     * Copies {@code count} bits of {@code source} from {@code sourceOffset} up to this string from {@code offset} up.
     */
    public void copyFrom(BitString source, long sourceOffset, long offset, long count) {
        Objects.checkFromIndexSize(sourceOffset, count, source.length);
        Objects.checkFromIndexSize(offset, count, length);
        if (count == 0) {
            return;
        }
        // Up to the first whole word of the destination bit by bits, then word by word, then the rest.
        int head = (int) Math.min(count, -offset & 63);
        setBits(offset, head, source.bits(sourceOffset, head));
        long from = sourceOffset + head;
        long to = offset + head;
        long words = (count - head) >>> 6;
        if ((from & 63) == 0) {
            MemorySegment.copy(source.segment, from >>> 3, segment, to >>> 3, words << 3);
        } else {
            shiftWords(source.segment, from, segment, to >>> 3, words);
        }
        int tail = (int) (count - head & 63);
        setBits(to + (words << 6), tail, source.bits(from + (words << 6), tail));
    }

    // Words of `source` at a bit offset that is no multiple of 64. An int loop over slices, so that C2 vectorises it.
    private static void shiftWords(
            MemorySegment source, long sourceBit, MemorySegment target, long targetByte, long words) {
        int right = (int) (sourceBit & 63);
        int left = 64 - right;
        for (long done = 0; done < words; done += BLOCK) {
            int n = (int) Math.min(BLOCK, words - done);
            MemorySegment s = source.asSlice(((sourceBit >>> 6) + done) << 3, (n + 1L) << 3);
            MemorySegment t = target.asSlice(targetByte + (done << 3), (long) n << 3);
            for (int i = 0; i < n; i++) {
                t.set(WORD, i * 8L, s.get(WORD, i * 8L) >>> right | s.get(WORD, i * 8L + 8) << left);
            }
        }
    }

    private static final int BLOCK = 1 << 16;

    /** {@code this ^= other}; the lengths must be equal. */
    public void xor(BitString other) {
        requireSameLength(other);
        long words = wordCount();
        for (long done = 0; done < words; done += BLOCK) {
            int n = (int) Math.min(BLOCK, words - done);
            MemorySegment a = segment.asSlice(done << 3, (long) n << 3);
            MemorySegment b = other.segment.asSlice(done << 3, (long) n << 3);
            for (int i = 0; i < n; i++) {
                a.set(WORD, i * 8L, a.get(WORD, i * 8L) ^ b.get(WORD, i * 8L));
            }
        }
    }

    /** {@code this ^= other} on the first {@code count} bits of {@code other}, which come to lie at {@code offset} and up. */
    public void xor(BitString other, long offset, long count) {
        xor(other, 0, offset, count);
    }

    /**
     * Adds {@code count} bits of {@code other} from {@code otherOffset} up, modulo 2, to this string from {@code offset} up.
     *
     * @param offset a multiple of 64
     */
    public void xor(BitString other, long otherOffset, long offset, long count) {
        Objects.checkFromIndexSize(otherOffset, count, other.length);
        Objects.checkFromIndexSize(offset, count, length);
        if ((offset & 63) != 0) {
            throw new IllegalArgumentException("Bit offset " + offset + " is not a multiple of 64");
        }
        long words = count >>> 6;
        if ((otherOffset & 63) == 0) {
            xorWords(other.segment, otherOffset, segment, offset >>> 3, words);
        } else {
            xorShiftedWords(other.segment, otherOffset, segment, offset >>> 3, words);
        }
        int rest = (int) (count & 63);
        long at = offset + (words << 6);
        setBits(at, rest, bits(at, rest) ^ other.bits(otherOffset + (words << 6), rest));
    }

    private static void xorWords(
            MemorySegment source, long sourceBit, MemorySegment target, long targetByte, long words) {
        for (long done = 0; done < words; done += BLOCK) {
            int n = (int) Math.min(BLOCK, words - done);
            MemorySegment s = source.asSlice(((sourceBit >>> 6) + done) << 3, (long) n << 3);
            MemorySegment t = target.asSlice(targetByte + (done << 3), (long) n << 3);
            for (int i = 0; i < n; i++) {
                t.set(WORD, i * 8L, t.get(WORD, i * 8L) ^ s.get(WORD, i * 8L));
            }
        }
    }

    private static void xorShiftedWords(
            MemorySegment source, long sourceBit, MemorySegment target, long targetByte, long words) {
        int right = (int) (sourceBit & 63);
        int left = 64 - right;
        for (long done = 0; done < words; done += BLOCK) {
            int n = (int) Math.min(BLOCK, words - done);
            MemorySegment s = source.asSlice(((sourceBit >>> 6) + done) << 3, (n + 1L) << 3);
            MemorySegment t = target.asSlice(targetByte + (done << 3), (long) n << 3);
            for (int i = 0; i < n; i++) {
                long v = s.get(WORD, i * 8L) >>> right | s.get(WORD, i * 8L + 8) << left;
                t.set(WORD, i * 8L, t.get(WORD, i * 8L) ^ v);
            }
        }
    }

    /** {@code this &= other}; the lengths must be equal. */
    public void and(BitString other) {
        requireSameLength(other);
        long words = wordCount();
        for (long done = 0; done < words; done += BLOCK) {
            int n = (int) Math.min(BLOCK, words - done);
            MemorySegment a = segment.asSlice(done << 3, (long) n << 3);
            MemorySegment b = other.segment.asSlice(done << 3, (long) n << 3);
            for (int i = 0; i < n; i++) {
                a.set(WORD, i * 8L, a.get(WORD, i * 8L) & b.get(WORD, i * 8L));
            }
        }
    }

    /** {@code this |= other}; the lengths must be equal. */
    public void or(BitString other) {
        requireSameLength(other);
        long words = wordCount();
        for (long done = 0; done < words; done += BLOCK) {
            int n = (int) Math.min(BLOCK, words - done);
            MemorySegment a = segment.asSlice(done << 3, (long) n << 3);
            MemorySegment b = other.segment.asSlice(done << 3, (long) n << 3);
            for (int i = 0; i < n; i++) {
                a.set(WORD, i * 8L, a.get(WORD, i * 8L) | b.get(WORD, i * 8L));
            }
        }
    }

    /** Turns every zero into a one and every one into a zero. */
    public void invert() {
        long words = wordCount();
        for (long done = 0; done < words; done += BLOCK) {
            int n = (int) Math.min(BLOCK, words - done);
            MemorySegment a = segment.asSlice(done << 3, (long) n << 3);
            for (int i = 0; i < n; i++) {
                a.set(WORD, i * 8L, ~a.get(WORD, i * 8L));
            }
        }
        clearPadding();
    }

    /** The number of ones. */
    public long bitCount() {
        long sum = 0;
        long words = wordCount();
        for (long done = 0; done < words; done += BLOCK) {
            int n = (int) Math.min(BLOCK, words - done);
            MemorySegment a = segment.asSlice(done << 3, (long) n << 3);
            long s = 0;
            for (int i = 0; i < n; i++) {
                s += Long.bitCount(a.get(WORD, i * 8L));
            }
            sum += s;
        }
        return sum;
    }

    /** The number of ones among {@code count} bits from {@code offset} up. */
    public long bitCount(long offset, long count) {
        Objects.checkFromIndexSize(offset, count, length);
        long sum = 0;
        long at = offset;
        long end = offset + count;
        while (at < end) {
            int n = (int) Math.min(64, end - at);
            sum += Long.bitCount(bits(at, n));
            at += n;
        }
        return sum;
    }

    /** The number of positions at which {@code mask} and this string are both one; the lengths must be equal. */
    public long bitCountAnd(BitString mask) {
        requireSameLength(mask);
        long sum = 0;
        for (long w = 0; w < wordCount(); w++) {
            sum += Long.bitCount(segment.get(WORD, w << 3) & mask.segment.get(WORD, w << 3));
        }
        return sum;
    }

    /** The number of positions at which the strings differ; the lengths must be equal. */
    public long distance(BitString other) {
        requireSameLength(other);
        long sum = 0;
        for (long w = 0; w < wordCount(); w++) {
            sum += Long.bitCount(segment.get(WORD, w << 3) ^ other.segment.get(WORD, w << 3));
        }
        return sum;
    }

    /**
     * The bits at which {@code mask} is one, in their order: sifting. One {@link Long#compress} a word (PEXT on x86).
     *
     * @param mask as long as this string
     * @return a string of {@code mask.bitCount()} bits, owning its memory
     */
    public BitString compress(BitString mask) {
        requireSameLength(mask);
        BitString result = allocate(mask.bitCount());
        long words = wordCount();
        MemorySegment out = result.segment;
        long pending = 0;
        int filled = 0;
        long at = 0;
        for (long done = 0; done < words; done += BLOCK) {
            int n = (int) Math.min(BLOCK, words - done);
            MemorySegment a = segment.asSlice(done << 3, (long) n << 3);
            MemorySegment m = mask.segment.asSlice(done << 3, (long) n << 3);
            for (int i = 0; i < n; i++) {
                long k = m.get(WORD, i * 8L);
                long c = Long.compress(a.get(WORD, i * 8L), k);
                int got = Long.bitCount(k);
                pending |= c << filled;
                filled += got;
                if (filled >= 64) {
                    out.set(WORD, at, pending);
                    at += 8;
                    filled -= 64;
                    // got > filled here, so the shift is 1 to 64; 64 must give zero, which two shifts do.
                    pending = c >>> (got - filled - 1) >>> 1;
                }
            }
        }
        if (filled > 0) {
            out.set(WORD, at, pending);
        }
        return result;
    }

    /**
     * Overwrites the bits at which {@code mask} is one with the bits of {@code values} in their order: the inverse of
     * {@link #compress}. Bits at which the mask is zero stay.
     *
     * @param mask as long as this string
     * @param values {@code mask.bitCount()} bits
     */
    public void expand(BitString mask, BitString values) {
        requireSameLength(mask);
        long at = 0;
        for (long w = 0; w < wordCount(); w++) {
            long k = mask.segment.get(WORD, w << 3);
            if (k == 0) {
                continue;
            }
            int n = Long.bitCount(k);
            long old = segment.get(WORD, w << 3);
            segment.set(WORD, w << 3, old & ~k | Long.expand(values.bits(at, n), k));
            at += n;
        }
        if (at != values.length) {
            throw new IllegalArgumentException(
                    "The mask has " + at + " ones, but there are " + values.length + " values");
        }
    }

    /** Whether the strings have the same length and bits; the time depends on the length only. */
    public boolean contentEquals(BitString other) {
        if (length != other.length) {
            return false;
        }
        long difference = 0;
        for (long w = 0; w < wordCount(); w++) {
            difference |= segment.get(WORD, w << 3) ^ other.segment.get(WORD, w << 3);
        }
        return difference == 0;
    }

    /** Overwrites all bits from {@code source}. The heap buffer in between is wiped. */
    public void randomize(RandomGenerator source) {
        byte[] buffer = new byte[(int) Math.min(1 << 16, byteCount())];
        for (long at = 0; at < byteCount(); at += buffer.length) {
            source.nextBytes(buffer);
            MemorySegment.copy(
                    MemorySegment.ofArray(buffer), 0, segment, at, Math.min(buffer.length, byteCount() - at));
        }
        java.util.Arrays.fill(buffer, (byte) 0);
        clearPadding();
    }

    /** Sets all bits to zero. */
    public void wipe() {
        segment.fill((byte) 0);
    }

    /** Zeros the bits beyond the length in the last byte, after {@link #bytes()} was filled from outside. */
    public void clearPadding() {
        if (length > 0) {
            long last = wordCount() - 1 << 3;
            segment.set(WORD, last, segment.get(WORD, last) & lastWordMask());
        }
    }

    /** Wipes the bits and, if this string owns its memory, frees it. A second call does nothing. */
    @Override
    public void close() {
        if (segment.scope().isAlive()) {
            wipe();
            if (owned != null) {
                owned.close();
            }
        }
    }

    @Override
    public String toString() {
        return "BitString[" + length + " bits]";
    }

    private long lastWordMask() {
        return -1L >>> (-length & 63);
    }

    // The 64 bits from `offset` up; those beyond the padded memory read as zero.
    private long funnel(long offset) {
        long at = offset >>> 6 << 3;
        int shift = (int) (offset & 63);
        long low = segment.get(WORD, at) >>> shift;
        return shift == 0 || at + 8 >= segment.byteSize() ? low : low | segment.get(WORD, at + 8) << (64 - shift);
    }

    private void requireSameLength(BitString other) {
        if (length != other.length) {
            throw new IllegalArgumentException("Lengths differ: " + length + " and " + other.length + " bits");
        }
    }
}
