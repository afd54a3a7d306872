package dev.qdistill.cli;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.Offload;
import dev.qdistill.accel.Workers;
import dev.qdistill.bits.BitString;
import dev.qdistill.ldpc.CodeFamily;
import dev.qdistill.ldpc.Profile;
import dev.qdistill.ldpc.QuasiCyclicCode;
import dev.qdistill.ldpc.SyndromeDecoder;
import dev.qdistill.ldpc.UpdateRule;
import dev.qdistill.reconcile.AliceReconciler;
import dev.qdistill.reconcile.BobReconciler;
import dev.qdistill.reconcile.FiniteLengthBound;
import dev.qdistill.reconcile.Leakage;
import dev.qdistill.reconcile.QberEstimate;
import dev.qdistill.reconcile.ReconcileMessage;
import dev.qdistill.reconcile.ReconcileMessage.Reconciled;
import dev.qdistill.reconcile.ReconcileStatistics;
import dev.qdistill.security.BinaryEntropy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
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
                    + " of 100,000 bits on. The speed is the median of the runs; f and the counts are of all of them. The"
                    + " warm-up does not count: ten seconds, and one run at each further error rate.",
            "",
            "nanosPer64Edges is one thread's time for the iterations alone, by edges and 64 checks: 15 iterations less 5"
                    + " on a syndrome that cannot be corrected.",
            "",
            "With more than one error rate, --json prints a line for each."
        },
        mixinStandardHelpOptions = true)
final class BenchReconcileCommand implements Callable<Integer> {
    private static final long SAMPLE = 100_000;
    private static final int SWEEP_POINTS = 30;
    private static final double SWEEP_FROM = 0.005;
    private static final double SWEEP_TO = 0.11;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Mixin
    private BenchCommand.Options options = new BenchCommand.Options();

    @Option(
            names = "--qber",
            paramLabel = "Q",
            split = ",",
            description = "error rates, separated by commas; default: 0.02")
    private List<Double> qbers = List.of(0.02);

    @Option(names = "--sweep", description = "30 error rates from 0.5 to 11 %%, in equal ratios, in place of --qber")
    private boolean sweep;

    @Option(
            names = "--frame-bits",
            paramLabel = "N",
            description = "frame length, with small blocks the largest; default: ${DEFAULT-VALUE}")
    private int frameBits = 1 << 16;

    @Option(
            names = "--block-bits",
            paramLabel = "N",
            description = "length of a block; default: a run is one block of whole frames")
    private @Nullable Long blockBits;

    @Option(names = "--profile", description = "fast or efficient; default: ${DEFAULT-VALUE}")
    private Profile profile = Profile.FAST;

    @Option(
            names = "--frames",
            paramLabel = "K",
            description = "frames measured at least, all runs together; default: ${DEFAULT-VALUE}")
    private int frames = 500;

    @Option(names = "--runs", paramLabel = "R", description = "runs; default: ${DEFAULT-VALUE}")
    private int runs = 5;

    @Option(
            names = "--seed",
            paramLabel = "S",
            description = "of the keys and errors (a simulation); default: ${DEFAULT-VALUE}")
    private long seed = 1;

    private double qber;
    private Offload offload = Offload.none();

    /** What the blocks so far have shown. */
    private static final class Sum {
        long bits;
        long blocks;
        long errors;
        long frames;
        long firstAttempt;
        long extended;
        long revealed;
        long cascaded;
        long failed;
        long undetected;
        double iterations;
        double seconds;
        final Map<String, Long> leaked = new LinkedHashMap<>();
        final Set<String> codes = new LinkedHashSet<>();

        void leaked(Leakage l) {
            leaked.merge("syndromes", l.syndromes(), Long::sum);
            leaked.merge("extensions", l.extensions(), Long::sum);
            leaked.merge("revealed", l.revealed(), Long::sum);
            leaked.merge("choices", l.choices(), Long::sum);
            leaked.merge("parities", l.parities(), Long::sum);
            leaked.merge("feedback", l.feedback(), Long::sum);
            leaked.merge("published", l.published(), Long::sum);
        }

