package dev.qdistill.gf2;

import static dev.qdistill.gf2.Memory.ALL;
import static dev.qdistill.gf2.Memory.ORDER;
import static jdk.incubator.vector.VectorOperators.BITWISE_BLEND;
import static jdk.incubator.vector.VectorOperators.XOR;

import java.nio.ByteBuffer;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorSpecies;

/** Levels of {@link BasisConversion} on whole and half vectors, four bits of the index at a time, in registers. */
final class RowConversion {
    private static final VectorSpecies<Long> L = LongVector.SPECIES_512;
    private static final VectorSpecies<Byte> B = ByteVector.SPECIES_512;
    private static final long CONSTANTS = constants();

    private RowConversion() {}

    /** Levels (3, 1), (2, 0), (1, 0), (3, 2) of sixteen rows, {@code stride} bytes apart, for so many vectors of each. */
    static void forward16(long a, long stride, int columns) {
        for (int k = 0; k < columns; k++) {
            long at = a + 64L * k;
            LongVector v0 = LongVector.fromMemorySegment(L, ALL, at + 0 * stride, ORDER);
            LongVector v1 = LongVector.fromMemorySegment(L, ALL, at + 1 * stride, ORDER);
            LongVector v2 = LongVector.fromMemorySegment(L, ALL, at + 2 * stride, ORDER);
            LongVector v3 = LongVector.fromMemorySegment(L, ALL, at + 3 * stride, ORDER);
            LongVector v4 = LongVector.fromMemorySegment(L, ALL, at + 4 * stride, ORDER);
            LongVector v5 = LongVector.fromMemorySegment(L, ALL, at + 5 * stride, ORDER);
            LongVector v6 = LongVector.fromMemorySegment(L, ALL, at + 6 * stride, ORDER);
            LongVector v7 = LongVector.fromMemorySegment(L, ALL, at + 7 * stride, ORDER);
            LongVector v8 = LongVector.fromMemorySegment(L, ALL, at + 8 * stride, ORDER);
            LongVector v9 = LongVector.fromMemorySegment(L, ALL, at + 9 * stride, ORDER);
            LongVector v10 = LongVector.fromMemorySegment(L, ALL, at + 10 * stride, ORDER);
            LongVector v11 = LongVector.fromMemorySegment(L, ALL, at + 11 * stride, ORDER);
            LongVector v12 = LongVector.fromMemorySegment(L, ALL, at + 12 * stride, ORDER);
            LongVector v13 = LongVector.fromMemorySegment(L, ALL, at + 13 * stride, ORDER);
            LongVector v14 = LongVector.fromMemorySegment(L, ALL, at + 14 * stride, ORDER);
            LongVector v15 = LongVector.fromMemorySegment(L, ALL, at + 15 * stride, ORDER);
            v9 = v9.lanewise(XOR, v15);
            v8 = v8.lanewise(XOR, v14);
            v7 = v7.lanewise(XOR, v13);
            v6 = v6.lanewise(XOR, v12);
            v5 = v5.lanewise(XOR, v11);
            v4 = v4.lanewise(XOR, v10);
            v3 = v3.lanewise(XOR, v9);
            v2 = v2.lanewise(XOR, v8);
            v4 = v4.lanewise(XOR, v7);
            v3 = v3.lanewise(XOR, v6);
            v2 = v2.lanewise(XOR, v5);
            v1 = v1.lanewise(XOR, v4);
            v12 = v12.lanewise(XOR, v15);
            v11 = v11.lanewise(XOR, v14);
            v10 = v10.lanewise(XOR, v13);
            v9 = v9.lanewise(XOR, v12);
            v2 = v2.lanewise(XOR, v3);
            v1 = v1.lanewise(XOR, v2);
            v6 = v6.lanewise(XOR, v7);
            v5 = v5.lanewise(XOR, v6);
            v10 = v10.lanewise(XOR, v11);
            v9 = v9.lanewise(XOR, v10);
            v14 = v14.lanewise(XOR, v15);
            v13 = v13.lanewise(XOR, v14);
            v11 = v11.lanewise(XOR, v15);
            v10 = v10.lanewise(XOR, v14);
            v9 = v9.lanewise(XOR, v13);
            v8 = v8.lanewise(XOR, v12);
            v7 = v7.lanewise(XOR, v11);
            v6 = v6.lanewise(XOR, v10);
            v5 = v5.lanewise(XOR, v9);
            v4 = v4.lanewise(XOR, v8);
            v0.intoMemorySegment(ALL, at + 0 * stride, ORDER);
            v1.intoMemorySegment(ALL, at + 1 * stride, ORDER);
            v2.intoMemorySegment(ALL, at + 2 * stride, ORDER);
            v3.intoMemorySegment(ALL, at + 3 * stride, ORDER);
            v4.intoMemorySegment(ALL, at + 4 * stride, ORDER);
            v5.intoMemorySegment(ALL, at + 5 * stride, ORDER);
            v6.intoMemorySegment(ALL, at + 6 * stride, ORDER);
            v7.intoMemorySegment(ALL, at + 7 * stride, ORDER);
            v8.intoMemorySegment(ALL, at + 8 * stride, ORDER);
            v9.intoMemorySegment(ALL, at + 9 * stride, ORDER);
            v10.intoMemorySegment(ALL, at + 10 * stride, ORDER);
            v11.intoMemorySegment(ALL, at + 11 * stride, ORDER);
            v12.intoMemorySegment(ALL, at + 12 * stride, ORDER);
            v13.intoMemorySegment(ALL, at + 13 * stride, ORDER);
            v14.intoMemorySegment(ALL, at + 14 * stride, ORDER);
            v15.intoMemorySegment(ALL, at + 15 * stride, ORDER);
        }
    }

