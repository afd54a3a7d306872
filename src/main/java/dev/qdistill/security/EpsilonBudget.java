package dev.qdistill.security;

/**
 * How far from perfect one block's key may be; fixed before data are seen.
 *
 * <p>The claim: the chance that the block is not refused, times the trace distance of the keys from a pair of equal,
 * uniform keys of which an eavesdropper knows nothing, is at most {@link #total()}. A bound splits
 * {@code epsilonSecrecy} among its failure events ({@link KeyLengthBound#secrecyTerms()}); {@code epsilonCorrectness}
 * bounds the chance that the verification accepts unequal keys. ε adds over blocks.
 *
 * @param epsilonSecrecy above 0, below 1
 * @param epsilonCorrectness above 0, below 1
 */
public record EpsilonBudget(double epsilonSecrecy, double epsilonCorrectness) {
    /** 1e-9 for secrecy, 1e-15 for correctness. */
    public static final EpsilonBudget DEFAULT = new EpsilonBudget(1e-9, 1e-15);

    /** @throws IllegalArgumentException if a value is not above 0 and below 1 */
    public EpsilonBudget {
        require("epsilonSecrecy", epsilonSecrecy);
        require("epsilonCorrectness", epsilonCorrectness);
    }

    /** The distance from a perfect key that the two allow together. */
    public double total() {
        return epsilonSecrecy + epsilonCorrectness;
    }

    /** log2(2/ε_cor): the least that must be subtracted for the verification, in bits. */
    public double correctnessBits() {
        return 1 - BinaryEntropy.log2(epsilonCorrectness);
    }

    private static void require(String name, double value) {
        if (!(value > 0 && value < 1)) {
            throw new IllegalArgumentException(name + " is " + value + ": a number above 0 and below 1 is needed");
        }
    }
}
