package dev.qdistill.cli;

import dev.qdistill.amplify.EntropySource;
import dev.qdistill.auth.AuthenticationLog;
import dev.qdistill.auth.Authenticator;
import dev.qdistill.auth.PadPool;
import dev.qdistill.auth.Transcript;
import dev.qdistill.keystore.Site;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code bench auth}. */
@Command(
        name = "auth",
        description =
                "Authentication: hashing a block's messages as they pass (one thread, plain Java on every back end), and"
                        + " making and checking a tag, which takes a pad from the disk.",
        mixinStandardHelpOptions = true)
final class BenchAuthCommand implements Callable<Integer> {
    private static final int TAGS = 200;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Mixin
    private BenchCommand.Options options = new BenchCommand.Options();

    @Option(names = "--input-bits", paramLabel = "N", description = "bits of a block's messages. Default: 100000000")
    private long inputBits = 100_000_000;

    @Option(names = "--message-bytes", paramLabel = "N", description = "bytes of a message. Default: 65536")
    private int messageBytes = 65_536;

    @Override
    public Integer call() throws IOException {
        if (inputBits < 8 || messageBytes < 1) {
            throw new ParameterException(spec.commandLine(), "--input-bits is 8 or more, --message-bytes 1 or more");
        }
        Path directory = Files.createTempDirectory("qdistill-bench-");
        try {
            options.print(spec, measure(directory));
        } finally {
            try (Stream<Path> files = Files.walk(directory)) {
                for (Path f : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(f);
                }
            }
        }
        return ExitCode.OK;
    }

    private Map<String, Object> measure(Path directory) {
        for (Site site : Site.values()) {
            if (site == Site.ALICE) {
                try (EntropySource entropy = EntropySource.system()) {
                    PadPool.makePreShared(
                            directory.resolve("alice.qpad"), directory.resolve("bob.qpad"), "bench", 2 * TAGS, entropy);
                }
            }
            PadPool.install(directory.resolve(site.id() + ".qpad"), directory.resolve(site.id()));
        }
        AuthenticationLog log = new AuthenticationLog();
        try (PadPool alicePool = PadPool.open(directory.resolve("alice"), "bench", Site.ALICE);
                PadPool bobPool = PadPool.open(directory.resolve("bob"), "bench", Site.BOB)) {
            Authenticator alice = new Authenticator(alicePool, Site.ALICE, log);
            Authenticator bob = new Authenticator(bobPool, Site.BOB, new AuthenticationLog());
            byte[] message = new byte[messageBytes];
            new Random(1).nextBytes(message);
            long messages = Math.max(1, inputBits / 8 / messageBytes);
            double nanos = BenchCommand.medianNanos(() -> hash(alice.transcript(0), message, messages));
            double epsilon = log.counts().epsilon();
            Transcript one = alice.transcript(0);
            hash(one, message, messages);
            one.sign();
            epsilon = log.counts().epsilon() - epsilon;

            double[] times = new double[TAGS];
            Transcript a = alice.transcript(1);
            Transcript b = bob.transcript(1);
            for (int i = 0; i < TAGS; i++) {
                long start = System.nanoTime();
                b.verify(a.sign());
                times[i] = System.nanoTime() - start;
            }
            Arrays.sort(times);
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("inputBits", messages * messageBytes * 8);
            result.put("messageBytes", messageBytes);
            result.put("backend", "scalar");
            result.put("threads", 1);
            result.put("milliseconds", nanos * 1e-6);
            result.put("mbps", messages * messageBytes * 8 / nanos * 1e3);
            result.put("padBits", PadPool.KEY_BITS);
            result.put("padsPerBlock", PadPool.PADS_OF_BLOCK);
            result.put("epsilonOfTag", epsilon);
            result.put("tagMilliseconds", times[TAGS / 2] * 1e-6);
            return result;
        }
    }

    private static void hash(Transcript transcript, byte[] message, long messages) {
        for (long i = 0; i < messages; i++) {
            transcript.said(i % 2 == 0 ? Site.ALICE : Site.BOB, message);
        }
    }
}
