package dev.qdistill.ldpc;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The text formats of other people's codes.
 *
 * <ul>
 *   <li><b>qc</b> (aff3ct): base columns, base rows, Z; then the base matrix row by row, a shift or -1. Shift s means that
 *       check i covers bit (i + s) mod Z, as here.
 *   <li><b>alist</b> (MacKay): the full matrix. It is searched for circulants.
 *   <li><b>qccsc.json</b> (LDPC4QKD): the base matrix in compressed columns: {@code n_rows}, {@code n_columns}, {@code colptr},
 *       {@code rowval}, {@code nzval} (the shifts), {@code qc_expansion_factor} (Z).
 * </ul>
 */
public final class CodeText {
    private static final int LARGEST = 1 << 22;
    private static final long LARGEST_MATRIX = 1L << 30;

    private CodeText() {}

    /**
     * What a file turned out to hold.
     *
     * @param format {@code qc}, {@code alist}, {@code qccsc.json} or {@code qdlc}
     * @param rows checks
     * @param columns bits of a codeword
     * @param ones non-zero entries
     * @param circulant Z, or 1 if no circulants were found
     * @param code the code, if it is one that the decoder here can take
     * @param problem why it cannot, or an empty string
     */
    public record Imported(
            String format,
            int rows,
            int columns,
            long ones,
            int circulant,
            Optional<QuasiCyclicCode> code,
            String problem) {}

    /** The base matrix in aff3ct's qc format. */
    public static String qc(QuasiCyclicCode code) {
        StringBuilder s = new StringBuilder();
        s.append(code.columns())
                .append(' ')
                .append(code.rows())
                .append(' ')
                .append(code.circulant())
                .append("\n\n");
        for (int[] row : code.entries()) {
            int[] line = new int[code.columns()];
            Arrays.fill(line, -1);
            for (int j = 0; j < row.length; j += 2) {
                line[row[j]] = row[j + 1];
            }
            for (int c = 0; c < line.length; c++) {
                s.append(c == 0 ? "" : " ").append(line[c]);
            }
            s.append('\n');
        }
        return s.toString();
    }

    /** The full parity-check matrix as an alist. */
    public static String alist(QuasiCyclicCode code) {
        int z = code.circulant();
        int[][] columns = code.columnEntries();
        int[][] rows = code.entries();
        StringBuilder s = new StringBuilder();
        s.append(code.frameBits()).append(' ').append(code.syndromeBits()).append('\n');
        int most = Arrays.stream(columns).mapToInt(c -> c.length / 2).max().orElse(0);
        int mostRow = Arrays.stream(rows).mapToInt(r -> r.length / 2).max().orElse(0);
        s.append(most).append(' ').append(mostRow).append('\n');
        degrees(s, columns, z);
        degrees(s, rows, z);
        for (int[] c : columns) {
            for (int i = 0; i < z; i++) {
                int[] checks = new int[c.length / 2];
                for (int j = 0; j < checks.length; j++) {
                    checks[j] = c[2 * j] * z + Math.floorMod(i - c[2 * j + 1], z) + 1;
                }
                line(s, checks, most);
            }
        }
        for (int[] r : rows) {
            for (int i = 0; i < z; i++) {
                int[] bits = new int[r.length / 2];
                for (int j = 0; j < bits.length; j++) {
                    bits[j] = r[2 * j] * z + (i + r[2 * j + 1]) % z + 1;
                }
                line(s, bits, mostRow);
            }
        }
        return s.toString();
    }

    private static void degrees(StringBuilder s, int[][] lists, int z) {
        String separator = "";
        for (int[] l : lists) {
            for (int i = 0; i < z; i++) {
                s.append(separator).append(l.length / 2);
                separator = " ";
            }
        }
        s.append('\n');
    }