        void count(ReconcileStatistics s) {
            frames += s.frames();
            firstAttempt += s.firstAttempt();
            extended += s.extended();
            revealed += s.revealed();
            cascaded += s.cascaded();
            failed += s.failedFrames();
            iterations += s.iterations() * s.frames();
            codes.addAll(s.codes());
        }
    }

    @Override
    public Integer call() {
        CodeFamily family = CodeFamily.shipped();
        if (!family.frameLengths().contains(frameBits)) {
            throw new ParameterException(
                    spec.commandLine(), "--frame-bits is one of " + family.frameLengths() + ", not " + frameBits);
        }
        List<Double> rates = sweep ? sweepRates() : qbers;
        if (rates.stream().anyMatch(q -> !(q >= 1e-4 && q <= 0.12)) || frames < 1 || runs < 1) {
            throw new ParameterException(
                    spec.commandLine(), "--qber is 0.0001 to 0.12, --frames and --runs are 1 or more");
        }
        if (blockBits != null && (blockBits < 1 || blockBits > 1L << 33)) {
            throw new ParameterException(spec.commandLine(), "--block-bits is 1 to 2^33");
        }
        var random = new SplittableRandom(seed);
        try (Workers workers = new Workers(options.threads);
                Offload device = options.offload(spec)) {
            offload = device;
            qber = rates.getFirst();
            long start = System.nanoTime();
            do {
                run(family, workers, random, new Sum(), Math.min(frames, 64));
            } while (System.nanoTime() - start < 10_000_000_000L);
            for (double rate : rates) {
                qber = rate;
                options.print(spec, point(family, workers, random, rates.size() == 1));
            }
        }
        return ExitCode.OK;
    }

    private static List<Double> sweepRates() {
        List<Double> rates = new ArrayList<>();
        for (int i = 0; i < SWEEP_POINTS; i++) {
            double q = SWEEP_FROM * Math.pow(SWEEP_TO / SWEEP_FROM, i / (SWEEP_POINTS - 1.0));
            rates.add(Math.round(q * 1e5) * 1e-5);
        }
        return rates;
    }

    private Map<String, Object> point(CodeFamily family, Workers workers, SplittableRandom random, boolean kernel) {
        Sum sum = new Sum();
        int share = (frames + runs - 1) / runs;
        run(family, workers, random, new Sum(), Math.min(share, 64));
        double[] mbps = new double[runs];
        for (int i = 0; i < runs; i++) {
            long bits = sum.bits;
            double seconds = sum.seconds;
            run(family, workers, random, sum, share);
            mbps[i] = (sum.bits - bits) / (sum.seconds - seconds) * 1e-6;
        }
        Arrays.sort(mbps);
        double seen = (double) sum.errors / sum.bits;
        String name = sum.codes.isEmpty() ? "" : List.copyOf(sum.codes).getLast();
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("qber", qber);
        result.put("profile", profile.name().toLowerCase(Locale.ROOT));
        result.put("frameBits", frameBits);
        result.put("blockBits", sum.bits / sum.blocks);
        result.put("blocks", sum.blocks);
        result.put("frames", sum.frames);
        result.put("mbps", mbps[runs / 2]);
        result.put(
                "efficiency",
                sum.leaked.values().stream().mapToLong(l -> l).sum() / (sum.bits * BinaryEntropy.of(seen)));
        // The bound is that of the frames as they were cut; for blocks cut into several, not that of the block.
        result.put(
                "finiteLengthBound",
                FiniteLengthBound.efficiency((double) sum.bits / sum.frames, qber, FiniteLengthBound.FRAME_ERROR_RATE));
        result.put("frameErrorRate", 1 - (double) sum.firstAttempt / sum.frames);
        result.put("iterations", sum.iterations / sum.frames);
        result.put("extendedFrames", sum.extended);
        result.put("revealedFrames", sum.revealed);
        result.put("cascadedFrames", sum.cascaded);
        result.put("failedFrames", sum.failed);
        result.put("undetectedErrors", sum.undetected);
        result.put("leakedBits", sum.leaked);
        result.put("threads", options.threads);
        result.put("rule", UpdateRule.PHI.name());
        result.put("codes", sum.codes);
        if (!name.isEmpty()) {
            QuasiCyclicCode code = family.code(name);
            result.put("backend", backend(code));
            result.put("code", name);
            if (kernel && !onDevice()) {
                result.put("nanosPer64Edges", nanosPer64Edges(code, UpdateRule.PHI));
                result.put("nanosPer64EdgesMinSum", nanosPer64Edges(code, UpdateRule.MIN_SUM));
            }
        }
        return result;
    }