    /** The inverse of {@link #forward16}. */
    static void inverse16(long a, long stride, int columns) {
        for (int k = 0; k < columns; k++) {
            long at = a + 64L * k;
            LongVector v0 = LongVector.fromMemorySegment(L, ALL, at + 0 * stride, ORDER);
            LongVector v1 = LongVector.fromMemorySegment(L, ALL, at + 1 * stride, ORDER);
            LongVector v2 = LongVector.fromMemorySegment(L, ALL, at + 2 * stride, ORDER);
            LongVector v3 = LongVector.fromMemorySegment(L, ALL, at + 3 * stride, ORDER);
            LongVector v4 = LongVector.fromMemorySegment(L, ALL, at + 4 * stride, ORDER);
            LongVector v5 = LongVector.fromMemorySegment(L, ALL, at + 5 * stride, ORDER);
            LongVector v6 = LongVector.fromMemorySegment(L, ALL, at + 6 * stride, ORDER);
            LongVector v7 = LongVector.fromMemorySegment(L, ALL, at + 7 * stride, ORDER);
            LongVector v8 = LongVector.fromMemorySegment(L, ALL, at + 8 * stride, ORDER);
            LongVector v9 = LongVector.fromMemorySegment(L, ALL, at + 9 * stride, ORDER);
            LongVector v10 = LongVector.fromMemorySegment(L, ALL, at + 10 * stride, ORDER);
            LongVector v11 = LongVector.fromMemorySegment(L, ALL, at + 11 * stride, ORDER);
            LongVector v12 = LongVector.fromMemorySegment(L, ALL, at + 12 * stride, ORDER);
            LongVector v13 = LongVector.fromMemorySegment(L, ALL, at + 13 * stride, ORDER);
            LongVector v14 = LongVector.fromMemorySegment(L, ALL, at + 14 * stride, ORDER);
            LongVector v15 = LongVector.fromMemorySegment(L, ALL, at + 15 * stride, ORDER);
            v4 = v4.lanewise(XOR, v8);
            v5 = v5.lanewise(XOR, v9);
            v6 = v6.lanewise(XOR, v10);
            v7 = v7.lanewise(XOR, v11);
            v8 = v8.lanewise(XOR, v12);
            v9 = v9.lanewise(XOR, v13);
            v10 = v10.lanewise(XOR, v14);
            v11 = v11.lanewise(XOR, v15);
            v13 = v13.lanewise(XOR, v14);
            v14 = v14.lanewise(XOR, v15);
            v9 = v9.lanewise(XOR, v10);
            v10 = v10.lanewise(XOR, v11);
            v5 = v5.lanewise(XOR, v6);
            v6 = v6.lanewise(XOR, v7);
            v1 = v1.lanewise(XOR, v2);
            v2 = v2.lanewise(XOR, v3);
            v9 = v9.lanewise(XOR, v12);
            v10 = v10.lanewise(XOR, v13);
            v11 = v11.lanewise(XOR, v14);
            v12 = v12.lanewise(XOR, v15);
            v1 = v1.lanewise(XOR, v4);
            v2 = v2.lanewise(XOR, v5);
            v3 = v3.lanewise(XOR, v6);
            v4 = v4.lanewise(XOR, v7);
            v2 = v2.lanewise(XOR, v8);
            v3 = v3.lanewise(XOR, v9);
            v4 = v4.lanewise(XOR, v10);
            v5 = v5.lanewise(XOR, v11);
            v6 = v6.lanewise(XOR, v12);
            v7 = v7.lanewise(XOR, v13);
            v8 = v8.lanewise(XOR, v14);
            v9 = v9.lanewise(XOR, v15);
            v0.intoMemorySegment(ALL, at + 0 * stride, ORDER);
            v1.intoMemorySegment(ALL, at + 1 * stride, ORDER);
            v2.intoMemorySegment(ALL, at + 2 * stride, ORDER);
            v3.intoMemorySegment(ALL, at + 3 * stride, ORDER);
            v4.intoMemorySegment(ALL, at + 4 * stride, ORDER);
            v5.intoMemorySegment(ALL, at + 5 * stride, ORDER);
            v6.intoMemorySegment(ALL, at + 6 * stride, ORDER);
            v7.intoMemorySegment(ALL, at + 7 * stride, ORDER);
            v8.intoMemorySegment(ALL, at + 8 * stride, ORDER);
            v9.intoMemorySegment(ALL, at + 9 * stride, ORDER);
            v10.intoMemorySegment(ALL, at + 10 * stride, ORDER);
            v11.intoMemorySegment(ALL, at + 11 * stride, ORDER);
            v12.intoMemorySegment(ALL, at + 12 * stride, ORDER);
            v13.intoMemorySegment(ALL, at + 13 * stride, ORDER);
            v14.intoMemorySegment(ALL, at + 14 * stride, ORDER);
            v15.intoMemorySegment(ALL, at + 15 * stride, ORDER);
        }
    }

