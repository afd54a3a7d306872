package dev.qdistill.gf2;

import java.util.concurrent.atomic.AtomicIntegerArray;
import org.jspecify.annotations.Nullable;

/**
 * The caller and {@code threads - 1} daemons that go through the same work together, each with its share of every step; between
 * steps they wait for each other.
 *
 * <p>A product of 2^20 bits has some forty steps in 100 µs, and waking a thread takes 50: so who waits spins for a while before it
 * sleeps. Nothing is allocated for a run. One caller at a time. A failure ends the team.
 */
final class Team implements AutoCloseable {
    /** How often to look before sleeping: some 100 µs. */
    private static final int LOOKS = 5000;

    // Fields of `state`, a cache line of 64 bytes each, with one before and behind.
    private static final int ARRIVED = 16;
    private static final int PHASE = 48;
    private static final int ASLEEP = 80;

    private final AtomicIntegerArray state = new AtomicIntegerArray(112);
    private final Object bell = new Object();
    private final Part[] parts;
    private final int looks;
    private volatile boolean started;
    private volatile boolean over;
    private volatile @Nullable Work work;
    private volatile @Nullable Throwable failure;

    /** What all do together. */
    @FunctionalInterface
    interface Work {
        /** The part of one thread. All of them take the same steps, with a {@link Part#sync} after each. */
        void run(Part part);
    }

    /** One thread's place. */
    final class Part {
        final int index;

        private @Nullable Thread thread;

        private Part(int index) {
            this.index = index;
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

        /** Waits until all parts are here. What others wrote before is seen behind. */
        void sync() {
            if (parts.length > 1) {
                await();
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

    /** Starts no thread before there is work. */
    Team(int threads) {
        parts = new Part[threads];
        looks = threads <= Runtime.getRuntime().availableProcessors() ? LOOKS : 1;
        for (int k = 0; k < threads; k++) {
            parts[k] = new Part(k);
        }
    }

    /**
     * Runs {@code w} on all threads and waits for them.
     *
     * @throws IllegalStateException if a part failed
     */
    void run(Work w) {
        if (parts.length == 1) {
            w.run(parts[0]);
            return;
        }
        if (over) {
            throw new IllegalStateException("The team is closed");
        }
        if (!started) {
            start();
        }
        work = w;
        try {
            await();
            w.run(parts[0]);
            await();
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
            if (p.index > 0) {
                p.thread = Thread.ofPlatform()
                        .daemon()
                        .name("qdistill-product-" + p.index)
                        .start(() -> serve(p));
            }
        }
    }

    private void serve(Part p) {
        try {
            while (true) {
                await();
                Work w = work;
                if (w != null) {
                    w.run(p);
                }
                await();
            }
        } catch (Throwable e) {
            fail(e);
        }
    }

    private void await() {
        int phase = state.get(PHASE);
        if (state.incrementAndGet(ARRIVED) == parts.length) {
            state.set(ARRIVED, 0);
            state.set(PHASE, phase + 1);
            if (state.get(ASLEEP) != 0) {
                ring();
            }
            return;
        }
        for (int k = 0; k < looks; k++) {
            if (state.get(PHASE) != phase) {
                return;
            }
            Thread.onSpinWait();
        }
        sleep(phase);
    }

    private void sleep(int phase) {
        boolean interrupted = false;
        synchronized (bell) {
            state.incrementAndGet(ASLEEP);
            while (state.get(PHASE) == phase && !over) {
                try {
                    bell.wait();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            state.decrementAndGet(ASLEEP);
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (state.get(PHASE) == phase) {
            throw new OverException();
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
