package dev.qdistill.gf2;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.NativeIsa;
import dev.qdistill.accel.NativeLibrary;
import dev.qdistill.bits.BitString;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.SplittableRandom;

/** Products by the additive Fourier transform with kernels in C: full speed from the first product on. */
final class NativeGf2Multiplier implements Gf2Multiplier {
    private final NativeIsa isa;
    private final NativeTransforms kernels;

    private NativeGf2Multiplier(NativeIsa isa, NativeTransforms kernels) {
        this.isa = isa;
        this.kernels = kernels;
    }

    /** Why there is none here; empty if there is. */
    static Optional<String> problem() {
        return Holder.FOUND instanceof String s ? Optional.of(s) : Optional.empty();
    }

    /**
     * With the fastest kernels that pass their self-test.
     *
     * @throws IllegalStateException if there is a {@link #problem}
     */
    static NativeGf2Multiplier create() {
        if (Holder.FOUND instanceof NativeGf2Multiplier m) {
            return m;
        }
        throw new IllegalStateException(problem().orElseThrow());
    }

    /**
     * With the kernels for one instruction set; empty if CPU or library lack them.
     *
     * @throws IllegalStateException if they fail their self-test
     */
    static Optional<NativeGf2Multiplier> create(NativeIsa isa) {
        if (!NativeLibrary.has(isa)) {
            return Optional.empty();
        }
        NativeTransforms kernels;
        try {
            kernels = new NativeTransforms(NativeLibrary.symbols().orElseThrow(), isa);
        } catch (NoSuchElementException e) {
            return Optional.empty(); // the compiler knew no such instructions
        }
        if (!Holder.selfTest(kernels)) {
            throw new IllegalStateException("the C kernels failed their self-test with " + isa.id());
        }
        return Optional.of(new NativeGf2Multiplier(isa, kernels));
    }

    // Loaded and tested once, on first use.
    private static final class Holder {
        // The multiplier, or why there is none.
        static final Object FOUND = probe();

        private static Object probe() {
            if (NativeLibrary.symbols().isEmpty()) {
                return NativeLibrary.problem().orElse("");
            }
            String problem = "the C kernels need " + NativeIsa.LEAST + ", or what qdistill.native.isa says";
            for (NativeIsa isa : NativeLibrary.isas()) {
                try {
                    var multiplier = create(isa);
                    if (multiplier.isPresent()) {
                        return multiplier.get();
                    }
                    problem = "the library has no kernels for " + isa.id();
                } catch (IllegalStateException e) {
                    problem = String.valueOf(e.getMessage());
                }
            }
            return problem;
        }

        private static boolean agrees(
                MiddleProduct product, BitString a, BitString b, BitString expected, BitString found) {
            try (product) {
                found.wipe();
                product.setFirst(a);
                product.multiply(b, found);
            }
            return expected.contentEquals(found);
        }

        // One product, whose length takes all kernels but those of long rows, by three ways.
        private static boolean selfTest(NativeTransforms kernels) {
            var random = new SplittableRandom(1);
            try (BitString a = BitString.random(150_000, random);
                    BitString b = BitString.random(1_000, random);
                    BitString expected = BitString.allocate(150_999);
                    BitString found = BitString.allocate(150_999)) {
                new ScalarGf2Multiplier().multiply(a, b, expected);
                Shape shape = new Shape(150_000, 1_000, 0, 150_999, 1);
                return agrees(new TransformProduct(shape, kernels), a, b, expected, found)
                        && agrees(new DirectProduct(shape, kernels), a, b, expected, found);
            }
        }
    }

    @Override
    public Backend backend() {
        return Backend.NATIVE;
    }

    @Override
    public Optional<NativeIsa> isa() {
        return Optional.of(isa);
    }

    @Override
    public MiddleProduct middleProduct(long aBits, long bBits, long offset, long length, int threads) {
        Shape shape = new Shape(aBits, bBits, offset, length, threads);
        return DirectProduct.isFaster(shape, direct())
                ? new DirectProduct(shape, kernels)
                : new TransformProduct(shape, kernels);
    }

    // Factors of equal length for which Karatsuba's method is faster than the transform, in bits: 8, 17 and 66 µs.
    private int direct() {
        return switch (isa) {
            case AVX512 -> 1 << 14;
            case AVX2_GFNI -> 5 << 12;
            case AVX2 -> 3 << 14;
        };
    }

    // Where cores are far apart two threads take as long as one up to here, and longer below (docs/benchmarks.md).
    @Override
    public int worthwhileThreads(long bits, int threads) {
        return bits < 3 << 22 ? 1 : threads;
    }

    @Override
    public long memoryBytes(long aBits, long bBits, long offset, long length, int threads) {
        Shape shape = new Shape(aBits, bBits, offset, length, threads);
        return DirectProduct.isFaster(shape, direct()) ? DirectProduct.bytes(shape) : TransformProduct.bytes(shape);
    }
}
