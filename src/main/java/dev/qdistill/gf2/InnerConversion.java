package dev.qdistill.gf2;

import static dev.qdistill.gf2.Memory.ALL;
import static dev.qdistill.gf2.Memory.ORDER;
import static jdk.incubator.vector.VectorOperators.BITWISE_BLEND;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.XOR;

import java.nio.ByteBuffer;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The levels of {@link BasisConversion} that stay within 2048 bits and shift by less than a byte, or stay within a vector: (10,
 * 2), (9, 1), then (8, 0) and the conversion of eight bits of the index.
 *
 * <p>A level (p, q) moves the upper half of each 2^(p+1) bits down by 2^p - 2^q: first its top 2^q bits, which land in the upper
 * half itself, then the rest; the inverse does it in the other order. Above 64 bits words are moved by permutations.
 */
final class InnerConversion {
    private static final VectorSpecies<Long> L = LongVector.SPECIES_512;
    private static final long CONSTANTS = constants();

    private InnerConversion() {}

    /** Of {@code groups} times four vectors. */
    static void forward(long a, int groups) {
        carriesForward(a, groups);
        vectorsForward(a, 4 * groups);
    }

    static void inverse(long a, int groups) {
        vectorsInverse(a, 4 * groups);
        carriesInverse(a, groups);
    }

