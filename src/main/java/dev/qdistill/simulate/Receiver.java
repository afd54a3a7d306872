package dev.qdistill.simulate;

/**
 * Bob's receiver: two detectors in each basis.
 *
 * @param keyBasisProbability with which Bob chooses Z
 * @param lossDb from the receiver's input to a detector
 * @param detectorEfficiency 0 to 1
 * @param darkCountProbability in one detector during one pulse's gate, stray light included
 * @param deadTimeSeconds for which the whole receiver is blind after a click
 */
public record Receiver(
        double keyBasisProbability,
        double lossDb,
        double detectorEfficiency,
        double darkCountProbability,
        double deadTimeSeconds) {
    public Receiver {
        LinkModel.require(lossDb >= 0 && lossDb <= 100, "The receiver's loss must be 0 to 100 dB, not", lossDb);
        LinkModel.require(
                detectorEfficiency >= 0 && detectorEfficiency <= 1,
                "The detector efficiency must be 0 to 1, not",
                detectorEfficiency);
        LinkModel.require(
                darkCountProbability >= 0 && darkCountProbability <= .5,
                "The dark-count probability must be 0 to 0.5, not",
                darkCountProbability);
        LinkModel.require(
                deadTimeSeconds >= 0 && deadTimeSeconds <= 1, "The dead time must be 0 to 1 s, not", deadTimeSeconds);
    }
}