    private static void line(StringBuilder s, int[] numbers, int width) {
        Arrays.sort(numbers);
        for (int i = 0; i < width; i++) {
            s.append(i == 0 ? "" : " ").append(i < numbers.length ? numbers[i] : 0);
        }
        s.append('\n');
    }

    /**
     * Reads a code in any of the formats, told by its content.
     *
     * @param name for the code
     * @throws CodeFormatException if it is in none of them, or damaged
     */
    public static Imported read(String name, byte[] content) {
        if (content.length >= 4 && content[0] == 'Q' && content[1] == 'D') {
            QuasiCyclicCode c = CodeFile.read(content);
            return imported("qdlc", c.rows(), c.columns(), c.circulant(), c.entries(), c.name(), Optional.of(c));
        }
        String text = new String(content, java.nio.charset.StandardCharsets.US_ASCII);
        if (text.isBlank()) {
            throw new CodeFormatException(0, "the file is empty");
        }
        if (text.stripLeading().startsWith("{")) {
            return json(name, text);
        }
        Numbers n = new Numbers(text);
        int first = n.next("a number of columns", 1, LARGEST);
        int second = n.next("a number of rows", 1, LARGEST);
        return n.onFirstLine() ? qc(name, first, second, n) : alist(name, first, second, n);
    }

    private static Imported qc(String name, int columns, int rows, Numbers n) {
        int z = n.next("a circulant size", 1, QuasiCyclicCode.MAX_DIMENSION);
        if ((long) Math.max(rows, columns) * z > LARGEST_MATRIX) {
            throw new CodeFormatException(
                    n.at(),
                    rows + " x " + columns + " circulants of " + z + " bits: at most " + LARGEST_MATRIX
                            + " rows and columns are possible");
        }
        int[][] entries = new int[rows][];
        for (int r = 0; r < rows; r++) {
            List<Integer> row = new ArrayList<>();
            for (int c = 0; c < columns; c++) {
                int s = n.next("a shift or -1", -1, z - 1);
                if (s >= 0) {
                    row.add(c);
                    row.add(s);
                }
            }
            entries[r] = row.stream().mapToInt(Integer::intValue).toArray();
        }
        // What follows are aff3ct's puncturing patterns; they do not concern syndromes.
        return imported("qc", rows, columns, z, entries, name, Optional.empty());
    }

    private static Imported alist(String name, int columns, int rows, Numbers n) {
        int most = n.next("a column degree", 1, rows);
        int mostRow = n.next("a row degree", 1, columns);
        int[] columnDegree = new int[columns];
        int[] rowDegree = new int[rows];
        long ones = 0;
        for (int c = 0; c < columns; c++) {
            columnDegree[c] = n.next("a column degree", 0, most);
            ones += columnDegree[c];
        }
        long rowOnes = 0;
        for (int r = 0; r < rows; r++) {
            rowDegree[r] = n.next("a row degree", 0, mostRow);
            rowOnes += rowDegree[r];
        }
        if (ones != rowOnes) {
            throw new CodeFormatException(n.at(), "the column degrees and the row degrees have different sums");
        }
        if (ones > n.charactersLeft()) {
            throw new CodeFormatException(n.at(), "the file is too short for the " + ones + " entries announced");
        }
        int[][] byRow = new int[rows][];
        int[] filled = new int[rows];
        for (int r = 0; r < rows; r++) {
            byRow[r] = new int[rowDegree[r]];
        }
        for (int c = 0; c < columns; c++) {
            for (int j = 0; j < most; j++) {
                int r = j < columnDegree[c] || n.zeroPadded() ? n.next("a row number", 0, rows) : 0;
                if (r == 0) {
                    if (j < columnDegree[c]) {
                        throw new CodeFormatException(
                                n.at(), "column " + (c + 1) + " has fewer entries than announced");
                    }
                    continue;
                }
                if (j >= columnDegree[c] || filled[r - 1] == rowDegree[r - 1]) {
                    throw new CodeFormatException(
                            n.at(), "column " + (c + 1) + ", row " + r + ": more entries than announced");
                }
                byRow[r - 1][filled[r - 1]++] = c;
            }
        }
        for (int r = 0; r < rows; r++) {
            for (int j = 0; j < mostRow; j++) {
                int c = j < rowDegree[r] || n.zeroPadded() ? n.next("a column number", 0, columns) : 0;
                if (j < rowDegree[r] && c != byRow[r][j] + 1) {
                    throw new CodeFormatException(n.at(), "row " + (r + 1) + " does not list what the columns list");
                }
            }
        }
        for (int z = gcd(rows, columns); z > 1; z--) {
            if (rows % z == 0 && columns % z == 0) {
                Optional<int[][]> entries = circulants(byRow, z);
                if (entries.isPresent()) {
                    return imported("alist", rows / z, columns / z, z, entries.get(), name, Optional.empty());
                }
            }
        }
        return new Imported("alist", rows, columns, ones, 1, Optional.empty(), "it is not quasi-cyclic");
    }

