package dev.qdistill.dump;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;

/**
 * What both dumps of a session say about the link; agreed before the session starts.
 *
 * @param name the link's name, at most {@link #MAX_NAME_BYTES} bytes of UTF-8
 * @param sourceRateHz pulses a second, positive
 * @param start when pulse 0 was sent
 * @param intensities mean photon numbers, descending, the signal first
 * @param probabilities of the intensities, in the same order; their sum is 1
 * @param aliceKeyBasisProbability the probability with which Alice chooses basis Z, 0 to 1
 * @param bobKeyBasisProbability the probability with which Bob chooses basis Z, 0 to 1
 */
public record LinkParameters(
        String name,
        double sourceRateHz,
        Instant start,
        List<Double> intensities,
        List<Double> probabilities,
        double aliceKeyBasisProbability,
        double bobKeyBasisProbability) {
    public static final int MAX_NAME_BYTES = 128;

    /** @throws IllegalArgumentException if a value is out of range */
    public LinkParameters {
        intensities = List.copyOf(intensities);
        probabilities = List.copyOf(probabilities);
        require(name.getBytes(StandardCharsets.UTF_8).length <= MAX_NAME_BYTES, "The link name is too long", name);
        require(
                name.codePoints().noneMatch(Character::isISOControl),
                "The link name has control characters: length",
                name.length());
        require(sourceRateHz > 0 && sourceRateHz <= 1e15, "The source rate in Hz is out of range", sourceRateHz);
        require(isProbability(aliceKeyBasisProbability), "Alice's key-basis probability", aliceKeyBasisProbability);
        require(isProbability(bobKeyBasisProbability), "Bob's key-basis probability", bobKeyBasisProbability);
        require(
                intensities.size() == probabilities.size() && !intensities.isEmpty() && intensities.size() <= 3,
                "One to three intensities with a probability each are supported, not",
                intensities + " with " + probabilities);
        double sum = 0;
        double above = 1e3;
        for (int k = 0; k < intensities.size(); k++) {
            double mu = intensities.get(k);
            double p = probabilities.get(k);
            require(mu >= 0 && mu < above, "The intensities must descend from below 1000 to 0 or more", intensities);
            require(isProbability(p) && p > 0, "A probability of an intensity is out of range", p);
            above = mu;
            sum += p;
        }
        require(Math.abs(sum - 1) < 1e-9, "The probabilities of the intensities do not add up to 1", probabilities);
    }

    private static boolean isProbability(double p) {
        return p >= 0 && p <= 1;
    }

    private static void require(boolean condition, String problem, Object found) {
        if (!condition) {
            throw new IllegalArgumentException(problem + ": " + found);
        }
    }
}
