package dev.qdistill.gf2;

import static dev.qdistill.gf2.Memory.ALL;
import static dev.qdistill.gf2.Memory.ORDER;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.XOR;

import java.nio.ByteBuffer;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The levels of {@link BasisConversion} that stay within 1024 bits: (9, 1), and within each vector (8, 0), then the
 * conversion of eight bits of the index.
 *
 * <p>A level (p, q) moves the upper half of each 2^(p+1) bits down by 2^p - 2^q: first its top 2^q bits, which land in the
 * upper half itself, then the rest; the inverse does it in the other order. Above 64 bits words are moved by permutations.
 */
final class InnerConversion {
    private static final VectorSpecies<Long> L = LongVector.SPECIES_512;
    private static final long CONSTANTS = constants();

    private InnerConversion() {}

    static void forward(long a, int pairs) {
        for (int k = 0; k < pairs; k++) {
            pairForward(a + 128L * k);
        }
        vectorsForward(a, 2 * pairs);
    }

    static void inverse(long a, int pairs) {
        vectorsInverse(a, 2 * pairs);
        for (int k = 0; k < pairs; k++) {
            pairInverse(a + 128L * k);
        }
    }

    // Level (9, 1).
    private static void pairForward(long lo) {
        long hi = lo + 64;
        Memory.putWord(hi, Memory.word(hi) ^ Memory.word(hi + 56) >>> 62);
        pairShift(lo, hi);
    }

    private static void pairInverse(long lo) {
        long hi = lo + 64;
        pairShift(lo, hi);
        Memory.putWord(hi, Memory.word(hi) ^ Memory.word(hi + 56) >>> 62);
    }

