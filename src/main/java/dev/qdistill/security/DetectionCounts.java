package dev.qdistill.security;

import java.util.Comparator;
import java.util.List;

/**
 * What was detected in one block after sifting (equal bases only), by intensity: all that a bound needs to know.
 *
 * <p>Errors of the key basis Z are counted after correction and verification; the bits of the test basis X are
 * disclosed, so their errors are known.
 *
 * @param protocol what the source sends
 * @param intensities one row an intensity, in any order; as many as the protocol has
 */
public record DetectionCounts(Protocol protocol, List<Intensity> intensities) {
    /** How far the probabilities' sum may be from 1: they come from configuration files with a few digits. */
    public static final double PROBABILITY_TOLERANCE = 1e-6;

    /**
     * The counts of one intensity.
     *
     * @param mean mean photon number of a pulse, zero or more; has no meaning for single photons
     * @param probability chance that a pulse has this intensity, above 0 and at most 1
     * @param keyDetections detections with both in the key basis
     * @param keyErrors those of them that differ
     * @param testDetections detections with both in the test basis
     * @param testErrors those of them that differ
     */
    public record Intensity(
            double mean, double probability, long keyDetections, long keyErrors, long testDetections, long testErrors) {
        /** @throws IllegalArgumentException if a value is out of its range, or there are more errors than detections */
        public Intensity {
            if (!(mean >= 0 && mean < Double.POSITIVE_INFINITY)) {
                throw new IllegalArgumentException("Intensity " + mean + ": a finite number, 0 or more, is needed");
            }
            if (!(probability > 0 && probability <= 1)) {
                throw new IllegalArgumentException(
                        "Probability " + probability + ": a number above 0 and at most 1 is needed");
            }
            requireCounts("key", keyDetections, keyErrors);
            requireCounts("test", testDetections, testErrors);
        }

        private static void requireCounts(String basis, long detections, long errors) {
            if (detections < 0 || errors < 0 || errors > detections) {
                throw new IllegalArgumentException("The " + basis + " basis has " + errors + " errors in " + detections
                        + " detections: 0 to as many as there are detections are possible");
            }
        }
    }

    /**
     * @throws IllegalArgumentException if the number of intensities is not the protocol's, or the probabilities do not
     *     add to 1 within 1e-6
     */
    public DetectionCounts {
        intensities = List.copyOf(intensities);
        if (intensities.size() != protocol.intensities()) {
            throw new IllegalArgumentException(
                    protocol.id() + " has " + protocol.intensities() + " intensities, not " + intensities.size());
        }
        double sum = intensities.stream().mapToDouble(Intensity::probability).sum();
        if (Math.abs(sum - 1) > PROBABILITY_TOLERANCE) {
            throw new IllegalArgumentException("The intensities' probabilities add to " + sum + ", not to 1");
        }
    }

    /** The counts of single photons. */
    public static DetectionCounts singlePhoton(
            long keyDetections, long keyErrors, long testDetections, long testErrors) {
        return new DetectionCounts(
                Protocol.SINGLE_PHOTON,
                List.of(new Intensity(1, 1, keyDetections, keyErrors, testDetections, testErrors)));
    }

    /** Detections in the key basis over all intensities: the length of the block's sifted key in bits. */
    public long keyDetections() {
        return intensities.stream().mapToLong(Intensity::keyDetections).reduce(0, Math::addExact);
    }

    public long keyErrors() {
        return intensities.stream().mapToLong(Intensity::keyErrors).reduce(0, Math::addExact);
    }

    public long testDetections() {
        return intensities.stream().mapToLong(Intensity::testDetections).reduce(0, Math::addExact);
    }

    public long testErrors() {
        return intensities.stream().mapToLong(Intensity::testErrors).reduce(0, Math::addExact);
    }

    /** The rows with the brightest first, as the decoy bounds number them. */
    List<Intensity> brightestFirst() {
        return intensities.stream()
                .sorted(Comparator.comparingDouble(Intensity::mean).reversed())
                .toList();
    }
}
