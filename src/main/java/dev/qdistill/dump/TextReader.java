package dev.qdistill.dump;

import de.siegmar.fastcsv.reader.AbstractBaseCsvCallbackHandler;
import de.siegmar.fastcsv.reader.CloseableIterator;
import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.FieldMismatchStrategy;
import dev.qdistill.bits.SecretArena;
import dev.qdistill.security.Protocol;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Reads lines of {@code index,basis,bit} below that header line: increasing indices, Z or X, 0 or 1.
 *
 * <p>The bits pass through the CSV library's buffers on the heap, which cannot be wiped. The format has no end mark: a file
 * that is cut between two lines looks whole.
 */
final class TextReader implements DumpReader {
    /** The longest line in characters; a good one has less than 30. */
    private static final int MAX_LINE = 1 << 16;

    private static final int MAX_INDEX_DIGITS = 18;

    private final Path file;
    private final FileChannel channel;
    private final long size;
    private final SecretArena arena = new SecretArena();
    private final DumpHeader header = new DumpHeader(
            DumpFormat.TEXT,
            DumpKind.RAW,
            Optional.empty(),
            Protocol.SINGLE_PHOTON,
            Optional.empty(),
            Optional.empty(),
            EnumSet.of(Column.PULSE, Column.BASIS));
    private final RecordBatch batch;
    private final CloseableIterator<Line> lines;
    private long records;
    private long lastPulse = -1;
    private @Nullable DumpTotals totals;

    TextReader(Path file, FileChannel channel) throws IOException {
        this.file = file;
        this.channel = channel;
        this.size = channel.size();
        this.batch = new RecordBatch(header.columns(), arena);
        this.lines = CsvReader.builder()
                .missingFieldStrategy(FieldMismatchStrategy.IGNORE)
                .extraFieldStrategy(FieldMismatchStrategy.IGNORE)
                .trimWhitespacesAroundQuotes(true)
                .detectBomHeader(false)
                .maxBufferSize(MAX_LINE)
                .build(new Line(), Channels.newInputStream(channel), StandardCharsets.ISO_8859_1)
                .iterator();
        boolean done = false;
        try {
            readHeaderLine();
            done = true;
        } finally {
            if (!done) {
                arena.close();
            }
        }
    }

    /** Whether a file begins with the header line's first word, after a byte order mark perhaps. */
    static boolean isHeader(String head) {
        return head.replaceFirst("^\u00ef\u00bb\u00bf", "")
                .strip()
                .toLowerCase(Locale.ROOT)
                .startsWith("index");
    }

    private void readHeaderLine() {
        Line line = nextLine();
        if (line == null || !line.isHeader) {
            throw new BadInputException(file, 0, "the first line is not index,basis,bit");
        }
    }

    @Override
    public boolean next() {
        if (totals != null) {
            return false;
        }
        long[] pulses = batch.pulseArray();
        int count = 0;
        long basisWord = 0;
        long bitWord = 0;
        while (count < RecordBatch.CAPACITY) {
            Line line = nextLine();
            if (line == null) {
                break;
            }
            check(line);
            pulses[count] = line.index;
            lastPulse = line.index;
            basisWord |= (long) line.basis << count;
            bitWord |= (long) line.bit << count;
            count++;
            if ((count & 63) == 0) {
                batch.plane(RecordBatch.BASIS).setWord((count >> 6) - 1, basisWord);
                batch.plane(RecordBatch.BIT).setWord((count >> 6) - 1, bitWord);
                basisWord = 0;
                bitWord = 0;
            }
        }
        if (count == 0) {
            totals = new DumpTotals(records, OptionalLong.empty(), Optional.empty());
            return false;
        }
        if ((count & 63) != 0) {
            batch.plane(RecordBatch.BASIS).setWord(count >> 6, basisWord);
            batch.plane(RecordBatch.BIT).setWord(count >> 6, bitWord);
        }
        for (int word = count + 63 >> 6; word < RecordBatch.CAPACITY / 64; word++) {
            batch.plane(RecordBatch.BASIS).setWord(word, 0);
            batch.plane(RecordBatch.BIT).setWord(word, 0);
        }
        batch.count(count);
        records += count;
        return true;
    }

