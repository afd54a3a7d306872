package dev.qdistill.dump;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A QRAW dump that arrives while it is read, as equipment writes it. A thread of its own takes the stream apart, so that waiting for
 * the next batch can be given up at any moment without losing what has arrived of it.
 *
 * <p>What arrived in whole chunks before a stream was cut or damaged is given out; the {@link #next} after it throws {@link
 * BadInputException}.
 *
 * <p>Security guarantee: nothing is written to a disk; the memory that held records is wiped on {@link #close()}.
 */
public final class LiveDump implements DumpReader {
    private final QrawReader source;
    private final ReadableByteChannel bytes;
    private final Thread thread;
    private final Object changed = new Object();

    private enum State {
        /** The next batch has not arrived. */
        READING,
        /** It has. */
        BATCH,
        /** It was given out, and may be looked at. */
        TAKEN,
        END,
        FAILED
    }

    private State state = State.READING;
    private boolean closed;
    private @Nullable RuntimeException failure;

    /**
     * Reads the header, and waits for it.
     *
     * @param name what the stream is called in messages
     * @param bytes the stream, closed with this dump; its {@code read} waits for data, and ends when it is closed
     * @throws BadInputException if it is no QRAW stream
     */
    public LiveDump(String name, ReadableByteChannel bytes) {
        this.bytes = bytes;
        try {
            source = new QrawReader(name, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(name, e);
        }
        thread = Thread.ofVirtual().name("live-dump").unstarted(this::read);
        thread.start();
    }

    private void read() {
        try {
            while (source.next()) {
                synchronized (changed) {
                    become(State.BATCH);
                    while (state != State.READING && !closed) {
                        changed.wait();
                    }
                    if (closed) {
                        return;
                    }
                }
            }
            synchronized (changed) {
                become(State.END);
            }
        } catch (InterruptedException e) {
            fail(new CancellationException("reading was interrupted"));
        } catch (RuntimeException e) {
            fail(e);
        } catch (Error e) {
            fail(new IllegalStateException(
                    "reading " + name() + " failed", e)); // who waits for it must not wait for ever
            throw e;
        }
    }

    private void fail(RuntimeException e) {
        synchronized (changed) {
            if (!closed) { // else the stream ends because nobody wants it any more
                failure = e;
                become(State.FAILED);
            }
        }
    }

    private void become(State next) {
        state = next;
        changed.notifyAll();
    }

    @Override
    public String name() {
        return source.name();
    }

    @Override
    public Optional<Path> file() {
        return Optional.empty();
    }

    @Override
    public long size() {
        return source.position();
    }

    @Override
    public long position() {
        return source.position();
    }

    @Override
    public DumpHeader header() {
        return source.header();
    }

    /** Why the stream does not go on, once that is known: it is cut or damaged. */
    public Optional<BadInputException> failure() {
        synchronized (changed) {
            return failure instanceof BadInputException b ? Optional.of(b) : Optional.empty();
        }
    }

    /**
     * Gives the batch last read up, and waits until {@link #next} need not wait: there is another batch, the end, or a failure.
     *
     * @param patience for how long at most
     * @return whether that is so
     */
    public boolean await(Duration patience) throws InterruptedException {
        long end = System.nanoTime() + patience.toNanos();
        synchronized (changed) {
            if (state == State.TAKEN) {
                become(State.READING);
            }
            while (state == State.READING && !closed) {
                long left = end - System.nanoTime();
                if (left <= 0) {
                    return false;
                }
                TimeUnit.NANOSECONDS.timedWait(changed, left);
            }
            return true;
        }
    }

    /** Waits for the next batch to arrive. */
    @Override
    public boolean next() {
        synchronized (changed) {
            try {
                while (!await(Duration.ofDays(1))) {}
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new CancellationException("reading " + name() + " was interrupted");
            }
            if (closed) {
                throw new CancellationException(name() + " was closed");
            }
            if (failure != null) {
                throw failure;
            }
            if (state == State.BATCH) {
                become(State.TAKEN);
            }
            return state == State.TAKEN;
        }
    }

    @Override
    public RecordBatch batch() {
        return source.batch();
    }

    @Override
    public DumpTotals totals() {
        return source.totals();
    }

    @Override
    public void close() {
        synchronized (changed) {
            closed = true;
            changed.notifyAll();
        }
        try {
            bytes.close();
        } catch (IOException e) {
            throw new UncheckedIOException(name(), e);
        }
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        source.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
