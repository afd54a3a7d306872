package dev.qdistill.link;

import dev.qdistill.ldpc.Profile;
import java.io.Serializable;

/**
 * What the operator chooses; the same at both sites, fixed before data are seen.
 *
 * @param epsilonSecrecy ε_sec of a block
 * @param epsilonCorrectness ε_cor of a block
 * @param blockPulses pulses of a block; {@link Long#MAX_VALUE} for one block a session
 * @param maximumQber a key-basis error rate above it gives no key
 * @param unequalBasisTolerance how far the error rate of unequal bases may be from 1/2
 * @param profile what the LDPC codes are chosen for
 * @param frameBits the largest LDPC frame
 */
public record Settings(
        double epsilonSecrecy,
        double epsilonCorrectness,
        long blockPulses,
        double maximumQber,
        double unequalBasisTolerance,
        Profile profile,
        int frameBits)
        implements Serializable {

    /** The shortest that the largest frame may be. */
    public static final int LEAST_FRAME_BITS = 1 << 12;

    /** The least ε_cor: tags of a block of the longest kind can be this good, not much better. */
    public static final double LEAST_EPSILON_CORRECTNESS = 1e-29;

    /** ε_sec 1e-9, ε_cor 1e-15, one block, QBER to 12 %, unequal bases 50 ± 15 %, fast codes of 2^18 bits. */
    public static final Settings DEFAULT = new Settings(1e-9, 1e-15, Long.MAX_VALUE, 0.12, 0.15, Profile.FAST, 1 << 18);

    /** @throws IllegalArgumentException if a value is out of range */
    public Settings {
        requireFraction("epsilonSecrecy", epsilonSecrecy);
        requireFraction("epsilonCorrectness", epsilonCorrectness);
        if (epsilonCorrectness < LEAST_EPSILON_CORRECTNESS) {
            throw new IllegalArgumentException("epsilonCorrectness is " + epsilonCorrectness + "; "
                    + LEAST_EPSILON_CORRECTNESS + " or more is needed");
        }
        if (blockPulses < 1) {
            throw new IllegalArgumentException("blockPulses is " + blockPulses + "; 1 or more is needed");
        }
        if (!(maximumQber > 0 && maximumQber <= 0.5)) {
            throw new IllegalArgumentException("maximumQber is " + maximumQber + "; above 0 and at most 0.5 is needed");
        }
        if (!(unequalBasisTolerance >= 0 && unequalBasisTolerance <= 0.5)) {
            throw new IllegalArgumentException(
                    "unequalBasisTolerance is " + unequalBasisTolerance + "; 0 to 0.5 is needed");
        }
        if (frameBits < LEAST_FRAME_BITS) {
            throw new IllegalArgumentException("frameBits is " + frameBits + "; 4096 or more is needed");
        }
    }

    /** The same with blocks of another length. */
    public Settings withBlockPulses(long pulses) {
        return new Settings(
                epsilonSecrecy, epsilonCorrectness, pulses, maximumQber, unequalBasisTolerance, profile, frameBits);
    }

    private static void requireFraction(String name, double value) {
        if (!(value > 0 && value < 1)) {
            throw new IllegalArgumentException(name + " is " + value + "; above 0 and below 1 is needed");
        }
    }
}
