package dev.qdistill.cli;

import dev.qdistill.bits.BitString;
import dev.qdistill.verify.VerificationHash;
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

/** {@code bench verify}. */
@Command(
        name = "verify",
        description = "The verification hash of one block (one thread, plain Java on every back end).",
        mixinStandardHelpOptions = true)
final class BenchVerifyCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Mixin
    private BenchCommand.Options options = new BenchCommand.Options();

    @Option(names = "--input-bits", paramLabel = "N", description = "bits of a block. Default: 10000000")
    private long inputBits = 10_000_000;

    @Option(names = "--offset", paramLabel = "BITS", description = "where the block begins in memory. Default: 0")
    private long offset;

    @Override
    public Integer call() {
        if (inputBits < 1 || offset < 0 || offset + inputBits < 0) {
            throw new ParameterException(spec.commandLine(), "--input-bits is 1 or more, --offset 0 or more");
        }
        var random = new SplittableRandom(1);
        VerificationHash hash = VerificationHash.forBound(1e-15, inputBits);
        double nanos;
        try (BitString key = BitString.random(hash.keyBits(), random);
                BitString data = BitString.random(offset + inputBits, random)) {
            nanos = BenchCommand.medianNanos(
                    () -> hash.tag(key, data, offset, inputBits).close());
        }
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("inputBits", inputBits);
        result.put("offset", offset);
        result.put("tagBits", hash.tagBits());
        result.put("collisionBound", hash.collisionBound(inputBits));
        result.put("backend", "scalar");
        result.put("threads", 1);
        result.put("milliseconds", nanos * 1e-6);
        result.put("mbps", inputBits / nanos * 1e3);
        options.print(spec, result);
        return ExitCode.OK;
    }
}
