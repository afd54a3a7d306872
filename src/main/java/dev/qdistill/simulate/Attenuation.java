package dev.qdistill.simulate;

import java.util.ArrayList;
import java.util.List;

/** The loss between Alice's output and Bob's input, over time. */
public sealed interface Attenuation {
    /**
     * Pulses during which the loss is taken as constant.
     *
     * @param first the index of the first pulse
     * @param pulses their number
     * @param lossDb the loss
     */
    record Slice(long first, long pulses, double lossDb) {}

    /** The time in seconds for which the channel exists; infinite for a fibre. */
    double duration();

    /**
     * The time from pulse 0 in slices of constant loss.
     *
     * @param pulses in all
     * @param rateHz pulses a second
     * @throws IllegalArgumentException if that takes longer than {@link #duration}
     */
    List<Slice> slices(long pulses, double rateHz);

    /** A constant loss. */
    record Constant(double lossDb) implements Attenuation {
        public Constant {
            LinkModel.require(lossDb >= 0 && lossDb <= 200, "The loss must be 0 to 200 dB, not", lossDb);
        }

        @Override
        public double duration() {
            return Double.POSITIVE_INFINITY;
        }

        @Override
        public List<Slice> slices(long pulses, double rateHz) {
            return List.of(new Slice(0, pulses, lossDb));
        }
    }

    /** A fibre. */
    record Fibre(double lengthKm, double dbPerKm) implements Attenuation {
        public Fibre {
            LinkModel.require(lengthKm >= 0 && lengthKm <= 1000, "The fibre must be 0 to 1000 km long, not", lengthKm);
            LinkModel.require(dbPerKm >= 0 && dbPerKm <= 10, "The fibre's loss must be 0 to 10 dB/km, not", dbPerKm);
        }

        @Override
        public double duration() {
            return Double.POSITIVE_INFINITY;
        }

        @Override
        public List<Slice> slices(long pulses, double rateHz) {
            return new Constant(lengthKm * dbPerKm).slices(pulses, rateHz);
        }
    }

    /**
     * A satellite that passes over a ground station: at the time t from the middle of the pass its distance is
     * {@code d(t) = sqrt(d_0² + (v t)²)}, and the loss grows with the beam's area, {@code L_0 + 20 log10(d(t) / d_0)}. In slices
     * of one second.
     *
     * @param seconds the length of the pass
     * @param closestKm d_0
     * @param speedKmPerSecond v
     * @param closestLossDb L_0
     */
    record SatellitePass(double seconds, double closestKm, double speedKmPerSecond, double closestLossDb)
            implements Attenuation {
        public SatellitePass {
            LinkModel.require(seconds > 0 && seconds <= 10_000, "A pass must last 0 to 10000 s, not", seconds);
            LinkModel.require(closestKm > 0 && closestKm <= 1e5, "The distance in km is out of range:", closestKm);
            LinkModel.require(
                    speedKmPerSecond >= 0 && speedKmPerSecond <= 100,
                    "The speed in km/s is out of range:",
                    speedKmPerSecond);
            LinkModel.require(
                    closestLossDb >= 0 && closestLossDb <= 200, "The loss must be 0 to 200 dB, not", closestLossDb);
        }

        @Override
        public double duration() {
            return seconds;
        }

        /** The loss at a time in seconds from the start of the pass. */
        public double lossDb(double time) {
            return closestLossDb + 20 * Math.log10(Math.hypot(1, speedKmPerSecond * (time - seconds / 2) / closestKm));
        }

        @Override
        public List<Slice> slices(long pulses, double rateHz) {
            LinkModel.require(
                    pulses <= Math.ceil(seconds * rateHz),
                    "The pass lasts " + seconds + " s; too many pulses at " + rateHz + " Hz:",
                    pulses);
            List<Slice> slices = new ArrayList<>();
            long at = 0;
            for (int second = 0; at < pulses; second++) {
                long end = Math.min(pulses, (long) Math.ceil((second + 1) * rateHz));
                double middle = Math.min(second + .5, (second + seconds) / 2);
                slices.add(new Slice(at, end - at, lossDb(middle)));
                at = end;
            }
            return slices;
        }
    }
}
