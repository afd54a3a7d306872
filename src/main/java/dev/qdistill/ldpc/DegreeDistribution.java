package dev.qdistill.ldpc;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The degrees of the variable nodes of an ensemble of LDPC codes, from the edges' perspective: λ(x) = Σ λ_d x^(d-1), where
 * λ_d is the fraction of edges at nodes of degree d. Check nodes are as regular as they can be.
 */
final class DegreeDistribution {
    private final int[] degrees;
    private final double[] fractions;

    /**
     * @param edgeFractions by degree (2 to 255); scaled to a sum of 1
     */
    DegreeDistribution(SortedMap<Integer, Double> edgeFractions) {
        double sum = 0;
        for (double f : edgeFractions.values()) {
            sum += f;
        }
        degrees = new int[edgeFractions.size()];
        fractions = new double[degrees.length];
        int i = 0;
        for (var e : edgeFractions.entrySet()) {
            if (e.getKey() < 2 || e.getKey() > 255 || !(e.getValue() >= 0)) {
                throw new IllegalArgumentException("Degree " + e.getKey() + " with edge fraction " + e.getValue()
                        + "; degrees from 2 to 255 and fractions from 0 are supported");
            }
            degrees[i] = e.getKey();
            fractions[i++] = e.getValue() / sum;
        }
        if (degrees.length == 0) {
            throw new IllegalArgumentException("An empty degree distribution");
        }
    }

    /** Reads {@code degree:fraction} pairs separated by commas, as {@link #toString} writes them. */
    static DegreeDistribution parse(String text) {
        TreeMap<Integer, Double> map = new TreeMap<>();
        for (String pair : text.strip().split("\\s*,\\s*", -1)) {
            int colon = pair.indexOf(':');
            try {
                map.merge(
                        Integer.valueOf(pair.substring(0, Math.max(0, colon))),
                        Double.valueOf(pair.substring(colon + 1)),
                        Double::sum);
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException("Degree distribution: '" + pair + "' is not degree:fraction", e);
            }
        }
        return new DegreeDistribution(map);
    }

    int size() {
        return degrees.length;
    }

    int degree(int index) {
        return degrees[index];
    }

    double fraction(int index) {
        return fractions[index];
    }

    int maxDegree() {
        return degrees[degrees.length - 1];
    }

    /** Edges a variable node, on average: 1 / Σ λ_d / d. */
    double averageDegree() {
        double s = 0;
        for (int i = 0; i < degrees.length; i++) {
            s += fractions[i] / degrees[i];
        }
        return 1 / s;
    }

    /** The mixture with {@code weight} (0 to 1) of {@code other}. */
    DegreeDistribution mixedWith(DegreeDistribution other, double weight) {
        TreeMap<Integer, Double> map = new TreeMap<>();
        for (int i = 0; i < degrees.length; i++) {
            map.merge(degrees[i], (1 - weight) * fractions[i], Double::sum);
        }
        for (int i = 0; i < other.degrees.length; i++) {
            map.merge(other.degrees[i], weight * other.fractions[i], Double::sum);
        }
        return new DegreeDistribution(map);
    }

    /** Every degree above {@code maximum} lowered to it, the number of such nodes kept. */
    DegreeDistribution capped(int maximum) {
        TreeMap<Integer, Double> map = new TreeMap<>();
        for (int i = 0; i < degrees.length; i++) {
            int d = Math.min(maximum, degrees[i]);
            map.merge(d, fractions[i] / degrees[i] * d, Double::sum);
        }
        return new DegreeDistribution(map);
    }

    /** Nodes of degree 2 beyond {@code fraction} of all nodes given degree 3. */
    DegreeDistribution withDegreeTwoAtMost(double fraction) {
        double twos = degreeTwoNodes();
        if (twos <= fraction) {
            return this;
        }
        SortedMap<Integer, Double> map = new TreeMap<>();
        for (int i = 0; i < degrees.length; i++) {
            double f = degrees[i] == 2 ? fractions[i] * fraction / twos : fractions[i];
            map.merge(degrees[i], f, Double::sum);
            if (degrees[i] == 2) {
                map.merge(3, (fractions[i] - f) / 2 * 3, Double::sum);
            }
        }
        return new DegreeDistribution(map);
    }

    /** Nodes of degree 2 as a fraction of all nodes. */
    double degreeTwoNodes() {
        double s = 0;
        for (int i = 0; i < degrees.length; i++) {
            s += degrees[i] == 2 ? fractions[i] / 2 : 0;
        }
        return s * averageDegree();
    }

    /** The degrees of {@code nodes} variable nodes, ascending. */
    int[] nodes(int nodes) {
        int[] result = new int[nodes];
        double average = averageDegree();
        double cumulative = 0;
        int done = 0;
        for (int i = 0; i < degrees.length; i++) {
            cumulative += fractions[i] / degrees[i] * average * nodes;
            int end = i == degrees.length - 1 ? nodes : (int) Math.min(nodes, Math.round(cumulative));
            Arrays.fill(result, done, Math.max(done, end), degrees[i]);
            done = Math.max(done, end);
        }
        return result;
    }

    @Override
    public String toString() {
        List<String> parts = new ArrayList<>();
        for (int i = 0; i < degrees.length; i++) {
            parts.add(String.format(Locale.ROOT, "%d:%.4f", degrees[i], fractions[i]));
        }
        return String.join(",", parts);
    }
}
