package dev.qdistill.ldpc;

import java.util.Arrays;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A binary quasi-cyclic LDPC code, given by its base matrix.
 *
 * <p>The parity-check matrix consists of {@link #rows()} × {@link #columns()} circulants of Z × Z bits, Z =
 * {@link #circulant()}, each zero or a shifted identity: where the base matrix has shift s at (r, c), check r·Z + i covers
 * bit c·Z + (i + s) mod Z, for every i. So a syndrome is the XOR of rotated Z-bit pieces of the frame, and Z checks can be
 * decoded side by side.
 *
 * <p>Immutable and safe to share.
 */
public final class QuasiCyclicCode {
    /** Largest supported number of base rows, base columns and bits of a circulant. */
    static final int MAX_DIMENSION = 1 << 15;

    private static final double WEIGHT_DEVIATION = 1.3;

    private final String name;
    private final int circulant;
    private final int columns;
    private final int[] rowStart;
    private final int[] column;
    private final int[] shift;
    private final double operatingQber;
    private final double fastQber;
    private final DecoderTables tables;

    /**
     * @param name what it is called in reports; 1 to 63 printable ASCII characters without blanks
     * @param circulant Z, bits
     * @param columns base columns
     * @param entries for each base row its entries as pairs (column, shift), columns ascending
     * @param operatingQber see {@link #operatingQber}, for {@link Profile#EFFICIENT}
     * @param fastQber the same for {@link Profile#FAST}, not above {@code operatingQber}
     * @throws IllegalArgumentException if the base matrix is not a valid one
     */
    QuasiCyclicCode(
            String name,
            int circulant,
            int columns,
            int[][] entries,
            double operatingQber,
            double fastQber,
            DecoderTables tables) {
        if (!name.matches("[!-~]{1,63}")) {
            throw new IllegalArgumentException("A code name has 1 to 63 printable ASCII characters without blanks");
        }
        if (circulant < 64 || circulant % 64 != 0 || circulant > MAX_DIMENSION) {
            throw new IllegalArgumentException(
                    "Circulant size " + circulant + "; a multiple of 64 up to " + MAX_DIMENSION + " is supported");
        }
        if (columns < 2 || columns > MAX_DIMENSION || entries.length < 1 || entries.length >= columns) {
            throw new IllegalArgumentException("A base matrix of " + entries.length + " rows and " + columns
                    + " columns; fewer rows than columns and at most " + MAX_DIMENSION + " columns are supported");
        }
        if (!(operatingQber > 0 && operatingQber < .5)) {
            throw new IllegalArgumentException("Operating QBER " + operatingQber + " is not between 0 and 0.5");
        }
        if (!(fastQber > 0 && fastQber <= operatingQber)) {
            throw new IllegalArgumentException(
                    "Fast operating QBER " + fastQber + " is not between 0 and " + operatingQber);
        }
        this.name = name;
        this.circulant = circulant;
        this.columns = columns;
        this.operatingQber = operatingQber;
        this.fastQber = fastQber;
        this.tables = tables;
        rowStart = new int[entries.length + 1];
        for (int r = 0; r < entries.length; r++) {
            rowStart[r + 1] = rowStart[r] + entries[r].length / 2;
        }
        column = new int[rowStart[entries.length]];
        shift = new int[column.length];
        boolean[] used = new boolean[columns];
        for (int r = 0; r < entries.length; r++) {
            if (entries[r].length < 4) {
                throw new IllegalArgumentException("Base row " + r + " has fewer than two entries");
            }
            for (int j = 0; j < entries[r].length / 2; j++) {
                int c = entries[r][2 * j];
                int s = entries[r][2 * j + 1];
                if (c < 0 || c >= columns || j > 0 && c <= entries[r][2 * j - 2]) {
                    throw new IllegalArgumentException(
                            "Base row " + r + ": column " + c + " is out of range or out of order");
                }
                if (s < 0 || s >= circulant) {
                    throw new IllegalArgumentException("Base row " + r + ", column " + c + ": shift " + s
                            + " is not between 0 and " + (circulant - 1));
                }
                column[rowStart[r] + j] = c;
                shift[rowStart[r] + j] = s;
                used[c] = true;
            }
        }
        for (int c = 0; c < columns; c++) {
            if (!used[c]) {
                throw new IllegalArgumentException("Base column " + c + " has no entry");
            }
        }
    }

    /** The name of the code, unique in its family. */
    public String name() {
        return name;
    }

    /** The size Z of a circulant, in bits; a multiple of 64. */
    public int circulant() {
        return circulant;
    }

    /** Rows of the base matrix. */
    public int rows() {
        return rowStart.length - 1;
    }

    /** Columns of the base matrix. */
    public int columns() {
        return columns;
    }

    /** Non-zero circulants. */
    public int edges() {
        return column.length;
    }

    /** The length of a frame, in bits. */
    public int frameBits() {
        return columns * circulant;
    }

    /** The length of a syndrome, in bits: what one frame leaks. */
    public int syndromeBits() {
        return rows() * circulant;
    }

    /** The rate R = 1 - syndromeBits / frameBits. */
    public double rate() {
        return 1 - (double) rows() / columns;
    }

    /**
     * The time of an iteration, in updates of one edge by {@link UpdateRule#PHI}: beside its edges a check costs two more (its
     * share of the work before and after the iterations included), and where min-sum finishes, three iterations in ten cost a
     * sixth less. Fitted to the native kernels (docs/benchmarks.md).
     */
    public double iterationWork() {
        double rule = tables.minSumBelow() > 0 ? 0.95 : 1;
        return rule * (edges() + 2.0 * rows()) * circulant();
    }

    /**
     * The error rate up to which the decoder with {@link UpdateRule#PHI} is measured to correct all but 10^-3 to 10^-2 of the
     * frames at the first attempt, within the limits of the profile.
     */
    public double operatingQber(Profile profile) {
        return profile == Profile.FAST ? fastQber : operatingQber;
    }

    /** The efficiency f = syndromeBits / (frameBits · h(Q)) at error rate Q, if every frame is corrected. */
    public double efficiency(double qber) {
        return (double) rows() / columns / binaryEntropy(qber);
    }

    /**
     * The error rate at which a syndrome has {@code weight} ones on average: a check of d bits is odd with probability (1 -
     * (1 - 2Q)^d)/2 (Gallager 1962, lemma 4.1). At most 1/2.
     *
     * @param weight the number of ones in the syndrome of an error pattern
     */
    public double estimateQber(long weight) {
        int[] degrees = new int[columns + 1];
        int largest = 0;
        for (int r = 0; r < rows(); r++) {
            int d = rowStart[r + 1] - rowStart[r];
            degrees[d]++;
            largest = Math.max(largest, d);
        }
        double low = 0;
        double high = .5;
        for (int i = 0; i < 40; i++) {
            double q = (low + high) / 2;
            double odd = 0;
            double power = 1;
            for (int d = 1; d <= largest; d++) {
                power *= 1 - 2 * q;
                odd += degrees[d] * (1 - power) / 2;
            }
            if (odd * circulant < weight) {
                low = q;
            } else {
                high = q;
            }
        }
        return low;
    }

    /**
     * The standard deviation of {@link #estimateQber} from the error rate of a frame, at error rate {@code qber}: the counting error
     * of the syndrome's weight, and a factor for what columns of different degrees add, as simulated. Infinite where the
     * weight tells nothing.
     */
    public double estimateDeviation(double qber) {
        double variance = 0;
        double slope = 0;
        for (int r = 0; r < rows(); r++) {
            int d = rowStart[r + 1] - rowStart[r];
            double power = Math.pow(1 - 2 * qber, d - 1);
            double odd = (1 - power * (1 - 2 * qber)) / 2;
            variance += circulant * odd * (1 - odd);
            slope += circulant * d * power;
        }
        return slope == 0 ? Double.POSITIVE_INFINITY : WEIGHT_DEVIATION * Math.sqrt(variance) / slope;
    }

    /** h(p) in bits. */
    public static double binaryEntropy(double p) {
        return p <= 0 || p >= 1 ? 0 : -(p * Math.log(p) + (1 - p) * Math.log(1 - p)) / Math.log(2);
    }

    /** The p up to 1/2 with h(p) = {@code bits}. */
    static double inverseBinaryEntropy(double bits) {
        double low = 0;
        double high = .5;
        for (int i = 0; i < 60; i++) {
            double p = (low + high) / 2;
            if (binaryEntropy(p) < bits) {
                low = p;
            } else {
                high = p;
            }
        }
        return low;
    }

    /** How many base columns have each degree. */
    public SortedMap<Integer, Integer> columnDegrees() {
        return histogram(columnEntries());
    }

    /** The degrees of the variable nodes, by edges; columns of degree 1 counted as 2. */
    DegreeDistribution degreeDistribution() {
        SortedMap<Integer, Double> edges = new TreeMap<>();
        columnDegrees().forEach((d, n) -> edges.merge(Math.clamp(d, 2, 255), (double) d * n, Double::sum));
        return new DegreeDistribution(edges);
    }

    /** How many base rows have each degree. */
    public SortedMap<Integer, Integer> rowDegrees() {
        return histogram(entries());
    }

    private static SortedMap<Integer, Integer> histogram(int[][] lists) {
        SortedMap<Integer, Integer> counts = new TreeMap<>();
        for (int[] l : lists) {
            counts.merge(l.length / 2, 1, Integer::sum);
        }
        return counts;
    }

    DecoderTables tables() {
        return tables;
    }

    QuasiCyclicCode with(String newName, double newOperatingQber, double newFastQber, DecoderTables newTables) {
        return new QuasiCyclicCode(newName, circulant, columns, entries(), newOperatingQber, newFastQber, newTables);
    }

    /** Another base matrix with the same circulants, tables and nominal operating points. */
    QuasiCyclicCode withEntries(String newName, int newColumns, int[][] entries) {
        return new QuasiCyclicCode(newName, circulant, newColumns, entries, operatingQber, fastQber, tables);
    }

    /** The edges of base row r are those from {@code rowStart(r)} to {@code rowStart(r + 1)}. */
    int rowStart(int row) {
        return rowStart[row];
    }

    int column(int edge) {
        return column[edge];
    }

    int shift(int edge) {
        return shift[edge];
    }

    int[][] entries() {
        int[][] e = new int[rows()][];
        for (int r = 0; r < rows(); r++) {
            e[r] = new int[2 * (rowStart[r + 1] - rowStart[r])];
            for (int j = 0; j < e[r].length / 2; j++) {
                e[r][2 * j] = column[rowStart[r] + j];
                e[r][2 * j + 1] = shift[rowStart[r] + j];
            }
        }
        return e;
    }

    /** For each base column its entries as pairs (row, shift), rows ascending. */
    int[][] columnEntries() {
        int[] degree = new int[columns];
        for (int c : column) {
            degree[c]++;
        }
        int[][] e = new int[columns][];
        for (int c = 0; c < columns; c++) {
            e[c] = new int[2 * degree[c]];
        }
        int[] filled = new int[columns];
        for (int r = 0; r < rows(); r++) {
            for (int i = rowStart[r]; i < rowStart[r + 1]; i++) {
                int c = column[i];
                e[c][filled[c]++] = r;
                e[c][filled[c]++] = shift[i];
            }
        }
        return e;
    }

    /** The number of cycles of length 4 of the base matrix lifted by its circulants, divided by Z. */
    public int fourCycles() {
        // Each pair of entries of a column is a key of two rows and the difference of the shifts; equal keys close
        // cycles.
        int[][] cols = columnEntries();
        int pairs = 0;
        for (int[] c : cols) {
            pairs += c.length / 2 * (c.length / 2 - 1) / 2;
        }
        long[] keys = new long[pairs];
        int n = 0;
        for (int[] c : cols) {
            for (int i = 0; i < c.length; i += 2) {
                for (int j = i + 2; j < c.length; j += 2) {
                    long d = Math.floorMod(c[i + 1] - c[j + 1], circulant);
                    keys[n++] = ((long) c[i] << 15 | c[j]) << 16 | d;
                }
            }
        }
        Arrays.sort(keys);
        int cycles = 0;
        for (int i = 0, run = 0; i < n; i++) {
            run = i > 0 && keys[i] == keys[i - 1] ? run + 1 : 0;
            cycles += run;
        }
        return cycles;
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof QuasiCyclicCode c
                && name.equals(c.name)
                && circulant == c.circulant
                && columns == c.columns
                && Double.compare(operatingQber, c.operatingQber) == 0
                && Double.compare(fastQber, c.fastQber) == 0
                && Arrays.equals(rowStart, c.rowStart)
                && Arrays.equals(column, c.column)
                && Arrays.equals(shift, c.shift)
                && tables.equals(c.tables);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(shift) * 31 + Arrays.hashCode(column);
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "QuasiCyclicCode[%s: %d bits, rate %.4f, %d x %d circulants of %d]",
                name,
                frameBits(),
                rate(),
                rows(),
                columns,
                circulant);
    }
}
