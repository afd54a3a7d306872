package dev.qdistill.cli;

import dev.qdistill.bits.BitString;
import dev.qdistill.sift.BasisMasks;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code bench sift}. */
@Command(
        name = "sift",
        description =
                "Sifting in memory: masks from both sides' bases, then the compaction of the key bits (one thread), beside"
                        + " a plain copy of as many bits. Mb/s of detections.",
        mixinStandardHelpOptions = true)
final class BenchSiftCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Mixin
    private BenchCommand.Options options = new BenchCommand.Options();

    @Option(names = "--detections", paramLabel = "N", description = "detections; default: ${DEFAULT-VALUE}")
    private long detections = 100_000_000;

    @Option(
            names = "--key-basis-probability",
            paramLabel = "P",
            description = "with which either side chooses Z, in 64ths; default: ${DEFAULT-VALUE}")
    private double keyBasisProbability = 0.9;

    @Override
    public Integer call() {
        if (detections < 1 || !(keyBasisProbability >= 0 && keyBasisProbability <= 1)) {
            throw new ParameterException(
                    spec.commandLine(), "--detections is 1 or more, --key-basis-probability 0 to 1");
        }
        var random = new SplittableRandom(1);
        Map<String, Object> result = new LinkedHashMap<>();
        try (BitString bits = BitString.random(detections, random);
                BitString alice = bases(random);
                BitString bob = bases(random);
                BitString copy = BitString.allocate(detections)) {
            double copied = BenchCommand.medianNanos(() -> copy.copyFrom(bits, 0, 0, detections));
            double masked =
                    BenchCommand.medianNanos(() -> BasisMasks.of(alice, bob).close());
            double compacted;
            long kept;
            try (BasisMasks masks = BasisMasks.of(alice, bob)) {
                kept = masks.key().bitCount();
                compacted = BenchCommand.medianNanos(
                        () -> bits.compress(masks.key()).close());
            }
            result.put("detections", detections);
            result.put("keptBits", kept);
            result.put("backend", "scalar");
            result.put("threads", 1);
            result.put("maskMilliseconds", masked * 1e-6);
            result.put("compactMilliseconds", compacted * 1e-6);
            result.put("copyMilliseconds", copied * 1e-6);
            result.put("maskMbps", detections / masked * 1e3);
            result.put("compactMbps", detections / compacted * 1e3);
            result.put("copyMbps", detections / copied * 1e3);
        }
        options.print(spec, result);
        return ExitCode.OK;
    }

    /** Random bases: bit 1, X, with probability 1 - P to a 64th. */
    private BitString bases(SplittableRandom random) {
        BitString bases = BitString.allocate(detections);
        int limit = (int) Math.round((1 - keyBasisProbability) * 64);
        for (long w = 0; w < bases.wordCount(); w++) {
            long word = 0;
            for (int i = 0; i < 64; i++) {
                word |= (random.nextInt(64) < limit ? 1L : 0L) << i;
            }
            bases.setWord(w, word);
        }
        return bases;
    }
}
