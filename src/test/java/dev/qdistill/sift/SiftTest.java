package dev.qdistill.sift;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.bits.BitString;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SiftTest {
    private final SplittableRandom random = new SplittableRandom(7);

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 63, 64, 65, 4097})
    void everyDetectionFallsWhereItsBasesSay(int n) {
        try (BitString alice = BitString.random(n, random);
                BitString bob = BitString.random(n, random);
                BasisMasks masks = BasisMasks.of(alice, bob)) {
            for (int i = 0; i < n; i++) {
                assertEquals(!alice.get(i) && !bob.get(i), masks.key().get(i));
                assertEquals(alice.get(i) && bob.get(i), masks.test().get(i));
                assertEquals(alice.get(i) != bob.get(i), masks.unequal().get(i));
            }
            // Also beyond the end nothing is marked.
            assertEquals(
                    n,
                    masks.key().bitCount()
                            + masks.test().bitCount()
                            + masks.unequal().bitCount());
        }
        assertThrows(
                IllegalArgumentException.class,
                () -> BasisMasks.of(BitString.allocate(3), BitString.allocate(4))
                        .close());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 63, 64, 65, 4097})
    void intensitiesAreCountedOneByOne(int n) {
        try (BitString marks = BitString.random(n, random);
                Intensities all = new Intensities(BitString.random(n, random), BitString.random(n, random));
                Intensities kept = all.compress(marks)) {
            long[] marked = new long[4];
            long[] every = new long[4];
            for (int i = 0; i < n; i++) {
                int k = (all.low().get(i) ? 1 : 0) + (all.high().get(i) ? 2 : 0);
                every[k]++;
                marked[k] += marks.get(i) ? 1 : 0;
            }
            assertArrayEquals(marked, all.countMarked(marks, 4));
            assertArrayEquals(marked, kept.count(4));
            assertArrayEquals(every, all.count(4));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void anIntensityBeyondTheirNumberIsRefused(int count) {
        try (Intensities pulses = new Intensities(BitString.allocate(100), BitString.allocate(100))) {
            pulses.low().set(70, (count & 1) != 0);
            pulses.high().set(70, (count & 2) != 0);
            var e = assertThrows(IllegalArgumentException.class, () -> pulses.count(count));
            assertTrue(String.valueOf(e.getMessage()).startsWith("1 pulses have intensity " + count));
            assertEquals(99, pulses.count(count + 1)[0]);
        }
    }
}