    // The base matrix, if the matrix consists of shifted identities of size z.
    private static Optional<int[][]> circulants(int[][] rows, int z) {
        int[][] entries = new int[rows.length / z][];
        for (int r = 0; r < rows.length; r++) {
            int[] row = rows[r];
            int[] base = new int[2 * row.length];
            for (int j = 0; j < row.length; j++) {
                base[2 * j] = row[j] / z;
                base[2 * j + 1] = Math.floorMod(row[j] % z - r % z, z);
                if (j > 0 && base[2 * j] <= base[2 * j - 2]) {
                    return Optional.empty();
                }
            }
            if (r % z == 0) {
                entries[r / z] = base;
            } else if (!Arrays.equals(entries[r / z], base)) {
                return Optional.empty();
            }
        }
        return Optional.of(entries);
    }

    private static int gcd(int a, int b) {
        return b == 0 ? a : gcd(b, a % b);
    }

    private static Imported json(String name, String text) {
        JsonNode root;
        try {
            root = JsonMapper.shared().readTree(text);
        } catch (JacksonException e) {
            throw new CodeFormatException(
                    e.getLocation() == null ? -1 : e.getLocation().getCharOffset(), "not valid JSON");
        }
        int rows = number(root, "n_rows");
        int columns = number(root, "n_columns");
        int[] start = array(root, "colptr");
        int[] row = array(root, "rowval");
        int[] shift = array(root, "nzval");
        if (start.length != columns + 1 || row.length != shift.length || start[columns] - start[0] != row.length) {
            throw new CodeFormatException(
                    -1,
                    "colptr, rowval and nzval have lengths " + start.length + ", " + row.length + " and " + shift.length
                            + ", which do not fit " + columns + " columns");
        }
        int z = number(root, "qc_expansion_factor");
        int base = start[0];
        List<List<Integer>> lists = new ArrayList<>();
        for (int r = 0; r < rows; r++) {
            lists.add(new ArrayList<>());
        }
        for (int c = 0; c < columns; c++) {
            if (start[c + 1] < start[c]) {
                throw new CodeFormatException(-1, "colptr decreases at column " + c);
            }
            for (int i = start[c] - base; i < start[c + 1] - base; i++) {
                if (row[i] - base < 0 || row[i] - base >= rows || shift[i] < 0) {
                    throw new CodeFormatException(
                            -1, "entry " + i + ": row " + row[i] + " or shift " + shift[i] + " is out of range");
                }
                lists.get(row[i] - base).add(c);
                // Z itself occurs, and means 0.
                lists.get(row[i] - base).add(shift[i] == z ? 0 : shift[i]);
            }
        }
        int[][] entries = lists.stream()
                .map(l -> l.stream().mapToInt(Integer::intValue).toArray())
                .toArray(int[][]::new);
        return imported("qccsc.json", rows, columns, z, entries, name, Optional.empty());
    }