    // Levels (10, 2) and (9, 1).
    private static void carriesForward(long a, int groups) {
        LongVector up = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 12 * 64, ORDER);
        LongVector lane0 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 13 * 64, ORDER);
        for (int k = 0; k < groups; k++) {
            long at = a + 256L * k;
            LongVector v0 = LongVector.fromMemorySegment(L, ALL, at, ORDER);
            LongVector v1 = LongVector.fromMemorySegment(L, ALL, at + 64, ORDER);
            LongVector v2 = LongVector.fromMemorySegment(L, ALL, at + 128, ORDER);
            LongVector v3 = LongVector.fromMemorySegment(L, ALL, at + 192, ORDER);
            LongVector c2 = up.selectFrom(v2.lanewise(LSHR, 60));
            LongVector c3 = up.selectFrom(v3.lanewise(LSHR, 60));
            v2 = v2.lanewise(XOR, c3.and(lane0));
            v0 = v0.lanewise(XOR, v2.lanewise(LSHL, 4)).lanewise(XOR, c2.and(lane0.not()));
            v1 = v1.lanewise(XOR, v3.lanewise(LSHL, 4)).lanewise(XOR, c3.lanewise(BITWISE_BLEND, c2, lane0));
            LongVector c1 = up.selectFrom(v1.lanewise(LSHR, 62));
            c3 = up.selectFrom(v3.lanewise(LSHR, 62));
            v1 = v1.lanewise(XOR, c1.and(lane0));
            v3 = v3.lanewise(XOR, c3.and(lane0));
            v0.lanewise(XOR, v1.lanewise(LSHL, 2))
                    .lanewise(XOR, c1.and(lane0.not()))
                    .intoMemorySegment(ALL, at, ORDER);
            v1.intoMemorySegment(ALL, at + 64, ORDER);
            v2.lanewise(XOR, v3.lanewise(LSHL, 2))
                    .lanewise(XOR, c3.and(lane0.not()))
                    .intoMemorySegment(ALL, at + 128, ORDER);
            v3.intoMemorySegment(ALL, at + 192, ORDER);
        }
    }

    private static void carriesInverse(long a, int groups) {
        LongVector up = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 12 * 64, ORDER);
        LongVector lane0 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 13 * 64, ORDER);
        for (int k = 0; k < groups; k++) {
            long at = a + 256L * k;
            LongVector v0 = LongVector.fromMemorySegment(L, ALL, at, ORDER);
            LongVector v1 = LongVector.fromMemorySegment(L, ALL, at + 64, ORDER);
            LongVector v2 = LongVector.fromMemorySegment(L, ALL, at + 128, ORDER);
            LongVector v3 = LongVector.fromMemorySegment(L, ALL, at + 192, ORDER);
            LongVector c1 = up.selectFrom(v1.lanewise(LSHR, 62));
            LongVector c3 = up.selectFrom(v3.lanewise(LSHR, 62));
            v0 = v0.lanewise(XOR, v1.lanewise(LSHL, 2)).lanewise(XOR, c1.and(lane0.not()));
            v2 = v2.lanewise(XOR, v3.lanewise(LSHL, 2)).lanewise(XOR, c3.and(lane0.not()));
            v1 = v1.lanewise(XOR, c1.and(lane0));
            v3 = v3.lanewise(XOR, c3.and(lane0));
            LongVector c2 = up.selectFrom(v2.lanewise(LSHR, 60));
            c3 = up.selectFrom(v3.lanewise(LSHR, 60));
            v0.lanewise(XOR, v2.lanewise(LSHL, 4))
                    .lanewise(XOR, c2.and(lane0.not()))
                    .intoMemorySegment(ALL, at, ORDER);
            v1.lanewise(XOR, v3.lanewise(LSHL, 4))
                    .lanewise(XOR, c3.lanewise(BITWISE_BLEND, c2, lane0))
                    .intoMemorySegment(ALL, at + 64, ORDER);
            v2.lanewise(XOR, c3.and(lane0)).intoMemorySegment(ALL, at + 128, ORDER);
            v3.intoMemorySegment(ALL, at + 192, ORDER);
        }
    }

    private static void vectorsForward(long a, int vectors) {
        LongVector down1 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 0, ORDER);
        LongVector down2 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 64, ORDER);
        LongVector down3 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 128, ORDER);
        LongVector down4 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 192, ORDER);
        LongVector lane1 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 256, ORDER);
        LongVector lane2 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 320, ORDER);
        LongVector lanes01 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 384, ORDER);
        LongVector odd = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 448, ORDER);
        LongVector even = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 512, ORDER);
        LongVector lane4 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 576, ORDER);
        LongVector lanes0123 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 640, ORDER);
        LongVector lanes123 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 704, ORDER);
        LongVector m51t = LongVector.broadcast(L, 0x0000000300000000L);
        LongVector m51r = LongVector.broadcast(L, 0x00000000FFFFFFFCL);
        LongVector m40t = LongVector.broadcast(L, 0x0001000000010000L);
        LongVector m40r = LongVector.broadcast(L, 0x0000FFFE0000FFFEL);
        LongVector m31t = LongVector.broadcast(L, 0x0300030003000300L);
        LongVector m31r = LongVector.broadcast(L, 0x00FC00FC00FC00FCL);
        LongVector m20t = LongVector.broadcast(L, 0x1010101010101010L);
        LongVector m20r = LongVector.broadcast(L, 0x0E0E0E0E0E0E0E0EL);
        LongVector m10t = LongVector.broadcast(L, 0x4444444444444444L);
        LongVector m10r = LongVector.broadcast(L, 0x2222222222222222L);
        LongVector m32t = LongVector.broadcast(L, 0x0F000F000F000F00L);
        LongVector m32r = LongVector.broadcast(L, 0x00F000F000F000F0L);
        LongVector m54t = LongVector.broadcast(L, 0x0000FFFF00000000L);
        LongVector m54r = LongVector.broadcast(L, 0x00000000FFFF0000L);
        for (int k = 0; k < vectors; k++) {
            LongVector v = LongVector.fromMemorySegment(L, ALL, a + 64L * k, ORDER);
            LongVector t;
            // (8, 0)
            t = down3.selectFrom(v.lanewise(LSHR, 63));
            v = v.lanewise(XOR, t.and(lane4));
            v = v.lanewise(XOR, down4.selectFrom(v).lanewise(LSHL, 1).and(lanes0123));
            v = v.lanewise(XOR, t.and(lanes123));
            // (7, 3)
            t = down1.selectFrom(v).lanewise(LSHR, 56);
            v = v.lanewise(XOR, t.and(lane2));
            v = v.lanewise(XOR, down2.selectFrom(v).lanewise(LSHL, 8).and(lanes01));
            v = v.lanewise(XOR, t.and(lane1));
            // (6, 2)
            v = v.lanewise(XOR, v.lanewise(LSHR, 60).and(odd));
            v = v.lanewise(XOR, down1.selectFrom(v).lanewise(LSHL, 4).and(even));
            // (5, 1)
            v = v.lanewise(XOR, v.lanewise(LSHR, 30).and(m51t));
            v = v.lanewise(XOR, v.lanewise(LSHR, 30).and(m51r));
            // (4, 0)
            v = v.lanewise(XOR, v.lanewise(LSHR, 15).and(m40t));
            v = v.lanewise(XOR, v.lanewise(LSHR, 15).and(m40r));
            // (3, 1)
            v = v.lanewise(XOR, v.lanewise(LSHR, 6).and(m31t));
            v = v.lanewise(XOR, v.lanewise(LSHR, 6).and(m31r));
            // (2, 0)
            v = v.lanewise(XOR, v.lanewise(LSHR, 3).and(m20t));
            v = v.lanewise(XOR, v.lanewise(LSHR, 3).and(m20r));
            // (1, 0)
            v = v.lanewise(XOR, v.lanewise(LSHR, 1).and(m10t));
            v = v.lanewise(XOR, v.lanewise(LSHR, 1).and(m10r));
            // (3, 2)
            v = v.lanewise(XOR, v.lanewise(LSHR, 4).and(m32t));
            v = v.lanewise(XOR, v.lanewise(LSHR, 4).and(m32r));
            // (7, 5)
            t = down1.selectFrom(v).lanewise(LSHR, 32);
            v = v.lanewise(XOR, t.and(lane2));
            v = v.lanewise(XOR, down2.selectFrom(v).lanewise(LSHL, 32).and(lanes01));
            v = v.lanewise(XOR, t.and(lane1));
            // (6, 4)
            v = v.lanewise(XOR, v.lanewise(LSHR, 48).and(odd));
            v = v.lanewise(XOR, down1.selectFrom(v).lanewise(LSHL, 16).and(even));
            // (5, 4)
            v = v.lanewise(XOR, v.lanewise(LSHR, 16).and(m54t));
            v = v.lanewise(XOR, v.lanewise(LSHR, 16).and(m54r));
            // (7, 6)
            v = v.lanewise(XOR, down1.selectFrom(v).and(lane2));
            v = v.lanewise(XOR, down1.selectFrom(v).and(lane1));
            v.intoMemorySegment(ALL, a + 64L * k, ORDER);
        }
    }

    private static void vectorsInverse(long a, int vectors) {
        LongVector down1 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 0, ORDER);
        LongVector down2 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 64, ORDER);
        LongVector down3 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 128, ORDER);
        LongVector down4 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 192, ORDER);
        LongVector lane1 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 256, ORDER);
        LongVector lane2 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 320, ORDER);
        LongVector lanes01 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 384, ORDER);
        LongVector odd = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 448, ORDER);
        LongVector even = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 512, ORDER);
        LongVector lane4 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 576, ORDER);
        LongVector lanes0123 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 640, ORDER);
        LongVector lanes123 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 704, ORDER);
        LongVector m51t = LongVector.broadcast(L, 0x0000000300000000L);
        LongVector m51r = LongVector.broadcast(L, 0x00000000FFFFFFFCL);
        LongVector m40t = LongVector.broadcast(L, 0x0001000000010000L);
        LongVector m40r = LongVector.broadcast(L, 0x0000FFFE0000FFFEL);
        LongVector m31t = LongVector.broadcast(L, 0x0300030003000300L);
        LongVector m31r = LongVector.broadcast(L, 0x00FC00FC00FC00FCL);
        LongVector m20t = LongVector.broadcast(L, 0x1010101010101010L);
        LongVector m20r = LongVector.broadcast(L, 0x0E0E0E0E0E0E0E0EL);
        LongVector m10t = LongVector.broadcast(L, 0x4444444444444444L);
        LongVector m10r = LongVector.broadcast(L, 0x2222222222222222L);
        LongVector m32t = LongVector.broadcast(L, 0x0F000F000F000F00L);
        LongVector m32r = LongVector.broadcast(L, 0x00F000F000F000F0L);
        LongVector m54t = LongVector.broadcast(L, 0x0000FFFF00000000L);
        LongVector m54r = LongVector.broadcast(L, 0x00000000FFFF0000L);
        for (int k = 0; k < vectors; k++) {
            LongVector v = LongVector.fromMemorySegment(L, ALL, a + 64L * k, ORDER);
            LongVector t;
            // (7, 6)
            v = v.lanewise(XOR, down1.selectFrom(v).and(lane1));
            v = v.lanewise(XOR, down1.selectFrom(v).and(lane2));
            // (5, 4)
            v = v.lanewise(XOR, v.lanewise(LSHR, 16).and(m54r));
            v = v.lanewise(XOR, v.lanewise(LSHR, 16).and(m54t));
            // (6, 4)
            v = v.lanewise(XOR, down1.selectFrom(v).lanewise(LSHL, 16).and(even));
            v = v.lanewise(XOR, v.lanewise(LSHR, 48).and(odd));
            // (7, 5)
            t = down1.selectFrom(v).lanewise(LSHR, 32);
            v = v.lanewise(XOR, down2.selectFrom(v).lanewise(LSHL, 32).and(lanes01));
            v = v.lanewise(XOR, t.and(lane1));
            v = v.lanewise(XOR, t.and(lane2));
            // (3, 2)
            v = v.lanewise(XOR, v.lanewise(LSHR, 4).and(m32r));
            v = v.lanewise(XOR, v.lanewise(LSHR, 4).and(m32t));
            // (1, 0)
            v = v.lanewise(XOR, v.lanewise(LSHR, 1).and(m10r));
            v = v.lanewise(XOR, v.lanewise(LSHR, 1).and(m10t));
            // (2, 0)
            v = v.lanewise(XOR, v.lanewise(LSHR, 3).and(m20r));
            v = v.lanewise(XOR, v.lanewise(LSHR, 3).and(m20t));
            // (3, 1)
            v = v.lanewise(XOR, v.lanewise(LSHR, 6).and(m31r));
            v = v.lanewise(XOR, v.lanewise(LSHR, 6).and(m31t));
            // (4, 0)
            v = v.lanewise(XOR, v.lanewise(LSHR, 15).and(m40r));
            v = v.lanewise(XOR, v.lanewise(LSHR, 15).and(m40t));
            // (5, 1)
            v = v.lanewise(XOR, v.lanewise(LSHR, 30).and(m51r));
            v = v.lanewise(XOR, v.lanewise(LSHR, 30).and(m51t));
            // (6, 2)
            v = v.lanewise(XOR, down1.selectFrom(v).lanewise(LSHL, 4).and(even));
            v = v.lanewise(XOR, v.lanewise(LSHR, 60).and(odd));
            // (7, 3)
            t = down1.selectFrom(v).lanewise(LSHR, 56);
            v = v.lanewise(XOR, down2.selectFrom(v).lanewise(LSHL, 8).and(lanes01));
            v = v.lanewise(XOR, t.and(lane1));
            v = v.lanewise(XOR, t.and(lane2));
            // (8, 0)
            t = down3.selectFrom(v.lanewise(LSHR, 63));
            v = v.lanewise(XOR, down4.selectFrom(v).lanewise(LSHL, 1).and(lanes0123));
            v = v.lanewise(XOR, t.and(lanes123));
            v = v.lanewise(XOR, t.and(lane4));
            v.intoMemorySegment(ALL, a + 64L * k, ORDER);
        }
    }

    // Four permutations, lane i from lane i + 1 … i + 4, then the lane masks in the order of their use above, lane i
    // from i - 1,
    // the first lane.
    private static long constants() {
        ByteBuffer b = ByteBuffer.allocate(14 * 64).order(ORDER);
        for (int k = 1; k <= 4; k++) {
            for (int i = 0; i < 8; i++) {
                b.putLong(i + k & 7);
            }
        }
        for (int lanes : new int[] {0x22, 0x44, 0x33, 0xAA, 0x55, 0x10, 0x0F, 0x0E}) {
            for (int i = 0; i < 8; i++) {
                b.putLong(-(lanes >>> i & 1L));
            }
        }
        for (int i = 0; i < 8; i++) {
            b.putLong(i + 7 & 7);
        }
        for (int i = 0; i < 8; i++) {
            b.putLong(i == 0 ? -1 : 0);
        }
        return Memory.constants(b.array());
    }
}
