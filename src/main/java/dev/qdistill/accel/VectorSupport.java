package dev.qdistill.accel;

import java.util.Optional;

/**
 * Whether the Vector API can be used, asked once and without touching its classes, so that a JVM without the incubator
 * module can run everything else.
 */
public final class VectorSupport {
    private static final Optional<String> PROBLEM = probe();

    private VectorSupport() {}

    /** Why the Vector API kernels cannot run here; empty if they can. */
    public static Optional<String> problem() {
        return PROBLEM;
    }

    /** The width of this machine's vectors in bits, 0 without the Vector API. */
    public static int bits() {
        return PROBLEM.isPresent() ? 0 : Width.bits();
    }

    private static Optional<String> probe() {
        if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
            return Optional.of("the JVM runs without --add-modules jdk.incubator.vector");
        }
        return Optional.empty();
    }

    // Loaded only when the module is there.
    private static final class Width {
        static int bits() {
            return jdk.incubator.vector.ByteVector.SPECIES_PREFERRED.vectorBitSize();
        }
    }
}
