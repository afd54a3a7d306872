package dev.qdistill.cli;

import dev.qdistill.bits.BitString;
import dev.qdistill.dump.Basis;
import dev.qdistill.dump.Column;
import dev.qdistill.dump.DumpHeader;
import dev.qdistill.dump.DumpKind;
import dev.qdistill.dump.DumpReader;
import dev.qdistill.dump.DumpTotals;
import dev.qdistill.dump.LinkParameters;
import dev.qdistill.dump.QcryptoStream;
import dev.qdistill.dump.RecordBatch;
import dev.qdistill.dump.SentPulses;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/** {@code inspect}: what a raw key dump says and holds; never its bits. */
@Command(
        name = "inspect",
        description = "Shows the header, counts and rates of a raw key dump, after checking all of it.",
        mixinStandardHelpOptions = true)
final class InspectCommand implements Callable<Integer> {
    @Parameters(
            index = "0",
            paramLabel = "FILE",
            description = "the dump: QRAW, text index,basis,bit, or a qcrypto stream of type 1 to 4 or 7")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private Path file;

    @Option(names = "--json", description = "print one JSON object")
    private boolean json;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Override
    public Integer call() {
        Map<String, Object> result;
        if (Files.isRegularFile(file) && QcryptoStream.isOne(file)) {
            try (QcryptoStream stream = QcryptoStream.open(file)) {
                result = inspect(stream);
            }
        } else {
            try (DumpReader reader = DumpReader.open(file)) {
                result = inspect(reader);
            }
        }
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(result));
        } else {
            print(result, out);
        }
        out.flush();
        return ExitCode.OK;
    }

    private Map<String, Object> inspect(QcryptoStream stream) {
        QcryptoStream.Header header = stream.header();
        Map<String, Object> m = new LinkedHashMap<>();
        m.put("file", file.toString());
        m.put("format", header.type().id());
        if (header.type() == QcryptoStream.Type.BITS) {
            m.put("kind", DumpKind.SIFTED.id());
        }
        m.put("epoch", String.format(Locale.ROOT, "%08x", header.epoch()));
        m.put("extendedEpoch", header.extendedEpoch());
        switch (header.type()) {
            case BITS -> {
                m.put("records", header.length());
                m.put("bitsPerRecord", header.first());
            }
            case KEY -> {
                m.put("epochs", header.length());
                m.put("bits", header.first());
            }
            case EVENTS, TIMING, INDICES -> {
                long[] range = {-1, -1};
                long[] patterns = new long[1 << Math.min(8, header.baseBits())];
                long records = stream.forEach((value, pattern) -> {
                    range[0] = range[0] < 0 ? value : range[0];
                    range[1] = value;
                    patterns[pattern & patterns.length - 1]++;
                });
                m.put("records", records);
                if (header.type() == QcryptoStream.Type.INDICES) {
                    m.put("firstIndex", range[0]);
                    m.put("lastIndex", range[1]);
                } else {
                    m.put("seconds", (range[1] - range[0]) * 125e-12);
                }
                if (header.type() == QcryptoStream.Type.TIMING) {
                    m.put("qcryptoProtocol", header.protocol());
                }
                m.put("recordsByPattern", patterns);
            }
        }
        return m;
    }

    private static Map<String, Object> inspect(DumpReader reader) {
        Counts counts = new Counts();
        long start = System.nanoTime();
        try (Progress progress = new Progress("checking", reader.size(), reader.size() > 64 << 20)) {
            while (reader.next()) {
                counts.add(reader.batch(), reader.header());
                progress.at(reader.position());
            }
            progress.at(reader.size());
        }
        double seconds = (System.nanoTime() - start) * 1e-9;
        DumpHeader header = reader.header();
        DumpTotals totals = reader.totals();
        Map<String, Object> m = new LinkedHashMap<>();
        m.put("file", reader.name());
        m.put("bytes", reader.size());
        m.put("format", header.format().id());
        m.put("kind", header.kind().id());
        m.put("role", header.role().map(r -> r.id()).orElse(null));
        m.put("protocol", header.protocol().id());
        m.put("session", header.session().map(Object::toString).orElse(null));
        LinkParameters link = header.link().orElse(null);
        if (link != null) {
            m.put("link", link.name());
            m.put("start", link.start().toString());
            m.put("sourceRateHz", link.sourceRateHz());
            m.put("intensities", link.intensities());
            m.put("probabilities", link.probabilities());
            m.put("aliceKeyBasisProbability", link.aliceKeyBasisProbability());
            m.put("bobKeyBasisProbability", link.bobKeyBasisProbability());
        }
        m.put("records", totals.records());
        m.put("bytesPerRecord", totals.records() == 0 ? null : (double) reader.size() / totals.records());
        if (header.has(Column.BASIS)) {
            m.put("keyBasisRecords", counts.records(Basis.Z));
            m.put("testBasisRecords", counts.records(Basis.X));
        }
        if (header.has(Column.INTENSITY)) {
            int intensities = header.protocol().intensities();
            m.put("keyBasisRecordsByIntensity", counts.byIntensity(Basis.Z, intensities));
            m.put("testBasisRecordsByIntensity", counts.byIntensity(Basis.X, intensities));
        }
        if (header.has(Column.DOUBLE_CLICK)) {
            m.put("doubleClicks", counts.doubleClicks);
        }
        if (counts.firstPulse >= 0 && header.kind() != DumpKind.SIFTED) {
            m.put("firstPulse", counts.firstPulse);
            m.put("lastPulse", counts.lastPulse);
        }
        totals.pulses().ifPresent(pulses -> {
            m.put("sentPulses", pulses);
            if (link != null && header.kind() == DumpKind.RAW) {
                double duration = pulses / link.sourceRateHz();
                m.put("durationSeconds", duration);
                m.put("detectionsPerPulse", pulses == 0 ? null : (double) totals.records() / pulses);
                m.put("detectionsPerSecond", duration == 0 ? null : totals.records() / duration);
            }
        });
        totals.sent().ifPresent(sent -> {
            m.put("keyBasisSentByIntensity", sent(sent, Basis.Z));
            m.put("testBasisSentByIntensity", sent(sent, Basis.X));
        });
        m.put("checked", true);
        m.put("checkSeconds", seconds);
        return m;
    }

    private static List<Long> sent(SentPulses sent, Basis basis) {
        List<Long> counts = new ArrayList<>();
        for (int k = 0; k < sent.intensities(); k++) {
            counts.add(sent.count(basis, k));
        }
        return counts;
    }

    private static void print(Map<String, Object> result, PrintWriter out) {
        result.forEach((name, value) -> out.printf(Locale.ROOT, "%-28s %s%n", name, text(value)));
    }

    private static String text(@Nullable Object value) {
        return switch (value) {
            case null -> "unknown";
            case Long n -> String.format(Locale.ROOT, "%,d", n);
            case Double d when d >= 1e5 -> String.format(Locale.ROOT, "%,.0f", d);
            case Double d -> String.format(Locale.ROOT, "%.6g", d);
            case List<?> list ->
                String.join("  ", list.stream().map(InspectCommand::text).toList());
            default -> value.toString();
        };
    }

    /** Records by basis and intensity. */
    private static final class Counts {
        private final long[] records = new long[8];
        private long doubleClicks;
        private long firstPulse = -1;
        private long lastPulse = -1;

        void add(RecordBatch batch, DumpHeader header) {
            if (header.has(Column.PULSE)) {
                firstPulse = firstPulse < 0 ? batch.pulses()[0] : firstPulse;
                lastPulse = batch.pulses()[batch.count() - 1];
            }
            if (header.has(Column.DOUBLE_CLICK)) {
                doubleClicks += batch.doubleClicks().bitCount();
            }
            if (!header.has(Column.BASIS)) {
                return;
            }
            BitString basis = batch.basis();
            if (!header.has(Column.INTENSITY)) {
                long x = basis.bitCount();
                records[0] += batch.count() - x;
                records[4] += x;
                return;
            }
            BitString low = batch.intensityLow();
            BitString high = batch.intensityHigh();
            long all = batch.count();
            long l = low.bitCount();
            long h = high.bitCount();
            long x = basis.bitCount();
            long xl = basis.bitCountAnd(low);
            long xh = basis.bitCountAnd(high);
            // Low and high are never both one.
            records[0] += all - x - (l - xl) - (h - xh);
            records[1] += l - xl;
            records[2] += h - xh;
            records[4] += x - xl - xh;
            records[5] += xl;
            records[6] += xh;
        }

        long records(Basis basis) {
            return byIntensity(basis, 3).stream().mapToLong(n -> n).sum();
        }

        List<Long> byIntensity(Basis basis, int intensities) {
            List<Long> counts = new ArrayList<>();
            for (int k = 0; k < intensities; k++) {
                counts.add(records[(basis == Basis.X ? 4 : 0) + k]);
            }
            return counts;
        }
    }
}
