package dev.qdistill.cli;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.Workers;
import dev.qdistill.bits.BitString;
import dev.qdistill.ldpc.CodeFamily;
import dev.qdistill.ldpc.Profile;
import dev.qdistill.ldpc.QuasiCyclicCode;
import dev.qdistill.ldpc.SyndromeDecoder;
import dev.qdistill.ldpc.UpdateRule;
import dev.qdistill.reconcile.AliceReconciler;
import dev.qdistill.reconcile.BobReconciler;
import dev.qdistill.reconcile.QberEstimate;
import dev.qdistill.reconcile.ReconcileMessage;
import dev.qdistill.reconcile.ReconcileMessage.Reconciled;
import dev.qdistill.reconcile.ReconcileStatistics;
import dev.qdistill.security.BinaryEntropy;
import java.util.ArrayDeque;
import java.util.Deque;
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

/** {@code bench reconcile}: error correction alone, both roles. */
@Command(
        name = "reconcile",
        description = {
            "Reconciles random keys with independent errors: both roles' work, every leaked bit counted.",
            "",
            "The key is cut and the codes are chosen as distill does it, from an estimate of the error rate by a sample"
                    + " of 100,000 bits on. One block is run for warm-up (at least ten seconds of blocks), then one is"
                    + " measured. nanosPer64Edges is one thread's time for the iterations alone, by edges and 64 checks:"
                    + " 60 iterations less 20 on a syndrome that cannot be corrected."
        },
        mixinStandardHelpOptions = true)
final class BenchReconcileCommand implements Callable<Integer> {
    private static final long SAMPLE = 100_000;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Mixin
    private BenchCommand.Options options = new BenchCommand.Options();

    @Option(names = "--qber", paramLabel = "Q", description = "error rate; default: ${DEFAULT-VALUE}")
    private double qber = 0.02;

    @Option(names = "--frame-bits", paramLabel = "N", description = "frame length; default: ${DEFAULT-VALUE}")
    private int frameBits = 1 << 16;

    @Option(names = "--profile", description = "fast or efficient; default: ${DEFAULT-VALUE}")
    private Profile profile = Profile.FAST;

    @Option(names = "--frames", paramLabel = "K", description = "frames measured; default: ${DEFAULT-VALUE}")
    private int frames = 500;

    @Option(
            names = "--seed",
            paramLabel = "S",
            description = "of the keys and errors (a simulation); default: ${DEFAULT-VALUE}")
    private long seed = 1;

    private record Outcome(double seconds, long leaked, long errors, long undetected, ReconcileStatistics statistics) {}

    @Override
    public Integer call() {
        CodeFamily codes = CodeFamily.shipped();
        if (!codes.frameLengths().contains(frameBits)) {
            throw new ParameterException(
                    spec.commandLine(), "--frame-bits is one of " + codes.frameLengths() + ", not " + frameBits);
        }
        if (!(qber >= 1e-4 && qber <= 0.12) || frames < 1) {
            throw new ParameterException(spec.commandLine(), "--qber is 0.0001 to 0.12, --frames 1 or more");
        }
        var random = new SplittableRandom(seed);
        Outcome outcome;
        try (Workers workers = new Workers(options.threads)) {
            long start = System.nanoTime();
            do {
                run(codes, workers, random, Math.min(frames, 64));
            } while (System.nanoTime() - start < 10_000_000_000L);
            outcome = run(codes, workers, random, frames);
        }
        long bits = (long) frames * frameBits;
        ReconcileStatistics s = outcome.statistics;
        String name = s.codes().getLast();
        QuasiCyclicCode code = codes.code(name);
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("qber", qber);
        result.put("frameBits", frameBits);
        result.put("frames", frames);
        result.put("profile", profile.name().toLowerCase(Locale.ROOT));
        result.put("mbps", bits / outcome.seconds * 1e-6);
        result.put("efficiency", outcome.leaked / (bits * BinaryEntropy.of((double) outcome.errors / bits)));
        result.put("frameErrorRate", (double) s.firstFailures() / frames);
        result.put("failedFrames", s.failedFrames());
        result.put("undetectedErrors", outcome.undetected);
        result.put("iterations", s.iterations());
        result.put("threads", options.threads);
        result.put("backend", backend(code).id());
        result.put("code", name);
        result.put("codes", s.codes());
        result.put("rule", UpdateRule.PHI.name());
        result.put("nanosPer64Edges", nanosPer64Edges(code, UpdateRule.PHI));
        result.put("nanosPer64EdgesMinSum", nanosPer64Edges(code, UpdateRule.MIN_SUM));
        options.print(spec, result);
        return ExitCode.OK;
    }

    private Outcome run(CodeFamily codes, Workers workers, SplittableRandom random, int count) {
        long bits = (long) count * frameBits;
        try (BitString aliceKey = BitString.random(bits, random);
                BitString bobKey = aliceKey.copy()) {
            double step = 1 / Math.log1p(-qber);
            for (long at = gap(random, step); at < bits; at += 1 + gap(random, step)) {
                bobKey.set(at, !bobKey.get(at));
            }
            long errors = aliceKey.distance(bobKey);
            long start = System.nanoTime();
            AliceReconciler alice = new AliceReconciler(aliceKey, frameBits, codes, options.backend, workers);
            QberEstimate estimate = QberEstimate.fromSample(Math.round(qber * SAMPLE), SAMPLE);
            try (BobReconciler bob =
                    new BobReconciler(bobKey, estimate, frameBits, codes, profile, options.backend, workers, n -> {})) {
                Deque<ReconcileMessage> requests = new ArrayDeque<>();
                bob.start(requests::add);
                while (!(requests.peek() instanceof Reconciled)) {
                    bob.receive(alice.answer(requests.remove()), requests::add);
                }
                double seconds = (System.nanoTime() - start) * 1e-9;
                return new Outcome(seconds, bob.leakage().total(), errors, aliceKey.distance(bobKey), bob.statistics());
            }
        }
    }

    /** Correct bits before the next error: geometric. */
    private static long gap(SplittableRandom random, double step) {
        return (long) (Math.log(1 - random.nextDouble()) * step);
    }

    private Backend backend(QuasiCyclicCode code) {
        try (SyndromeDecoder decoder = SyndromeDecoder.create(code, options.backend)) {
            return decoder.backend();
        }
    }

    /**
     * One thread, one iteration: time by edges and vectors of 64 checks. A syndrome that cannot be corrected is decoded for 60
     * iterations and for 20; what the other 40 took leaves out the frame's set-up and the final decisions.
     */
    private double nanosPer64Edges(QuasiCyclicCode code, UpdateRule rule) {
        int few = 20;
        int many = 60;
        try (SyndromeDecoder decoder = SyndromeDecoder.create(code, options.backend);
                BitString noise = BitString.random(code.syndromeBits(), new SplittableRandom(seed))) {
            double[] nanos = new double[2];
            for (int i = 0; i < 2; i++) {
                int iterations = i == 0 ? few : many;
                nanos[i] = BenchCommand.medianNanos(() -> {
                    decoder.begin(noise, 0, qber);
                    decoder.run(rule, iterations);
                });
            }
            return (nanos[1] - nanos[0]) / (many - few) / ((double) code.edges() * code.circulant() / 64);
        }
    }
}
