package dev.qdistill.gf2;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.NativeLibrary;
import dev.qdistill.bits.BitString;
import java.util.Optional;
import java.util.SplittableRandom;

/** Products by the additive Fourier transform with kernels in C: full speed from the first product on. */
final class NativeGf2Multiplier implements Gf2Multiplier {
    /** The shorter factor's length from which on the transform is faster, in bits. */
    private static final long THRESHOLD = 1 << 11;

    private final NativeTransforms kernels;

    private NativeGf2Multiplier(NativeTransforms kernels) {
        this.kernels = kernels;
    }

    /** Why there is none here; empty if there is. The library is used only if it passes a self-test. */
    static Optional<String> problem() {
        return Holder.PROBLEM;
    }

    /**
     * @throws IllegalStateException if there is a {@link #problem}
     */
    static NativeGf2Multiplier create() {
        if (Holder.KERNELS.isEmpty() || Holder.PROBLEM.isPresent()) {
            throw new IllegalStateException(Holder.PROBLEM.orElse("no native kernels"));
        }
        return new NativeGf2Multiplier(Holder.KERNELS.get());
    }

    // Loaded and tested once, on first use.
    private static final class Holder {
        static final Optional<NativeTransforms> KERNELS =
                NativeLibrary.symbols().filter(NativeTransforms::supported).map(NativeTransforms::new);
        static final Optional<String> PROBLEM = NativeLibrary.problem()
                .or(() -> KERNELS.isEmpty()
                        ? Optional.of("the C kernels need AVX-512 with VBMI, which this CPU lacks")
                        : selfTest(KERNELS.get()));

        // One product, whose length takes all kernels but those of long rows, by two ways.
        private static Optional<String> selfTest(TransformKernels kernels) {
            var random = new SplittableRandom(1);
            try (BitString a = BitString.random(150_000, random);
                    BitString b = BitString.random(1_000, random);
                    BitString expected = BitString.allocate(150_999);
                    BitString found = BitString.allocate(150_999)) {
                new ScalarGf2Multiplier().multiply(a, b, expected);
                try (MiddleProduct p = new TransformProduct(new Shape(150_000, 1_000, 0, 150_999, 1), kernels)) {
                    p.setFirst(a);
                    p.multiply(b, found);
                }
                return expected.contentEquals(found)
                        ? Optional.empty()
                        : Optional.of("the C kernels failed their self-test");
            }
        }
    }

    @Override
    public Backend backend() {
        return Backend.NATIVE;
    }

    @Override
    public MiddleProduct middleProduct(long aBits, long bBits, long offset, long length, int threads) {
        Shape shape = new Shape(aBits, bBits, offset, length, threads);
        return Math.min(aBits, bBits) < THRESHOLD
                ? new ScalarGf2Multiplier().middleProduct(aBits, bBits, offset, length, threads)
                : new TransformProduct(shape, kernels);
    }
}
