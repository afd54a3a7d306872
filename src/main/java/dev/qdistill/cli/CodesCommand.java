package dev.qdistill.cli;

import dev.qdistill.accel.Backend;
import dev.qdistill.dump.BadInputException;
import dev.qdistill.dump.DumpReader;
import dev.qdistill.ldpc.AdaptedCode;
import dev.qdistill.ldpc.CodeFamily;
import dev.qdistill.ldpc.CodeFormatException;
import dev.qdistill.ldpc.CodeMeasurement;
import dev.qdistill.ldpc.CodeText;
import dev.qdistill.ldpc.DegreeSearch;
import dev.qdistill.ldpc.FamilyDesign;
import dev.qdistill.ldpc.Profile;
import dev.qdistill.ldpc.QuasiCyclicCode;
import dev.qdistill.ldpc.SyndromeDecoder;
import dev.qdistill.ldpc.UpdateRule;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** {@code qdistill codes}: the LDPC codes, and how they come about. */
@Command(
        name = "codes",
        description = "Lists the LDPC codes; shows, imports, exports, designs, checks, measures codes.",
        mixinStandardHelpOptions = true)
final class CodesCommand {
    private static final Pattern ADAPTED = Pattern.compile("([^/+]+)(?:/(\\d{1,6}))?(?:\\+(\\d{1,6}))?");

    private static final JsonMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    enum Format {
        QC,
        ALIST
    }

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Command(name = "list", description = "The codes that are shipped.", mixinStandardHelpOptions = true)
    int list(
            @Option(names = "--frame-bits", description = "Only this frame length.", defaultValue = "0") int frameBits,
            @Option(names = "--json", description = "As JSON.") boolean json) {
        List<Map<String, Object>> rows = new ArrayList<>();
        CodeFamily family = CodeFamily.shipped();
        requireFrameLength(family, frameBits);
        if (!json) {
            out().printf(
                            Locale.ROOT,
                            "%-23s %9s %7s %11s %6s %11s %6s%n",
                            "code",
                            "frame",
                            "rate",
                            "efficient",
                            "f",
                            "fast",
                            "f");
        }
        for (int length : family.frameLengths()) {
            if (frameBits != 0 && frameBits != length) {
                continue;
            }
            for (CodeFamily.Entry e : family.codes(length)) {
                if (json) {
                    Map<String, Object> row = new LinkedHashMap<>();
                    row.put("code", e.name());
                    row.put("frameBits", e.frameBits());
                    row.put("syndromeBits", e.syndromeBits());
                    row.put("rate", e.rate());
                    for (Profile p : Profile.values()) {
                        String id = p.name().toLowerCase(Locale.ROOT);
                        row.put(id + "Qber", e.operatingQber(p));
                        row.put(id + "Efficiency", e.efficiency(p));
                    }
                    rows.add(row);
                } else {
                    out().printf(
                                    Locale.ROOT,
                                    "%-23s %9d %7.4f %9.3f %% %6.3f %9.3f %% %6.3f%n",
                                    e.name(),
                                    e.frameBits(),
                                    e.rate(),
                                    100 * e.operatingQber(Profile.EFFICIENT),
                                    e.efficiency(Profile.EFFICIENT),
                                    100 * e.operatingQber(Profile.FAST),
                                    e.efficiency(Profile.FAST));
                }
            }
        }
        if (json) {
            out().println(JSON.writeValueAsString(rows));
        }
        out().flush();
        return ExitCode.OK;
    }

    @Command(
            name = "choose",
            description = "The code that would be taken at each error rate, and its f there, as a Markdown table.",
            mixinStandardHelpOptions = true)
    int choose(
            @Option(
                            names = "--qber",
                            split = ",",
                            description = "Error rates; ${DEFAULT-VALUE}.",
                            defaultValue = "0.005,0.01,0.02,0.03,0.05,0.08,0.11")
                    double[] qbers,
            @Option(names = "--profile", description = "${COMPLETION-CANDIDATES}.", defaultValue = "EFFICIENT")
                    Profile profile) {
        for (double q : qbers) {
            require(q > 0 && q < 0.5, "--qber is above 0 and below 0.5");
        }
        CodeFamily family = CodeFamily.shipped();
        StringBuilder head = new StringBuilder("| QBER |");
        StringBuilder rule = new StringBuilder("|---|");
        for (int length : family.frameLengths()) {
            head.append(" 2^").append(Integer.numberOfTrailingZeros(length)).append(" |");
            rule.append("---|");
        }
        out().println(head);
        out().println(rule);
        for (double q : qbers) {
            StringBuilder row = new StringBuilder(String.format(Locale.ROOT, "| %.4g %% |", 100 * q));
            for (int length : family.frameLengths()) {
                row.append(family.select(length, q, profile)
                        .map(c -> String.format(Locale.ROOT, " %.3f (m%d) |", c.efficiency(q), c.syndromeBits()))
                        .orElse(" none |"));
            }
            out().println(row);
        }
        out().flush();
        return ExitCode.OK;
    }

