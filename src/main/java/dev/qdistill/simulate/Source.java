package dev.qdistill.simulate;

import dev.qdistill.security.Protocol;
import java.util.List;

/**
 * Alice's source.
 *
 * @param protocol decoy states by weak coherent pulses, or single photons
 * @param rateHz pulses a second
 * @param intensities mean photon numbers, descending; for single photons the one probability that a pulse holds one
 * @param probabilities of the intensities
 * @param keyBasisProbability with which Alice chooses Z
 */
public record Source(
        Protocol protocol,
        double rateHz,
        List<Double> intensities,
        List<Double> probabilities,
        double keyBasisProbability) {
    public Source {
        intensities = List.copyOf(intensities);
        probabilities = List.copyOf(probabilities);
        LinkModel.require(
                protocol != Protocol.SINGLE_PHOTON || intensities.stream().allMatch(mu -> mu <= 1),
                "A pulse of a single-photon source holds one with a probability of at most 1, not",
                intensities);
    }
}
