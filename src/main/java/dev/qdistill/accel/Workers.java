package dev.qdistill.accel;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/** A fixed number of threads that work through numbered tasks; shared by both roles of an offline run. */
public final class Workers implements AutoCloseable {
    private final int threads;
    private final ExecutorService pool;

    /**
     * Starts no thread before there is work.
     *
     * @param threads 1 or more
     */
    public Workers(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("At least 1 thread is needed, not " + threads);
        }
        this.threads = threads;
        this.pool = Executors.newFixedThreadPool(
                threads,
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
        if (count == 1 || threads == 1) {
            for (int i = 0; i < count; i++) {
                task.accept(i);
            }
            return;
        }
        AtomicInteger next = new AtomicInteger();
        List<Future<?>> running = new ArrayList<>();
        for (int t = 0; t < Math.min(threads, count); t++) {
            running.add(pool.submit(() -> {
                for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
                    try {
                        task.accept(i);
                    } catch (Throwable e) {
                        next.set(count);
                        throw e;
                    }
                }
            }));
        }
        Throwable first = null;
        boolean interrupted = false;
        for (Future<?> f : running) {
            for (boolean waiting = true; waiting; ) {
                try {
                    f.get();
                    waiting = false;
                } catch (ExecutionException e) {
                    first = first == null ? e.getCause() : first;
                    waiting = false;
                } catch (InterruptedException e) {
                    // The tasks use memory that the caller frees: they must end first.
                    interrupted = true;
                    next.set(count);
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while work was under way", first);
        }
        switch (first) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new IllegalStateException(first);
        }
    }

    @Override
    public void close() {
        pool.shutdownNow();
    }
}