    @Command(
            name = "table",
            description = {
                "Threshold, and f and frame error rate measured at the operating point, as a Markdown table.",
                "The threshold is that of an uncoupled code of these degrees by density evolution of our decoder, 300 flooding iterations."
            },
            mixinStandardHelpOptions = true)
    int table(
            @Option(names = "--frame-bits", description = "Only this frame length.", defaultValue = "0") int frameBits,
            @Option(names = "--every", description = "Only every Nth code; ${DEFAULT-VALUE}.", defaultValue = "1")
                    int every,
            @Option(names = "--profile", description = "Whose operating points.", defaultValue = "EFFICIENT")
                    Profile profile,
            @Option(
                            names = "--bits",
                            description = "To decode for each code; ${DEFAULT-VALUE}.",
                            defaultValue = "60000000")
                    long bits,
            @Option(names = "--seed", defaultValue = "2", description = "Default ${DEFAULT-VALUE}.") long seed,
            @Option(names = "--threads", converter = ThreadCount.class, description = "All cores by default.") @Nullable
                    Integer threads) {
        CodeFamily family = CodeFamily.shipped();
        requireFrameLength(family, frameBits);
        require(every >= 1 && bits >= 1, "--every and --bits are 1 or more");
        out().println(
                        "| code | leakage | edges a bit | threshold | f there | operating QBER | f | failures of frames | iterations |");
        out().println("|---|---|---|---|---|---|---|---|---|");
        for (int length : family.frameLengths()) {
            if (frameBits != 0 && frameBits != length) {
                continue;
            }
            List<CodeFamily.Entry> codes = family.codes(length, profile);
            for (int i = every / 2; i < codes.size(); i += every) {
                QuasiCyclicCode code = family.code(codes.get(i).name());
                double q = code.operatingQber(profile);
                int frames = Math.clamp(bits / length, 20, 1_000_000);
                CodeMeasurement m = CodeMeasurement.measure(
                        code, Backend.AUTO, UpdateRule.PHI, q, 120, frames, frames, threads(threads), seed);
                double threshold = FamilyDesign.threshold(code);
                out().printf(
                                Locale.ROOT,
                                "| %s | %.4f | %.2f | %.3f %% | %.3f | %.3f %% | %.3f | %d of %d | %.1f |%n",
                                code.name(),
                                1 - code.rate(),
                                (double) code.edges() / code.columns(),
                                100 * FamilyDesign.qber(code, threshold),
                                threshold,
                                100 * q,
                                code.efficiency(q),
                                m.failures() + m.undetected(),
                                m.frames(),
                                m.meanIterations());
                out().flush();
            }
        }
        return ExitCode.OK;
    }

    @Command(name = "show", description = "The structure of a code.", mixinStandardHelpOptions = true)
    int show(
            @Parameters(paramLabel = "NAME", description = "A code of 'codes list', or a file.") String name,
            @Option(names = "--json", description = "As JSON.") boolean json)
            throws IOException {
        print(describe(code(name)), json);
        return ExitCode.OK;
    }

    private static Map<String, Object> describe(QuasiCyclicCode code) {
        Map<String, Object> m = new LinkedHashMap<>();
        m.put("code", code.name());
        m.put("frameBits", code.frameBits());
        m.put("syndromeBits", code.syndromeBits());
        m.put("rate", code.rate());
        m.put("circulant", code.circulant());
        m.put("baseRows", code.rows());
        m.put("baseColumns", code.columns());
        m.put("edgesPerBit", (double) code.edges() / code.columns());
        m.put("columnDegrees", code.columnDegrees().toString());
        m.put("rowDegrees", code.rowDegrees().toString());
        m.put("fourCycles", code.fourCycles());
        m.put("efficientQber", code.operatingQber(Profile.EFFICIENT));
        m.put("fastQber", code.operatingQber(Profile.FAST));
        return m;
    }

