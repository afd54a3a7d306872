package dev.qdistill.ldpc;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Builds the base matrix of a quasi-cyclic code with given variable node degrees. Deterministic from its parameters.
 *
 * <p>Rows: columns of degree 2 first, as short chains that share rows (a long zigzag of them leaves runs of stuck bits); then
 * the others by progressive edge growth: each edge goes to the row that is emptiest and has met the column's other rows least
 * often. With a window, column i may use only the rows around its place on the diagonal, and the first rows are lighter:
 * a mild spatial coupling, from whose light end a wave of decoded bits starts.
 *
 * <p>Shifts: at random among those that close no cycle of length 4, the one that closes the fewest cycles of length 6, counted
 * with the weight 1/(1 + ACE)², where ACE (Tian, Jones, Villasenor, Wesel 2003) is the number of edges that leave the
 * cycle. A chain of columns of degree 2 lets a cycle pass unhindered, so in both counts it is taken as one column. If
 * {@code chainPairs} is set, so are cycles of two columns of degree 3 or 4 and two chains: two columns of degree 3 joined by two
 * chains are what most frames fail on that fail for no lack of syndrome.
 *
 * @param circulant bits of a circulant
 * @param rows base rows
 * @param columns base columns
 * @param degrees of the variable nodes
 * @param window rows a column may use; 0 for all
 * @param lead rows the coupled chain begins with in excess; 0 without a window
 * @param chainPairs whether cycles through two chains of columns of degree 2 count
 * @param seed of all random choices
 */
