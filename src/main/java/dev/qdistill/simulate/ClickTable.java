package dev.qdistill.simulate;

import java.util.List;

/**
 * The distribution of a click's category (both bases, intensity, outcome) given that there is one, at one transmittance,
 * as an alias table (Walker 1977): one random word, one load, one comparison a click.
 */
final class ClickTable {
    /** Entries: the 36 categories of three intensities, filled up to a power of two. */
    static final int SIZE = 64;

    static final int RIGHT = 0;
    static final int WRONG = 1;
    static final int BOTH = 2;

    private static final int FRACTION_BITS = 53;

    private final int intensities;
    private final double clickProbability;
    private final long[] threshold = new long[SIZE];
    private final int[] alias = new int[SIZE];
    private final double[] silent;

    ClickTable(LinkModel model, double transmittance) {
        List<Double> p = model.source().probabilities();
        double[] bases = {
            model.source().keyBasisProbability(), 1 - model.source().keyBasisProbability()
        };
        double[] bobBases = {
            model.receiver().keyBasisProbability(), 1 - model.receiver().keyBasisProbability()
        };
        intensities = p.size();
        double[] weights = new double[SIZE];
        silent = new double[2 * intensities];
        double sum = 0;
        for (int a = 0; a < 2; a++) {
            for (int k = 0; k < intensities; k++) {
                for (int b = 0; b < 2; b++) {
                    Clicks clicks = model.clicks(k, transmittance, a == b);
                    double weight = bases[a] * p.get(k) * bobBases[b];
                    weights[category(a, k, b, RIGHT)] = weight * clicks.right();
                    weights[category(a, k, b, WRONG)] = weight * clicks.wrong();
                    weights[category(a, k, b, BOTH)] = weight * clicks.both();
                    silent[a * intensities + k] += weight * (1 - clicks.gain());
                    sum += weight * clicks.gain();
                }
            }
        }
        clickProbability = sum;
        fill(weights, sum);
    }

    /** The category's number, of which bit 0 is Alice's basis, bit 1 Bob's, bits 2 and 3 the outcome, then the intensity. */
    static int category(int aliceBasis, int intensity, int bobBasis, int outcome) {
        return aliceBasis | bobBasis << 1 | outcome << 2 | intensity << 4;
    }

    private void fill(double[] weights, double sum) {
        double[] scaled = new double[SIZE];
        int[] small = new int[SIZE];
        int[] large = new int[SIZE];
        int smalls = 0;
        int larges = 0;
        for (int i = 0; i < SIZE; i++) {
            scaled[i] = sum > 0 ? weights[i] * SIZE / sum : 1;
            if (scaled[i] < 1) {
                small[smalls++] = i;
            } else {
                large[larges++] = i;
            }
        }
        while (smalls > 0 && larges > 0) {
            int s = small[--smalls];
            int l = large[larges - 1];
            threshold[s] = Math.round(scaled[s] * (1L << FRACTION_BITS));
            alias[s] = l;
            scaled[l] -= 1 - scaled[s];
            if (scaled[l] < 1) {
                larges--;
                small[smalls++] = l;
            }
        }
        // What is left is 1 but for rounding; an entry without weight must never be kept as itself.
        while (larges > 0) {
            int l = large[--larges];
            threshold[l] = 1L << FRACTION_BITS;
            alias[l] = l;
        }
        int heaviest = 0;
        for (int i = 1; i < SIZE; i++) {
            heaviest = weights[i] > weights[heaviest] ? i : heaviest;
        }
        while (smalls > 0) {
            int s = small[--smalls];
            threshold[s] = weights[s] > 0 ? 1L << FRACTION_BITS : 0;
            alias[s] = heaviest;
        }
    }

    /** The probability of a click. */
    double clickProbability() {
        return clickProbability;
    }

    /** The probabilities that a pulse of that basis (Z first) and intensity is sent and makes no click. */
    double[] silent() {
        return silent;
    }

    /** The category that 64 random bits stand for; the lowest five bits are left to the caller. */
    int category(long random) {
        int i = (int) (random >>> 58);
        return (random >>> 5 & (1L << FRACTION_BITS) - 1) < threshold[i] ? i : alias[i];
    }
}