    @Command(name = "export", description = "Writes a code in another format.", mixinStandardHelpOptions = true)
    int export(
            @Parameters(paramLabel = "NAME", description = "A code of 'codes list', or a file.") String name,
            @Option(names = "--format", description = "${COMPLETION-CANDIDATES}.", defaultValue = "QC") Format format,
            @Option(names = "--out", paramLabel = "FILE", description = "Standard output by default.") Path file)
            throws IOException {
        QuasiCyclicCode code = code(name);
        String text = format == Format.QC ? CodeText.qc(code) : CodeText.alist(code);
        if (file != null) {
            try (AtomicFile to = new AtomicFile(file)) {
                to.write(MemorySegment.ofArray(text.getBytes(StandardCharsets.UTF_8)));
                to.commit();
            }
        } else {
            out().print(text);
            out().flush();
        }
        return ExitCode.OK;
    }

    @Command(
            name = "import",
            description = "Reads an alist, aff3ct's .qc or LDPC4QKD's .qccsc.json, checks and describes it.",
            mixinStandardHelpOptions = true)
    int importCode(
            @Parameters(paramLabel = "FILE") Path file,
            @Option(names = "--json", description = "As JSON.") boolean json)
            throws IOException {
        CodeText.Imported i = read(file);
        Map<String, Object> m = new LinkedHashMap<>();
        m.put("format", i.format());
        m.put("rows", i.rows());
        m.put("columns", i.columns());
        m.put("ones", i.ones());
        m.put("circulant", i.circulant());
        m.put("usable", i.code().isPresent());
        m.put("problem", i.problem());
        i.code().ifPresent(c -> m.putAll(describe(c)));
        print(m, json);
        return ExitCode.OK;
    }

    @Command(
            name = "design",
            description = {
                "Designs all codes of a frame length: degrees, base matrix, decoder tables, operating points by simulation.",
                "By default all is as for the shipped codes; the command says whether the file is theirs, byte for byte."
            },
            mixinStandardHelpOptions = true)
    int design(
            @Option(names = "--frame-bits", required = true, description = "A power of two, 4096 to 1048576.")
                    int frameBits,
            @Option(
                            names = "--profile",
                            description = "What for: ${COMPLETION-CANDIDATES}; ${DEFAULT-VALUE} by default.",
                            defaultValue = "EFFICIENT")
                    Profile profile,
            @Option(
                            names = "--frames",
                            defaultValue = "0",
                            description = "Simulated for a point; as for the shipped codes by default.")
                    int frames,
            @Option(names = "--seed", defaultValue = "1", description = "Default ${DEFAULT-VALUE}.") long seed,
            @Option(names = "--threads", converter = ThreadCount.class, description = "All cores by default.") @Nullable
                    Integer threads,
            @Option(
                            names = "--out",
                            required = true,
                            paramLabel = "DIR",
                            description = "Gets codes-N.qdlf or codes-N-fast.qdlf.")
                    Path dir)
            throws IOException {
        require(
                CodeFamily.shipped().frameLengths().contains(frameBits) && frames >= 0,
                "--frame-bits is one of " + CodeFamily.shipped().frameLengths() + ", --frames 0 or more");
        Files.createDirectories(dir);
        PrintWriter err = spec.commandLine().getErr();
        boolean same = new FamilyDesign(frameBits, profile, frames, threads(threads), seed).write(dir, line -> {
            err.println(line);
            err.flush();
        });
        err.println(same ? "The same file as the shipped one." : "Not the same file as the shipped one.");
        err.flush();
        return ExitCode.OK;
    }

