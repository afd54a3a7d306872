package dev.qdistill.bits;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class BitStringTest {
    private final SplittableRandom random = new SplittableRandom(20250701);

    @ParameterizedTest
    // The last one is longer than what loops take at a time.
    @ValueSource(longs = {1, 7, 8, 63, 64, 65, 127, 511, 512, 513, 4097, 70_001, (1 << 22) + 70_001})
    void everyOperationAgreesWithBitByBit(long n) {
        try (BitString a = BitString.random(n, random);
                BitString b = BitString.random(n, random);
                BitString mask = BitString.random(n, random)) {
            boolean[] bits = bitsOf(a);
            boolean[] other = bitsOf(b);
            boolean[] kept = bitsOf(mask);

            long ones = 0;
            long different = 0;
            long both = 0;
            StringBuilder sifted = new StringBuilder();
            for (int i = 0; i < n; i++) {
                ones += bits[i] ? 1 : 0;
                different += bits[i] != other[i] ? 1 : 0;
                both += bits[i] && kept[i] ? 1 : 0;
                if (kept[i]) {
                    sifted.append(bits[i] ? '1' : '0');
                }
            }
            assertEquals(ones, a.bitCount());
            assertEquals(different, a.distance(b));
            assertEquals(both, a.bitCountAnd(mask));
            try (BitString expected = BitString.parse(sifted);
                    BitString compressed = a.compress(mask)) {
                assertTrue(compressed.contentEquals(expected));
                assertPaddingIsZero(compressed);
                b.expand(mask, compressed);
                for (int i = 0; i < n; i++) {
                    assertEquals(kept[i] ? bits[i] : other[i], b.get(i));
                }
            }
            a.invert();
            assertEquals(n - ones, a.bitCount());
            assertPaddingIsZero(a);
            a.invert();
            try (BitString and = a.copy();
                    BitString or = a.copy()) {
                and.and(mask);
                or.or(mask);
                for (int i = 0; i < n; i++) {
                    assertEquals(bits[i] && kept[i], and.get(i));
                    assertEquals(bits[i] || kept[i], or.get(i));
                }
                assertEquals(both, and.bitCount());
            }
        }
    }

    @Test
    void copiesAnyRangeToAnyOffset() {
        for (int round = 0; round < 3000; round++) {
            int n = 1 + random.nextInt(1500);
            int m = 1 + random.nextInt(1500);
            int count = random.nextInt(Math.min(n, m) + 1);
            int from = random.nextInt(n - count + 1);
            int to = random.nextInt(m - count + 1);
            try (BitString source = BitString.random(n, random);
                    BitString target = BitString.random(m, random)) {
                boolean[] before = bitsOf(target);
                target.copyFrom(source, from, to, count);
                for (int i = 0; i < m; i++) {
                    boolean inside = i >= to && i < to + count;
                    assertEquals(inside ? source.get(from + i - to) : before[i], target.get(i));
                }
                assertPaddingIsZero(target);
                assertEquals(source.slice(from, count).bitCount(), source.bitCount(from, count));
            }
        }
    }

    @Test
    void longRangesAreCopiedAndAdded() {
        int n = (1 << 22) + 70_001;
        int count = n - 200;
        try (BitString source = BitString.random(n, random);
                BitString before = BitString.random(n, random);
                BitString copied = before.copy();
                BitString sum = before.copy()) {
            for (int from : new int[] {0, 64, 77}) {
                copied.copyFrom(source, from, 64, count);
                sum.copyFrom(before, 0, 0, n);
                sum.xor(source, from, 64, count);
                for (int at = 0; at < count; at += 64) {
                    int bits = Math.min(64, count - at);
                    long word = source.bits(from + at, bits);
                    assertEquals(word, copied.bits(64 + at, bits));
                    assertEquals(word ^ before.bits(64 + at, bits), sum.bits(64 + at, bits));
                }
                for (BitString s : new BitString[] {copied, sum}) {
                    assertEquals(before.bits(0, 64), s.bits(0, 64));
                    assertEquals(before.bits(64 + count, 64), s.bits(64 + count, 64));
                    assertPaddingIsZero(s);
                }
            }
        }
    }

    @Test
    void bitFieldsReadAndWriteAcrossWords() {
        try (BitString s = BitString.random(300, random)) {
            for (int offset = 0; offset < 300; offset++) {
                for (int count = 0; count <= Math.min(64, 300 - offset); count++) {
                    long value = random.nextLong();
                    long mask = count == 64 ? -1L : (1L << count) - 1;
                    s.setBits(offset, count, value);
                    assertEquals(value & mask, s.bits(offset, count));
                }
            }
            assertPaddingIsZero(s);
        }
    }

    @Test
    void xorTwiceIsTheIdentity() {
        try (BitString a = BitString.random(1_000_003, random);
                BitString b = BitString.random(1_000_003, random);
                BitString c = a.copy()) {
            c.xor(b);
            assertEquals(a.distance(b), c.bitCount());
            c.xor(b);
            assertTrue(c.contentEquals(a));
            c.set(1_000_002, !c.get(1_000_002));
            assertFalse(c.contentEquals(a));
        }
    }

    @Test
    void closeWipesTheMemory() {
        try (SecretArena arena = new SecretArena()) {
            BitString s = BitString.allocate(arena, 1000);
            s.randomize(random);
            s.close();
            assertEquals(0, s.bitCount());
        }
        BitString owned = BitString.random(1000, random);
        owned.close();
        owned.close();
        assertThrows(IllegalStateException.class, () -> owned.get(0));
    }

    @Test
    void memoryIsAlignedAndOffsetsAreChecked() {
        try (BitString s = BitString.random(100, random)) {
            MemorySegment memory = s.segment();
            assertEquals(0, memory.address() % BitString.ALIGNMENT);
            assertEquals(64, memory.byteSize());
            assertThrows(IndexOutOfBoundsException.class, () -> s.get(100));
            assertThrows(IndexOutOfBoundsException.class, () -> s.bits(60, 41));
            assertThrows(IndexOutOfBoundsException.class, () -> s.slice(1, 100));
            assertThrows(IllegalArgumentException.class, () -> BitString.allocate(-1));
            assertEquals("BitString[100 bits]", s.toString());
        }
    }

    private static boolean[] bitsOf(BitString s) {
        boolean[] bits = new boolean[(int) s.length()];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = s.get(i);
        }
        return bits;
    }

    private static void assertPaddingIsZero(BitString s) {
        MemorySegment memory = s.segment();
        for (long i = s.length(); i < memory.byteSize() * 8; i++) {
            assertEquals(0, memory.get(ValueLayout.JAVA_BYTE, i >>> 3) >>> (i & 7) & 1);
        }
    }
}
