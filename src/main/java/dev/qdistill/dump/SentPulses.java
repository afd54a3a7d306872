package dev.qdistill.dump;

import java.util.Arrays;
import java.util.Objects;

/** How many pulses Alice sent in each basis with each intensity. Immutable. */
public final class SentPulses {
    private final long[] counts;

    /**
     * @param keyBasis pulses sent in basis Z, in the order of the intensities (1 to 3 of them)
     * @param testBasis pulses sent in basis X, likewise
     * @throws IllegalArgumentException if the lengths differ or are out of range, or a count is negative, or the sum
     *     does not fit in 63 bits
     */
    public SentPulses(long[] keyBasis, long[] testBasis) {
        if (keyBasis.length != testBasis.length || keyBasis.length < 1 || keyBasis.length > 3) {
            throw new IllegalArgumentException(
                    keyBasis.length + " and " + testBasis.length + " intensities; both bases have the same 1 to 3");
        }
        counts = Arrays.copyOf(keyBasis, 2 * keyBasis.length);
        System.arraycopy(testBasis, 0, counts, keyBasis.length, testBasis.length);
        long sum = 0;
        for (long n : counts) {
            sum += n;
            if (n < 0 || sum < 0) {
                throw new IllegalArgumentException("The sent pulses are out of range: " + this);
            }
        }
    }

    public int intensities() {
        return counts.length / 2;
    }

    /** Pulses sent in {@code basis} with the intensity of that index. */
    public long count(Basis basis, int intensity) {
        return counts[(basis == Basis.X ? intensities() : 0) + Objects.checkIndex(intensity, intensities())];
    }

    /** Pulses sent in {@code basis}. */
    public long count(Basis basis) {
        long sum = 0;
        for (int k = 0; k < intensities(); k++) {
            sum += count(basis, k);
        }
        return sum;
    }

    /** All pulses. */
    public long total() {
        return count(Basis.Z) + count(Basis.X);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof SentPulses other && Arrays.equals(counts, other.counts);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(counts);
    }

    @Override
    public String toString() {
        return "SentPulses" + Arrays.toString(counts);
    }
}
