package dev.qdistill.cli;

import dev.qdistill.accel.Offload;
import dev.qdistill.amplify.PreparedHash;
import dev.qdistill.amplify.SeededHash;
import dev.qdistill.bits.BitString;
import dev.qdistill.gf2.Gf2Multiplier;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code bench amplify}. */
@Command(
        name = "amplify",
        description = "Privacy amplification of one block: its seed's transform included, drawing the seed not.",
        mixinStandardHelpOptions = true)
final class BenchAmplifyCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Mixin
    private BenchCommand.Options options = new BenchCommand.Options();

    @Option(names = "--hash", defaultValue = "MODIFIED", description = "toeplitz or modified. Default: modified")
    @SuppressWarnings("NullAway.Init")
    private SeededHash.Family family;

    @Option(names = "--input-bits", paramLabel = "N", description = "bits of a block. Default: 1048576")
    private long inputBits = 1 << 20;

    @Option(names = "--output-bits", paramLabel = "M", description = "bits of its hash. Default: N/2")
    private long outputBits = -1;

    @Override
    public Integer call() {
        long m = outputBits < 0 ? Math.max(1, inputBits / 2) : outputBits;
        try (Offload offload = options.offload(spec)) {
            return run(
                    m,
                    offload.device().isPresent()
                            ? SeededHash.create(family, Gf2Multiplier.create(offload))
                            : SeededHash.create(family, options.backend().onCpu()));
        }
    }

    private int run(long m, SeededHash hash) {
        long seedBits;
        try {
            seedBits = hash.seedBits(inputBits, m);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage());
        }
        var random = new SplittableRandom(1);
        double nanos;
        try (BitString seed = BitString.random(seedBits, random);
                BitString input = BitString.random(inputBits, random);
                BitString output = BitString.allocate(m);
                PreparedHash prepared = hash.prepare(inputBits, m, options.threads)) {
            nanos = BenchCommand.medianNanos(() -> {
                prepared.seed(seed);
                prepared.hash(input, output);
            });
        }
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("hash", family.name().toLowerCase(Locale.ROOT));
        result.put("inputBits", inputBits);
        result.put("outputBits", m);
        result.put("backend", hash.backend().id());
        result.put("threads", options.threads);
        result.put("milliseconds", nanos * 1e-6);
        result.put("mbps", inputBits / nanos * 1e3);
        options.print(spec, result);
        return ExitCode.OK;
    }
}
