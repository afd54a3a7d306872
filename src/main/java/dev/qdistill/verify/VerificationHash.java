package dev.qdistill.verify;

import dev.qdistill.bits.BitString;

/**
 * The hash by which both sides check that their reconciled keys are the same: ε-almost universal, a short tag, many Gb/s
 * in plain Java.
 *
 * <p>The data, padded with zeros to L words w_1 … w_L of 64 bits, L a multiple of {@value PolynomialHash#GROUP}, and their length in
 * bits are hashed in two steps, with p = 2^127 - 1:
 *
 * <pre>
 *   (1)  u = w_1 k^(L+1) + w_2 k^L + … + w_L k^2 + length·k  mod p      (polynomial hash, key k: 127 bits)
 *   (2)  tag = T u over GF(2), T[i][j] = t[i - j + 126], u as 127 bits    (Toeplitz hash, key t: 126 + b bits)
 * </pre>
 *
 * <p>Collision bound. Let two strings differ, each at most {@code length} bits. If their lengths differ, the coefficient
 * of k differs; if not, they have the same L and a coefficient of a higher power differs. All coefficients are below p, so the
 * difference of the two sums (1) is a polynomial in k of degree at most L + 1 that is not zero: at most L + 1 residues k
 * make the sums equal. A key of 127 random bits hits any residue with probability 2^-127, but 0 with 2^-126: step (1)
 * collides with probability at most (L + 2)/2^127. Different u collide in step (2) with probability 2^-b exactly. Together
 *
 * <pre>
 *   (3)  ε(length) = 2^-b + (L + 2)/2^127
 * </pre>
 *
 * <p>The first term does not grow with the length: at b = 50 a block of 2^30 bits has ε = 8.9e-16.
 *
 * <p>The bound needs a key that is uniform and independent of the data: drawn fresh for each block, sent after correction.
 * Tags are compared by {@link BitString#contentEquals}. Immutable, safe for use by many threads.
 */
public final class VerificationHash {
    private static final int GROUP = PolynomialHash.GROUP;
    private static final int FIELD_BITS = PolynomialHash.FIELD_BITS;

    private final int tagBits;

    /**
     * @param tagBits b, 1 to 128
     * @throws IllegalArgumentException if it is out of range
     */
    public VerificationHash(int tagBits) {
        if (tagBits < 1 || tagBits > 128) {
            throw new IllegalArgumentException("Tag of " + tagBits + " bits; 1 to 128 are supported");
        }
        this.tagBits = tagBits;
    }

    /**
     * The hash with the shortest tag whose collision bound is at most {@code epsilon} for strings of {@code length} bits.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static VerificationHash forBound(double epsilon, long length) {
        for (int b = 1; b <= 128; b++) {
            VerificationHash h = new VerificationHash(b);
            if (h.collisionBound(length) <= epsilon) {
                return h;
            }
        }
        throw new IllegalArgumentException(
                "No tag of up to 128 bits has a collision bound of " + epsilon + " at " + length + " bits");
    }

    /** The bits of a tag, b. */
    public int tagBits() {
        return tagBits;
    }

    /** The random bits of a key: k, then t. */
    public int keyBits() {
        return FIELD_BITS + FIELD_BITS - 1 + tagBits;
    }

    /**
     * The probability, over the key, that two different strings of at most {@code length} bits have the same tag is at most
     * this: equation (3).
     */
    public double collisionBound(long length) {
        return Math.scalb(1.0, -tagBits) + Math.scalb((double) (groups(length) * GROUP + 2), -FIELD_BITS);
    }

    /** The tag of a whole string. */
    public BitString tag(BitString key, BitString data) {
        return tag(key, data, 0, data.length());
    }

    /**
     * The tag of {@code length} bits of {@code data} from {@code offset} up.
     *
     * @param key {@link #keyBits} uniform bits
     * @return {@link #tagBits} bits, owning their memory
     * @throws IllegalArgumentException if the key has another length
     * @throws IndexOutOfBoundsException if the range is not in the string
     */
    public BitString tag(BitString key, BitString data, long offset, long length) {
        if (key.length() != keyBits()) {
            throw new IllegalArgumentException("The key has " + key.length() + " bits; this hash takes " + keyBits());
        }
        java.util.Objects.checkFromIndexSize(offset, length, data.length());
        long[] u = polynomial(key.bits(0, 64), key.bits(64, 63), data, offset, length);
        BitString tag = BitString.allocate(tagBits);
        for (int i = 0; i < tagBits; i++) {
            // Row i of T is t[i + 126], t[i + 125] … t[i]: the reversed window of t that starts at i.
            long low = Long.reverse(key.bits(FIELD_BITS + i + 63, 64));
            long high = Long.reverse(key.bits(FIELD_BITS + i, 63)) >>> 1;
            tag.set(i, (Long.bitCount(low & u[0]) + Long.bitCount(high & u[1]) & 1) != 0);
        }
        return tag;
    }

    // Equation (1), as the canonical residue {low, high}: so far the last word has k^1, then one more k for all and
    // length·k.
    private static long[] polynomial(long keyLow, long keyHigh, BitString data, long offset, long length) {
        PolynomialHash hash = new PolynomialHash(keyLow, keyHigh);
        hash.update(data, offset, length);
        return hash.valueWith(length);
    }

    private static long groups(long length) {
        return (length + 64 * GROUP - 1) / (64 * GROUP);
    }
}
