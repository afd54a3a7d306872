package dev.qdistill.gf2;

import static dev.qdistill.gf2.Memory.ALL;
import static dev.qdistill.gf2.Memory.ORDER;
import static jdk.incubator.vector.VectorOperators.BITWISE_BLEND;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.XOR;

import java.nio.ByteBuffer;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The levels of {@link BasisConversion} that stay within 2048 bits and shift by less than a byte, or stay within a vector: (10,
 * 2), (9, 1), then (8, 0) and the conversion of eight bits of the index.
 *
 * <p>A level (p, q) moves the upper half of each 2^(p+1) bits down by 2^p - 2^q: first its top 2^q bits, which land in the upper
 * half itself, then the rest; with both from the old value, x ^= (upper half of x) &gt;&gt;&gt; d ^ (top bits of x) &gt;&gt;&gt; 2d, d = 2^p - 2^q. In
 * the inverse what was moved twice drops out. Above 64 bits words are moved by permutations.
 */
final class InnerConversion {
    private static final VectorSpecies<Long> L = LongVector.SPECIES_512;
    private static final VectorSpecies<Byte> B = ByteVector.SPECIES_512;
    private static final long CONSTANTS = constants();

    private InnerConversion() {}

    /** Of {@code groups} times four vectors. */
    static void forward(long a, int groups) {
        carriesForward(a, groups);
        wordsForward(a, 4 * groups);
        bitsForward(a, 4 * groups);
    }

    static void inverse(long a, int groups) {
        bitsInverse(a, 4 * groups);
        wordsInverse(a, 4 * groups);
        carriesInverse(a, groups);
    }

