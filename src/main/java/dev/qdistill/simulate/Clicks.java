package dev.qdistill.simulate;

/**
 * What a pulse does at the two detectors of Bob's basis: probabilities.
 *
 * @param right that only the detector of Alice's bit clicks
 * @param wrong that only the other one clicks
 * @param both that both click
 */
public record Clicks(double right, double wrong, double both) {
    /** That there is a click: the gain Q. */
    public double gain() {
        return right + wrong + both;
    }

    /** That there is a click and Bob's bit differs from Alice's: Q E. */
    public double error() {
        return wrong + both / 2;
    }

    /** {@code weight} parts of this, the rest of {@code other}. */
    Clicks mix(Clicks other, double weight) {
        return new Clicks(
                weight * right + (1 - weight) * other.right,
                weight * wrong + (1 - weight) * other.wrong,
                weight * both + (1 - weight) * other.both);
    }
}
