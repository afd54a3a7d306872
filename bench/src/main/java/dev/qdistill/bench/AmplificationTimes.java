package dev.qdistill.bench;

import dev.qdistill.accel.Backend;
import dev.qdistill.amplify.PreparedHash;
import dev.qdistill.amplify.SeededHash;
import dev.qdistill.bits.BitString;
import dev.qdistill.gf2.Gf2Multiplier;
import dev.qdistill.gf2.MiddleProduct;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Time against length, from 2^10 bits up, of products and Toeplitz hashes on one back end; a line of JSON each:
 * {@code scripts/bench-amplify}. Both factors are transformed afresh each time; medians.
 *
 * <p>Arguments: scalar, vector, native or gf2x; the largest length as a power of two; the largest number of threads.
 */
public final class AmplificationTimes {
    private static final int SMALLEST = 10;
    private static final int SMALLEST_SHARED = 20;

    /** Lengths between powers of two: a little above one, a block of a usual size. */
    private static final long[] OTHER_LENGTHS = {1_153_434, 10_000_000, 100_000_000};

    private static final double SECONDS = 0.15;

    private final String by;
    private final String isa;
    private final int threads;
    private final String machine;

    private AmplificationTimes(String by, String isa, int threads) throws java.io.IOException {
        this.by = by;
        this.isa = isa;
        this.threads = threads;
        String cpu;
        try (var lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            cpu = lines.filter(l -> l.startsWith("model name"))
                    .map(l -> l.substring(l.indexOf(':') + 1).trim())
                    .findFirst()
                    .orElse("");
        }
        machine = "\"cpu\":\"%s\",\"jdk\":\"%s\"".formatted(cpu, Runtime.version());
    }

    public static void main(String[] args) throws java.io.IOException {
        int largest = Integer.parseInt(args[1]);
        int threads = Integer.parseInt(args[2]);
        if (args[0].equals("gf2x")) {
            var times = new AmplificationTimes("gf2x", "", 1);
            LibGf2x gf2x;
            try {
                gf2x = LibGf2x.load();
            } catch (IllegalArgumentException e) {
                System.err.println("libgf2x is not installed (Debian: libgf2x3)");
                return;
            }
            for (int k = SMALLEST; k <= largest; k++) {
                times.gf2x(gf2x, 1L << k);
            }
            return;
        }
        Backend backend = Backend.valueOf(args[0].toUpperCase(Locale.ROOT));
        var multiplier = Gf2Multiplier.create(backend);
        String isa = multiplier.isa().map(i -> i.id()).orElse("");
        var times = new AmplificationTimes(args[0], isa, threads);
        if (backend == Backend.VECTOR) {
            // The compiler needs seconds for the Vector API.
            long start = System.nanoTime();
            for (int k = SMALLEST; System.nanoTime() - start < 10e9; k = k == 21 ? SMALLEST : k + 1) {
                times.timeProduct(multiplier, 1L << k, 0);
            }
        }
        for (int k = SMALLEST; k <= largest; k++) {
            times.all(multiplier, 1L << k, k < SMALLEST_SHARED ? 1 : threads);
        }
        for (long n : OTHER_LENGTHS) {
            if (n <= 1L << largest) {
                times.all(multiplier, n, threads);
            }
        }
    }

    private void all(Gf2Multiplier multiplier, long n, int mostThreads) {
        print("product", n, 2 * n - 1, 1, timeProduct(multiplier, n, SECONDS));
        for (int t = 1; t <= mostThreads; t += t == 1 && mostThreads > 1 ? mostThreads - 1 : 1) {
            hash(SeededHash.create(SeededHash.Family.MODIFIED, multiplier.backend()), n, n / 2, t);
            hash(SeededHash.create(SeededHash.Family.TOEPLITZ, multiplier.backend()), n, n / 2, t);
            hash(SeededHash.create(SeededHash.Family.TOEPLITZ, multiplier.backend()), n, n, t);
        }
    }

    private double timeProduct(Gf2Multiplier multiplier, long n, double seconds) {
        var random = new SplittableRandom(1);
        try (BitString a = BitString.random(n, random);
                BitString b = BitString.random(n, random);
                BitString r = BitString.allocate(2 * n - 1);
                MiddleProduct p = multiplier.middleProduct(n, n, 0, 2 * n - 1, 1)) {
            return median(seconds, () -> {
                p.setFirst(a);
                p.multiply(b, r);
            });
        }
    }

    private void gf2x(LibGf2x gf2x, long n) {
        var random = new SplittableRandom(1);
        try (BitString a = BitString.random(n, random);
                BitString b = BitString.random(n, random);
                BitString r = BitString.allocate(2 * n + 128)) {
            print("product", n, 2 * n - 1, 1, median(SECONDS, () -> gf2x.multiply(r, a, b)));
        }
    }

    private void hash(SeededHash hash, long n, long m, int t) {
        var random = new SplittableRandom(1);
        try (BitString seed = BitString.random(hash.seedBits(n, m), random);
                BitString input = BitString.random(n, random);
                BitString output = BitString.allocate(m);
                PreparedHash prepared = hash.prepare(n, m, t)) {
            double nanos = median(SECONDS, () -> {
                prepared.seed(seed);
                prepared.hash(input, output);
            });
            print(hash.family().name().toLowerCase(Locale.ROOT), n, m, t, nanos);
        }
    }

    private void print(String operation, long n, long m, int t, double nanos) {
        System.out.printf(
                Locale.ROOT,
                "{\"operation\":\"%s\",\"by\":\"%s\",\"isa\":\"%s\",\"inputBits\":%d,\"outputBits\":%d,\"threads\":%d,"
                        + "\"milliseconds\":%.6g,\"mbps\":%.6g,%s%s}%n",
                operation,
                by,
                isa,
                n,
                m,
                t,
                nanos * 1e-6,
                n / nanos * 1e3,
                t > 1 ? "\"roundTripNanos\":%.0f,".formatted(roundTripNanos()) : "",
                machine);
        System.out.flush();
    }

    // From one thread to another and back: on virtual machines it depends on where the host puts their cores, and what
    // threads gain
    // depends on it.
    private static double roundTripNanos() {
        int rounds = 2000;
        var ball = new AtomicInteger();
        Thread other = Thread.ofPlatform().start(() -> {
            for (int k = 1; k < 2 * rounds; k += 2) {
                while (ball.get() != k) {
                    Thread.onSpinWait();
                }
                ball.set(k + 1);
            }
        });
        double[] times = new double[rounds];
        for (int k = 0; k < 2 * rounds; k += 2) {
            long start = System.nanoTime();
            ball.set(k + 1);
            while (ball.get() != k + 2) {
                Thread.onSpinWait();
            }
            times[k / 2] = System.nanoTime() - start;
        }
        try {
            other.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        Arrays.sort(times);
        return times[rounds / 2];
    }

    // After a warm-up of half as long, one call at least; three calls at least.
    private static double median(double seconds, Runnable work) {
        long start = System.nanoTime();
        do {
            work.run();
        } while (System.nanoTime() - start < seconds / 2 * 1e9);
        double[] times = new double[1 << 20];
        int n = 0;
        start = System.nanoTime();
        while (n < times.length && (n < 3 || System.nanoTime() - start < seconds * 1e9)) {
            long t = System.nanoTime();
            work.run();
            times[n++] = System.nanoTime() - t;
        }
        Arrays.sort(times, 0, n);
        return times[n / 2];
    }
}
