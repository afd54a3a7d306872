package dev.qdistill.gf2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.NativeIsa;
import dev.qdistill.accel.NativeLibrary;
import dev.qdistill.bits.BitString;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

class Gf2MultiplierTest {
    private final Gf2Multiplier scalar = Gf2Multiplier.create(Backend.SCALAR);
    private final List<Gf2Multiplier> others = others();

    @Test
    void scalarIsShiftAndXor() {
        var random = new SplittableRandom(1);
        for (int aBits = 1; aBits < 400; aBits += 1 + random.nextInt(20)) {
            for (int bBits = 1; bBits < 400; bBits += 1 + random.nextInt(20)) {
                BitString a = BitString.random(aBits, random);
                BitString b = BitString.random(bBits, random);
                assertSame(shiftAndXor(a, b), product(scalar, a, b));
            }
        }
        for (int bits : new int[] {3000, 5001, 9999}) {
            BitString a = BitString.random(bits, random);
            BitString b = BitString.random(bits - 1000, random);
            assertSame(shiftAndXor(a, b), product(scalar, a, b));
        }
    }

    @Test
    void allAgreeAtEveryLength() {
        var random = new SplittableRandom(2);
        for (int bits = 1; bits <= 600; bits++) {
            assertAllAgree(BitString.random(bits, random), BitString.random(1 + random.nextInt(600), random), 1);
            assertAllAgree(ones(bits), ones(bits), 1);
        }
    }

    @Test
    void allAgreeAtRandomLengths() {
        var random = new SplittableRandom(3);
        for (int i = 0; i < 40; i++) {
            int limit = 1 << 10 + random.nextInt(i % 8 == 0 ? 9 : 7);
            BitString a = BitString.random(1 + random.nextInt(limit), random);
            BitString b = BitString.random(1 + random.nextInt(limit), random);
            assertAllAgree(a, b, 1 + i % 2);
        }
    }

    @Test
    void allAgreeOnStructuredInput() {
        var random = new SplittableRandom(4);
        for (int bits : new int[] {20_000, 65_536, 70_001, 131_072}) {
            BitString a = BitString.random(bits, random);
            BitString single = BitString.allocate(bits);
            single.set(bits - 1, true);
            BitString periodic = BitString.allocate(bits);
            for (int i = 0; i < bits; i += 3) {
                periodic.set(i, true);
            }
            assertAllAgree(single, single, 1);
            assertAllAgree(single, a, 1);
            assertAllAgree(ones(bits), a, 2);
            assertAllAgree(periodic, ones(bits), 1);
            assertAllAgree(BitString.allocate(bits), a, 1);
        }
    }

    @Test
    void middleProductsAreSlicesOfTheWholeAndReuseTheirMemory() {
        var random = new SplittableRandom(5);
        for (Gf2Multiplier multiplier : others) {
            for (int round = 0; round < 30; round++) {
                int aBits = 1 + random.nextInt(1 << 8 + random.nextInt(10));
                int bBits = 1 + random.nextInt(1 << 8 + random.nextInt(10));
                int offset = random.nextInt(aBits + bBits - 1);
                int length = 1 + random.nextInt(aBits + bBits - 1 - offset);
                try (MiddleProduct p = multiplier.middleProduct(aBits, bBits, offset, length, 1 + round % 3)) {
                    for (int k = 0; k < 2; k++) {
                        BitString a = BitString.random(aBits, random);
                        p.setFirst(a);
                        for (int l = 0; l < 2; l++) {
                            BitString b = BitString.random(bBits, random);
                            BitString result = BitString.random(length, random);
                            p.multiply(b, result);
                            assertSame(product(scalar, a, b).slice(offset, length), result);
                        }
                    }
                }
            }
        }
    }

    /** From 2^18 bits on less than the whole product is computed, modulo one or several moduli. */
    @Test
    void longMiddleProductsAreSlicesOfTheWholeAndReuseTheirMemory() {
        var random = new SplittableRandom(13);
        long[][] shapes = {
            {300_000, 100_000, 99_999, 200_001},
            {100_000, 300_000, 99_999, 200_001},
            {700_001, 300_000, 299_999, 400_002},
            {1_300_077, 500_000, 600_001, 333_333},
            {(1 << 20) - 1, 1 << 19, (1 << 19) - 1, 1 << 19}
        };
        for (Gf2Multiplier m : others) {
            for (long[] s : shapes) {
                for (int threads = 1; threads <= 2; threads++) {
                    try (MiddleProduct p = m.middleProduct(s[0], s[1], s[2], s[3], threads)) {
                        for (int k = 0; k < 4; k++) {
                            BitString a = BitString.random(s[0], random);
                            BitString b = BitString.random(s[1], random);
                            BitString found = BitString.allocate(s[3]);
                            p.setFirst(a);
                            p.multiply(b, found);
                            assertSame(product(m, a, b).slice(s[2], s[3]), found);
                        }
                    }
                }
            }
        }
    }

