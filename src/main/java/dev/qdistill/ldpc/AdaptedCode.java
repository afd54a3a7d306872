package dev.qdistill.ldpc;

import dev.qdistill.bits.BitString;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A code of the family, fitted to the length of a frame and to the leakage wanted.
 *
 * <p><b>Shorter frames</b>: base columns are left out, those that keep the degrees of the columns and of the rows in
 * proportion. So a frame of any number of circulants has a code of its own, with the syndrome length of the parent.
 *
 * <p><b>More syndrome bits</b>: the first k base rows, in a fixed order spread over the matrix, are split each into two rows
 * with half of the edges. The two halves' syndromes add up to the row's, so that a syndrome under k splits becomes one under
 * k' &gt; k with (k' - k)·Z bits more, those of the second halves: nothing that was sent before is sent again. The halves of a row
 * are neighbours in the order of the layers. The tables are the parent's.
 *
 * <p>Deterministic: both sides derive the same code from its name and two numbers. Immutable.
 */
public final class AdaptedCode {
    private static final double GOLDEN = 0.6180339887498949;

    private final QuasiCyclicCode parent;
    private final QuasiCyclicCode code;
    private final int splits;
    private final int[] order;

    // For each row of the parent its layer here; of a split row the first one.
    private final int[] layer;

    private AdaptedCode(QuasiCyclicCode parent, QuasiCyclicCode code, int splits, int[] order, int[] layer) {
        this.parent = parent;
        this.code = code;
        this.splits = splits;
        this.order = order;
        this.layer = layer;
    }

    /**
     * Derives a code.
     *
     * @param parent the code to begin with
     * @param columns base columns to keep
     * @param splits rows to split
     * @throws IllegalArgumentException if {@code columns} is not between 1 and the parent's, leaves a row with fewer than two
     *     edges, or fewer columns than rows; or if {@code splits} is not between 0 and {@link #maximumSplits()}
     */
    public static AdaptedCode of(QuasiCyclicCode parent, int columns, int splits) {
        if (columns < 1 || columns > parent.columns()) {
            throw new IllegalArgumentException(
                    columns + " base columns of a code that has " + parent.columns() + "; 1 up to that are possible");
        }
        QuasiCyclicCode shorter = columns == parent.columns() ? parent : shorten(parent, columns);
        int[] order = splitOrder(shorter);
        if (splits < 0 || splits > order.length) {
            throw new IllegalArgumentException(splits + " split rows of a code that has " + order.length
                    + " to split; none up to that are possible");
        }
        int[] layer = new int[shorter.rows()];
        boolean[] split = new boolean[shorter.rows()];
        for (int i = 0; i < splits; i++) {
            split[order[i]] = true;
        }
        for (int r = 1; r < layer.length; r++) {
            layer[r] = layer[r - 1] + (split[r - 1] ? 2 : 1);
        }
        return new AdaptedCode(parent, splits == 0 ? shorter : split(shorter, split), splits, order, layer);
    }

    /** Whether {@code parent} can be cut to so many columns. */
    public static boolean possible(QuasiCyclicCode parent, int columns) {
        if (columns >= parent.columns()) {
            return columns == parent.columns();
        }
        if (columns <= parent.rows()) {
            return false;
        }
        boolean[] left = leftOut(parent, columns);
        for (int r = 0; r < parent.rows(); r++) {
            int degree = 0;
            for (int e = parent.rowStart(r); e < parent.rowStart(r + 1); e++) {
                degree += left[parent.column(e)] ? 0 : 1;
            }
            if (degree < 2) {
                return false;
            }
        }
        return true;
    }

    /** The code of the family. */
    public QuasiCyclicCode parent() {
        return parent;
    }

    /** The code to encode and decode with. */
    public QuasiCyclicCode code() {
        return code;
    }

    /** Rows that are split. */
    public int splits() {
        return splits;
    }

    /** Rows that can be split: those with four edges or more, as long as there are fewer rows than columns in the end. */
    public int maximumSplits() {
        return order.length;
    }

    /** The bits that a syndrome under this code has beyond one under {@code fewer}, which has no more splits. */
    public long extraBits(AdaptedCode fewer) {
        requireSameFamily(fewer);
        return (long) (splits - fewer.splits) * code.circulant();
    }

    /**
     * What must be sent to one who knows the syndrome under {@code fewer}: the second halves of the rows split beyond it.
     *
     * @param syndrome under this code
     * @param extra {@link #extraBits} bits from 0 up, overwritten
     */
    public void extra(AdaptedCode fewer, BitString syndrome, BitString extra) {
        requireSameFamily(fewer);
        int z = code.circulant();
        for (int i = fewer.splits; i < splits; i++) {
            extra.copyFrom(syndrome, (layer[order[i]] + 1L) * z, (long) (i - fewer.splits) * z, z);
        }
    }

    /**
     * The syndrome under this code from the one under {@code fewer} and what {@link #extra} told.
     *
     * @param syndrome under {@code fewer}
     * @param extra {@link #extraBits} bits
     * @param extended overwritten with the syndrome under this code
     */
    public void extend(AdaptedCode fewer, BitString syndrome, BitString extra, BitString extended) {
        requireSameFamily(fewer);
        int z = code.circulant();
        for (int r = 0; r < layer.length; r++) {
            extended.copyFrom(syndrome, (long) fewer.layer[r] * z, (long) layer[r] * z, z);
        }
        for (int i = 0; i < splits; i++) {
            int r = order[i];
            long second = (layer[r] + 1L) * z;
            if (i < fewer.splits) {
                extended.copyFrom(syndrome, (fewer.layer[r] + 1L) * z, second, z);
                continue;
            }
            extended.copyFrom(extra, (long) (i - fewer.splits) * z, second, z);
            long first = (long) layer[r] * z >>> 6;
            for (int w = 0; w < z / 64; w++) {
                extended.setWord(first + w, extended.word(first + w) ^ extended.word((second >>> 6) + w));
            }
        }
    }

