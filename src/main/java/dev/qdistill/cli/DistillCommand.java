package dev.qdistill.cli;

import dev.qdistill.link.Settings;
import dev.qdistill.report.RunReport;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code distill}: both raw dumps of a session to secret keys. */
@Command(
        name = "distill",
        description = {
            "Distils the raw key dumps of both sides of a link into secret keys.",
            "",
            "Runs both roles of the protocol in this process: sift, reconcile, verify, estimate, amplify. The keys go to"
                    + " DIR/alice and DIR/bob, one file each with the same id, and a report without secrets to"
                    + " DIR/summary.json. Dumps are QRAW files, or text and qcrypto files as docs/formats.md describes;"
                    + " the contents tell which.",
            "",
            "If no block gives a key for a reason of security, the report says why and the exit code is 4; nothing is"
                    + " written then, nor when a dump is damaged (3).",
            "",
            "With --batch the keys of pair NAME go to DIR/NAME/alice and DIR/NAME/bob. Started again, a batch passes over"
                    + " the pairs that are finished; one that was interrupted left nothing. A pair that fails does not"
                    + " stop the others; the exit code is 7 then."
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class DistillCommand implements Callable<Integer> {
    @ArgGroup(multiplicity = "1")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private Input input;

    /** One pair, or many. */
    private static final class Input {
        @ArgGroup(exclusive = false, multiplicity = "1")
        @Nullable
        Dumps dumps;

        @Option(
                names = "--batch",
                paramLabel = "DIR|FILE",
                required = true,
                description = "many pairs: a manifest, or a directory with one, or with files named for alice and bob")
        @Nullable
        Path batch;
    }

    private static final class Dumps {
        @Option(names = "--alice", paramLabel = "FILE", required = true, description = "Alice's dump")
        @SuppressWarnings("NullAway.Init") // picocli sets it
        Path alice;

        @Option(names = "--bob", paramLabel = "FILE", required = true, description = "Bob's dump")
        @SuppressWarnings("NullAway.Init") // picocli sets it
        Path bob;
    }

    @Option(names = "--out", paramLabel = "DIR", required = true, description = "for the keys; made if it is not there")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private Path out;

    @Option(
            names = "--json",
            description = "print the report as one JSON object; a batch prints one on a line for each pair as it ends")
    private boolean json;

    @Option(names = "--report", paramLabel = "FILE.html", description = "write a page with plots, too")
    private @Nullable Path page;

    @Option(
            names = "--digest",
            description = "add SHA-256 digests of both sides' keys to the report; a digest is key material")
    private boolean digest;

    @Mixin
    private SettingsOptions settingsOptions = new SettingsOptions();

    @Mixin
    private KernelOptions kernels = new KernelOptions();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        if (page != null) {
            AtomicFile.requirePossible(page); // before the work, not after it
        }
        Settings settings;
        try {
            kernels.requireValid();
            settings = settings(BatchManifest.Line.EMPTY);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
        Path batch = input.batch;
        if (batch != null) {
            return batch(batch);
        }
        Dumps dumps = Objects.requireNonNull(input.dumps);
        RunReport report = new OfflineRun(dumps.alice, dumps.bob, Optional.of(out), settings, digest)
                .run(kernels, true, spec.commandLine().getErr());
        if (page != null) {
            ReportCommand.write(
                    page, "", List.of(ReportCommand.run(report.withoutDigests().json())), Optional.empty());
        }
        print(spec.commandLine().getOut(), report, json);
        report.abort().ifPresent(reason -> spec.commandLine().getErr().println("qdistill: no key: " + reason));
        return report.secretBits() > 0 ? ExitCode.OK : ExitCode.NO_KEY;
    }

    private int batch(Path manifest) throws IOException {
        PrintWriter to = spec.commandLine().getOut();
        Consumer<ObjectNode> lines = json
                ? line -> {
                    to.println(JsonMapper.shared().writeValueAsString(line));
                    to.flush();
                }
                : line -> {};
        BatchReport report =
                new Batch(BatchManifest.read(manifest, this::settings), out, kernels, digest, lines, to()).run();
        if (page != null) {
            ReportCommand.write(
                    page, "", report.runs(), Optional.of(report.json().path("batch")));
        }
        if (json) {
            to.println(JsonMapper.shared().writeValueAsString(report.json()));
        } else {
            to.print(report.text());
        }
        to.flush();
        report.problems().forEach(spec.commandLine().getErr()::println);
        return report.problems().isEmpty() ? ExitCode.OK : ExitCode.BATCH_FAILURES;
    }

    private PrintWriter to() {
        return spec.commandLine().getErr();
    }

    private Settings settings(BatchManifest.Line own) {
        return settingsOptions.settings(own, kernels.backend(), kernels.threads);
    }

    static void print(PrintWriter to, RunReport report, boolean json) {
        if (json) {
            to.println(JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(report.json()));
        } else {
            to.print(report.text());
        }
        to.flush();
    }
}