    /** Lengths where the scalar method takes too long: by residues. */
    @Test
    void largeProductsAreRight() {
        var random = new SplittableRandom(6);
        for (int i = 0; i < 10; i++) {
            int aBits = (int) Math.pow(2, 16 + 8 * random.nextDouble());
            int bBits = Math.max(1, (int) (aBits * Math.min(1, 2 * random.nextDouble())));
            BitString a = structured(i, aBits, random);
            BitString b = structured(i / 2, bBits, random);
            long expected = Residue.multiply(Residue.of(a), Residue.of(b));
            BitString found = BitString.allocate(a.length() + b.length() - 1);
            for (Gf2Multiplier m : others) {
                try (MiddleProduct p = m.middleProduct(aBits, bBits, 0, found.length(), 1 + i % 3)) {
                    p.setFirst(a);
                    p.multiply(b, found);
                }
                assertEquals(expected, Residue.of(found), name(m) + " at " + aBits + " x " + bBits);
            }
        }
    }

    @Test
    void residuesAreThoseOfTheScalarMethod() {
        var random = new SplittableRandom(7);
        BitString x64 = BitString.allocate(65);
        x64.set(64, true);
        assertEquals(0b11011, Residue.of(x64));
        for (int bits = 1; bits < 1000; bits += 37) {
            BitString a = BitString.random(bits, random);
            BitString b = BitString.random(1000 - bits, random);
            assertEquals(
                    Residue.multiply(Residue.of(a), Residue.of(b)), Residue.of(product(scalar, a, b)), bits + " bits");
        }
    }

    @Test
    @EnabledIfSystemProperty(named = "qdistill.exhaustive", matches = "true")
    void allAgreeAtEveryLengthTo4096() {
        var random = new SplittableRandom(8);
        for (int bits = 1; bits <= 4096; bits++) {
            assertAllAgree(BitString.random(bits, random), BitString.random(bits, random), 1);
            assertAllAgree(structured(bits, bits, random), BitString.random(1 + random.nextInt(4096), random), 2);
        }
    }

    @Test
    @EnabledIfSystemProperty(named = "qdistill.exhaustive", matches = "true")
    void allAgreeAtRandomLengthsTo16Million() {
        var random = new SplittableRandom(9);
        for (int i = 0; i < 40; i++) {
            double limit = i < 4 ? 24 : 22;
            int aBits =
                    (int) Math.pow(2, i < 4 ? limit - random.nextDouble() : 12 + (limit - 12) * random.nextDouble());
            int bBits = Math.max(1, (int) (aBits * random.nextDouble()));
            assertAllAgree(structured(i, aBits, random), structured(i / 5, bBits, random), 1 + i % 4);
        }
    }

    /** All sizes of transforms up to the largest; takes 2 GB. */
    @Test
    @EnabledIfSystemProperty(named = "qdistill.exhaustive", matches = "true")
    void productsOfTheLongestFactorsAreRight() {
        var random = new SplittableRandom(12);
        long[][] shapes = {
            {1L << 26, 1L << 26},
            {80_000_001, 54_000_000},
            {1L << 28, 1L << 28},
            {400_000_000, 300_000_000},
            {1L << 30, 1L << 30}
        };
        for (long[] s : shapes) {
            for (Gf2Multiplier m : others) {
                try (BitString a = BitString.random(s[0], random);
                        BitString b = BitString.random(s[1], random);
                        BitString found = BitString.allocate(s[0] + s[1] - 1);
                        MiddleProduct p = m.middleProduct(s[0], s[1], 0, found.length(), 2)) {
                    p.setFirst(a);
                    p.multiply(b, found);
                    assertEquals(
                            Residue.multiply(Residue.of(a), Residue.of(b)),
                            Residue.of(found),
                            name(m) + " at " + s[0] + " x " + s[1]);
                }
            }
        }
    }

