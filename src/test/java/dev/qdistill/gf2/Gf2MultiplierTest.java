package dev.qdistill.gf2;

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