    private static void pairShift(long lo, long hi) {
        long carry = 0;
        for (int w = 0; w < 64; w += 8) {
            long h = Memory.word(hi + w);
            Memory.putWord(lo + w, Memory.word(lo + w) ^ (h << 2 | carry));
            carry = h >>> 62;
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
        for (int k = 0; k < vectors; k++) {
            LongVector v = LongVector.fromMemorySegment(L, ALL, a + 64L * k, ORDER);
            // (8, 0)
            v = v.lanewise(XOR, down3.selectFrom(v).lanewise(LSHR, 63).and(lane4));
            v = v.lanewise(XOR, down4.selectFrom(v).lanewise(LSHL, 1).and(lanes0123))
                    .lanewise(XOR, down3.selectFrom(v).lanewise(LSHR, 63).and(lanes123));
            // (7, 3)
            v = v.lanewise(XOR, down1.selectFrom(v).lanewise(LSHR, 56).and(lane2));
            v = v.lanewise(XOR, down2.selectFrom(v).lanewise(LSHL, 8).and(lanes01))
                    .lanewise(XOR, down1.selectFrom(v).lanewise(LSHR, 56).and(lane1));
            // (6, 2)
            v = v.lanewise(XOR, v.lanewise(LSHR, 60).and(odd));
            v = v.lanewise(XOR, down1.selectFrom(v).lanewise(LSHL, 4).and(even));
            // (5, 1)
            v = v.lanewise(XOR, v.and(0xc000000000000000L).lanewise(LSHR, 30));
            v = v.lanewise(XOR, v.and(0x3fffffff00000000L).lanewise(LSHR, 30));
            // (4, 0)
            v = v.lanewise(XOR, v.and(0x8000000080000000L).lanewise(LSHR, 15));
            v = v.lanewise(XOR, v.and(0x7fff00007fff0000L).lanewise(LSHR, 15));
            // (3, 1)
            v = v.lanewise(XOR, v.and(0xc000c000c000c000L).lanewise(LSHR, 6));
            v = v.lanewise(XOR, v.and(0x3f003f003f003f00L).lanewise(LSHR, 6));
            // (2, 0)
            v = v.lanewise(XOR, v.and(0x8080808080808080L).lanewise(LSHR, 3));
            v = v.lanewise(XOR, v.and(0x7070707070707070L).lanewise(LSHR, 3));
            // (1, 0)
            v = v.lanewise(XOR, v.and(0x8888888888888888L).lanewise(LSHR, 1));
            v = v.lanewise(XOR, v.and(0x4444444444444444L).lanewise(LSHR, 1));
            // (3, 2)
            v = v.lanewise(XOR, v.and(0xf000f000f000f000L).lanewise(LSHR, 4));
            v = v.lanewise(XOR, v.and(0x0f000f000f000f00L).lanewise(LSHR, 4));
            // (7, 5)
            v = v.lanewise(XOR, down1.selectFrom(v).lanewise(LSHR, 32).and(lane2));
            v = v.lanewise(XOR, down2.selectFrom(v).lanewise(LSHL, 32).and(lanes01))
                    .lanewise(XOR, down1.selectFrom(v).lanewise(LSHR, 32).and(lane1));
            // (6, 4)
            v = v.lanewise(XOR, v.lanewise(LSHR, 48).and(odd));
            v = v.lanewise(XOR, down1.selectFrom(v).lanewise(LSHL, 16).and(even));
            // (5, 4)
            v = v.lanewise(XOR, v.and(0xffff000000000000L).lanewise(LSHR, 16));
            v = v.lanewise(XOR, v.and(0x0000ffff00000000L).lanewise(LSHR, 16));
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
        for (int k = 0; k < vectors; k++) {
            LongVector v = LongVector.fromMemorySegment(L, ALL, a + 64L * k, ORDER);
            // (7, 6)
            v = v.lanewise(XOR, down1.selectFrom(v).and(lane1));
            v = v.lanewise(XOR, down1.selectFrom(v).and(lane2));
            // (5, 4)
            v = v.lanewise(XOR, v.and(0x0000ffff00000000L).lanewise(LSHR, 16));
            v = v.lanewise(XOR, v.and(0xffff000000000000L).lanewise(LSHR, 16));
            // (6, 4)
            v = v.lanewise(XOR, down1.selectFrom(v).lanewise(LSHL, 16).and(even));
            v = v.lanewise(XOR, v.lanewise(LSHR, 48).and(odd));
            // (7, 5)
            v = v.lanewise(XOR, down2.selectFrom(v).lanewise(LSHL, 32).and(lanes01))
                    .lanewise(XOR, down1.selectFrom(v).lanewise(LSHR, 32).and(lane1));
            v = v.lanewise(XOR, down1.selectFrom(v).lanewise(LSHR, 32).and(lane2));
            // (3, 2)
            v = v.lanewise(XOR, v.and(0x0f000f000f000f00L).lanewise(LSHR, 4));
            v = v.lanewise(XOR, v.and(0xf000f000f000f000L).lanewise(LSHR, 4));
            // (1, 0)
            v = v.lanewise(XOR, v.and(0x4444444444444444L).lanewise(LSHR, 1));
            v = v.lanewise(XOR, v.and(0x8888888888888888L).lanewise(LSHR, 1));
            // (2, 0)
            v = v.lanewise(XOR, v.and(0x7070707070707070L).lanewise(LSHR, 3));
            v = v.lanewise(XOR, v.and(0x8080808080808080L).lanewise(LSHR, 3));
            // (3, 1)
            v = v.lanewise(XOR, v.and(0x3f003f003f003f00L).lanewise(LSHR, 6));
            v = v.lanewise(XOR, v.and(0xc000c000c000c000L).lanewise(LSHR, 6));
            // (4, 0)
            v = v.lanewise(XOR, v.and(0x7fff00007fff0000L).lanewise(LSHR, 15));
            v = v.lanewise(XOR, v.and(0x8000000080000000L).lanewise(LSHR, 15));
            // (5, 1)
            v = v.lanewise(XOR, v.and(0x3fffffff00000000L).lanewise(LSHR, 30));
            v = v.lanewise(XOR, v.and(0xc000000000000000L).lanewise(LSHR, 30));
            // (6, 2)
            v = v.lanewise(XOR, down1.selectFrom(v).lanewise(LSHL, 4).and(even));
            v = v.lanewise(XOR, v.lanewise(LSHR, 60).and(odd));
            // (7, 3)
            v = v.lanewise(XOR, down2.selectFrom(v).lanewise(LSHL, 8).and(lanes01))
                    .lanewise(XOR, down1.selectFrom(v).lanewise(LSHR, 56).and(lane1));
            v = v.lanewise(XOR, down1.selectFrom(v).lanewise(LSHR, 56).and(lane2));
            // (8, 0)
            v = v.lanewise(XOR, down4.selectFrom(v).lanewise(LSHL, 1).and(lanes0123))
                    .lanewise(XOR, down3.selectFrom(v).lanewise(LSHR, 63).and(lanes123));
            v = v.lanewise(XOR, down3.selectFrom(v).lanewise(LSHR, 63).and(lane4));
            v.intoMemorySegment(ALL, a + 64L * k, ORDER);
        }
    }

    // Four permutations, lane i from lane i + 1 … i + 4, then the lane masks in the order of their use above.
    private static long constants() {
        ByteBuffer b = ByteBuffer.allocate(12 * 64).order(ORDER);
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
        return Memory.constants(b.array());
    }
}
