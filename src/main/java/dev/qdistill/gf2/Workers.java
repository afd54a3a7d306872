package dev.qdistill.gf2;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** Threads that share loops: one caller and threads - 1 others, daemons, kept until {@link #close}. */
final class Workers implements AutoCloseable {
    private final int threads;
    private final @Nullable ExecutorService pool;

    /** A part of a loop. */
    @FunctionalInterface
    interface Range {
        /** Iterations [from, to), on the worker of number {@code worker}, from 0 to threads - 1. */
        void run(long from, long to, int worker);
    }

    Workers(int threads) {
        this.threads = threads;
        pool = threads == 1
                ? null
                : Executors.newFixedThreadPool(
                        threads - 1,
                        Thread.ofPlatform().name("gf2-", 0).daemon().factory());
    }

    int threads() {
        return threads;
    }

    /** Runs iterations [0, n), in parallel if each thread gets at least {@code grain}, and waits for all of them. */
    void split(long n, long grain, Range body) {
        int parts = (int) Math.min(threads, n / grain);
        if (parts <= 1 || pool == null) {
            if (n > 0) {
                body.run(0, n, 0);
            }
            return;
        }
        Future<?>[] others = new Future<?>[parts - 1];
        for (int k = 1; k < parts; k++) {
            int worker = k;
            long from = n * k / parts;
            long to = n * (k + 1) / parts;
            others[k - 1] = pool.submit(() -> body.run(from, to, worker));
        }
        try {
            body.run(0, n / parts, 0);
        } finally {
            for (Future<?> f : others) {
                await(f);
            }
        }
    }

    private static void await(Future<?> f) {
        try {
            f.get();
        } catch (InterruptedException e) {
            // The loop must be complete before its memory may be used: wait on, and remember.
            await(f);
            Thread.currentThread().interrupt();
        } catch (java.util.concurrent.ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    @Override
    public void close() {
        if (pool != null) {
            pool.shutdown();
        }
    }
}
