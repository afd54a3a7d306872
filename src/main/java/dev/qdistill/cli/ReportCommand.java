package dev.qdistill.cli;

import dev.qdistill.dump.BadInputException;
import dev.qdistill.keystore.KeyStoreException;
import dev.qdistill.report.HtmlReport;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code report}: finished runs as a page with plots. */
@Command(
        name = "report",
        description = {
            "Makes one HTML page with plots and tables of finished runs: error rates, efficiency, failed frames, where the"
                    + " bits went, time by stage, the key of each link.",
            "",
            "The page loads nothing from anywhere and holds no key material."
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class ReportCommand implements Callable<Integer> {
    @Parameters(paramLabel = "DIR", arity = "1..*", description = "what distill --out was: of one run, or of a batch")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private List<Path> directories;

    @Option(names = "--out", paramLabel = "FILE.html", required = true, description = "the page")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private Path out;

    @Option(names = "--title", paramLabel = "TEXT", description = "of the page", defaultValue = "")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private String title;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        List<HtmlReport.Run> runs = new ArrayList<>();
        Optional<JsonNode> batch = Optional.empty();
        for (Path directory : directories) {
            if (Files.exists(directory.resolve("summary.json"))) {
                runs.add(run(summary(directory)));
            } else {
                Optional<JsonNode> sums = batch(directory, runs);
                batch = directories.size() == 1 ? sums : Optional.empty();
            }
        }
        write(out, title, runs, batch);
        spec.commandLine().getOut().println(out);
        return ExitCode.OK;
    }

    /** Writes a page. */
    static void write(Path file, String title, List<HtmlReport.Run> runs, Optional<JsonNode> batch) throws IOException {
        byte[] page = HtmlReport.page(title, runs, batch, Instant.now()).getBytes(StandardCharsets.UTF_8);
        try (AtomicFile to = new AtomicFile(file)) {
            to.write(MemorySegment.ofArray(page));
            to.commit();
        }
    }

    /** A run by its report. */
    static HtmlReport.Run run(ObjectNode summary) {
        JsonNode abort = summary.path("abort");
        return new HtmlReport.Run(
                summary.path("name").asString(summary.path("link").asString("")),
                summary.path("group").asString(""),
                abort.isString() ? Optional.of("no key: " + abort.asString()) : Optional.empty(),
                Optional.of(summary));
    }

    private static ObjectNode summary(Path directory) {
        Path file = directory.resolve("summary.json");
        ObjectNode summary = json(file, text(file));
        if (!summary.has("secretBits")) {
            throw new BadInputException(file, "is no report: there is no field secretBits");
        }
        return summary;
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (CharacterCodingException e) {
            throw new BadInputException(file, "is no report: it is not UTF-8");
        } catch (IOException e) {
            throw new BadInputException(file, "cannot be read: " + KeyStoreException.reason(e));
        }
    }

    private static ObjectNode json(Path file, String text) {
        try {
            if (JsonMapper.shared().readTree(text) instanceof ObjectNode node) {
                return node;
            }
            throw new BadInputException(file, "is no report");
        } catch (JacksonException e) {
            throw new BadInputException(file, "is no report: " + CountsFile.firstLine(e.getOriginalMessage()));
        }
    }

    /** What the journal names and what is there beside it, by name. */
    private static Optional<JsonNode> batch(Path directory, List<HtmlReport.Run> runs) throws IOException {
        if (!Files.isDirectory(directory)) {
            throw new BadInputException(directory, "no such directory");
        }
        Optional<JsonNode> sums = Optional.empty();
        Set<String> named = new HashSet<>();
        int before = runs.size();
        Path journal = directory.resolve(Batch.JOURNAL);
        if (Files.exists(journal)) {
            for (String line : text(journal).lines().toList()) {
                JsonNode node = json(journal, line);
                String name = node.path("name").asString("");
                if (node.has("batch")) {
                    sums = Optional.of(node.path("batch"));
                } else if (Files.exists(directory.resolve(name).resolve("summary.json"))) {
                    named.add(name);
                    runs.add(run(summary(directory.resolve(name))));
                } else {
                    named.add(name);
                    runs.add(new HtmlReport.Run(
                            name,
                            node.path("group").asString(""),
                            Optional.of(node.path("problem").asString("failed")),
                            Optional.empty()));
                }
            }
        }
        List<Path> rest = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(directory)) {
            all.forEach(rest::add);
        }
        for (Path path : rest) {
            if (Files.exists(path.resolve("summary.json")) && !named.contains(String.valueOf(path.getFileName()))) {
                runs.add(run(summary(path)));
            }
        }
        if (runs.size() == before) {
            throw new BadInputException(directory, "there is no finished run here: no summary.json, and none below");
        }
        runs.subList(before, runs.size()).sort(Comparator.comparing(HtmlReport.Run::name));
        return sums;
    }
}
