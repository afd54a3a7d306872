package dev.qdistill.cli;

import dev.qdistill.Distiller;
import dev.qdistill.accel.Offload;
import dev.qdistill.amplify.EntropySource;
import dev.qdistill.dump.Basis;
import dev.qdistill.link.CodeChoice;
import dev.qdistill.link.Settings;
import dev.qdistill.report.RunReport;
import dev.qdistill.simulate.LinkModel;
import dev.qdistill.simulate.NamedLink;
import dev.qdistill.simulate.Simulator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code bench pipeline}: every stage of {@code distill}, both roles, on a simulated link. */
@Command(
        name = "pipeline",
        description =
                "The whole of distill, both roles' work, on a simulated metropolitan link: medians by stage, in Mb/s of"
                        + " key-basis bits. Reading the dumps counts as sift.",
        mixinStandardHelpOptions = true)
final class BenchPipelineCommand implements Callable<Integer> {
    @Mixin
    private BenchCommand.Options options = new BenchCommand.Options();

    @Option(names = "--qber", paramLabel = "Q", description = "error rate of the link; default: ${DEFAULT-VALUE}")
    private double qber = 0.02;

    @Option(names = "--key-bits", paramLabel = "N", description = "key-basis bits; default: ${DEFAULT-VALUE}")
    private long keyBits = 10_000_000;

    @Option(
            names = "--runs",
            paramLabel = "R",
            description = "runs that count, after two (and ten seconds) that do not; default: ${DEFAULT-VALUE}")
    private int runs = 5;

    @Mixin
    private ProfileOptions codes = new ProfileOptions();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        if (!(qber >= 0.001 && qber <= 0.12) || keyBits < 1000 || runs < 1) {
            throw new ParameterException(
                    spec.commandLine(), "--qber is 0.001 to 0.12, --key-bits 1000 or more, --runs 1 or more");
        }
        Settings settings;
        try {
            settings = settings();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
        Path directory = Files.createTempDirectory("qdistill-bench-");
        Path alice = directory.resolve("alice.qraw");
        Path bob = directory.resolve("bob.qraw");
        try {
            LinkModel model = linkWithQber(qber);
            Simulator.run(model, model.pulsesForKeyBits(keyBits), 1, alice, bob, n -> {});
            options.print(spec, measure(alice, bob, settings));
        } finally {
            Files.deleteIfExists(alice);
            Files.deleteIfExists(bob);
            Files.deleteIfExists(directory);
        }
        return ExitCode.OK;
    }

    private Settings settings() {
        Settings d = Settings.DEFAULT;
        CodeChoice choice = codes.choice(options.backend(), options.threads);
        return new Settings(
                d.epsilonSecrecy(),
                d.epsilonCorrectness(),
                d.blockPulses(),
                d.maximumQber(),
                d.unequalBasisTolerance(),
                choice.profile(),
                choice.frameBits());
    }

    private Map<String, Object> measure(Path alice, Path bob, Settings settings) {
        OfflineRun run = new OfflineRun(alice, bob, Optional.empty(), settings, false);
        List<RunReport> reports = new ArrayList<>();
        try (EntropySource entropy = EntropySource.system();
                Offload offload = options.offload(spec);
                Distiller.Resources resources =
                        new Distiller.Resources(options.backend(), options.threads, entropy, Long.MAX_VALUE, offload)) {
            long start = System.nanoTime();
            for (int warm = 0; warm < 2 || System.nanoTime() - start < 10_000_000_000L; warm++) {
                run.run(resources, false, System.nanoTime());
            }
            for (int i = 0; i < runs; i++) {
                reports.add(run.run(resources, false, System.nanoTime()));
            }
        }
        RunReport last = reports.getLast();
        long bits = last.blocks().getFirst().counts().keyDetections();
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("keyBasisBits", bits);
        result.put("keyBasisQber", last.blocks().getFirst().keyBasisQber());
        result.put("efficiency", last.blocks().getFirst().efficiency());
        result.put("secretBits", last.secretBits());
        result.put("threads", options.threads);
        result.put("backends", last.backends());
        Map<String, Double> seconds = new LinkedHashMap<>();
        Map<String, Double> mbps = new LinkedHashMap<>();
        for (String stage : last.stageSeconds().keySet()) {
            double median = median(reports.stream()
                    .map(r -> r.stageSeconds().getOrDefault(stage, 0.0))
                    .toList());
            seconds.put(stage, median);
            mbps.put(stage, bits / median * 1e-6);
        }
        double total = median(reports.stream().map(RunReport::totalSeconds).toList());
        seconds.put("total", total);
        mbps.put("total", bits / total * 1e-6);
        result.put("seconds", new TreeMap<>(seconds));
        result.put("mbps", mbps);
        return result;
    }

    private static double median(List<Double> values) {
        return values.stream().sorted().toList().get(values.size() / 2);
    }

    /** The metropolitan link with its misalignment set so that the key basis has this error rate. */
    private static LinkModel linkWithQber(double wanted) {
        LinkModel base = NamedLink.METRO.model();
        double low = 0;
        double high = 0.3;
        LinkModel model = base;
        for (int i = 0; i < 30; i++) {
            double misalignment = (low + high) / 2;
            model = new LinkModel(
                    base.name(), base.source(), base.channel(), base.receiver(), misalignment, base.interceptResend());
            if (model.expectedCounts(1_000_000).qber(Basis.Z) < wanted) {
                low = misalignment;
            } else {
                high = misalignment;
            }
        }
        return model;
    }
}