    private @Nullable Line nextLine() {
        try {
            return lines.hasNext() ? lines.next() : null;
        } catch (CsvParseException e) {
            throw new BadInputException(file, "is not readable as lines of index,basis,bit: " + e.getMessage());
        }
    }

    private void check(Line line) {
        if (line.fields != 3) {
            throw problem(line, line.fields + " fields where index,basis,bit are expected");
        }
        if (line.index < 0) {
            throw problem(line, "the index is not a whole number of at most " + MAX_INDEX_DIGITS + " digits");
        }
        if (line.basis < 0) {
            throw problem(line, "the basis is neither Z nor X");
        }
        if (line.bit < 0) {
            throw problem(line, "the bit is neither 0 nor 1");
        }
        if (line.index <= lastPulse) {
            throw problem(line, "indices must increase: " + line.index + " after " + lastPulse);
        }
    }

    // Never shows a field: it may hold a bit.
    private BadInputException problem(Line line, String what) {
        return new BadInputException(file, offsetOfLine(line.number), "line " + line.number + ": " + what);
    }

    private long offsetOfLine(long number) {
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
            long offset = 0;
            long line = 1;
            int before = 0;
            for (int c = in.read(); c >= 0 && line <= number; c = in.read()) {
                if (before == '\n' || before == '\r' && c != '\n') {
                    line++;
                    if (line > number) {
                        break;
                    }
                }
                if (line == number) {
                    return offset;
                }
                before = c;
                offset++;
            }
            return offset;
        } catch (IOException e) {
            return -1;
        }
    }

    @Override
    public String name() {
        return file.toString();
    }

    @Override
    public Optional<Path> file() {
        return Optional.of(file);
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public long position() {
        try {
            return channel.position();
        } catch (IOException e) {
            throw new UncheckedIOException(file.toString(), e);
        }
    }

    @Override
    public DumpHeader header() {
        return header;
    }

    @Override
    public RecordBatch batch() {
        return batch;
    }

    @Override
    public DumpTotals totals() {
        if (totals == null) {
            throw new IllegalStateException("The totals come after the last batch");
        }
        return totals;
    }

    @Override
    public void close() {
        arena.close();
        try {
            lines.close();
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(file.toString(), e);
        }
    }

    /** One line, parsed in the library's buffer; the same object for every line. */
    private static final class Line extends AbstractBaseCsvCallbackHandler<Line> {
        private static final String[] NAMES = {"index", "basis", "bit"};

        private long number;
        private int fields;
        private long index;
        private int basis;
        private int bit;
        private boolean isHeader;

        @Override
        protected void handleBegin(long startingLineNumber) {
            number = startingLineNumber;
            fields = 0;
            index = -1;
            basis = -1;
            bit = -1;
            isHeader = startingLineNumber == 1;
        }

        @Override
        protected void handleField(int field, char[] buffer, int offset, int length, boolean quoted) {
            int from = offset;
            int to = offset + length;
            while (from < to && buffer[from] == ' ') {
                from++;
            }
            while (from < to && buffer[to - 1] == ' ') {
                to--;
            }
            fields = field + 1;
            if (number == 1) {
                String name = new String(buffer, from, to - from).toLowerCase(Locale.ROOT);
                isHeader &=
                        field < 3 && name.equals(NAMES[field]) || field == 0 && name.equals("\u00ef\u00bb\u00bfindex");
                return;
            }
            switch (field) {
                case 0 -> index = parseIndex(buffer, from, to);
                case 1 -> basis = from + 1 == to ? parseBasis(buffer[from]) : -1;
                case 2 ->
                    bit = from + 1 == to && (buffer[from] == '0' || buffer[from] == '1') ? buffer[from] - '0' : -1;
                default -> {}
            }
        }

        private static int parseBasis(char c) {
            return switch (c) {
                case 'Z', 'z' -> 0;
                case 'X', 'x' -> 1;
                default -> -1;
            };
        }

        private static long parseIndex(char[] buffer, int from, int to) {
            if (from == to || to - from > MAX_INDEX_DIGITS) {
                return -1;
            }
            long value = 0;
            for (int i = from; i < to; i++) {
                int digit = buffer[i] - '0';
                if (digit < 0 || digit > 9) {
                    return -1;
                }
                value = 10 * value + digit;
            }
            return value;
        }

        @Override
        protected Line buildRecord() {
            isHeader &= fields == 3;
            return this;
        }
    }
}
