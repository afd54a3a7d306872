package dev.qdistill.amplify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.accel.Backend;
import dev.qdistill.bits.BitString;
import dev.qdistill.gf2.Gf2Multiplier;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SeededHashTest {
    @ParameterizedTest
    @EnumSource(names = {"SCALAR", "AUTO"})
    void givesTheKnownAnswers(Backend backend) throws IOException {
        List<String> lines;
        // The 1024 cases of randextract (MIT licence), tests/unit/toeplitz_4_3_good.txt.
        try (var in = Objects.requireNonNull(getClass().getResourceAsStream("toeplitz-n4-m3.txt"))) {
            lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII))
                    .lines()
                    .filter(l -> !l.startsWith("#") && !l.isBlank())
                    .toList();
        }
        assertEquals(3 * 1024, lines.size());
        var hash = ToeplitzHash.create(backend);
        for (int i = 0; i < lines.size(); i += 3) {
            BitString input = BitString.parse(lines.get(i));
            BitString rotated = BitString.parse(lines.get(i + 1));
            BitString seed = BitString.allocate(6);
            for (int k = 0; k < 6; k++) {
                seed.set(k, rotated.get(Math.floorMod(k - 3, 6)));
            }
            BitString output = BitString.allocate(3);
            hash.hash(seed, input, output);
            assertTrue(output.contentEquals(BitString.parse(lines.get(i + 2))), "case " + i / 3);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"SCALAR", "AUTO"})
    void isTheMatrixAtSmallShapes(Backend backend) {
        var random = new SplittableRandom(5);
        for (SeededHash.Family family : SeededHash.Family.values()) {
            var hash = SeededHash.create(family, backend);
            for (int n = 1; n <= 150; n = n < 10 ? n + 1 : n + 13) {
                for (int m = 1; m <= (family == SeededHash.Family.MODIFIED ? n : n + 70); m = m < 5 ? m + 1 : m + 11) {
                    BitString seed = BitString.random(hash.seedBits(n, m), random);
                    BitString input = BitString.random(n, random);
                    BitString output = BitString.random(m, random);
                    hash.hash(seed, input, output);
                    for (int i = 0; i < m; i++) {
                        assertEquals(bit(family, seed, input, n, m, i), output.get(i), family + " " + n + "x" + m);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"SCALAR", "AUTO"})
    void sampledBitsOfLargeBlocksAreTheMatrix(Backend backend) {
        var random = new SplittableRandom(6);
        int n = backend == Backend.SCALAR ? 100_003 : 1_000_003;
        for (SeededHash.Family family : SeededHash.Family.values()) {
            var hash = SeededHash.create(family, backend);
            for (int m : new int[] {1, n / 3, n / 2, n - 1, n}) {
                BitString seed = BitString.random(hash.seedBits(n, m), random);
                BitString input = BitString.random(n, random);
                BitString output = BitString.allocate(m);
                hash.hash(seed, input, output);
                for (int k = 0; k < 6; k++) {
                    int i = k == 0 ? 0 : k == 1 ? m - 1 : random.nextInt(m);
                    assertEquals(bit(family, seed, input, n, m, i), output.get(i), family + ", m " + m + ", bit " + i);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(SeededHash.Family.class)
    void isLinearAndOneSeedServesManyInputs(SeededHash.Family family) {
        var random = new SplittableRandom(7);
        var hash = SeededHash.create(family, Backend.AUTO);
        int n = 70_001;
        int m = 30_007;
        try (PreparedHash prepared = hash.prepare(n, m, 2)) {
            assertThrows(
                    IllegalStateException.class, () -> prepared.hash(BitString.allocate(n), BitString.allocate(m)));
            for (int round = 0; round < 3; round++) {
                BitString seed = BitString.random(hash.seedBits(n, m), random);
                prepared.seed(seed);
                BitString a = BitString.random(n, random);
                BitString b = BitString.random(n, random);
                BitString ha = BitString.allocate(m);
                BitString hb = BitString.allocate(m);
                BitString sum = BitString.allocate(m);
                prepared.hash(a, ha);
                prepared.hash(b, hb);
                a.xor(b);
                prepared.hash(a, sum);
                ha.xor(hb);
                assertTrue(sum.contentEquals(ha));
            }
        }
    }

    /** 2-universal: as h is linear, any two inputs collide for as many seeds as their difference hashes to zero. */
    @ParameterizedTest
    @EnumSource(SeededHash.Family.class)
    void noDifferenceVanishesForMoreThanItsShareOfSeeds(SeededHash.Family family) {
        var hash = SeededHash.create(family, Backend.SCALAR);
        int n = 6;
        int m = 3;
        int seedBits = (int) hash.seedBits(n, m);
        int[] vanished = new int[1 << n];
        BitString seed = BitString.allocate(seedBits);
        BitString input = BitString.allocate(n);
        BitString output = BitString.allocate(m);
        try (PreparedHash prepared = hash.prepare(n, m, 1)) {
            for (int s = 0; s < 1 << seedBits; s++) {
                seed.setBits(0, seedBits, s);
                prepared.seed(seed);
                for (int x = 1; x < 1 << n; x++) {
                    input.setBits(0, n, x);
                    prepared.hash(input, output);
                    vanished[x] += output.bitCount() == 0 ? 1 : 0;
                }
            }
        }
        for (int x = 1; x < 1 << n; x++) {
            int share = 1 << seedBits - m;
            assertTrue(vanished[x] <= share, x + " vanishes for " + vanished[x] + " of " + (1 << seedBits) + " seeds");
            if (family == SeededHash.Family.TOEPLITZ) {
                assertEquals(share, vanished[x]);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(SeededHash.Family.class)
    void refusesWrongLengths(SeededHash.Family family) {
        var hash = SeededHash.create(family, Backend.SCALAR);
        assertThrows(IllegalArgumentException.class, () -> hash.seedBits(0, 1));
        assertThrows(IllegalArgumentException.class, () -> hash.seedBits(1, 0));
        assertThrows(IllegalArgumentException.class, () -> hash.seedBits((1L << 30) + 1, 1));
        assertThrows(
                IllegalArgumentException.class,
                () -> hash.hash(BitString.allocate(5), BitString.allocate(100), BitString.allocate(50)));
    }

    @ParameterizedTest
    @EnumSource(names = {"SCALAR", "AUTO"})
    void blocksOfTheMatrixAddUpToTheWhole(Backend backend) {
        var random = new SplittableRandom(8);
        var multiplier = Gf2Multiplier.create(backend);
        for (int round = 0; round < 60; round++) {
            int limit = 1 << 3 + random.nextInt(13);
            int columns = 1 + random.nextInt(limit);
            int rows = 1 + random.nextInt(limit);
            // At least an eighth of the longer side, in whole words.
            long block = Math.max(columns, rows) / (1 + random.nextInt(8)) + 63 & ~63L;
            BitString x = BitString.random(columns, random);
            BitString whole = BitString.allocate(rows);
            BitString parts = BitString.random(rows, random);
            try (var one = new ToeplitzProduct(multiplier, columns, rows, 1, 0L);
                    var many = new ToeplitzProduct(multiplier, columns, rows, 1, block)) {
                for (int k = 0; k < 2; k++) {
                    BitString seed = BitString.random(columns + rows - 1, random);
                    one.seed(seed);
                    many.seed(seed);
                    one.multiply(x, whole);
                    many.multiply(x, parts);
                    assertTrue(whole.contentEquals(parts), rows + " x " + columns + " in blocks of " + block);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(SeededHash.Family.class)
    void aMemoryLimitIsKeptAndChangesNothing(SeededHash.Family family) {
        var random = new SplittableRandom(9);
        var hash = SeededHash.create(family, Backend.AUTO);
        int n = 3_000_001;
        int m = 1_500_000;
        BitString seed = BitString.random(hash.seedBits(n, m), random);
        BitString input = BitString.random(n, random);
        BitString whole = BitString.allocate(m);
        BitString parts = BitString.allocate(m);
        hash.hash(seed, input, whole);
        try (PreparedHash prepared = hash.prepare(n, m, 2, 1_500_000)) {
            assertTrue(prepared.isSplit());
            prepared.seed(seed);
            prepared.hash(input, parts);
        }
        assertTrue(whole.contentEquals(parts));
        assertThrows(
                MemoryLimitException.class, () -> hash.prepare(n, m, 1, 100_000).close());
    }

    @Test
    void blocksShareTheLongerSideEvenlyAndShrinkWithTheMemory() {
        var multiplier = Gf2Multiplier.create(Backend.AUTO);
        for (long[] shape : new long[][] {{1 << 20, 1 << 19}, {1_000_001, 1 << 20}}) {
            long longer = Math.max(shape[0], shape[1]);
            long last = Long.MAX_VALUE;
            for (long memory = 1 << 20; memory > 400_000; memory -= 50_000) {
                try (var product = ToeplitzProduct.within(memory, multiplier, shape[0], shape[1], 1)) {
                    long block = product.isSplit() ? product.block() : longer + 63 & ~63L;
                    long parts = (longer + block - 1) / block;
                    assertTrue(block % 64 == 0 && (block - 64) * parts < longer, block + " of " + longer);
                    assertTrue(block <= last, "less memory, larger blocks");
                    last = block;
                }
            }
            assertTrue(last <= longer / 4);
        }
    }

    // One output bit by the definition of the matrix.
    private static boolean bit(SeededHash.Family family, BitString seed, BitString input, int n, int m, int i) {
        boolean modified = family == SeededHash.Family.MODIFIED;
        int k = modified ? n - m : n;
        boolean sum = modified && input.get(k + i);
        for (int j = 0; j < k; j++) {
            sum ^= input.get(j) && seed.get(i - j + k - 1);
        }
        return sum;
    }
}
