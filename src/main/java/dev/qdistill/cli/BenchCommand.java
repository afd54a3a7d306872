package dev.qdistill.cli;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.Offload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;

/** {@code bench}: the stages' speeds on this machine. */
@Command(
        name = "bench",
        description = "Measures a stage on this machine: medians, warm-up excluded.",
        mixinStandardHelpOptions = true,
        subcommands = {
            BenchOffloadCommand.class,
            BenchPipelineCommand.class,
            BenchReconcileCommand.class,
            BenchCascadeCommand.class,
            BenchSiftCommand.class,
            BenchAmplifyCommand.class,
            BenchVerifyCommand.class,
            BenchAuthCommand.class
        })
final class BenchCommand {
    /** The options that every benchmark has. */
    static final class Options {
        @Mixin
        private OffloadOptions offload = new OffloadOptions();

        @Option(
                names = "--threads",
                paramLabel = "T",
                converter = ThreadCount.class,
                description = "threads. Default: all cores")
        int threads = Runtime.getRuntime().availableProcessors();

        @Option(names = "--json", description = "print the result as JSON")
        boolean json;

        Backend backend() {
            return offload.backend();
        }

        /** Opens the device that takes work off the CPU, if there is one. */
        Offload offload(CommandSpec spec) {
            return offload.open(
                    threads, Double.POSITIVE_INFINITY, spec.commandLine().getErr());
        }

        /** Prints a result, with the machine that it was measured on. */
        void print(CommandSpec spec, Map<String, Object> result) {
            Map<String, Object> all = new LinkedHashMap<>(result);
            all.put("cpu", cpu());
            all.put("jdk", Runtime.version().toString());
            var out = spec.commandLine().getOut();
            if (json) {
                out.println(JsonMapper.shared().writeValueAsString(all));
            } else {
                all.forEach((k, v) -> out.println(k + ": " + v));
            }
            out.flush();
        }
    }

    private BenchCommand() {}

    /**
     * The median time of one call of {@code work}, in nanoseconds, after a warm-up of two seconds or twenty calls, whichever
     * takes longer (at most ten seconds); measured for two seconds, five calls or more.
     */
    static double medianNanos(Runnable work) {
        long start = System.nanoTime();
        for (int calls = 0; ; calls++) {
            double seconds = (System.nanoTime() - start) * 1e-9;
            if (seconds > 10 || seconds > 2 && calls >= 20) {
                break;
            }
            work.run();
        }
        double[] times = new double[1 << 20];
        int n = 0;
        start = System.nanoTime();
        while (n < times.length && (n < 5 || System.nanoTime() - start < 2_000_000_000L)) {
            long t = System.nanoTime();
            work.run();
            times[n++] = System.nanoTime() - t;
        }
        Arrays.sort(times, 0, n);
        return times[n / 2];
    }

    /** The processor's name. */
    static String cpu() {
        try (var lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            return lines.filter(l -> l.startsWith("model name"))
                    .map(l -> l.substring(l.indexOf(':') + 1).trim())
                    .findFirst()
                    .orElse(System.getProperty("os.arch"));
        } catch (IOException e) {
            return System.getProperty("os.arch");
        }
    }
}