    /** Reconciles blocks until there are {@code count} frames. */
    private void run(CodeFamily family, Workers workers, SplittableRandom random, Sum sum, int count) {
        long enough = sum.frames + count;
        while (sum.frames < enough) {
            block(family, workers, random, sum, blockBits == null ? (long) count * frameBits : blockBits);
        }
    }

    private void block(CodeFamily family, Workers workers, SplittableRandom random, Sum sum, long bits) {
        try (BitString aliceKey = BitString.random(bits, random);
                BitString bobKey = aliceKey.copy()) {
            double step = 1 / Math.log1p(-qber);
            for (long at = gap(random, step); at < bits; at += 1 + gap(random, step)) {
                bobKey.set(at, !bobKey.get(at));
            }
            sum.errors += aliceKey.distance(bobKey);
            long start = System.nanoTime();
            AliceReconciler alice = new AliceReconciler(
                    aliceKey, frameBits, family, options.backend().onCpu(), workers);
            QberEstimate estimate = QberEstimate.fromSample(Math.round(qber * SAMPLE), SAMPLE);
            try (BobReconciler bob = new BobReconciler(
                    bobKey,
                    estimate,
                    frameBits,
                    family,
                    profile,
                    options.backend().onCpu(),
                    workers,
                    offload,
                    n -> {})) {
                Deque<ReconcileMessage> requests = new ArrayDeque<>();
                bob.start(requests::add);
                while (!(requests.peek() instanceof Reconciled)) {
                    bob.receive(alice.answer(requests.remove()), requests::add);
                }
                sum.seconds += (System.nanoTime() - start) * 1e-9;
                sum.bits += bits;
                sum.blocks++;
                sum.leaked(bob.leakage());
                sum.count(bob.statistics());
                sum.undetected += aliceKey.distance(bobKey);
            }
        }
    }

    /** Correct bits before the next error: geometric. */
    private static long gap(SplittableRandom random, double step) {
        return (long) (Math.log(1 - random.nextDouble()) * step);
    }

    private boolean onDevice() {
        return offload.plan().decode() && offload.device().isPresent();
    }

    private String backend(QuasiCyclicCode code) {
        try (SyndromeDecoder decoder =
                SyndromeDecoder.create(code, options.backend().onCpu())) {
            String onCpu = decoder.backend().id();
            return !onDevice()
                    ? onCpu
                    : offload.plan().share() ? Backend.OPENCL.id() + "+" + onCpu : Backend.OPENCL.id();
        }
    }

    /**
     * One thread, one iteration: time by edges and vectors of 64 checks. A syndrome that cannot be corrected is decoded for 15
     * iterations and for 5; what the other 10 took leaves out the frame's set-up and the final decisions.
     */
    private double nanosPer64Edges(QuasiCyclicCode code, UpdateRule rule) {
        int few = 5;
        // Fewer than after which a frame without hope is given up.
        int many = 15;
        try (SyndromeDecoder decoder =
                        SyndromeDecoder.create(code, options.backend().onCpu());
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