    @Test
    @EnabledIfSystemProperty(named = "qdistill.exhaustive", matches = "true")
    void manyThreadsAgreeWithOneAgainAndAgain() {
        var random = new SplittableRandom(10);
        for (int bits : new int[] {1_200_000, 5_000_000, 40_000_000}) {
            BitString a = BitString.random(bits, random);
            BitString b = BitString.random(bits, random);
            BitString found = BitString.allocate(2L * bits - 1);
            long expected = Residue.multiply(Residue.of(a), Residue.of(b));
            for (Gf2Multiplier m : others) {
                try (MiddleProduct p = m.middleProduct(bits, bits, 0, found.length(), 6)) {
                    for (int round = 0; round < 100_000_000 / bits; round++) {
                        p.setFirst(a);
                        p.multiply(b, found);
                        assertEquals(expected, Residue.of(found), name(m) + " in round " + round + " at " + bits);
                    }
                }
            }
        }
    }

    @Test
    void refusesWrongShapes() {
        for (Gf2Multiplier m : others) {
            assertThrows(IllegalArgumentException.class, () -> m.middleProduct(0, 1, 0, 1, 1));
            assertThrows(IllegalArgumentException.class, () -> m.middleProduct(10, 10, 10, 10, 1));
            assertThrows(IllegalArgumentException.class, () -> m.middleProduct(10, 10, 0, 1, 0));
            assertThrows(IllegalArgumentException.class, () -> m.middleProduct(1L << 31, 1L << 31, 0, 1, 1));
            try (MiddleProduct p = m.middleProduct(10, 20, 3, 5, 1)) {
                BitString b = BitString.allocate(20);
                assertThrows(IllegalStateException.class, () -> p.multiply(b, BitString.allocate(5)));
                assertThrows(IllegalArgumentException.class, () -> p.setFirst(b));
            }
        }
    }

    private void assertAllAgree(BitString a, BitString b, int threads) {
        BitString expected = product(scalar, a, b);
        for (Gf2Multiplier m : others) {
            BitString found = BitString.allocate(expected.length());
            try (MiddleProduct p = m.middleProduct(a.length(), b.length(), 0, expected.length(), threads)) {
                p.setFirst(a);
                p.multiply(b, found);
            }
            assertTrue(expected.contentEquals(found), name(m) + " at " + a.length() + " x " + b.length());
        }
    }

    private static List<Gf2Multiplier> others() {
        var list = new ArrayList<Gf2Multiplier>();
        if (Gf2Multiplier.vectorProblem().isEmpty()) {
            list.add(Gf2Multiplier.create(Backend.VECTOR));
        }
        for (NativeIsa isa : NativeLibrary.isas()) {
            NativeGf2Multiplier.create(isa).ifPresent(list::add);
        }
        System.out.println("Compared with scalar: "
                + list.stream().map(Gf2MultiplierTest::name).toList() + "; native: "
                + Gf2Multiplier.nativeProblem().orElse("passed its self-test"));
        return list;
    }

    private static String name(Gf2Multiplier m) {
        return m.backend().id() + m.isa().map(isa -> " " + isa.id()).orElse("");
    }

    // Random, ones, a single bit, few bits, a period, random again.
    private static BitString structured(int kind, int bits, SplittableRandom random) {
        BitString s = BitString.allocate(bits);
        switch (kind % 6) {
            case 1 -> s.invert();
            case 2 -> s.set(random.nextInt(bits), true);
            case 3 -> {
                for (int i = 0; i < 10; i++) {
                    s.set(random.nextInt(bits), true);
                }
            }
            case 4 -> {
                int period = 1 + random.nextInt(100);
                for (int i = 0; i < bits; i += period) {
                    s.set(i, true);
                }
            }
            default -> s.randomize(random);
        }
        return s;
    }

    private static void assertSame(BitString expected, BitString found) {
        assertTrue(expected.contentEquals(found), "at " + expected.length() + " bits");
    }

    private static BitString product(Gf2Multiplier m, BitString a, BitString b) {
        BitString r = BitString.allocate(a.length() + b.length() - 1);
        m.multiply(a, b, r);
        return r;
    }

    private static BitString ones(int bits) {
        BitString s = BitString.allocate(bits);
        s.invert();
        return s;
    }

    private static BitString shiftAndXor(BitString a, BitString b) {
        BitString r = BitString.allocate(a.length() + b.length() - 1);
        for (int i = 0; i < a.length(); i++) {
            for (int j = 0; a.get(i) && j < b.length(); j++) {
                r.set(i + j, r.get(i + j) ^ b.get(j));
            }
        }
        return r;
    }
}