    /** Levels (11, 9), (10, 8), (9, 8), (11, 10): each group of eight vectors. */
    static void forward8(long a, int groups) {
        ByteVector swap = ByteVector.fromMemorySegment(B, ALL, CONSTANTS, ORDER);
        LongVector low = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 64, ORDER);
        LongVector high = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 128, ORDER);
        for (int k = 0; k < groups; k++) {
            long at = a + 512L * k;
            LongVector r;
            LongVector v0 = LongVector.fromMemorySegment(L, ALL, at + 0 * 64, ORDER);
            LongVector v1 = LongVector.fromMemorySegment(L, ALL, at + 1 * 64, ORDER);
            LongVector v2 = LongVector.fromMemorySegment(L, ALL, at + 2 * 64, ORDER);
            LongVector v3 = LongVector.fromMemorySegment(L, ALL, at + 3 * 64, ORDER);
            LongVector v4 = LongVector.fromMemorySegment(L, ALL, at + 4 * 64, ORDER);
            LongVector v5 = LongVector.fromMemorySegment(L, ALL, at + 5 * 64, ORDER);
            LongVector v6 = LongVector.fromMemorySegment(L, ALL, at + 6 * 64, ORDER);
            LongVector v7 = LongVector.fromMemorySegment(L, ALL, at + 7 * 64, ORDER);
            v4 = v4.lanewise(XOR, v7);
            v3 = v3.lanewise(XOR, v6);
            v2 = v2.lanewise(XOR, v5);
            v1 = v1.lanewise(XOR, v4);
            v2 = v2.lanewise(
                    XOR,
                    swap.selectFrom(v3.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .and(low));
            r = swap.selectFrom(v2.reinterpretAsBytes()).reinterpretAsLongs();
            v0 = v0.lanewise(XOR, r.and(high));
            v1 = v1.lanewise(
                    XOR,
                    r.lanewise(
                            BITWISE_BLEND,
                            swap.selectFrom(v3.reinterpretAsBytes()).reinterpretAsLongs(),
                            high));
            v6 = v6.lanewise(
                    XOR,
                    swap.selectFrom(v7.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .and(low));
            r = swap.selectFrom(v6.reinterpretAsBytes()).reinterpretAsLongs();
            v4 = v4.lanewise(XOR, r.and(high));
            v5 = v5.lanewise(
                    XOR,
                    r.lanewise(
                            BITWISE_BLEND,
                            swap.selectFrom(v7.reinterpretAsBytes()).reinterpretAsLongs(),
                            high));
            v1 = v1.lanewise(
                    XOR,
                    swap.selectFrom(v1.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .and(low));
            v0 = v0.lanewise(
                    XOR,
                    swap.selectFrom(v1.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .and(high));
            v3 = v3.lanewise(
                    XOR,
                    swap.selectFrom(v3.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .and(low));
            v2 = v2.lanewise(
                    XOR,
                    swap.selectFrom(v3.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .and(high));
            v5 = v5.lanewise(
                    XOR,
                    swap.selectFrom(v5.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .and(low));
            v4 = v4.lanewise(
                    XOR,
                    swap.selectFrom(v5.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .and(high));
            v7 = v7.lanewise(
                    XOR,
                    swap.selectFrom(v7.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .and(low));
            v6 = v6.lanewise(
                    XOR,
                    swap.selectFrom(v7.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .and(high));
            v5 = v5.lanewise(XOR, v7);
            v4 = v4.lanewise(XOR, v6);
            v3 = v3.lanewise(XOR, v5);
            v2 = v2.lanewise(XOR, v4);
            v0.intoMemorySegment(ALL, at + 0 * 64, ORDER);
            v1.intoMemorySegment(ALL, at + 1 * 64, ORDER);
            v2.intoMemorySegment(ALL, at + 2 * 64, ORDER);
            v3.intoMemorySegment(ALL, at + 3 * 64, ORDER);
            v4.intoMemorySegment(ALL, at + 4 * 64, ORDER);
            v5.intoMemorySegment(ALL, at + 5 * 64, ORDER);
            v6.intoMemorySegment(ALL, at + 6 * 64, ORDER);
            v7.intoMemorySegment(ALL, at + 7 * 64, ORDER);
        }
    }

    /** The inverse of {@link #forward8}. */
    static void inverse8(long a, int groups) {
        ByteVector swap = ByteVector.fromMemorySegment(B, ALL, CONSTANTS, ORDER);
        LongVector low = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 64, ORDER);
        LongVector high = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 128, ORDER);
        for (int k = 0; k < groups; k++) {
            long at = a + 512L * k;
            LongVector r;
            LongVector v0 = LongVector.fromMemorySegment(L, ALL, at + 0 * 64, ORDER);
            LongVector v1 = LongVector.fromMemorySegment(L, ALL, at + 1 * 64, ORDER);
            LongVector v2 = LongVector.fromMemorySegment(L, ALL, at + 2 * 64, ORDER);
            LongVector v3 = LongVector.fromMemorySegment(L, ALL, at + 3 * 64, ORDER);
            LongVector v4 = LongVector.fromMemorySegment(L, ALL, at + 4 * 64, ORDER);
            LongVector v5 = LongVector.fromMemorySegment(L, ALL, at + 5 * 64, ORDER);
            LongVector v6 = LongVector.fromMemorySegment(L, ALL, at + 6 * 64, ORDER);
            LongVector v7 = LongVector.fromMemorySegment(L, ALL, at + 7 * 64, ORDER);
            v2 = v2.lanewise(XOR, v4);
            v3 = v3.lanewise(XOR, v5);
            v4 = v4.lanewise(XOR, v6);
            v5 = v5.lanewise(XOR, v7);
            v6 = v6.lanewise(
                    XOR,
                    swap.selectFrom(v7.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .and(high));
            v7 = v7.lanewise(
                    XOR,
                    swap.selectFrom(v7.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .and(low));
            v4 = v4.lanewise(
                    XOR,
                    swap.selectFrom(v5.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .and(high));
            v5 = v5.lanewise(
                    XOR,
                    swap.selectFrom(v5.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .and(low));
            v2 = v2.lanewise(
                    XOR,
                    swap.selectFrom(v3.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .and(high));
            v3 = v3.lanewise(
                    XOR,
                    swap.selectFrom(v3.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .and(low));
            v0 = v0.lanewise(
                    XOR,
                    swap.selectFrom(v1.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .and(high));
            v1 = v1.lanewise(
                    XOR,
                    swap.selectFrom(v1.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .and(low));
            r = swap.selectFrom(v6.reinterpretAsBytes()).reinterpretAsLongs();
            v4 = v4.lanewise(XOR, r.and(high));
            v5 = v5.lanewise(
                    XOR,
                    r.lanewise(
                            BITWISE_BLEND,
                            swap.selectFrom(v7.reinterpretAsBytes()).reinterpretAsLongs(),
                            high));
            v6 = v6.lanewise(
                    XOR,
                    swap.selectFrom(v7.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .and(low));
            r = swap.selectFrom(v2.reinterpretAsBytes()).reinterpretAsLongs();
            v0 = v0.lanewise(XOR, r.and(high));
            v1 = v1.lanewise(
                    XOR,
                    r.lanewise(
                            BITWISE_BLEND,
                            swap.selectFrom(v3.reinterpretAsBytes()).reinterpretAsLongs(),
                            high));
            v2 = v2.lanewise(
                    XOR,
                    swap.selectFrom(v3.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .and(low));
            v1 = v1.lanewise(XOR, v4);
            v2 = v2.lanewise(XOR, v5);
            v3 = v3.lanewise(XOR, v6);
            v4 = v4.lanewise(XOR, v7);
            v0.intoMemorySegment(ALL, at + 0 * 64, ORDER);
            v1.intoMemorySegment(ALL, at + 1 * 64, ORDER);
            v2.intoMemorySegment(ALL, at + 2 * 64, ORDER);
            v3.intoMemorySegment(ALL, at + 3 * 64, ORDER);
            v4.intoMemorySegment(ALL, at + 4 * 64, ORDER);
            v5.intoMemorySegment(ALL, at + 5 * 64, ORDER);
            v6.intoMemorySegment(ALL, at + 6 * 64, ORDER);
            v7.intoMemorySegment(ALL, at + 7 * 64, ORDER);
        }
    }

    // The halves of a vector swapped, its low half, its high half.
    private static long constants() {
        ByteBuffer b = ByteBuffer.allocate(3 * 64).order(ORDER);
        for (int i = 0; i < 8; i++) {
            b.putLong(lane(i ^ 4));
        }
        for (int i = 0; i < 8; i++) {
            b.putLong(i < 4 ? -1 : 0);
        }
        for (int i = 0; i < 8; i++) {
            b.putLong(i < 4 ? 0 : -1);
        }
        return Memory.constants(b.array());
    }

    // The indices of the bytes of a lane of 64 bits.
    private static long lane(int i) {
        return 0x0706050403020100L + 0x0808080808080808L * i;
    }
}
