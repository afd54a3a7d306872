package dev.qdistill.gf2;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.BackendUnavailableException;
import dev.qdistill.accel.NativeIsa;
import dev.qdistill.accel.Offload;
import dev.qdistill.accel.VectorSupport;
import dev.qdistill.bits.BitString;
import java.util.Optional;

/**
 * Exact products of polynomials over GF(2), to 15·2^28 bits of product.
 *
 * <p>Bit i of a {@link BitString} is the coefficient of x^i. Implementations hold no state of their own and are safe for
 * use by many threads; the {@link MiddleProduct}s they make are not.
 */
public sealed interface Gf2Multiplier
        permits ScalarGf2Multiplier, VectorGf2Multiplier, NativeGf2Multiplier, OpenClGf2Multiplier {
    /** The longest product, in bits. */
    long MAX_PRODUCT_BITS = 15L << 28;

    /**
     * The multiplier that runs on {@code backend}; for {@link Backend#AUTO} the fastest that works here.
     *
     * @throws BackendUnavailableException if it was asked for by name and cannot be had
     */
    static Gf2Multiplier create(Backend backend) {
        return switch (backend) {
            case SCALAR -> new ScalarGf2Multiplier();
            case VECTOR -> {
                vectorProblem().ifPresent(p -> {
                    throw new BackendUnavailableException(Backend.VECTOR, p);
                });
                yield new VectorGf2Multiplier();
            }
            case NATIVE -> {
                nativeProblem().ifPresent(p -> {
                    throw new BackendUnavailableException(Backend.NATIVE, p);
                });
                yield NativeGf2Multiplier.create();
            }
            case AUTO ->
                nativeProblem().isEmpty()
                        ? NativeGf2Multiplier.create()
                        : vectorProblem().isEmpty() ? new VectorGf2Multiplier() : new ScalarGf2Multiplier();
            case OPENCL ->
                throw new BackendUnavailableException(
                        backend, "a device is opened first: Gf2Multiplier.create(Offload)");
        };
    }

    /**
     * The multiplier that runs long products on a device, short ones on the CPU, and all of them there once the device has
     * failed.
     *
     * @param offload outlives the products
     */
    static Gf2Multiplier create(Offload offload) {
        return offload.device().isPresent() ? new OpenClGf2Multiplier(offload) : create(Backend.AUTO);
    }

    /** Why there is no multiplier in C here; empty if there is. */
    static Optional<String> nativeProblem() {
        return NativeGf2Multiplier.problem();
    }

    /** Why there is no multiplier by the Vector API here; empty if there is. */
    static Optional<String> vectorProblem() {
        return VectorSupport.problem()
                .or(() -> VectorSupport.bits() >= 512
                        ? Optional.empty()
                        : Optional.of(
                                "its look-ups need vectors of 512 bits, this machine has " + VectorSupport.bits()));
    }

    /** What the products run on. */
    Backend backend();

    /** Which instruction set the C kernels use; empty for the other back ends. */
    default Optional<NativeIsa> isa() {
        return Optional.empty();
    }

    /**
     * Prepares products of one shape: bits [offset, offset + length) of a·b.
     *
     * @param aBits length of the first factor in bits, at least 1
     * @param bBits length of the second factor in bits, at least 1
     * @param offset first bit wanted
     * @param length bits wanted, at least 1; {@code offset + length <= aBits + bBits - 1}
     * @param threads threads to share the work, at least 1
     * @throws IllegalArgumentException if the product is longer than {@link #MAX_PRODUCT_BITS} or the range is not in it
     */
    MiddleProduct middleProduct(long aBits, long bBits, long offset, long length, int threads);

    /**
     * How many threads are worth having for one product: short ones are over before the threads have exchanged what they need.
     *
     * @param bits of both factors
     * @param threads as many as there are
     */
    default int worthwhileThreads(long bits, int threads) {
        return threads;
    }

    /** The bytes that {@link #middleProduct} of the same arguments allocates, within a few hundred KB. */
    long memoryBytes(long aBits, long bBits, long offset, long length, int threads);

    /**
     * {@code product = a·b} on one thread.
     *
     * @param product {@code a.length() + b.length() - 1} bits, overwritten
     */
    default void multiply(BitString a, BitString b, BitString product) {
        try (MiddleProduct p = middleProduct(a.length(), b.length(), 0, a.length() + b.length() - 1, 1)) {
            p.setFirst(a);
            p.multiply(b, product);
        }
    }

    /** Refuses a shape that {@link #middleProduct} does not take. */
    private static void check(long aBits, long bBits, long offset, long length, int threads) {
        if (aBits < 1 || bBits < 1 || aBits + bBits - 1 > MAX_PRODUCT_BITS) {
            throw new IllegalArgumentException("Factors of " + aBits + " and " + bBits
                    + " bits: each needs at least 1, and their product at most " + MAX_PRODUCT_BITS);
        }
        if (offset < 0 || length < 1 || offset + length > aBits + bBits - 1) {
            throw new IllegalArgumentException("Bits [" + offset + ", " + (offset + length) + ") of a product of "
                    + (aBits + bBits - 1) + " bits");
        }
        if (threads < 1) {
            throw new IllegalArgumentException("At least one thread, not " + threads);
        }
    }

    /** The shape of a prepared product, checked. */
    record Shape(long aBits, long bBits, long offset, long length, int threads) {
        public Shape {
            check(aBits, bBits, offset, length, threads);
        }

        /** Bits of the whole product. */
        long productBits() {
            return aBits + bBits - 1;
        }

        void requireFirst(BitString a) {
            require("first factor", a, aBits);
        }

        void requireSecond(BitString b, BitString result) {
            if (b.length() < bBits) {
                require("second factor", b, bBits);
            }
            require("result", result, length);
        }

        private static void require(String what, BitString s, long bits) {
            if (s.length() != bits) {
                throw new IllegalArgumentException(
                        "The " + what + " has " + s.length() + " bits; this product was prepared for " + bits);
            }
        }
    }
}