    @Command(
            name = "check",
            description = {
                "Designs shipped codes again and compares base matrices and decoder tables bit for bit.",
                "A second a code; operating points, which take the most time, are left out: 'codes design' measures them."
            },
            mixinStandardHelpOptions = true)
    int check(
            @Parameters(paramLabel = "NAME", arity = "0..*", description = "Codes of 'codes list'; all by default.")
                    List<String> names,
            @Option(names = "--frame-bits", description = "Only this frame length.", defaultValue = "0") int frameBits,
            @Option(names = "--json", description = "As JSON.") boolean json) {
        CodeFamily family = CodeFamily.shipped();
        requireFrameLength(family, frameBits);
        for (String name : names == null ? List.<String>of() : names) {
            require(
                    family.frameLengths().stream()
                            .anyMatch(n -> (frameBits == 0 || frameBits == n)
                                    && family.codes(n).stream()
                                            .anyMatch(e -> e.name().equals(name))),
                    "There is no code '" + name + "'; 'codes list' prints those there are");
        }
        List<Map<String, Object>> rows = new ArrayList<>();
        boolean all = names == null || names.isEmpty();
        int different = 0;
        for (int length : family.frameLengths()) {
            for (CodeFamily.Entry e : family.codes(length)) {
                if (frameBits != 0 && frameBits != length || !all && !names.contains(e.name())) {
                    continue;
                }
                FamilyDesign design = new FamilyDesign(length, family.designedFor(e), 0, 1, FamilyDesign.SHIPPED_SEED);
                OptionalLong seed = design.seedOf(family.code(e.name()));
                different += seed.isPresent() ? 0 : 1;
                if (json) {
                    Map<String, Object> row = new LinkedHashMap<>();
                    row.put("code", e.name());
                    row.put("same", seed.isPresent());
                    row.put("seed", seed.isPresent() ? seed.getAsLong() : null);
                    rows.add(row);
                } else {
                    out().println(e.name() + (seed.isPresent() ? ": the same, seed " + seed.getAsLong() : ": differs"));
                    out().flush();
                }
            }
        }
        if (json) {
            out().println(JSON.writeValueAsString(rows));
            out().flush();
        }
        return different == 0 ? ExitCode.OK : ExitCode.BAD_INPUT;
    }

