package dev.qdistill.simulate;

import dev.qdistill.dump.Basis;
import java.util.List;

/**
 * The expected counts of a session: what the finite-key bounds take, before it happens. Expectation values, so not whole.
 * Exact but for the ends of slices, where the dead time's stationary share is used.
 */
public final class ExpectedCounts {
    private final long pulses;
    private final double seconds;
    private final double[] detections;
    private final double[] errors;
    private final double[] sent;
    private final double allDetections;
    private final double doubleClicks;

    private ExpectedCounts(
            long pulses,
            double seconds,
            double[] detections,
            double[] errors,
            double[] sent,
            double allDetections,
            double doubleClicks) {
        this.pulses = pulses;
        this.seconds = seconds;
        this.detections = detections;
        this.errors = errors;
        this.sent = sent;
        this.allDetections = allDetections;
        this.doubleClicks = doubleClicks;
    }

    static ExpectedCounts of(LinkModel model, long pulses) {
        LinkModel.require(pulses >= 0, "The number of pulses must not be negative:", pulses);
        List<Double> probabilities = model.source().probabilities();
        int intensities = probabilities.size();
        double aliceZ = model.source().keyBasisProbability();
        double bobZ = model.receiver().keyBasisProbability();
        double[] detections = new double[2 * intensities];
        double[] errors = new double[2 * intensities];
        double[] sent = new double[2 * intensities];
        double all = 0;
        double doubles = 0;
        for (Attenuation.Slice slice :
                model.channel().slices(pulses, model.source().rateHz())) {
            double eta = model.transmittance(slice.lossDb());
            double live = slice.pulses() / (1 + model.clickProbability(eta) * model.deadPulses());
            all += live * model.clickProbability(eta);
            for (int k = 0; k < intensities; k++) {
                Clicks equal = model.clicks(k, eta, true);
                Clicks unequal = model.clicks(k, eta, false);
                double p = probabilities.get(k);
                double bothZ = live * p * aliceZ * bobZ;
                double bothX = live * p * (1 - aliceZ) * (1 - bobZ);
                detections[k] += bothZ * equal.gain();
                errors[k] += bothZ * equal.error();
                detections[intensities + k] += bothX * equal.gain();
                errors[intensities + k] += bothX * equal.error();
                sent[k] += slice.pulses() * p * aliceZ;
                sent[intensities + k] += slice.pulses() * p * (1 - aliceZ);
                doubles += (bothZ + bothX) * equal.both() + (live * p - bothZ - bothX) * unequal.both();
            }
        }
        return new ExpectedCounts(pulses, pulses / model.source().rateHz(), detections, errors, sent, all, doubles);
    }

    /** Pulses sent. */
    public long pulses() {
        return pulses;
    }

    /** The length of the session. */
    public double seconds() {
        return seconds;
    }

    public int intensities() {
        return sent.length / 2;
    }

    /** Detections with equal bases in {@code basis} of pulses with that intensity. */
    public double detections(Basis basis, int intensity) {
        return detections[index(basis, intensity)];
    }

    /** Those of {@link #detections(Basis, int)} whose bits differ. */
    public double errors(Basis basis, int intensity) {
        return errors[index(basis, intensity)];
    }

    /** Pulses that Alice sends in {@code basis} with that intensity. */
    public double sent(Basis basis, int intensity) {
        return sent[index(basis, intensity)];
    }

    /** Detections with equal bases in {@code basis}. */
    public double detections(Basis basis) {
        return sum(detections, basis);
    }

    /** Those of {@link #detections(Basis)} whose bits differ. */
    public double errors(Basis basis) {
        return sum(errors, basis);
    }

    /** The error rate in {@code basis}; 0 without detections. */
    public double qber(Basis basis) {
        return detections(basis) == 0 ? 0 : errors(basis) / detections(basis);
    }

    /** Detections with equal bases. */
    public double sifted() {
        return detections(Basis.Z) + detections(Basis.X);
    }

    /** All detections. */
    public double detections() {
        return allDetections;
    }

    /** Those of {@link #detections()} with clicks in both detectors. */
    public double doubleClicks() {
        return doubleClicks;
    }

    private int index(Basis basis, int intensity) {
        return (basis == Basis.X ? intensities() : 0) + java.util.Objects.checkIndex(intensity, intensities());
    }

    private double sum(double[] values, Basis basis) {
        double sum = 0;
        for (int k = 0; k < intensities(); k++) {
            sum += values[index(basis, k)];
        }
        return sum;
    }
}
