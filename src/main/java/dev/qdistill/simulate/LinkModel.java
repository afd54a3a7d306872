package dev.qdistill.simulate;

import dev.qdistill.dump.LinkParameters;
import dev.qdistill.security.Protocol;
import java.time.Instant;

/**
 * A link: the parameters of the model in the package's description, and its formulas.
 *
 * @param name of the link
 * @param source Alice's
 * @param channel between them
 * @param receiver Bob's
 * @param misalignment the probability e that a photon goes to the wrong detector of the right basis, 0 to 1/2
 * @param interceptResend the fraction r of the pulses that an eavesdropper measures and sends on, 0 to 1
 */
public record LinkModel(
        String name,
        Source source,
        Attenuation channel,
        Receiver receiver,
        double misalignment,
        double interceptResend) {
    /** The start of every simulated session, so that the same seed gives the same files. */
    public static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

    /** @throws IllegalArgumentException if a value is out of range */
    public LinkModel {
        require(misalignment >= 0 && misalignment <= .5, "The misalignment must be 0 to 0.5, not", misalignment);
        require(
                interceptResend >= 0 && interceptResend <= 1,
                "The eavesdropped fraction must be 0 to 1, not",
                interceptResend);
        LinkParameters checked = new LinkParameters(
                name,
                source.rateHz(),
                START,
                source.intensities(),
                source.probabilities(),
                source.keyBasisProbability(),
                receiver.keyBasisProbability());
        require(
                checked.intensities().size() == source.protocol().intensities(),
                "The protocol " + source.protocol().id() + " has "
                        + source.protocol().intensities() + " intensities, not",
                source.intensities());
    }

    /** What the dumps' headers say. */
    public LinkParameters parameters() {
        return new LinkParameters(
                name,
                source.rateHz(),
                START,
                source.intensities(),
                source.probabilities(),
                source.keyBasisProbability(),
                receiver.keyBasisProbability());
    }

    /** The number D of pulses for which the receiver is blind after a click. */
    public long deadPulses() {
        return (long) Math.floor(receiver.deadTimeSeconds() * source.rateHz());
    }

    /** The probability eta that a photon is detected, at a loss of the channel. */
    public double transmittance(double channelLossDb) {
        return Math.pow(10, -(channelLossDb + receiver.lossDb()) / 10) * receiver.detectorEfficiency();
    }

    /**
     * The click probabilities of a pulse.
     *
     * @param intensity index of the intensity
     * @param transmittance eta
     * @param equalBases whether Bob measures in Alice's basis
     */
    public Clicks clicks(int intensity, double transmittance, boolean equalBases) {
        Clicks random = clicks(intensity, transmittance, .5);
        return equalBases
                ? clicks(intensity, transmittance, misalignment).mix(random, 1 - interceptResend / 2)
                : random;
    }

    private Clicks clicks(int intensity, double transmittance, double e) {
        double mu = source.intensities().get(intensity);
        double dark = receiver.darkCountProbability();
        if (source.protocol() == Protocol.SINGLE_PHOTON) {
            double photon = mu * transmittance;
            double darkAlone = (1 - photon) * dark * (1 - dark);
            return new Clicks(
                    photon * (1 - e) * (1 - dark) + darkAlone,
                    photon * e * (1 - dark) + darkAlone,
                    photon * dark + (1 - photon) * dark * dark);
        }
        // 1 - N_c and 1 - N_w of the package's description, without cancellation.
        double right = -Math.expm1(Math.log1p(-dark) - mu * transmittance * (1 - e));
        double wrong = -Math.expm1(Math.log1p(-dark) - mu * transmittance * e);
        return new Clicks(right * (1 - wrong), (1 - right) * wrong, right * wrong);
    }

    /** The probability that a pulse drawn as Alice and Bob draw theirs makes a click, with the receiver not blind. */
    public double clickProbability(double transmittance) {
        double same = source.keyBasisProbability() * receiver.keyBasisProbability()
                + (1 - source.keyBasisProbability()) * (1 - receiver.keyBasisProbability());
        double sum = 0;
        for (int k = 0; k < source.intensities().size(); k++) {
            sum += source.probabilities().get(k)
                    * (same * clicks(k, transmittance, true).gain()
                            + (1 - same) * clicks(k, transmittance, false).gain());
        }
        return sum;
    }

    /**
     * The expected counts of a session.
     *
     * @param pulses sent in all
     * @throws IllegalArgumentException if the channel does not exist for that long
     */
    public ExpectedCounts expectedCounts(long pulses) {
        return ExpectedCounts.of(this, pulses);
    }

    /** The most pulses that a session can have: those of a whole pass, or as good as any number. */
    public long mostPulses() {
        return (long) Math.min(1L << 60, Math.ceil(channel.duration() * source.rateHz()));
    }

    /**
     * The number of pulses from which at least {@code keyBits} sifted key-basis bits come, except with a probability of
     * about 1e-9: six standard deviations above. It depends on the model only, never on what is detected, so that
     * the block ends after a fixed number of pulses.
     *
     * @throws IllegalArgumentException if the channel does not exist for that long
     */
    public long pulsesForKeyBits(long keyBits) {
        require(keyBits >= 1 && keyBits <= 1L << 40, "The number of key bits is out of range:", keyBits);
        double wanted = keyBits + 6 * Math.sqrt((double) keyBits) + 36;
        long high = 1024;
        while (high < mostPulses() && keyBasisBits(high) < wanted) {
            high *= 2;
        }
        high = Math.min(high, mostPulses());
        require(
                keyBasisBits(high) >= wanted,
                "The link " + name + " gives about " + Math.round(keyBasisBits(high)) + " key-basis bits in all, not",
                keyBits);
        long low = 0;
        while (high - low > 1) {
            long middle = low + (high - low) / 2;
            if (keyBasisBits(middle) >= wanted) {
                high = middle;
            } else {
                low = middle;
            }
        }
        return high;
    }

    private double keyBasisBits(long pulses) {
        return expectedCounts(pulses).detections(dev.qdistill.dump.Basis.Z);
    }

    static void require(boolean condition, String problem, Object found) {
        if (!condition) {
            throw new IllegalArgumentException(problem + " " + found);
        }
    }
}