    // Levels (10, 2) and (9, 1).
    private static void carriesForward(long a, int groups) {
        ByteVector up = ByteVector.fromMemorySegment(B, ALL, CONSTANTS + 12 * 64, ORDER);
        LongVector lane0 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 13 * 64, ORDER);
        for (int k = 0; k < groups; k++) {
            long at = a + 256L * k;
            LongVector v0 = LongVector.fromMemorySegment(L, ALL, at, ORDER);
            LongVector v1 = LongVector.fromMemorySegment(L, ALL, at + 64, ORDER);
            LongVector v2 = LongVector.fromMemorySegment(L, ALL, at + 128, ORDER);
            LongVector v3 = LongVector.fromMemorySegment(L, ALL, at + 192, ORDER);
            LongVector c2 =
                    up.selectFrom(v2.lanewise(LSHR, 60).reinterpretAsBytes()).reinterpretAsLongs();
            LongVector c3 =
                    up.selectFrom(v3.lanewise(LSHR, 60).reinterpretAsBytes()).reinterpretAsLongs();
            v2 = v2.lanewise(XOR, c3.and(lane0));
            v0 = v0.lanewise(XOR, v2.lanewise(LSHL, 4)).lanewise(XOR, c2.and(lane0.not()));
            v1 = v1.lanewise(XOR, v3.lanewise(LSHL, 4)).lanewise(XOR, c3.lanewise(BITWISE_BLEND, c2, lane0));
            LongVector c1 =
                    up.selectFrom(v1.lanewise(LSHR, 62).reinterpretAsBytes()).reinterpretAsLongs();
            c3 = up.selectFrom(v3.lanewise(LSHR, 62).reinterpretAsBytes()).reinterpretAsLongs();
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
        ByteVector up = ByteVector.fromMemorySegment(B, ALL, CONSTANTS + 12 * 64, ORDER);
        LongVector lane0 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 13 * 64, ORDER);
        for (int k = 0; k < groups; k++) {
            long at = a + 256L * k;
            LongVector v0 = LongVector.fromMemorySegment(L, ALL, at, ORDER);
            LongVector v1 = LongVector.fromMemorySegment(L, ALL, at + 64, ORDER);
            LongVector v2 = LongVector.fromMemorySegment(L, ALL, at + 128, ORDER);
            LongVector v3 = LongVector.fromMemorySegment(L, ALL, at + 192, ORDER);
            LongVector c1 =
                    up.selectFrom(v1.lanewise(LSHR, 62).reinterpretAsBytes()).reinterpretAsLongs();
            LongVector c3 =
                    up.selectFrom(v3.lanewise(LSHR, 62).reinterpretAsBytes()).reinterpretAsLongs();
            v0 = v0.lanewise(XOR, v1.lanewise(LSHL, 2)).lanewise(XOR, c1.and(lane0.not()));
            v2 = v2.lanewise(XOR, v3.lanewise(LSHL, 2)).lanewise(XOR, c3.and(lane0.not()));
            v1 = v1.lanewise(XOR, c1.and(lane0));
            v3 = v3.lanewise(XOR, c3.and(lane0));
            LongVector c2 =
                    up.selectFrom(v2.lanewise(LSHR, 60).reinterpretAsBytes()).reinterpretAsLongs();
            c3 = up.selectFrom(v3.lanewise(LSHR, 60).reinterpretAsBytes()).reinterpretAsLongs();
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

    private static void wordsForward(long a, int vectors) {
        ByteVector down1 = ByteVector.fromMemorySegment(B, ALL, CONSTANTS + 0, ORDER);
        ByteVector down2 = ByteVector.fromMemorySegment(B, ALL, CONSTANTS + 64, ORDER);
        ByteVector down3 = ByteVector.fromMemorySegment(B, ALL, CONSTANTS + 128, ORDER);
        ByteVector down4 = ByteVector.fromMemorySegment(B, ALL, CONSTANTS + 192, ORDER);
        LongVector lane1 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 256, ORDER);
        LongVector lane2 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 320, ORDER);
        LongVector lanes01 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 384, ORDER);
        LongVector odd = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 448, ORDER);
        LongVector even = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 512, ORDER);
        LongVector lane4 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 576, ORDER);
        LongVector lanes0123 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 640, ORDER);
        LongVector lanes123 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 704, ORDER);
        LongVector m51 = LongVector.broadcast(L, 0x00000003FFFFFFFCL);
        LongVector w51 = LongVector.broadcast(L, 0x000000000000000CL);
        LongVector m40 = LongVector.broadcast(L, 0x0001FFFE0001FFFEL);
        LongVector w40 = LongVector.broadcast(L, 0x0000000200000002L);
        for (int k = 0; k < vectors; k++) {
            LongVector v = LongVector.fromMemorySegment(L, ALL, a + 64L * k, ORDER);
            LongVector t;
            // (8, 0)
            t = down3.selectFrom(v.lanewise(LSHR, 63).reinterpretAsBytes()).reinterpretAsLongs();
            v = v.lanewise(XOR, t.and(lane4));
            v = v.lanewise(
                    XOR,
                    down4.selectFrom(v.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .lanewise(LSHL, 1)
                            .and(lanes0123));
            v = v.lanewise(XOR, t.and(lanes123));
            // (7, 3)
            t = down1.selectFrom(v.reinterpretAsBytes()).reinterpretAsLongs().lanewise(LSHR, 56);
            v = v.lanewise(XOR, t.and(lane2));
            v = v.lanewise(
                    XOR,
                    down2.selectFrom(v.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .lanewise(LSHL, 8)
                            .and(lanes01));
            v = v.lanewise(XOR, t.and(lane1));
            // (6, 2)
            v = v.lanewise(XOR, v.lanewise(LSHR, 60).and(odd));
            v = v.lanewise(
                    XOR,
                    down1.selectFrom(v.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .lanewise(LSHL, 4)
                            .and(even));
            // (5, 1)
            t = v.lanewise(LSHR, 60).and(w51);
            v = v.lanewise(XOR, v.lanewise(LSHR, 30).and(m51));
            v = v.lanewise(XOR, t);
            // (4, 0)
            t = v.lanewise(LSHR, 30).and(w40);
            v = v.lanewise(XOR, v.lanewise(LSHR, 15).and(m40));
            v = v.lanewise(XOR, t);
            v.intoMemorySegment(ALL, a + 64L * k, ORDER);
        }
    }

    private static void bitsForward(long a, int vectors) {
        ByteVector down1 = ByteVector.fromMemorySegment(B, ALL, CONSTANTS + 0, ORDER);
        ByteVector down2 = ByteVector.fromMemorySegment(B, ALL, CONSTANTS + 64, ORDER);
        LongVector lane1 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 256, ORDER);
        LongVector lane2 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 320, ORDER);
        LongVector lanes01 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 384, ORDER);
        LongVector odd = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 448, ORDER);
        LongVector even = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 512, ORDER);
        LongVector m31 = LongVector.broadcast(L, 0x03FC03FC03FC03FCL);
        LongVector w31 = LongVector.broadcast(L, 0x000C000C000C000CL);
        LongVector m20 = LongVector.broadcast(L, 0x1E1E1E1E1E1E1E1EL);
        LongVector w20 = LongVector.broadcast(L, 0x0202020202020202L);
        LongVector m10 = LongVector.broadcast(L, 0x6666666666666666L);
        LongVector w10 = LongVector.broadcast(L, 0x2222222222222222L);
        LongVector m32 = LongVector.broadcast(L, 0x0FF00FF00FF00FF0L);
        LongVector w32 = LongVector.broadcast(L, 0x00F000F000F000F0L);
        LongVector m54 = LongVector.broadcast(L, 0x0000FFFFFFFF0000L);
        LongVector w54 = LongVector.broadcast(L, 0x00000000FFFF0000L);
        for (int k = 0; k < vectors; k++) {
            LongVector v = LongVector.fromMemorySegment(L, ALL, a + 64L * k, ORDER);
            LongVector t;
            // (3, 1)
            t = v.lanewise(LSHR, 12).and(w31);
            v = v.lanewise(XOR, v.lanewise(LSHR, 6).and(m31));
            v = v.lanewise(XOR, t);
            // (2, 0)
            t = v.lanewise(LSHR, 6).and(w20);
            v = v.lanewise(XOR, v.lanewise(LSHR, 3).and(m20));
            v = v.lanewise(XOR, t);
            // (1, 0)
            t = v.lanewise(LSHR, 2).and(w10);
            v = v.lanewise(XOR, v.lanewise(LSHR, 1).and(m10));
            v = v.lanewise(XOR, t);
            // (3, 2)
            t = v.lanewise(LSHR, 8).and(w32);
            v = v.lanewise(XOR, v.lanewise(LSHR, 4).and(m32));
            v = v.lanewise(XOR, t);
            // (7, 5)
            t = down1.selectFrom(v.reinterpretAsBytes()).reinterpretAsLongs().lanewise(LSHR, 32);
            v = v.lanewise(XOR, t.and(lane2));
            v = v.lanewise(
                    XOR,
                    down2.selectFrom(v.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .lanewise(LSHL, 32)
                            .and(lanes01));
            v = v.lanewise(XOR, t.and(lane1));
            // (6, 4)
            v = v.lanewise(XOR, v.lanewise(LSHR, 48).and(odd));
            v = v.lanewise(
                    XOR,
                    down1.selectFrom(v.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .lanewise(LSHL, 16)
                            .and(even));
            // (5, 4)
            t = v.lanewise(LSHR, 32).and(w54);
            v = v.lanewise(XOR, v.lanewise(LSHR, 16).and(m54));
            v = v.lanewise(XOR, t);
            // (7, 6)
            v = v.lanewise(
                    XOR,
                    down1.selectFrom(v.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .and(lane2));
            v = v.lanewise(
                    XOR,
                    down1.selectFrom(v.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .and(lane1));
            v.intoMemorySegment(ALL, a + 64L * k, ORDER);
        }
    }

    private static void bitsInverse(long a, int vectors) {
        ByteVector down1 = ByteVector.fromMemorySegment(B, ALL, CONSTANTS + 0, ORDER);
        ByteVector down2 = ByteVector.fromMemorySegment(B, ALL, CONSTANTS + 64, ORDER);
        LongVector lane1 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 256, ORDER);
        LongVector lane2 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 320, ORDER);
        LongVector lanes01 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 384, ORDER);
        LongVector odd = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 448, ORDER);
        LongVector even = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 512, ORDER);
        LongVector m31 = LongVector.broadcast(L, 0x03FC03FC03FC03FCL);
        LongVector m20 = LongVector.broadcast(L, 0x1E1E1E1E1E1E1E1EL);
        LongVector m10 = LongVector.broadcast(L, 0x6666666666666666L);
        LongVector m32 = LongVector.broadcast(L, 0x0FF00FF00FF00FF0L);
        LongVector m54 = LongVector.broadcast(L, 0x0000FFFFFFFF0000L);
        for (int k = 0; k < vectors; k++) {
            LongVector v = LongVector.fromMemorySegment(L, ALL, a + 64L * k, ORDER);
            LongVector t;
            // (7, 6)
            v = v.lanewise(
                    XOR,
                    down1.selectFrom(v.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .and(lane1));
            v = v.lanewise(
                    XOR,
                    down1.selectFrom(v.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .and(lane2));
            // (5, 4)
            v = v.lanewise(XOR, v.lanewise(LSHR, 16).and(m54));
            // (6, 4)
            v = v.lanewise(
                    XOR,
                    down1.selectFrom(v.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .lanewise(LSHL, 16)
                            .and(even));
            v = v.lanewise(XOR, v.lanewise(LSHR, 48).and(odd));
            // (7, 5)
            t = down1.selectFrom(v.reinterpretAsBytes()).reinterpretAsLongs().lanewise(LSHR, 32);
            v = v.lanewise(
                    XOR,
                    down2.selectFrom(v.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .lanewise(LSHL, 32)
                            .and(lanes01));
            v = v.lanewise(XOR, t.and(lane1));
            v = v.lanewise(XOR, t.and(lane2));
            // (3, 2)
            v = v.lanewise(XOR, v.lanewise(LSHR, 4).and(m32));
            // (1, 0)
            v = v.lanewise(XOR, v.lanewise(LSHR, 1).and(m10));
            // (2, 0)
            v = v.lanewise(XOR, v.lanewise(LSHR, 3).and(m20));
            // (3, 1)
            v = v.lanewise(XOR, v.lanewise(LSHR, 6).and(m31));
            v.intoMemorySegment(ALL, a + 64L * k, ORDER);
        }
    }

    private static void wordsInverse(long a, int vectors) {
        ByteVector down1 = ByteVector.fromMemorySegment(B, ALL, CONSTANTS + 0, ORDER);
        ByteVector down2 = ByteVector.fromMemorySegment(B, ALL, CONSTANTS + 64, ORDER);
        ByteVector down3 = ByteVector.fromMemorySegment(B, ALL, CONSTANTS + 128, ORDER);
        ByteVector down4 = ByteVector.fromMemorySegment(B, ALL, CONSTANTS + 192, ORDER);
        LongVector lane1 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 256, ORDER);
        LongVector lane2 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 320, ORDER);
        LongVector lanes01 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 384, ORDER);
        LongVector odd = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 448, ORDER);
        LongVector even = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 512, ORDER);
        LongVector lane4 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 576, ORDER);
        LongVector lanes0123 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 640, ORDER);
        LongVector lanes123 = LongVector.fromMemorySegment(L, ALL, CONSTANTS + 704, ORDER);
        LongVector m51 = LongVector.broadcast(L, 0x00000003FFFFFFFCL);
        LongVector m40 = LongVector.broadcast(L, 0x0001FFFE0001FFFEL);
        for (int k = 0; k < vectors; k++) {
            LongVector v = LongVector.fromMemorySegment(L, ALL, a + 64L * k, ORDER);
            LongVector t;
            // (4, 0)
            v = v.lanewise(XOR, v.lanewise(LSHR, 15).and(m40));
            // (5, 1)
            v = v.lanewise(XOR, v.lanewise(LSHR, 30).and(m51));
            // (6, 2)
            v = v.lanewise(
                    XOR,
                    down1.selectFrom(v.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .lanewise(LSHL, 4)
                            .and(even));
            v = v.lanewise(XOR, v.lanewise(LSHR, 60).and(odd));
            // (7, 3)
            t = down1.selectFrom(v.reinterpretAsBytes()).reinterpretAsLongs().lanewise(LSHR, 56);
            v = v.lanewise(
                    XOR,
                    down2.selectFrom(v.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .lanewise(LSHL, 8)
                            .and(lanes01));
            v = v.lanewise(XOR, t.and(lane1));
            v = v.lanewise(XOR, t.and(lane2));
            // (8, 0)
            t = down3.selectFrom(v.lanewise(LSHR, 63).reinterpretAsBytes()).reinterpretAsLongs();
            v = v.lanewise(
                    XOR,
                    down4.selectFrom(v.reinterpretAsBytes())
                            .reinterpretAsLongs()
                            .lanewise(LSHL, 1)
                            .and(lanes0123));
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
                b.putLong(lane(i + k & 7));
            }
        }
        for (int lanes : new int[] {0x22, 0x44, 0x33, 0xAA, 0x55, 0x10, 0x0F, 0x0E}) {
            for (int i = 0; i < 8; i++) {
                b.putLong(-(lanes >>> i & 1L));
            }
        }
        for (int i = 0; i < 8; i++) {
            b.putLong(lane(i + 7 & 7));
        }
        for (int i = 0; i < 8; i++) {
            b.putLong(i == 0 ? -1 : 0);
        }
        return Memory.constants(b.array());
    }

    // The indices of the bytes of a lane of 64 bits.
    private static long lane(int i) {
        return 0x0706050403020100L + 0x0808080808080808L * i;
    }
}
