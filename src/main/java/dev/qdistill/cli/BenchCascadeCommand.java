package dev.qdistill.cli;

import dev.qdistill.accel.Workers;
import dev.qdistill.bits.BitString;
import dev.qdistill.reconcile.AliceCascade;
import dev.qdistill.reconcile.BobCascade;
import dev.qdistill.reconcile.CascadePermutations;
import dev.qdistill.reconcile.CascadeVariant;
import dev.qdistill.reconcile.ReconcileMessage;
import dev.qdistill.reconcile.ReconcileMessage.CascadeStart;
import dev.qdistill.security.BinaryEntropy;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code bench cascade}: interactive error correction alone, both roles. */
@Command(
        name = "cascade",
        description = {
            "Reconciles random keys with independent errors by Cascade: both roles' work, a frame a thread.",
            "",
            "parityEfficiency counts Alice's parities only, as the literature does. efficiency counts all that distill counts:"
                    + " also the result of each comparison, which Bob's next request tells, the choice of the block length,"
                    + " and the length of each failed frame, which would be published. failedFrames are those that are not"
                    + " equal in the end; undetectedErrors are the wrong bits in those that Bob takes for corrected. Frames"
                    + " are run for five seconds or more for warm-up."
        },
        mixinStandardHelpOptions = true)
final class BenchCascadeCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Mixin
    private BenchCommand.Options options = new BenchCommand.Options();

    @Option(names = "--variant", description = "original or optimised; default: ${DEFAULT-VALUE}")
    private CascadeVariant variant = CascadeVariant.OPTIMISED;

    @Option(names = "--qber", paramLabel = "Q", description = "error rate; default: ${DEFAULT-VALUE}")
    private double qber = 0.02;

    @Option(names = "--frame-bits", paramLabel = "N", description = "frame length; default: ${DEFAULT-VALUE}")
    private int frameBits = 1 << 16;

    @Option(names = "--frames", paramLabel = "K", description = "frames measured; default: ${DEFAULT-VALUE}")
    private int frames = 100;

    @Option(
            names = "--seed",
            paramLabel = "S",
            description = "of the keys and errors (a simulation); default: ${DEFAULT-VALUE}")
    private long seed = 1;

    /** What became of a frame, or of several: sums. */
    private record Outcome(long errors, long parities, long leaked, long requests, long failed, long undetected) {
        Outcome plus(Outcome o) {
            return new Outcome(
                    errors + o.errors,
                    parities + o.parities,
                    leaked + o.leaked,
                    requests + o.requests,
                    failed + o.failed,
                    undetected + o.undetected);
        }
    }

    @Override
    public Integer call() {
        if (!(qber >= 1e-4 && qber <= 0.25) || frames < 1 || frameBits < 64 || frameBits > 1 << 24) {
            throw new ParameterException(
                    spec.commandLine(), "--qber is 0.0001 to 0.25, --frames 1 or more, --frame-bits 64 to 2^24");
        }
        var random = new SplittableRandom(seed);
        var permutations = new CascadePermutations(frameBits);
        Outcome sum;
        double seconds;
        try (Workers workers = new Workers(options.threads)) {
            long start = System.nanoTime();
            do {
                run(workers, random, permutations, Math.min(frames, options.threads));
            } while (System.nanoTime() - start < 5_000_000_000L);
            start = System.nanoTime();
            sum = run(workers, random, permutations, frames);
            seconds = (System.nanoTime() - start) * 1e-9;
        }
        long bits = (long) frames * frameBits;
        double entropy = bits * BinaryEntropy.of((double) sum.errors / bits);
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("variant", variant.name().toLowerCase(Locale.ROOT));
        result.put("qber", qber);
        result.put("frameBits", frameBits);
        result.put("frames", frames);
        result.put("mbps", bits / seconds * 1e-6);
        result.put("efficiency", sum.leaked / entropy);
        result.put("parityEfficiency", sum.parities / entropy);
        result.put("messagesPerFrame", 2.0 * sum.requests / frames);
        result.put("failedFrames", sum.failed);
        result.put("undetectedErrors", sum.undetected);
        result.put("threads", options.threads);
        options.print(spec, result);
        return ExitCode.OK;
    }

    /** Runs some frames; making their keys, which is little beside the rest, is in the time. */
    private Outcome run(Workers workers, SplittableRandom random, CascadePermutations permutations, int count) {
        List<SplittableRandom> sources =
                IntStream.range(0, count).mapToObj(i -> random.split()).toList();
        Outcome[] outcomes = new Outcome[count];
        workers.forEach(count, i -> outcomes[i] = run(i, sources.get(i), permutations));
        Outcome sum = new Outcome(0, 0, 0, 0, 0, 0);
        for (Outcome o : outcomes) {
            sum = sum.plus(o);
        }
        return sum;
    }

    private Outcome run(int frame, SplittableRandom random, CascadePermutations permutations) {
        try (BitString aliceKey = BitString.random(frameBits, random);
                BitString bobKey = aliceKey.copy()) {
            double step = 1 / Math.log1p(-qber);
            for (long at = gap(random, step); at < frameBits; at += 1 + gap(random, step)) {
                bobKey.set(at, !bobKey.get(at));
            }
            long errors = aliceKey.distance(bobKey);
            var bob = new BobCascade(bobKey, 0, frame, variant, qber, frameBits, permutations);
            Optional<ReconcileMessage> request = bob.start();
            if (request.isPresent() && request.get() instanceof CascadeStart start) {
                var alice = new AliceCascade(aliceKey, 0, start, permutations);
                while (request.isPresent()) {
                    request = bob.receive(alice.answer(request.get()));
                }
            }
            long wrong = aliceKey.distance(bobKey);
            boolean failed = bob.givenUp() || wrong > 0;
            return new Outcome(
                    errors,
                    bob.parities(),
                    bob.leakage().total() + (failed ? frameBits : 0),
                    bob.requests(),
                    failed ? 1 : 0,
                    bob.givenUp() ? 0 : wrong);
        }
    }

    /** Correct bits before the next error: geometric. */
    private static long gap(SplittableRandom random, double step) {
        return (long) (Math.log(1 - random.nextDouble()) * step);
    }
}
