package dev.qdistill.cli;

import dev.qdistill.link.CodeChoice;
import dev.qdistill.link.Settings;
import dev.qdistill.report.RunReport;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

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
                    + " written then, nor when a dump is damaged (3)."
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class DistillCommand implements Callable<Integer> {
    @Option(names = "--alice", paramLabel = "FILE", required = true, description = "Alice's dump")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private Path alice;

    @Option(names = "--bob", paramLabel = "FILE", required = true, description = "Bob's dump")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private Path bob;

    @Option(names = "--out", paramLabel = "DIR", required = true, description = "for the keys; made if it is not there")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private Path out;

    @Option(names = "--json", description = "print the report as one JSON object")
    private boolean json;

    @Option(
            names = "--digest",
            description = "add SHA-256 digests of both sides' keys to the report; a digest is key material")
    private boolean digest;

    @Option(
            names = "--epsilon-secrecy",
            paramLabel = "E",
            description = "how far a block's key may be from a secret one; default: ${DEFAULT-VALUE}")
    private double epsilonSecrecy = Settings.DEFAULT.epsilonSecrecy();

    @Option(
            names = "--epsilon-correctness",
            paramLabel = "E",
            description = "chance that a block's keys differ unnoticed, at most; default: ${DEFAULT-VALUE}")
    private double epsilonCorrectness = Settings.DEFAULT.epsilonCorrectness();

    @Option(
            names = "--block-pulses",
            paramLabel = "N",
            description = "pulses of a block, fixed beforehand; default: the whole session is one block")
    private @Nullable Long blockPulses;

    @Option(
            names = "--max-qber",
            paramLabel = "Q",
            description = "a higher key-basis error rate gives no key; default: ${DEFAULT-VALUE}")
    private double maximumQber = Settings.DEFAULT.maximumQber();

    @Option(
            names = "--unequal-basis-tolerance",
            paramLabel = "T",
            description = "unequal bases must give 1/2 ± T errors for each state; default: ${DEFAULT-VALUE}")
    private double unequalBasisTolerance = Settings.DEFAULT.unequalBasisTolerance();

    @Mixin
    private ProfileOptions codes = new ProfileOptions();

    @Mixin
    private KernelOptions kernels = new KernelOptions();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        Settings settings;
        try {
            kernels.requireValid();
            CodeChoice choice = codes.choice(kernels.backend(), kernels.threads);
            settings = new Settings(
                    epsilonSecrecy,
                    epsilonCorrectness,
                    blockPulses == null ? Long.MAX_VALUE : blockPulses,
                    maximumQber,
                    unequalBasisTolerance,
                    choice.profile(),
                    choice.frameBits());
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
        RunReport report = new OfflineRun(alice, bob, Optional.of(out), settings, digest).run(
                kernels, true, spec.commandLine().getErr());
        print(spec.commandLine().getOut(), report, json);
        report.abort().ifPresent(reason -> spec.commandLine().getErr().println("qdistill: no key: " + reason));
        return report.secretBits() > 0 ? ExitCode.OK : ExitCode.NO_KEY;
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
