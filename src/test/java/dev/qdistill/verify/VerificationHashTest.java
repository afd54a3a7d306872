package dev.qdistill.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.bits.BitString;
import java.math.BigInteger;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class VerificationHashTest {
    private static final BigInteger P = BigInteger.ONE.shiftLeft(127).subtract(BigInteger.ONE);

    @Test
    void agreesWithBigIntegersAtEveryLengthAndOffset() {
        var random = new SplittableRandom(1);
        var hash = new VerificationHash(50);
        BitString data = BitString.random(5000, random);
        BitString key = BitString.random(hash.keyBits(), random);
        for (int length = 0; length < 2600; length += length < 140 ? 1 : 37) {
            for (int offset : new int[] {0, 1, 63, 64, 777, 5000 - length}) {
                if (offset + length <= 5000) {
                    assertTag(hash, key, data, offset, length);
                }
            }
        }
    }

    @Test
    void agreesWithBigIntegersForEveryTagLengthAndExtremeKeys() {
        var random = new SplittableRandom(2);
        for (int tagBits = 1; tagBits <= 128; tagBits++) {
            var hash = new VerificationHash(tagBits);
            BitString data = BitString.random(3000, random);
            assertTag(hash, BitString.random(hash.keyBits(), random), data, 3, 2900);
            BitString ones = BitString.allocate(hash.keyBits());
            ones.invert();
            assertTag(hash, ones, data, 3, 2900);
            for (int i = 1; i < 40; i++) {
                ones.set(i, false);
            }
            data.wipe();
            data.invert();
            assertTag(hash, ones, data, 0, 3000);
        }
    }

    @Test
    void anyChangedBitAndAnyOtherLengthChangesTheTag() {
        var random = new SplittableRandom(3);
        var hash = new VerificationHash(64);
        BitString key = BitString.random(hash.keyBits(), random);
        BitString data = BitString.random(20_000, random);
        BitString tag = hash.tag(key, data);
        for (int i = 0; i < 300; i++) {
            BitString other = data.copy();
            int at = random.nextInt(20_000);
            other.set(at, !other.get(at));
            assertFalse(tag.contentEquals(hash.tag(key, other)));
        }
        BitString zeros = BitString.allocate(4096);
        BitString last = hash.tag(key, zeros, 0, 0);
        for (int length = 1; length < 4096; length++) {
            BitString t = hash.tag(key, zeros, 0, length);
            assertFalse(t.contentEquals(last));
            last = t;
        }
    }

    @Test
    void collisionsOfAShortTagAreAsRareAsTheBound() {
        var random = new SplittableRandom(4);
        var hash = new VerificationHash(6);
        BitString a = BitString.random(1000, random);
        BitString b = a.copy();
        b.set(500, !b.get(500));
        int equal = 0;
        int trials = 20_000;
        for (int i = 0; i < trials; i++) {
            BitString key = BitString.random(hash.keyBits(), random);
            equal += hash.tag(key, a).contentEquals(hash.tag(key, b)) ? 1 : 0;
        }
        double expected = trials * hash.collisionBound(1000);
        assertEquals(expected, equal, 5 * Math.sqrt(expected));
    }

    @Test
    void theBoundIsThatOfTheProof() {
        // 2^-b + (L + 2)/2^127, L words in whole groups of 16.
        long[][] words = {{0, 0}, {1, 16}, {1024, 16}, {1025, 32}, {1 << 20, 1 << 14}, {(1L << 30) + 1, (1 << 24) + 16}
        };
        for (long[] w : words) {
            for (int tagBits : new int[] {1, 50, 127, 128}) {
                double expected = Math.pow(2, -tagBits) + (w[1] + 2) * Math.pow(2, -127);
                assertEquals(expected, new VerificationHash(tagBits).collisionBound(w[0]), w[0] + " bits");
            }
        }
        assertEquals(127 + 126 + 50, new VerificationHash(50).keyBits());
        assertEquals(1, VerificationHash.forBound(0.6, 1000).tagBits());
        double bound = new VerificationHash(50).collisionBound(1000);
        assertEquals(50, VerificationHash.forBound(bound, 1000).tagBits());
        assertEquals(51, VerificationHash.forBound(Math.nextDown(bound), 1000).tagBits());
    }

    @Test
    void theDefaultCorrectnessFitsIntoFiftyBitsForTheLongestBlock() {
        var hash = VerificationHash.forBound(1e-15, 1L << 30);
        assertEquals(50, hash.tagBits());
        assertTrue(hash.collisionBound(1L << 30) < 8.9e-16);
        assertThrows(IllegalArgumentException.class, () -> VerificationHash.forBound(1e-36, 1L << 30));
        assertThrows(IllegalArgumentException.class, () -> new VerificationHash(129));
        assertThrows(IllegalArgumentException.class, () -> hash.tag(BitString.allocate(1), BitString.allocate(10)));
        assertThrows(
                IndexOutOfBoundsException.class,
                () -> hash.tag(BitString.allocate(hash.keyBits()), BitString.allocate(10), 5, 6));
    }

    // The definition in VerificationHash's documentation, in BigIntegers.
    private static void assertTag(VerificationHash hash, BitString key, BitString data, int offset, int length) {
        BigInteger k = number(key, 0, 127);
        int words = (length + 1023) / 1024 * 16;
        BigInteger u = BigInteger.ZERO;
        for (int w = 0; w < words; w++) {
            int bits = Math.clamp(length - 64 * w, 0, 64);
            u = u.add(number(data, offset + 64 * w, bits)).multiply(k).mod(P);
        }
        u = u.add(BigInteger.valueOf(length)).multiply(k).mod(P);
        BitString tag = hash.tag(key, data, offset, length);
        assertEquals(hash.tagBits(), tag.length());
        for (int i = 0; i < hash.tagBits(); i++) {
            boolean sum = false;
            for (int j = 0; j < 127; j++) {
                sum ^= u.testBit(j) && key.get(127 + i - j + 126);
            }
            assertEquals(sum, tag.get(i), "bit " + i + " at offset " + offset + ", length " + length);
        }
    }

    private static BigInteger number(BitString s, int offset, int bits) {
        BigInteger n = BigInteger.ZERO;
        for (int i = 0; i < bits; i++) {
            if (s.get(offset + i)) {
                n = n.setBit(i);
            }
        }
        return n;
    }
}
