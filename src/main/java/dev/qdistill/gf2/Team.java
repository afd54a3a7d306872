package dev.qdistill.gf2;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;

/**
 * The caller and {@code threads - 1} daemons that go through the same steps of a product together. A step has a part for each thread;
 * who has done his own takes what others have not begun. So nobody waits for a thread that the operating system has not let run,
 * only for parts that are under way; one that comes late passes over the steps that are done.
 *
 * <p>A product of 2^20 bits has some fifty steps in 100 µs, and waking a thread takes 50: so who waits spins for a while before it
 * sleeps. Nothing is allocated for a run. One caller at a time. A failure ends the team.
 */
final class Team implements AutoCloseable {
    /** The most threads that share a product; more do not help. */
    static final int MOST = 16;

    /** How often to look before sleeping: some 100 µs. */
    private static final int LOOKS = 5000;

    /** How often to look before taking another's part: a few µs. */
    private static final int PATIENCE = 100;

    // In the state: the step's number, the parts that are done, a bit for each part that somebody has begun.
    private static final int STEP_SHIFT = 32;
    private static final long DONE = 1L << 16;

    // Elements of `shared`, each on cache lines of its own.
    private static final int STATE = 16;
    private static final int JOB = 32;

    private final AtomicLongArray shared = new AtomicLongArray(48);
    private final AtomicInteger asleep = new AtomicInteger();
    private final Object bell = new Object();
    private final Part[] parts;
    private final int looks;
    private boolean started;
    private volatile boolean over;
    private volatile @Nullable Work work;
    private volatile int firstStep;
    private volatile @Nullable Throwable failure;

    /** What all do together. */
    @FunctionalInterface
    interface Work {
        /** The steps, the same for all; one that comes late may still be here when the run is over, but is given no part. */
        void run(Part part);
    }

    /** One thread's place: {@code while (part.next()) { … }} is a step, its body a part of it. */
    final class Part {
        /** The part at hand. */
        int index;

        private final int own;
        private int step;
        private boolean entered;
        private boolean busy;
        private boolean impatient;
        private @Nullable Thread thread;

        private Part(int own) {
            this.own = own;
        }

        /** How many parts there are. */
        int count() {
            return parts.length;
        }

        /** The first of n items that is this part's; parts are contiguous. */
        long from(long n) {
            return n * index / parts.length;
        }

        /** Behind the last of n items that is this part's. */
        long to(long n) {
            return n * (index + 1) / parts.length;
        }

        /** Whether there is a part of this step to do. If not, all are done, and what they wrote is seen; the next step begins. */
        boolean next() {
            if (parts.length == 1) {
                entered = !entered;
                return entered;
            }
            if (busy) {
                busy = false;
                done();
            } else if (!entered) {
                entered = true;
                if (claim(own)) {
                    return true;
                }
            }
            return claimOther();
        }

        private void done() {
            long all = DONE * parts.length;
            while (true) {
                long s = shared.get(STATE);
                boolean last = (s & 0xffff0000L) + DONE == all;
                long t = last ? (long) (step + 1) << STEP_SHIFT : s + DONE;
                if (shared.compareAndSet(STATE, s, t)) {
                    if (last && asleep.get() != 0) {
                        ring();
                    }
                    return;
                }
            }
        }

        private boolean claim(int part) {
            while (true) {
                long s = shared.get(STATE);
                if ((int) (s >>> STEP_SHIFT) != step || (s >>> part & 1) != 0) {
                    return false;
                }
                if (shared.compareAndSet(STATE, s, s | 1L << part)) {
                    index = part;
                    busy = true;
                    return true;
                }
            }
        }