    @Command(
            name = "degrees",
            description = {
                "Searches a degree distribution that decodes with the least work at a given efficiency.",
                "By density evolution (--rate), or by decoding with coupled codes of 2^20 bits (--leakage)."
            },
            mixinStandardHelpOptions = true)
    int degrees(
            @Option(names = "--rate", description = "R, for density evolution.", defaultValue = "0") double rate,
            @Option(names = "--leakage", description = "1 - R, for coupled codes.", defaultValue = "0") double leakage,
            @Option(names = "--efficiency", required = true, description = "f at which to decode.") double efficiency,
            @Option(names = "--profile", description = "FAST keeps degrees to 27.", defaultValue = "EFFICIENT")
                    Profile profile,
            @Option(
                            names = "--start",
                            paramLabel = "D:FRACTION,...",
                            description = "Edge fractions; by default those of the shipped codes.",
                            defaultValue = "")
                    String start,
            @Option(names = "--generations", defaultValue = "60", description = "Default ${DEFAULT-VALUE}.")
                    int generations,
            @Option(names = "--seed", defaultValue = "1", description = "Default ${DEFAULT-VALUE}.") long seed,
            @Option(names = "--json", description = "As JSON.") boolean json) {
        if (rate > 0 == leakage > 0 || rate >= 1 || leakage >= 1 || !(efficiency > 1)) {
            throw new ParameterException(
                    spec.commandLine(), "One of --rate and --leakage, between 0 and 1, and --efficiency above 1");
        }
        PrintWriter err = spec.commandLine().getErr();
        DegreeSearch found;
        try {
            found = rate > 0
                    ? DegreeSearch.byDensityEvolution(profile, rate, efficiency, start, generations, seed)
                    : DegreeSearch.byDecoding(leakage, efficiency, start, generations, seed, err::println);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
        err.flush();
        Map<String, Object> m = new LinkedHashMap<>();
        m.put("degrees", found.degrees());
        m.put("work", found.work());
        m.put("startWork", found.startWork());
        print(m, json);
        return ExitCode.OK;
    }

    @Command(
            name = "measure",
            description = "Decodes simulated frames: frame error rate, iterations, speed.",
            mixinStandardHelpOptions = true)
    int measure(
            @Parameters(paramLabel = "NAME", description = "A code of 'codes list', or a file.") String name,
            @Option(names = "--qber", description = "Error rate; the operating point by default.", defaultValue = "0")
                    double qber,
            @Option(names = "--efficiency", description = "Sets the error rate by f instead.", defaultValue = "0")
                    double efficiency,
            @Option(names = "--profile", description = "Whose operating point.", defaultValue = "EFFICIENT")
                    Profile profile,
            @Option(names = "--rule", description = "${COMPLETION-CANDIDATES}.", defaultValue = "PHI") UpdateRule rule,
            @Option(names = "--iterations", description = "At most; ${DEFAULT-VALUE}.", defaultValue = "120")
                    int iterations,
            @Option(
                            names = "--other-rule",
                            paramLabel = "ITERATIONS",
                            defaultValue = "0",
                            description = "A frame that fails is tried again with the other rule, so many iterations.")
                    int otherRule,
            @Option(names = "--frames", defaultValue = "1000", description = "Default ${DEFAULT-VALUE}.") int frames,
            @Option(names = "--seed", defaultValue = "1", description = "Default ${DEFAULT-VALUE}.") long seed,
            @Option(names = "--threads", converter = ThreadCount.class, description = "All cores by default.") @Nullable
                    Integer threads,
            @Option(names = "--backend", defaultValue = "AUTO", description = "auto, scalar, vector or native.")
                    Backend backend,
            @Option(names = "--json", description = "As JSON.") boolean json)
            throws IOException {
        require(
                qber >= 0 && qber < 0.5 && efficiency >= 0 && frames >= 1 && iterations >= 1 && otherRule >= 0,
                "--qber is below 0.5, --frames and --iterations are 1 or more, none is negative");
        QuasiCyclicCode code = code(name);
        double q = qber > 0 ? qber : efficiency > 0 ? FamilyDesign.qber(code, efficiency) : code.operatingQber(profile);
        // The kernels are compiled before anything is timed.
        CodeMeasurement.measure(
                code,
                backend,
                rule,
                q,
                iterations,
                Math.max(20, 30_000_000 / code.frameBits()),
                Integer.MAX_VALUE,
                threads(threads),
                ~seed);
        CodeMeasurement r = CodeMeasurement.measure(
                code, backend, rule, q, iterations, otherRule, frames, frames, threads(threads), seed);
        Map<String, Object> m = new LinkedHashMap<>();
        m.put("code", code.name());
        m.put("qber", q);
        m.put("efficiency", code.efficiency(q));
        m.put("rule", rule.name().toLowerCase(Locale.ROOT));
        m.put("otherRuleIterations", otherRule);
        m.put("frames", r.frames());
        m.put("failures", r.failures());
        m.put("undetectedErrors", r.undetected());
        m.put("frameErrorRate", r.frameErrorRate());
        m.put("iterations", r.meanIterations());
        m.put("mbpsPerThread", r.mbpsPerThread());
        m.put("nanosPer64Edges", r.nanosPer64Edges());
        m.put("threads", threads(threads));
        try (SyndromeDecoder decoder = SyndromeDecoder.create(code, backend)) {
            m.put("backend", decoder.backend().id());
        }
        print(m, json);
        return ExitCode.OK;
    }

    private void require(boolean sense, String what) {
        if (!sense) {
            throw new ParameterException(spec.commandLine(), what);
        }
    }

    /** @param frameBits 0 for all */
    private void requireFrameLength(CodeFamily family, int frameBits) {
        require(
                frameBits == 0 || family.frameLengths().contains(frameBits),
                "--frame-bits is one of " + family.frameLengths());
    }

    private static int threads(@Nullable Integer asked) {
        return asked == null ? Runtime.getRuntime().availableProcessors() : asked;
    }

    private QuasiCyclicCode code(String name) throws IOException {
        Path file = Path.of(name);
        if (Files.isRegularFile(file)) {
            CodeText.Imported i = read(file);
            return i.code().orElseThrow(() -> new BadInputException(file, "not usable as a code here: " + i.problem()));
        }
        // NAME/COLUMNS+SPLITS: the code shortened to so many columns, with so many rows split.
        Matcher adapted = ADAPTED.matcher(name);
        try {
            if (!adapted.matches()) {
                return CodeFamily.shipped().code(name);
            }
            QuasiCyclicCode parent = CodeFamily.shipped().code(adapted.group(1));
            int columns = adapted.group(2) == null ? parent.columns() : Integer.parseInt(adapted.group(2));
            int splits = adapted.group(3) == null ? 0 : Integer.parseInt(adapted.group(3));
            return AdaptedCode.of(parent, columns, splits).code();
        } catch (NoSuchElementException | IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }

    private static CodeText.Imported read(Path file) throws IOException {
        DumpReader.requireFile(file);
        try {
            return CodeText.read(String.valueOf(file.getFileName()), Files.readAllBytes(file));
        } catch (CodeFormatException e) {
            throw new BadInputException(file, e.offset(), String.valueOf(e.getMessage()));
        }
    }

    private void print(Map<String, Object> values, boolean json) {
        if (json) {
            out().println(JSON.writeValueAsString(values));
        } else {
            values.forEach((k, v) -> out().printf(
                            Locale.ROOT,
                            "%-18s %s%n",
                            k,
                            v instanceof Double d ? String.format(Locale.ROOT, "%.5g", d) : v));
        }
        out().flush();
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }
}
