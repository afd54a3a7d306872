package dev.qdistill.dump;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.bits.BitString;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class IndexColumnTest {
    @AutoClose
    private final Arena arena = Arena.ofConfined();

    static IntStream widths() {
        return IntStream.rangeClosed(0, IndexColumn.MAX_WIDTH);
    }

    @ParameterizedTest
    @MethodSource("widths")
    void readsWhatItWrote(int width) {
        SplittableRandom random = new SplittableRandom(width);
        for (int count : new int[] {1, 2, 3, 8, 9, 10, 63, 64, 65, 66, 100}) {
            long[] pulses = indices(random, width, count);
            assertTrue(IndexColumn.width(pulses, count) <= width);
            int length = IndexColumn.bytes(count, width);
            MemorySegment memory = arena.allocate(8 + length + 8, 64);
            memory.fill((byte) 0xa5);
            IndexColumn.pack(pulses, count, width, memory, 8);
            memory.asSlice(8 + length).fill((byte) 0x5a);
            assertEquals(0xa5a5_a5a5_a5a5_a5a5L, memory.get(Qraw.LONG, 0));
            assertPacked(pulses, count, width, memory.asSlice(8, length));
            long[] read = new long[count];
            assertTrue(IndexColumn.unpack(memory, 8, width, pulses[0], pulses[count - 1], read, count));
            assertArrayEquals(pulses, read);
            assertFalse(IndexColumn.unpack(memory, 8, width, pulses[0], pulses[count - 1] + 1, read, count));
        }
    }

    // By the format's own words: a string of bits, the gap before record i, less one, in `width` bits from (i - 1)
    // width up.
    private void assertPacked(long[] pulses, int count, int width, MemorySegment column) {
        BitString bits = BitString.allocate(arena, 8 * column.byteSize());
        MemorySegment.copy(column, 0, bits.segment(), 0, column.byteSize());
        for (int i = 1; i < count; i++) {
            assertEquals(pulses[i] - pulses[i - 1] - 1, bits.bits((i - 1L) * width, width));
        }
        long used = (count - 1L) * width;
        assertEquals(0, bits.bits(used, (int) (bits.length() - used)));
    }

    @ParameterizedTest
    @MethodSource("widths")
    void takesTheLeastWidth(int width) {
        for (long gap : width == 0 ? new long[] {1} : new long[] {1 + (1L << width - 1), 1L << width}) {
            assertEquals(width, IndexColumn.width(new long[] {3, 4, 4 + gap, 5 + gap}, 4));
        }
        assertEquals(57, IndexColumn.width(new long[] {0, 1 + (1L << 56)}, 2));
    }

    @Test
    void refusesSumsThatWrap() {
        int count = RecordBatch.CAPACITY;
        MemorySegment ones = arena.allocate(IndexColumn.bytes(count, IndexColumn.MAX_WIDTH) + 8L, 64);
        ones.fill((byte) 0xff);
        long[] read = new long[count];
        // 256 gaps of 2^56 are 2^64; all sums are as they should be, modulo 2^64.
        assertFalse(IndexColumn.unpack(ones, 0, 56, 5, 5, read, 257));
        for (int width = 45; width <= IndexColumn.MAX_WIDTH; width++) {
            for (long first : new long[] {0, 1L << 62, Long.MAX_VALUE}) {
                for (int n : new int[] {count, count - 1, count / 2, 2}) {
                    long last = first + (n - 1L) * (1L << width);
                    boolean right = Math.multiplyHigh(n - 1L, 1L << width) == 0 && last >= first;
                    if (last >= 0) {
                        assertEquals(right, IndexColumn.unpack(ones, 0, width, first, last, read, n));
                    }
                }
            }
        }
    }

    private static long[] indices(SplittableRandom random, int width, int count) {
        long[] pulses = new long[count];
        pulses[0] = random.nextLong(1000);
        for (int i = 1; i < count; i++) {
            // The widest gaps, unless they add up to more than an index can be.
            long least = count > 64 && width > 55 ? 1L << 55 : 1L << width;
            pulses[i] = pulses[i - 1] + (i % 3 == 0 ? least : 1 + random.nextLong(least));
        }
        assertTrue(Arrays.stream(pulses).allMatch(p -> p >= 0));
        return pulses;
    }
}
