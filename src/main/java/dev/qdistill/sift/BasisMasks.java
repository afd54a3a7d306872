package dev.qdistill.sift;

import dev.qdistill.bits.BitString;

/**
 * Which detections fall where once both bases are announced: one bit a detection, in the order of detection. A basis
 * bit is 0 for Z, the key basis, and 1 for X, the test basis.
 *
 * @param key both sides used Z
 * @param test both sides used X
 * @param unequal the sides used different bases
 */
public record BasisMasks(BitString key, BitString test, BitString unequal) implements AutoCloseable {

    /**
     * The masks of a row of detections.
     *
     * @param alice Alice's bases
     * @param bob Bob's bases, as many
     */
    public static BasisMasks of(BitString alice, BitString bob) {
        if (alice.length() != bob.length()) {
            throw new IllegalArgumentException("Alice announced " + alice.length() + " bases, Bob " + bob.length());
        }
        BitString key = alice.copy();
        BitString test = alice.copy();
        BitString unequal = alice.copy();
        key.or(bob);
        key.invert();
        test.and(bob);
        unequal.xor(bob);
        return new BasisMasks(key, test, unequal);
    }

    @Override
    public void close() {
        key.close();
        test.close();
        unequal.close();
    }
}