record CodeConstruction(
        int circulant,
        int rows,
        int columns,
        DegreeDistribution degrees,
        int window,
        double lead,
        boolean chainPairs,
        long seed) {
    /** Columns of a higher degree are left out of the count of cycles of length 6. */
    private static final int ACE_DEGREE = 8;

    /** Longest chain of columns of degree 2 that is followed. */
    private static final int CHAIN = 8;

    /** Columns of a higher degree are left out of the count of cycles through two chains. */
    private static final int PAIR_DEGREE = 4;

    /** A construction that counts no cycles through two chains. */
    CodeConstruction(
            int circulant, int rows, int columns, DegreeDistribution degrees, int window, double lead, long seed) {
        this(circulant, rows, columns, degrees, window, lead, false, seed);
    }

    /** Builds the code; its operating QBERs are those of the Shannon limit, to be measured. */
    QuasiCyclicCode build(String name, DecoderTables tables) {
        return new Builder(this).build(name, tables);
    }

    private static final class Builder {
        private final CodeConstruction spec;
        private final int rows;
        private final int columns;
        private final int z;
        private final SplittableRandom random;
        private final int[] degree;
        // By row, as triples: a row that is reached through columns of degree 2, the difference of the shifts, the
        // number of
        // columns passed.
        private final int[][] reach;
        private final int[][] rowsOf;
        private final int[][] shiftsOf;

        // Of pairs of rows, [a][b] and [b][a]: columns that use both; the differences of their shifts as a set, and
        // those of
        // low-degree columns with the degree.
        private final short[][] shared;
        private final long[][] @Nullable [] used;
        private final int[][] @Nullable [] near;
        private final byte[][] @Nullable [] nearDegree;

        Builder(CodeConstruction spec) {
            this.spec = spec;
            rows = spec.rows;
            columns = spec.columns;
            z = spec.circulant;
            random = new SplittableRandom(spec.seed);
            degree = placedDegrees();
            reach = new int[rows][0];
            rowsOf = new int[columns][];
            shiftsOf = new int[columns][];
            shared = new short[rows][rows];
            used = new long[rows][rows][];
            near = new int[rows][rows][];
            nearDegree = new byte[rows][rows][];
        }

        private int[] placedDegrees() {
            int[] d = spec.degrees.nodes(columns);
            for (int i = 0; i < columns; i++) {
                d[i] = Math.min(d[i], rows);
            }
            if (spec.window == 0) {
                return d;
            }
            // Every degree evenly along the columns.
            double[] place = new double[columns];
            for (int i = 0; i < columns; ) {
                int end = i;
                while (end < columns && d[end] == d[i]) {
                    end++;
                }
                double offset = random.nextDouble();
                for (int k = i; k < end; k++) {
                    place[k] = (k - i + offset) / (end - i);
                }
                i = end;
            }
            Integer[] order = new Integer[columns];
            Arrays.setAll(order, i -> i);
            Arrays.sort(order, (a, b) -> Double.compare(place[a], place[b]));
            int[] placed = new int[columns];
            for (int i = 0; i < columns; i++) {
                placed[i] = d[order[i]];
            }
            return placed;
        }

        QuasiCyclicCode build(String name, DecoderTables tables) {
            placeRows();
            placeShifts();
            int[] count = new int[rows];
            for (int[] r : rowsOf) {
                for (int row : r) {
                    count[row] += 2;
                }
            }
            int[][] entries = new int[rows][];
            for (int r = 0; r < rows; r++) {
                entries[r] = new int[count[r]];
            }
            Arrays.fill(count, 0);
            for (int c = 0; c < columns; c++) {
                // Rotating a column is only a renaming of bits: its last layer gets shift 0, which the decoder likes.
                int last = 0;
                for (int j = 1; j < rowsOf[c].length; j++) {
                    last = rowsOf[c][j] > rowsOf[c][last] ? j : last;
                }
                for (int j = 0; j < rowsOf[c].length; j++) {
                    int r = rowsOf[c][j];
                    entries[r][count[r]++] = c;
                    entries[r][count[r]++] = Math.floorMod(shiftsOf[c][j] - shiftsOf[c][last], z);
                }
            }
            double shannon = QuasiCyclicCode.inverseBinaryEntropy((double) rows / columns);
            return new QuasiCyclicCode(name, z, columns, entries, shannon, shannon, tables);
        }

        private void placeRows() {
            double[] expected = new double[rows];
            int[] fill = new int[rows];
            int[] low = new int[columns];
            int[] high = new int[columns];
            double total = 0;
            for (int c = 0; c < columns; c++) {
                total += degree[c];
                if (spec.window == 0 || spec.window >= rows) {
                    high[c] = rows;
                } else {
                    double centre = spec.lead + (c + .5) / columns * (rows - spec.lead);
                    low[c] = (int) Math.floor(centre - spec.window / 2.0 + random.nextDouble());
                    high[c] = low[c] + spec.window;
                }
            }
            chainDegreeTwo(fill);
            if (spec.window == 0) {
                Arrays.fill(expected, total / rows);
            } else {
                for (int c = 0; c < columns; c++) {
                    if (rowsOf[c] != null) {
                        expect(expected, degree[c], weights(low[c], high[c]));
                    }
                }
            }
            for (int c = 0; c < columns; c++) {
                if (rowsOf[c] != null) {
                    continue;
                }
                int[] weight = weights(low[c], high[c]);
                if (spec.window != 0) {
                    expect(expected, degree[c], weight);
                }
                int[] chosen = new int[degree[c]];
                int n = 0;
                for (; n < degree[c]; n++) {
                    int best = -1;
                    double bestScore = Double.MAX_VALUE;
                    for (int r = 0; r < rows; r++) {
                        if (weight[r] == 0 || contains(chosen, n, r)) {
                            continue;
                        }
                        double sharing = 0;
                        for (int j = 0; j < n; j++) {
                            sharing += shared[r][chosen[j]];
                        }
                        double score =
                                4 * (fill[r] - expected[r]) + (n == 0 ? 0 : 2 * sharing / n) + 3 * random.nextDouble();
                        if (score < bestScore) {
                            bestScore = score;
                            best = r;
                        }
                    }
                    if (best < 0) {
                        break;
                    }
                    chosen[n] = best;
                    fill[best]++;
                }
                degree[c] = n;
                rowsOf[c] = Arrays.copyOf(chosen, n);
                share(rowsOf[c]);
            }
        }

        private int[] weights(int low, int high) {
            int[] weight = new int[rows];
            for (int t = low; t < high; t++) {
                weight[reflect(t)]++;
            }
            return weight;
        }

        private static void expect(double[] expected, int degree, int[] weight) {
            double sum = Arrays.stream(weight).sum();
            for (int r = 0; r < weight.length; r++) {
                expected[r] += degree * weight[r] / sum;
            }
        }

        // Paths over the rows in random order (within the window, if there is one), as short and as equal as the number
        // of
        // columns allows.
        private void chainDegreeTwo(int[] fill) {
            double[] key = new double[rows];
            Integer[] order = new Integer[rows];
            for (int r = 0; r < rows; r++) {
                order[r] = r;
                key[r] = spec.window == 0 ? random.nextDouble() : r + random.nextDouble() * spec.window / 2;
            }
            Arrays.sort(order, (a, b) -> Double.compare(key[a], key[b]));
            long twos = Arrays.stream(degree).filter(d -> d == 2).count();
            int slot = 0;
            long done = 0;
            for (int c = 0; c < columns; c++) {
                if (degree[c] != 2) {
                    continue;
                }
                // Column number `done` of those takes the next of rows - 1 slots that are spread evenly.
                while (slot < rows - 1 && (slot + 1) * twos / (rows - 1) <= done) {
                    slot++;
                }
                if (slot >= rows - 1) {
                    return;
                }
                rowsOf[c] = new int[] {order[slot], order[slot + 1]};
                fill[order[slot]]++;
                fill[order[slot + 1]]++;
                share(rowsOf[c]);
                slot++;
                done++;
            }
        }

        private int reflect(int row) {
            int r = row < 0 ? -row - 1 : row;
            return r >= rows ? 2 * rows - 1 - r : r;
        }

        private static boolean contains(int[] values, int count, int value) {
            for (int i = 0; i < count; i++) {
                if (values[i] == value) {
                    return true;
                }
            }
            return false;
        }

        private void share(int[] r) {
            for (int a : r) {
                for (int b : r) {
                    shared[a][b]++;
                }
            }
        }

        private void placeShifts() {
            Integer[] order = new Integer[columns];
            Arrays.setAll(order, i -> i);
            Arrays.sort(order, (a, b) -> Integer.compare(degree[a], degree[b]));
            for (int c : order) {
                boolean placed = false;
                for (int attempt = 0; attempt < 40 && !placed; attempt++) {
                    placed = placeShifts(c);
                }
                if (!placed) {
                    // Too dense for the circulant: one edge fewer.
                    if (rowsOf[c].length <= 2) {
                        throw new IllegalArgumentException("No shifts without cycles of length 4 for " + rows + " x "
                                + columns + " circulants of " + z + " bits with these degrees");
                    }
                    rowsOf[c] = Arrays.copyOf(rowsOf[c], rowsOf[c].length - 1);
                    degree[c]--;
                    while (!placeShifts(c)) {
                        if (rowsOf[c].length <= 2) {
                            throw new IllegalArgumentException("No shifts without cycles of length 4 for " + rows
                                    + " x " + columns + " circulants of " + z + " bits with these degrees");
                        }
                        rowsOf[c] = Arrays.copyOf(rowsOf[c], rowsOf[c].length - 1);
                        degree[c]--;
                    }
                }
                record(c);
            }
        }

        private boolean placeShifts(int c) {
            int[] r = rowsOf[c];
            int[] s = new int[r.length];
            int tries = degree[c] <= 4 ? 32 : degree[c] <= ACE_DEGREE ? 12 : 1;
            for (int j = 0; j < r.length; j++) {
                int best = -1;
                double bestCost = Double.MAX_VALUE;
                int start = random.nextInt(z);
                int step = 2 * random.nextInt(z / 2) + 1;
                int counted = 0;
                for (int t = 0; t < z && counted < tries && bestCost > 0; t++) {
                    int x = Math.floorMod(start + (long) t * step, z);
                    if (closesFour(r, s, j, x)) {
                        continue;
                    }
                    counted++;
                    double cost = j == 0 || degree[c] > ACE_DEGREE ? 0 : closesSix(r, s, j, x, degree[c]);
                    if (spec.chainPairs && degree[c] <= PAIR_DEGREE) {
                        cost += closesThroughChains(r, s, j, x, degree[c]);
                    }
                    if (cost < bestCost) {
                        bestCost = cost;
                        best = x;
                    }
                }
                if (best < 0) {
                    return false;
                }
                s[j] = best;
            }
            shiftsOf[c] = s;
            return true;
        }

        private boolean closesFour(int[] r, int[] s, int j, int x) {
            for (int q = 0; q < j; q++) {
                long[] set = used[r[j]][r[q]];
                int d = difference(x, s[q]);
                if (set != null && (set[d >>> 6] >>> (d & 63) & 1) != 0) {
                    return true;
                }
            }
            return false;
        }

        private double closesSix(int[] r, int[] s, int j, int x, int deg) {
            double cost = 0;
            int a = r[j];
            for (int q = 0; q < j; q++) {
                int b = r[q];
                int d = difference(x, s[q]);
                for (int m = 0; m < rows; m++) {
                    int[] first = near[a][m];
                    byte[] second = nearDegree[m][b];
                    if (first == null || second == null || m == b) {
                        continue;
                    }
                    for (int i = 1; i <= first[0]; i++) {
                        int d1 = first[i];
                        int y = d - d1;
                        y = y < 0 ? y + z : y;
                        int other = second[y];
                        if (other != 0) {
                            byte[] own = nearDegree[a][m];
                            int ace = deg + other + (own == null ? 0 : own[d1]) - 6;
                            cost += 1.0 / ((1 + ace) * (1 + ace));
                        }
                    }
                }
            }
            return cost;
        }

        // From row a to row b through a chain, a column placed before, another chain.
        private double closesThroughChains(int[] r, int[] s, int j, int x, int deg) {
            double cost = 0;
            int[] first = reach[r[j]];
            for (int q = 0; q < j; q++) {
                int d = difference(x, s[q]);
                int[] last = reach[r[q]];
                for (int i = 0; i < first.length; i += 3) {
                    for (int k = 0; k < last.length; k += 3) {
                        byte[] between = nearDegree[first[i]][last[k]];
                        if (between == null) {
                            continue;
                        }
                        int other = between[Math.floorMod(d - first[i + 1] + last[k + 1], z)];
                        if (other > 2 && other <= PAIR_DEGREE) {
                            int ace = deg + other - 4;
                            cost += 1.0 / ((1 + ace) * (1 + ace));
                        }
                    }
                }
            }
            return cost;
        }

        private void record(int c) {
            int[] r = rowsOf[c];
            int[] s = shiftsOf[c];
            for (int i = 0; i < r.length; i++) {
                for (int j = 0; j < r.length; j++) {
                    if (i != j) {
                        record(r[i], r[j], difference(s[i], s[j]), degree[c]);
                    }
                }
            }
            if (r.length == 2) {
                recordChain(r[0], r[1], difference(s[0], s[1]));
            }
        }

        // All rows within CHAIN columns of degree 2 of each other through the new column, which joins a and b.
        private void recordChain(int a, int b, int d) {
            int[] fromA = withSelf(reach[a], a);
            int[] fromB = withSelf(reach[b], b);
            for (int i = 0; i < fromA.length; i += 3) {
                for (int j = 0; j < fromB.length; j += 3) {
                    int steps = fromA[i + 2] + 1 + fromB[j + 2];
                    int x = fromA[i];
                    int y = fromB[j];
                    if (steps > CHAIN || x == y) {
                        continue;
                    }
                    // From x to a, to b, to y.
                    int total = Math.floorMod(-fromA[i + 1] + d + fromB[j + 1], z);
                    if (steps > 1) {
                        record(x, y, total, 2);
                        record(y, x, difference(0, total), 2);
                    }
                    reach[x] = appended(reach[x], y, total, steps);
                    reach[y] = appended(reach[y], x, difference(0, total), steps);
                }
            }
        }

        private static int[] withSelf(int[] triples, int row) {
            return appended(triples, row, 0, 0);
        }

        private static int[] appended(int[] triples, int row, int d, int steps) {
            int[] t = Arrays.copyOf(triples, triples.length + 3);
            t[triples.length] = row;
            t[triples.length + 1] = d;
            t[triples.length + 2] = steps;
            return t;
        }

        private void record(int a, int b, int d, int deg) {
            long[] set = used[a][b];
            if (set == null) {
                set = new long[z / 64];
                used[a][b] = set;
            }
            set[d >>> 6] |= 1L << (d & 63);
            if (deg > ACE_DEGREE) {
                return;
            }
            int[] list = near[a][b];
            byte[] byDifference = nearDegree[a][b];
            if (list == null || byDifference == null) {
                list = new int[4];
                byDifference = new byte[z];
                nearDegree[a][b] = byDifference;
            } else if (list[0] + 1 == list.length) {
                list = Arrays.copyOf(list, 2 * list.length);
            }
            near[a][b] = list;
            list[++list[0]] = d;
            byDifference[d] = (byte) deg;
        }

        private int difference(int x, int y) {
            int d = x - y;
            return d < 0 ? d + z : d;
        }
    }
}
