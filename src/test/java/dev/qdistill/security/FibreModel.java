package dev.qdistill.security;

import dev.qdistill.security.DetectionCounts.Intensity;
import java.util.ArrayList;
import java.util.List;

/**
 * Expected counts of a decoy BB84 link, and the truth behind them that a bound cannot see: a channel with transmission
 * eta, background clicks with probability y0 a pulse, and optical errors.
 */
record FibreModel(double eta, double y0, double misalignment) {
    /** A typical link: 75 km and detectors of 20 %, 1e-6 background, 1 % optical error. */
    static final FibreModel TYPICAL = new FibreModel(0.2 * Math.pow(10, -1.5), 1e-6, 0.01);

    DetectionCounts counts(Protocol protocol, double pulses, double keyShare, double[] means, double[] probabilities) {
        List<Intensity> rows = new ArrayList<>();
        for (int i = 0; i < means.length; i++) {
            double detected = pulses * probabilities[i] * gain(means[i]);
            double errors = pulses * probabilities[i] * errorGain(means[i]);
            double test = 1 - keyShare;
            rows.add(new Intensity(
                    means[i],
                    probabilities[i],
                    Math.round(detected * keyShare),
                    Math.round(errors * keyShare),
                    Math.round(detected * test),
                    Math.round(errors * test)));
        }
        return new DetectionCounts(protocol, rows);
    }

    /** Detections of one basis that came from single photons, for `pulses` in that basis. */
    double singlePhotons(double pulses, double tau1) {
        return pulses * tau1 * (y0 + eta - y0 * eta);
    }

    double singlePhotonErrors(double pulses, double tau1) {
        return pulses * tau1 * (y0 / 2 + eta * misalignment);
    }

    private double gain(double mean) {
        return 1 - (1 - y0) * Math.exp(-eta * mean);
    }

    private double errorGain(double mean) {
        return y0 / 2 + misalignment * -Math.expm1(-eta * mean);
    }
}
