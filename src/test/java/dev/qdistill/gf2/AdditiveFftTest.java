package dev.qdistill.gf2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.qdistill.accel.NativeIsa;
import dev.qdistill.accel.NativeLibrary;
import dev.qdistill.bits.BitString;
import dev.qdistill.bits.SecretArena;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class AdditiveFftTest {

    @BeforeEach
    void needsTheVectorApi() {
        assumeTrue(
                Gf2Multiplier.vectorProblem().isEmpty(),
                Gf2Multiplier.vectorProblem().orElse(""));
    }

    @Test
    void theTowerIsAFieldWithCantorsBasis() {
        var random = new SplittableRandom(1);
        for (int i = 1; i < 32; i++) {
            int b = CantorTower.beta(i);
            assertEquals(CantorTower.beta(i - 1), CantorTower.multiply(b, b) ^ b, "β_" + i);
        }
        for (int i = 0; i < 200; i++) {
            int a = random.nextInt();
            int b = random.nextInt();
            int c = random.nextInt();
            assertEquals(a, CantorTower.multiply(a, 1));
            assertEquals(CantorTower.multiply(a, b), CantorTower.multiply(b, a));
            assertEquals(
                    CantorTower.multiply(a, CantorTower.multiply(b, c)),
                    CantorTower.multiply(CantorTower.multiply(a, b), c));
            assertEquals(CantorTower.multiply(a, b) ^ CantorTower.multiply(a, c), CantorTower.multiply(a, b ^ c));
            // Frobenius: squaring 32 times is the identity.
            int x = a;
            for (int k = 0; k < 32; k++) {
                x = CantorTower.multiply(x, x);
            }
            assertEquals(a, x);
        }
    }

    @Test
    void conversionIsDivisionByPowersOfVanishingPolynomials() {
        var random = new SplittableRandom(2);
        // From 2^20 bits on sixteen rows go together, where all of them are there.
        for (int bits : new int[] {1 << 16, 3 << 16, 1 << 18, 5 << 16, 1 << 20, 19 << 16, 1 << 21, 3 << 20}) {
            BitString s = BitString.random(bits, random);
            int k = 32 - Integer.numberOfLeadingZeros(bits - 1);
            boolean[] f = new boolean[1 << k];
            for (int i = 0; i < bits; i++) {
                f[i] = s.get(i);
            }
            convert(f, 0, k);
            BitString expected = BitString.allocate(bits);
            for (int i = 0; i < bits; i++) {
                expected.set(i, f[i]);
            }
            for (TransformKernels kernels : all()) {
                BitString padded = BitString.allocate(bits + 512);
                padded.copyFrom(s, 0, 0, bits);
                try (Team team = new Team(2)) {
                    int length = bits;
                    team.run(part -> kernels.toTransformBasis(padded.segment().address(), length, part));
                    assertTrue(expected.contentEquals(padded.slice(0, bits)), "at " + bits);
                    team.run(part -> kernels.toMonomials(padded.segment().address(), length, part));
                }
                assertTrue(s.contentEquals(padded.slice(0, bits)), "back at " + bits);
            }
        }
    }

    @Test
    void multiplyingByOneChangesNothing() {
        for (TransformKernels kernels : all()) {
            // From m = 26 on some stages of the native kernels run on GF(2^32).
            boolean nativeKernels = kernels instanceof NativeTransforms;
            for (int m = AdditiveFft.MIN; m <= (nativeKernels ? 26 : 24); m += nativeKernels && m == 22 ? 4 : 1) {
                BitString one = BitString.allocate(1L << m);
                one.set(0, true);
                BitString f = BitString.random(1L << m, new SplittableRandom(m));
                try (Products p = new Products(kernels, m)) {
                    assertTrue(f.contentEquals(p.product(one, f)), "m = " + m);
                }
            }
        }
    }

    @Test
    void basisPolynomialsMultiplyAsTheyAreDefined() {
        for (TransformKernels kernels : all()) {
            for (int m = AdditiveFft.MIN; m <= 21; m++) {
                try (Products p = new Products(kernels, m)) {
                    BitString f = BitString.allocate(1L << m);
                    BitString g = BitString.allocate(1L << m);
                    BitString expected = BitString.allocate(1L << m);
                    for (int a = 0; a < m; a++) {
                        for (int b = a; b >= 0; b -= 1 + a % 3) {
                            f.wipe();
                            g.wipe();
                            expected.wipe();
                            f.set(1L << a, true);
                            g.set(1L << b, true);
                            // s_a s_b; s_a² = s_{a+1} + s_a, where s_m = 1.
                            expected.set(1L << a | 1L << b, true);
                            if (a == b) {
                                expected.set(a + 1 < m ? 2L << a : 0, true);
                            }
                            assertTrue(expected.contentEquals(p.product(f, g)), "s_" + a + " s_" + b + ", m = " + m);
                        }
                    }
                }
            }
        }
    }

    @Test
    void transformsOfShortFactorsAgreeWithTheDirectMethod() {
        var random = new SplittableRandom(11);
        for (int bits = 1;
                bits <= 4096;
                bits += Boolean.getBoolean("qdistill.exhaustive") ? 1 : 1 + random.nextInt(80)) {
            int other = 1 + random.nextInt(4096);
            int offset = random.nextInt(bits + other - 1);
            int length = 1 + random.nextInt(bits + other - 1 - offset);
            var shape = new Gf2Multiplier.Shape(bits, other, offset, length, 1 + bits % 2);
            BitString a = BitString.random(bits, random);
            BitString b = BitString.random(other, random);
            BitString expected = BitString.allocate(length);
            BitString found = BitString.allocate(length);
            multiply(new DirectProduct(shape, new Comb()), a, b, expected);
            for (TransformKernels kernels : all()) {
                multiply(new TransformProduct(shape, kernels), a, b, found);
                assertTrue(expected.contentEquals(found), kernels + " at " + shape);
            }
        }
    }

    private static void multiply(MiddleProduct product, BitString a, BitString b, BitString result) {
        try (product) {
            product.setFirst(a);
            product.multiply(b, result);
        }
    }

    private static List<TransformKernels> all() {
        List<TransformKernels> all = new ArrayList<>(List.of(new VectorTransforms()));
        for (NativeIsa isa : NativeLibrary.isas()) {
            all.add(new NativeTransforms(NativeLibrary.symbols().orElseThrow(), isa));
        }
        return all;
    }

    /** Products modulo s_m + 1 in the basis of the transform. */
    private static final class Products implements AutoCloseable {
        private final SecretArena arena = new SecretArena();
        private final Team team;
        private final Transform transform;
        private final long factor;
        private final long values;
        private final long scratch;
        private final BitString result;

        Products(TransformKernels kernels, int m) {
            team = new Team(1 + m % 2);
            transform = kernels.transform(m, arena);
            factor = arena.allocate(transform.bytes(), 64).address();
            values = arena.allocate(transform.bytes(), 64).address();
            scratch = arena.allocate(2L * kernels.scratchBytes(), 64).address();
            result = BitString.allocate(arena, 1L << m);
        }

        BitString product(BitString f, BitString g) {
            team.run(part -> {
                transform.forward(f.segment().address(), factor, scratch, part);
                transform.multiply(
                        g.segment().address(), factor, values, result.segment().address(), scratch, part);
            });
            return result;
        }

        @Override
        public void close() {
            team.close();
            arena.close();
        }
    }

    @Test
    void pointwiseProductsAreProductsOfTheField() {
        var random = new SplittableRandom(4);
        BitString x = BitString.random(4 * 1024 * 8, random);
        BitString y = BitString.random(4 * 1024 * 8, random);
        BitString z = x.copy();
        try (SecretArena arena = new SecretArena()) {
            long scratch = arena.allocate(AdditiveFft.SCRATCH_BYTES, 64).address();
            PointwiseKernel.multiply(z.segment().address(), y.segment().address(), 1024, 2048, 0, 16, 15 << 6, scratch);
        }
        for (int i = 0; i < 1024; i++) {
            assertEquals(CantorTower.multiply(element(x, i), element(y, i)), element(z, i));
        }
    }

    @Test
    void valuesAreThoseOfThePolynomial() {
        // X_j for single bits j, at all points: a product of s_i of the point.
        for (int m : new int[] {17, 20, 21, 22, 24}) {
            int[] point = points(m);
            BitString f = BitString.allocate(1L << m);
            BitString values = BitString.allocate(1L << m);
            try (SecretArena arena = new SecretArena();
                    Team team = new Team(1)) {
                AdditiveFft fft = new AdditiveFft(m, arena);
                long scratch = arena.allocate(AdditiveFft.SCRATCH_BYTES, 64).address();
                for (int i = 0; i < m; i++) {
                    f.wipe();
                    f.set(1L << i, true);
                    team.run(part ->
                            fft.forward(f.segment().address(), values.segment().address(), scratch, part));
                    int[] expected = new int[point.length];
                    int[] found = new int[point.length];
                    for (int e = 0; e < point.length; e++) {
                        expected[e] = vanishing(i, point[e]);
                        found[e] = value(values, e, m);
                    }
                    assertArrayEquals(expected, found, "s_" + i + " of m = " + m);
                }
            }
        }
    }

    // s_i(x) by x → x² + x, i times.
    private static int vanishing(int i, int x) {
        int y = x;
        for (int k = 0; k < i; k++) {
            y ^= CantorTower.multiply(y, y);
        }
        return y;
    }

    private static int[] numbers(int m) {
        return java.util.stream.IntStream.range(0, m)
                .filter(i -> m - i != 1 && m - i != 2 && m - i != 4 && m - i != 8 && m - i != 16)
                .toArray();
    }

    // Some of the points, as coordinates β_m + Σ β_number. Sampled: all would take long.
    private static int[] points(int m) {
        int[] numbers = numbers(m);
        int[] points = new int[64];
        for (int e = 0; e < 64; e++) {
            points[e] = m < 32 ? CantorTower.beta(m) : 0;
            int bits = e * 0x9E3779B9 >>> 8;
            for (int k = 0; k < numbers.length; k++) {
                points[e] ^= (bits >>> k & 1) == 0 ? 0 : CantorTower.beta(numbers[k]);
            }
        }
        return points;
    }

    // The value at point e: bits 0–5 of the index have changed places with the six lowest numbers from 6 up.
    private static int value(BitString values, int e, int m) {
        int[] numbers = numbers(m);
        int bits = e * 0x9E3779B9 >>> 8;
        int[] tile =
                java.util.Arrays.stream(numbers).filter(i -> i >= 6).limit(6).toArray();
        int high = m - 16;
        long address = 0;
        for (int k = 0; k < numbers.length; k++) {
            int n = numbers[k];
            if ((bits >>> k & 1) != 0) {
                int where = n == m - 3 ? m - 4 : n;
                for (int t = 0; t < 6; t++) {
                    if (n == t) {
                        where = tile[t];
                    } else if (n == tile[t]) {
                        where = (t + 3) % 6;
                    }
                }
                address |= 1L << where;
            }
        }
        long highPlane = 1L << (high >= 6 ? high : tile[high]);
        long plane = 1L << m - 8;
        return (int) values.bits(8 * address, 8)
                | (int) values.bits(8 * (address + plane), 8) << 8
                | (int) values.bits(8 * (address + highPlane), 8) << 16
                | (int) values.bits(8 * (address + highPlane + plane), 8) << 24;
    }

    private static int element(BitString values, int i) {
        int x = 0;
        for (int plane = 0; plane < 4; plane++) {
            x |= (int) values.bits(8L * (i + 1024 * plane), 8) << 8 * plane;
        }
        return x;
    }

    // Index bits [low, low + k), bit by bit.
    private static void convert(boolean[] f, int low, int k) {
        if (k <= 1) {
            return;
        }
        int t = Integer.highestOneBit(k - 1);
        for (int j = k - t - 1; j >= 0; j--) {
            int p = low + t + j;
            int q = low + j;
            for (int i = f.length - 1; i >= 0; i--) {
                if ((i >>> p & 1) != 0) {
                    f[i - (1 << p) + (1 << q)] ^= f[i];
                }
            }
        }
        convert(f, low, t);
        convert(f, low + t, k - t);
    }
}