        private boolean claimOther() {
            for (int k = 0; ; k++) {
                long s = shared.get(STATE);
                if ((int) (s >>> STEP_SHIFT) != step) {
                    step++;
                    entered = false;
                    return false;
                }
                if (over) {
                    throw new OverException();
                }
                int free = Long.numberOfTrailingZeros(~s);
                if (free >= parts.length) {
                    impatient = impatient && k > 0;
                    if (k > looks) {
                        sleep(STATE, STEP_SHIFT, step);
                    }
                } else if (impatient || k >= PATIENCE) {
                    if (claim(free)) {
                        impatient = true;
                        return true;
                    }
                }
                Thread.onSpinWait();
            }
        }
    }

    // A member that finds another has failed.
    private static final class OverException extends RuntimeException {
        private static final long serialVersionUID = 1;

        OverException() {
            super("Another part has failed, or the team is closed", null, false, false);
        }
    }

    /**
     * Starts no thread before there is work.
     *
     * @param threads above {@link #MOST} as so many
     */
    Team(int threads) {
        parts = new Part[Math.min(MOST, threads)];
        for (int k = 0; k < parts.length; k++) {
            parts[k] = new Part(k);
        }
        looks = threads <= Runtime.getRuntime().availableProcessors() ? LOOKS : PATIENCE;
    }

    /**
     * Runs {@code w} on all threads, and returns when all its steps are done.
     *
     * @throws IllegalStateException if a part failed
     */
    void run(Work w) {
        if (parts.length == 1) {
            // Though the run before failed in a step.
            parts[0].entered = false;
            w.run(parts[0]);
            return;
        }
        if (over) {
            throw new IllegalStateException("The team is closed");
        }
        if (!started) {
            start();
        }
        // Odd while it changes.
        shared.incrementAndGet(JOB);
        work = w;
        firstStep = parts[0].step;
        shared.incrementAndGet(JOB);
        if (asleep.get() != 0) {
            ring();
        }
        try {
            w.run(parts[0]);
        } catch (Throwable e) {
            fail(e);
            // None may touch the memory any more when this returns.
            join();
            throw new IllegalStateException("A part of a product failed", failure);
        }
    }

    private void start() {
        started = true;
        for (Part p : parts) {
            if (p.own > 0) {
                p.thread = Thread.ofPlatform()
                        .daemon()
                        .name("qdistill-product-" + p.own)
                        .start(() -> serve(p));
            }
        }
    }

    private void serve(Part p) {
        try {
            for (long last = 0; ; ) {
                long job = awaitJob(last);
                Work w = work;
                int step = firstStep;
                // Unless the caller began to change them meanwhile.
                if (w != null && shared.get(JOB) == job) {
                    last = job;
                    p.step = step;
                    w.run(p);
                }
            }
        } catch (Throwable e) {
            fail(e);
        }
    }

    private long awaitJob(long last) {
        for (int k = 0; ; k++) {
            long job = shared.get(JOB);
            if (job != last && (job & 1) == 0) {
                return job;
            }
            if (over) {
                throw new OverException();
            }
            if (k > looks) {
                sleep(JOB, 0, (int) job);
            }
            Thread.onSpinWait();
        }
    }

    // Until the state's step or the number of the job changes. An interrupt does not end it, since others' parts are
    // under way: it is
    // remembered for later.
    private void sleep(int what, int shift, int now) {
        boolean interrupted = false;
        synchronized (bell) {
            asleep.incrementAndGet();
            while ((int) (shared.get(what) >>> shift) == now && !over) {
                try {
                    bell.wait();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            asleep.decrementAndGet();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void ring() {
        synchronized (bell) {
            bell.notifyAll();
        }
    }

    private void fail(Throwable e) {
        if (failure == null && !(e instanceof OverException)) {
            failure = e;
        }
        over = true;
        ring();
    }

    private void join() {
        boolean interrupted = false;
        for (Part p : parts) {
            Thread t = p.thread;
            while (t != null && t.isAlive()) {
                try {
                    t.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Ends the threads and waits for them. A second call does nothing. */
    @Override
    public void close() {
        over = true;
        ring();
        join();
    }
}
