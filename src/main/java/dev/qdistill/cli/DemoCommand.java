package dev.qdistill.cli;

import dev.qdistill.link.Settings;
import dev.qdistill.report.RunReport;
import dev.qdistill.simulate.LinkModel;
import dev.qdistill.simulate.NamedLink;
import dev.qdistill.simulate.Simulation;
import dev.qdistill.simulate.Simulator;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code demo}: a simulated link, distilled and explained. */
@Command(
        name = "demo",
        description = "Simulates a metropolitan link, distils it, and explains what it did.",
        mixinStandardHelpOptions = true)
final class DemoCommand implements Callable<Integer> {
    @Option(
            names = "--key-bits",
            paramLabel = "N",
            description = "key-basis bits to distil, about; default: ${DEFAULT-VALUE}")
    private long keyBits = 10_000_000;

    @Option(names = "--seed", paramLabel = "N", description = "of the simulation; default: one by the clock")
    private @Nullable Long seed;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "for the dumps and keys; default: a new directory for temporary files")
    private @Nullable Path out;

    @Mixin
    private KernelOptions kernels = new KernelOptions();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        LinkModel model = NamedLink.METRO.model();
        long pulses;
        try {
            kernels.requireValid();
            pulses = model.pulsesForKeyBits(keyBits);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
        PrintWriter to = spec.commandLine().getOut();
        Path directory = out == null ? Files.createTempDirectory("qdistill-demo-") : Files.createDirectories(out);
        long used = seed == null ? System.nanoTime() : seed;
        to.printf(
                Locale.ROOT,
                "1. Simulate. Alice sends %,d weak pulses in two intensities over 25 km of fibre; Bob detects a few.%n",
                pulses);
        to.flush();
        Path alice = directory.resolve("alice.qraw");
        Path bob = directory.resolve("bob.qraw");
        Simulation simulation;
        try (Progress progress = new Progress("simulate  ", pulses, true)) {
            simulation = Simulator.run(model, pulses, used, alice, bob, progress::at);
        }
        to.printf(
                Locale.ROOT,
                "   %,d detections, in %s and %s (seed %d).%n%n",
                simulation.detections(),
                alice,
                bob.getFileName(),
                used);
        to.println(
                "2. Distil. Both keep the detections with equal bases, correct Bob's errors by LDPC syndromes, compare");
        to.println("   tags, bound what an eavesdropper can know from the decoy counts, and hash it away.");
        to.println();
        to.flush();
        RunReport report = new OfflineRun(alice, bob, Optional.of(directory.resolve("keys")), Settings.DEFAULT, false)
                .run(kernels, true, spec.commandLine().getErr());
        DistillCommand.print(to, report, false);
        to.println();
        to.println("   List them: scripts/qdistill keys list "
                + directory.resolve("keys").resolve("alice"));
        to.flush();
        return report.secretBits() > 0 ? ExitCode.OK : ExitCode.NO_KEY;
    }
}
