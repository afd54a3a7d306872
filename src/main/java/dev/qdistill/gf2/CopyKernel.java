package dev.qdistill.gf2;

import static dev.qdistill.gf2.Memory.ALL;
import static dev.qdistill.gf2.Memory.ORDER;
import static jdk.incubator.vector.VectorOperators.XOR;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.VectorSpecies;

/** Copies and sums of whole vectors. */
final class CopyKernel {
    private static final VectorSpecies<Byte> B = ByteVector.SPECIES_512;

    private CopyKernel() {}

    static void copy(long from, long to, int vectors) {
        for (int k = 0; k < vectors; k++) {
            ByteVector.fromMemorySegment(B, ALL, from + 64L * k, ORDER).intoMemorySegment(ALL, to + 64L * k, ORDER);
        }
    }

    /** {@code to ^= from}, whole vectors. */
    static void xor(long to, long from, long bytes) {
        for (long k = 0; k < bytes; k += 1 << 14) {
            xorRun(to + k, from + k, (int) Math.min(bytes - k, 1 << 14));
        }
    }

    static void xorRun(long to, long from, int bytes) {
        for (int k = 0; k < bytes; k += 64) {
            ByteVector.fromMemorySegment(B, ALL, to + k, ORDER)
                    .lanewise(XOR, ByteVector.fromMemorySegment(B, ALL, from + k, ORDER))
                    .intoMemorySegment(ALL, to + k, ORDER);
        }
    }

    /**
     * The same, and writes as many bytes at {@code own} as they were, which are those of {@code from} but for a shift: so they
     * are this core's alone. If it only read them, they would be in two caches, and each store of the other core would have to call
     * them back.
     */
    static void xorTaking(long to, long from, long bytes, long own) {
        for (long k = 0; k < bytes; k += 1 << 14) {
            xorRunTaking(to + k, from + k, (int) Math.min(bytes - k, 1 << 14), own + k);
        }
    }

    private static void xorRunTaking(long to, long from, int bytes, long own) {
        for (int k = 0; k < bytes; k += 64) {
            ByteVector same = ByteVector.fromMemorySegment(B, ALL, own + k, ORDER);
            ByteVector.fromMemorySegment(B, ALL, to + k, ORDER)
                    .lanewise(XOR, ByteVector.fromMemorySegment(B, ALL, from + k, ORDER))
                    .intoMemorySegment(ALL, to + k, ORDER);
            same.intoMemorySegment(ALL, own + k, ORDER);
        }
    }
}