    private static int number(JsonNode root, String field) {
        int n = root.path(field).asInt(-1);
        if (n < 1 || n > QuasiCyclicCode.MAX_DIMENSION) {
            throw new CodeFormatException(
                    -1, "'" + field + "' is missing or not between 1 and " + QuasiCyclicCode.MAX_DIMENSION);
        }
        return n;
    }

    private static int[] array(JsonNode root, String field) {
        JsonNode a = root.path(field);
        if (!a.isArray()) {
            throw new CodeFormatException(-1, "'" + field + "' is missing or not an array");
        }
        int[] values = new int[a.size()];
        for (int i = 0; i < values.length; i++) {
            if (!a.get(i).canConvertToInt()) {
                throw new CodeFormatException(-1, "'" + field + "' holds something that is not a number at " + i);
            }
            values[i] = a.get(i).asInt();
        }
        return values;
    }

    private static Imported imported(
            String format,
            int rows,
            int columns,
            int z,
            int[][] entries,
            String name,
            Optional<QuasiCyclicCode> known) {
        long ones = 0;
        for (int[] r : entries) {
            ones += r.length / 2;
        }
        Optional<QuasiCyclicCode> code = known;
        String problem = "";
        if (code.isEmpty()) {
            try {
                double shannon = QuasiCyclicCode.inverseBinaryEntropy(Math.min(1, (double) rows / columns));
                QuasiCyclicCode plain = new QuasiCyclicCode(
                        printable(name), z, columns, entries, shannon, shannon, DecoderTables.generic());
                code = Optional.of(plain.with(
                        plain.name(), shannon, shannon, FamilyDesign.tables(plain.degreeDistribution(), plain.rate())));
            } catch (IllegalArgumentException e) {
                problem = String.valueOf(e.getMessage());
            }
        }
        return new Imported(format, rows * z, columns * z, ones * z, z, code, problem);
    }

    private static String printable(String name) {
        String s = name.isEmpty() ? "_" : name.replaceAll("[^!-~]", "_");
        return s.substring(0, Math.min(63, s.length()));
    }

    /** Decimal numbers separated by blanks, with their offsets. */
    private static final class Numbers {
        private final String text;
        private final int firstLineEnd;
        private final boolean zeroPadded;
        private int at;
        private int last;

        Numbers(String text) {
            this.text = text;
            String start = text.stripLeading();
            int skipped = text.length() - start.length();
            int end = start.indexOf('\n');
            firstLineEnd = skipped + (end < 0 ? start.length() : end);
            // Some writers pad the lists of an alist with zeros, some do not.
            zeroPadded = text.lines().skip(4).anyMatch(l -> l.strip().endsWith(" 0"));
        }

        boolean zeroPadded() {
            return zeroPadded;
        }

        /** Whether there are more numbers on the first line that is not blank. */
        boolean onFirstLine() {
            return at < firstLineEnd && !text.substring(at, firstLineEnd).isBlank();
        }

        long at() {
            return last;
        }

        int charactersLeft() {
            return text.length() - at;
        }

        int next(String what, int low, int high) {
            while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
                at++;
            }
            last = at;
            while (at < text.length() && !Character.isWhitespace(text.charAt(at))) {
                at++;
            }
            String word = text.substring(last, at);
            if (word.isEmpty()) {
                throw new CodeFormatException(last, "the file ends where " + what + " is expected");
            }
            int value;
            try {
                value = Integer.parseInt(word);
            } catch (NumberFormatException e) {
                value = Integer.MIN_VALUE;
            }
            if (value < low || value > high) {
                throw new CodeFormatException(
                        last,
                        String.format(
                                Locale.ROOT,
                                "'%s' where %s from %d to %d is expected",
                                word.substring(0, Math.min(20, word.length())).replaceAll("[^!-~]", "?"),
                                what,
                                low,
                                high));
            }
            return value;
        }
    }
}
