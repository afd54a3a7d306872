package dev.qdistill.accel;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Threads that share loops: the caller and {@code threads - 1} daemons, kept until {@link #close}. Several callers may use
 * them at once.
 */
public final class Workers implements AutoCloseable {
    private final int threads;
    private final @Nullable ExecutorService pool;

    /** A part of a loop. */
    @FunctionalInterface
    public interface Range {
        /** Iterations [from, to), as part {@code part} of at most as many as there are threads. */
        void run(long from, long to, int part);
    }

    /**
     * Starts no thread before there is work.
     *
     * @param threads 1 or more, the caller included
     */
    public Workers(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("At least 1 thread is needed, not " + threads);
        }
        this.threads = threads;
        this.pool = threads == 1
                ? null
                : Executors.newFixedThreadPool(
                        threads - 1,
                        Thread.ofPlatform().daemon().name("qdistill-worker-", 0).factory());
    }

    public int threads() {
        return threads;
    }

    /**
     * Runs {@code task} for 0 to {@code count - 1}, in any order, on up to {@link #threads()} threads, and waits for all.
     * The first exception of a task is thrown here; the tasks not yet begun are then left out.
     */
    public void forEach(int count, IntConsumer task) {
        if (count <= 1 || pool == null) {
            for (int i = 0; i < count; i++) {
                task.accept(i);
            }
            return;
        }
        AtomicInteger next = new AtomicInteger();
        Runnable loop = () -> {
            for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
                try {
                    task.accept(i);
                } catch (Throwable e) {
                    next.set(count);
                    throw e;
                }
            }
        };
        List<Future<?>> others = new ArrayList<>();
        for (int t = 1; t < Math.min(threads, count); t++) {
            others.add(pool.submit(loop));
        }
        Throwable first = null;
        try {
            loop.run();
        } catch (Throwable e) {
            first = e;
        }
        for (Future<?> f : others) {
            Throwable failure = await(f);
            first = first == null ? failure : first;
        }
        switch (first) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new IllegalStateException(first);
        }
    }

    /** Runs iterations [0, n), in parallel if each part gets at least {@code grain}, and waits for all of them. */
    public void split(long n, long grain, Range body) {
        int parts = (int) Math.min(threads, n / grain);
        if (parts > 1) {
            forEach(parts, k -> body.run(n * k / parts, n * (k + 1) / parts, k));
        } else if (n > 0) {
            body.run(0, n, 0);
        }
    }

    /** What the task failed with. It must have ended before its memory may be used: an interrupt is remembered for later. */
    private static @Nullable Throwable await(Future<?> f) {
        boolean interrupted = false;
        try {
            for (; ; ) {
                try {
                    f.get();
                    return null;
                } catch (ExecutionException e) {
                    return e.getCause();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public void close() {
        if (pool != null) {
            pool.shutdown();
        }
    }
}