    private void requireSameFamily(AdaptedCode fewer) {
        if (!fewer.parent.equals(parent) || fewer.code.columns() != code.columns() || fewer.splits > splits) {
            throw new IllegalArgumentException(code.name() + " is not " + fewer.code.name() + " with more splits");
        }
    }

    /** Rows that can be split, every beginning of the list spread evenly over the matrix. */
    private static int[] splitOrder(QuasiCyclicCode code) {
        int rows = code.rows();
        boolean[] used = new boolean[rows];
        int[] order = new int[rows];
        int n = 0;
        double at = 0.5;
        for (int i = 0; i < rows; i++) {
            at = (at + GOLDEN) % 1;
            int r = (int) (at * rows);
            while (used[r]) {
                r = r + 1 == rows ? 0 : r + 1;
            }
            used[r] = true;
            if (code.rowStart(r + 1) - code.rowStart(r) >= 4) {
                order[n++] = r;
            }
        }
        return Arrays.copyOf(order, Math.min(n, code.columns() - 1 - rows));
    }

    private static QuasiCyclicCode split(QuasiCyclicCode code, boolean[] rows) {
        int[] degree = new int[code.columns()];
        for (int e = 0; e < code.edges(); e++) {
            degree[code.column(e)]++;
        }
        int[][] entries = code.entries();
        List<int[]> result = new ArrayList<>();
        int count = 0;
        for (int r = 0; r < rows.length; r++) {
            if (rows[r]) {
                boolean[] second = secondHalf(entries[r], degree);
                result.add(part(entries[r], second, false));
                result.add(part(entries[r], second, true));
                count++;
            } else {
                result.add(entries[r]);
            }
        }
        return code.withEntries(code.name() + "+" + count, code.columns(), result.toArray(int[][]::new));
    }

    // Edges by the degree of their columns, dealt out in turns: one, two, two, ...
    private static boolean[] secondHalf(int[] entries, int[] degree) {
        Integer[] edges = new Integer[entries.length / 2];
        Arrays.setAll(edges, j -> j);
        Arrays.sort(edges, (a, b) -> Integer.compare(degree[entries[2 * a]], degree[entries[2 * b]]));
        boolean[] second = new boolean[edges.length];
        for (int i = 0; i < edges.length; i++) {
            second[edges[i]] = (i + 1 & 2) != 0;
        }
        return second;
    }

    private static int[] part(int[] entries, boolean[] second, boolean which) {
        int[] part = new int[entries.length];
        int n = 0;
        for (int j = 0; j < second.length; j++) {
            if (second[j] == which) {
                part[n++] = entries[2 * j];
                part[n++] = entries[2 * j + 1];
            }
        }
        return Arrays.copyOf(part, n);
    }

    private static QuasiCyclicCode shorten(QuasiCyclicCode code, int keep) {
        boolean[] left = leftOut(code, keep);
        int[] number = new int[code.columns()];
        int n = 0;
        for (int c = 0; c < number.length; c++) {
            number[c] = left[c] ? -1 : n++;
        }
        int[][] entries = code.entries();
        for (int r = 0; r < entries.length; r++) {
            int m = 0;
            int[] row = new int[entries[r].length];
            for (int j = 0; j < row.length; j += 2) {
                int c = number[entries[r][j]];
                if (c >= 0) {
                    row[m++] = c;
                    row[m++] = entries[r][j + 1];
                }
            }
            entries[r] = Arrays.copyOf(row, m);
        }
        return code.withEntries(code.name() + "/" + keep, keep, entries);
    }

    /**
     * Columns to leave out, one after another: of the degree of which the smallest share was left out, the column whose rows
     * are the fullest, against what they had.
     */
    private static boolean[] leftOut(QuasiCyclicCode code, int keep) {
        int[][] columns = code.columnEntries();
        int most = 0;
        for (int[] c : columns) {
            most = Math.max(most, c.length / 2);
        }
        int[] total = new int[most + 1];
        int[] gone = new int[most + 1];
        for (int[] c : columns) {
            total[c.length / 2]++;
        }
        double[] weight = new double[code.rows()];
        double[] fill = new double[code.rows()];
        for (int r = 0; r < weight.length; r++) {
            weight[r] = 1.0 / (code.rowStart(r + 1) - code.rowStart(r));
            fill[r] = 1;
        }
        boolean[] left = new boolean[columns.length];
        for (int i = columns.length; i > keep; i--) {
            int degree = 0;
            double share = 2;
            for (int d = 1; d <= most; d++) {
                double s = total[d] == 0 ? 2 : (gone[d] + 0.5) / total[d];
                if (s < share) {
                    share = s;
                    degree = d;
                }
            }
            int fullest = -1;
            double mean = 0;
            for (int c = 0; c < columns.length; c++) {
                if (!left[c] && columns[c].length == 2 * degree) {
                    double sum = 0;
                    for (int j = 0; j < columns[c].length; j += 2) {
                        sum += fill[columns[c][j]];
                    }
                    if (sum > mean) {
                        mean = sum;
                        fullest = c;
                    }
                }
            }
            left[fullest] = true;
            gone[degree]++;
            for (int j = 0; j < columns[fullest].length; j += 2) {
                fill[columns[fullest][j]] -= weight[columns[fullest][j]];
            }
        }
        return left;
    }

    @Override
    public String toString() {
        return "AdaptedCode[" + code + "]";
    }
}
