package dev.qdistill.accel;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Threads that share loops: the caller and {@code threads - 1} daemons, kept until {@link #close}. Several callers may use
 * them at once.
 */
public final class Workers implements AutoCloseable {
    private final int threads;
    private final @Nullable ExecutorService pool;

    /** For a thread that asked for its processor time, what other threads have spent on its loops here, in ns. */
    @SuppressWarnings("ThreadLocalUsage") // Each instance has its own loops.
    private final ThreadLocal<@Nullable LongAdder> spentForIt = new ThreadLocal<>();

    /** Loaded when it is first needed: that takes 10 ms. */
    private static final class Clock {
        private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

        static long nanos() {
            return THREADS.getCurrentThreadCpuTime();
        }
    }

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
        start(count, task).finish(List.of());
    }

    /**
     * Lets the other threads begin with {@code task} for 0 to {@code count - 1}, after what was started before. The caller must
     * {@linkplain Loop#finish finish} or {@linkplain Loop#abandon abandon} the loop.
     */
    public Loop start(int count, IntConsumer task) {
        Loop loop = new Loop(count, task);
        LongAdder spent = spentForIt.get();
        Runnable help = spent == null ? () -> loop.help(0) : () -> loop.help(spent);
        for (int t = 1; t < Math.min(threads, count) && pool != null; t++) {
            pool.execute(help);
        }
        return loop;
    }

    /**
     * Processor time in ns that the calling thread has spent so far, with what others have spent on its loops since it first
     * asked: of differences.
     */
    public long processorNanos() {
        LongAdder spent = spentForIt.get();
        if (spent == null) {
            spent = new LongAdder();
            spentForIt.set(spent);
        }
        return Clock.nanos() + spent.sum();
    }

    /** A loop that was started. The threads that share it take its iterations one by one. */
    public static final class Loop {
        private final int count;
        private final IntConsumer task;
        private int next;
        private int running;
        private @Nullable Throwable failure;

        private Loop(int count, IntConsumer task) {
            this.count = count;
            this.task = task;
        }

        /** Runs iterations till at most {@code rest} are not begun; for these the other threads are enough. */
        public void help(int rest) {
            while (remaining() > rest && step()) {}
        }

        // Adds the processor time it takes. It counts as an iteration itself: the loop has not ended before that is
        // noted.
        private void help(LongAdder spent) {
            synchronized (this) {
                if (next >= count) {
                    return;
                }
                running++;
            }
            long before = Clock.nanos();
            help(0);
            spent.add(Clock.nanos() - before);
            end(null);
        }

        /**
         * Runs iterations till all are begun, and waits for those of other threads: with iterations of later loops, as long as
         * there are any, so that no thread is idle where loops follow each other. The first exception of an iteration is thrown
         * here; those not yet begun were then left out.
         */
        public void finish(Collection<Loop> later) {
            help(0);
            for (Loop other : later) {
                while (!ended() && other.step()) {}
            }
            await();
            switch (failure()) {
                case null -> {}
                case RuntimeException e -> throw e;
                case Error e -> throw e;
                case Throwable e -> throw new IllegalStateException(e);
            }
        }

        /** Leaves out what is not begun and waits for the rest, whose failures do not matter. */
        public void abandon() {
            synchronized (this) {
                next = count;
            }
            await();
        }

        /** One iteration; false if all are begun. */
        private boolean step() {
            int i;
            synchronized (this) {
                if (next >= count) {
                    return false;
                }
                i = next++;
                running++;
            }
            Throwable problem = null;
            try {
                task.accept(i);
            } catch (Throwable e) {
                problem = e;
            }
            end(problem);
            return true;
        }

        private synchronized void end(@Nullable Throwable problem) {
            if (problem != null) {
                next = count;
                failure = failure == null ? problem : failure;
            }
            running--;
            notifyAll();
        }

        private synchronized int remaining() {
            return count - next;
        }

        private synchronized boolean ended() {
            return next >= count && running == 0;
        }

        private synchronized @Nullable Throwable failure() {
            return failure;
        }

        /** The iterations must have ended before their memory may be used: an interrupt is remembered for later. */
        private synchronized void await() {
            boolean interrupted = false;
            while (!ended()) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
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

    @Override
    public void close() {
        if (pool != null) {
            pool.shutdown();
        }
    }
}
