package dev.qdistill.ldpc;

import dev.qdistill.accel.Backend;
import dev.qdistill.bits.BitString;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What decoding of simulated frames showed: error patterns drawn bit by bit with probability {@code qber}, the same ones for a seed
 * whatever the number of threads.
 *
 * @param qber error rate of the frames and prior of the decoder
 * @param frames frames decoded
 * @param failures frames for which no error pattern with the syndrome was found
 * @param undetected frames for which a wrong one was found
 * @param iterations summed over frames, so that neither their order nor the number of threads changes the mean
 * @param decodingSeconds spent in the decoder, summed over threads
 * @param frameBits bits a frame
 * @param edgeVectors edge updates of 64 checks, summed over frames and iterations
 */
public record CodeMeasurement(
        double qber,
        int frames,
        int failures,
        int undetected,
        long iterations,
        double decodingSeconds,
        int frameBits,
        double edgeVectors) {
    /** Frames that were not corrected by one attempt, undetected ones included, as a fraction. */
    public double frameErrorRate() {
        return (double) (failures + undetected) / frames;
    }

    /** Iterations a frame; 0 if there was none. */
    public double meanIterations() {
        return frames == 0 ? 0 : (double) iterations / frames;
    }

    /** Decoded key bits a second and thread, in Mb/s. */
    public double mbpsPerThread() {
        return (double) frames * frameBits / decodingSeconds / 1e6;
    }

    /** Decoding time by edge and 64 checks, all of the decoder's work included, in nanoseconds. */
    public double nanosPer64Edges() {
        return decodingSeconds * 1e9 / edgeVectors;
    }

    /**
     * Decodes up to {@code frames} frames, one attempt each; stops early when more than {@code maxFailures} have failed.
     *
     * @param maxIterations of the one attempt
     * @param threads 1 or more
     */
    public static CodeMeasurement measure(
            QuasiCyclicCode code,
            Backend backend,
            UpdateRule rule,
            double qber,
            int maxIterations,
            int frames,
            int maxFailures,
            int threads,
            long seed) {
        return measure(code, backend, rule, qber, maxIterations, 0, frames, maxFailures, threads, seed);
    }

    /**
     * The same with a second attempt at each frame that failed, from the beginning with the other rule; what it decodes is no
     * failure.
     *
     * @param otherIterations of the second attempt; 0 for none
     */
    public static CodeMeasurement measure(
            QuasiCyclicCode code,
            Backend backend,
            UpdateRule rule,
            double qber,
            int maxIterations,
            int otherIterations,
            int frames,
            int maxFailures,
            int threads,
            long seed) {
        AtomicInteger next = new AtomicInteger();
        AtomicInteger failed = new AtomicInteger();
        Callable<CodeMeasurement> worker = () -> decode(
                code, backend, rule, qber, maxIterations, otherIterations, frames, maxFailures, seed, next, failed);
        if (threads == 1) {
            try {
                return worker.call();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
        List<CodeMeasurement> parts = new ArrayList<>();
        try (ExecutorService executor = Executors.newFixedThreadPool(threads)) {
            List<Callable<CodeMeasurement>> workers = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                workers.add(worker);
            }
            for (var f : executor.invokeAll(workers)) {
                parts.add(f.get());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted", e);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
        return new CodeMeasurement(
                qber,
                parts.stream().mapToInt(CodeMeasurement::frames).sum(),
                parts.stream().mapToInt(CodeMeasurement::failures).sum(),
                parts.stream().mapToInt(CodeMeasurement::undetected).sum(),
                parts.stream().mapToLong(CodeMeasurement::iterations).sum(),
                parts.stream().mapToDouble(CodeMeasurement::decodingSeconds).sum(),
                code.frameBits(),
                parts.stream().mapToDouble(CodeMeasurement::edgeVectors).sum());
    }

    private static CodeMeasurement decode(
            QuasiCyclicCode code,
            Backend backend,
            UpdateRule rule,
            double qber,
            int maxIterations,
            int otherIterations,
            int frames,
            int maxFailures,
            long seed,
            AtomicInteger next,
            AtomicInteger failed) {
        int done = 0;
        int failures = 0;
        int undetected = 0;
        long iterations = 0;
        long nanos = 0;
        SyndromeEncoder encoder = SyndromeEncoder.create(code, backend);
        try (SyndromeDecoder decoder = SyndromeDecoder.create(code, backend);
                BitString error = BitString.allocate(code.frameBits());
                BitString found = BitString.allocate(code.frameBits());
                BitString syndrome = BitString.allocate(code.syndromeBits())) {
            int frame = next.getAndIncrement();
            while (frame < frames && failed.get() <= maxFailures) {
                drawErrors(error, qber, new SplittableRandom(seed * 0x9E3779B97F4A7C15L + frame));
                encoder.encode(error, 0, syndrome, 0);
                long start = System.nanoTime();
                decoder.begin(syndrome, 0, qber);
                boolean converged = decoder.run(rule, maxIterations);
                if (!converged && otherIterations > 0) {
                    decoder.restart();
                    converged =
                            decoder.run(rule == UpdateRule.PHI ? UpdateRule.MIN_SUM : UpdateRule.PHI, otherIterations);
                }
                decoder.error(found, 0);
                nanos += System.nanoTime() - start;
                iterations += decoder.iterations();
                done++;
                if (!converged) {
                    failures++;
                    failed.incrementAndGet();
                } else if (!found.contentEquals(error)) {
                    undetected++;
                    failed.incrementAndGet();
                }
                frame = next.getAndIncrement();
            }
        }
        int vectors = code.circulant() / 64;
        double edgeVectors = (double) iterations * code.edges() * vectors;
        return new CodeMeasurement(
                qber, done, failures, undetected, iterations, nanos * 1e-9, code.frameBits(), edgeVectors);
    }

    /** Sets each bit with probability {@code qber}, by the geometric distances between ones. */
    static void drawErrors(BitString error, double qber, SplittableRandom random) {
        error.wipe();
        double scale = 1 / Math.log1p(-qber);
        long at = -1;
        while (true) {
            at += 1 + (long) (Math.log(1 - random.nextDouble()) * scale);
            if (at >= error.length()) {
                return;
            }
            error.set(at, true);
        }
    }
}
