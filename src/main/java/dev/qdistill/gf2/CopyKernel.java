package dev.qdistill.gf2;

import static dev.qdistill.gf2.Memory.ALL;
import static dev.qdistill.gf2.Memory.ORDER;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.VectorSpecies;

/** Short copies of whole vectors. */
final class CopyKernel {
    private static final VectorSpecies<Byte> B = ByteVector.SPECIES_512;

    private CopyKernel() {}

    static void copy(long from, long to, int vectors) {
        for (int k = 0; k < vectors; k++) {
            ByteVector.fromMemorySegment(B, ALL, from + 64L * k, ORDER).intoMemorySegment(ALL, to + 64L * k, ORDER);
        }
    }
}
