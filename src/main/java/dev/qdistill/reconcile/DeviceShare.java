package dev.qdistill.reconcile;

import dev.qdistill.accel.ComputeDevice;
import dev.qdistill.accel.DeviceException;
import dev.qdistill.accel.Offload;
import dev.qdistill.accel.Workers;
import dev.qdistill.ldpc.OpenClSyndromeDecoder;
import dev.qdistill.ldpc.QuasiCyclicCode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Frames for the workers and a device: it takes large pieces from the front of a batch, they take single frames from its
 * end. Two pieces are under way, so that one is prepared and copied while the other is computed.
 *
 * <p>Nothing of a frame is changed before its piece has come back. So when the device fails, the workers do what it had, as
 * if there had been no device.
 *
 * @param <T> a frame
 */
final class DeviceShare<T> implements AutoCloseable {
    /** The steps of a frame on a device. Steps for different frames may run at the same time. */
    interface Work<T> {
        /** The code that a frame is decoded with. */
        QuasiCyclicCode code(T frame);

        /** Puts a frame into a slot; may run again, elsewhere, if the device fails. Returns whether it is to be decoded. */
        boolean begin(T frame, OpenClSyndromeDecoder decoder, int slot);

        /** Starts the decoding of all slots. */
        void start(OpenClSyndromeDecoder decoder);

        /** Looks at what came out. Returns whether the slot was told to {@linkplain #startAgain run again}. */
        boolean again(T frame, OpenClSyndromeDecoder decoder, int slot);

        /** Starts the slots that are to run again. */
        void startAgain(OpenClSyndromeDecoder decoder);

        /** Takes over the result. May not fail, since the frame would then be taken twice. */
        void end(T frame, OpenClSyndromeDecoder decoder, int slot, boolean begun);
    }

    /** Frames [from, to) of a batch on a decoder. */
    private static final class Piece {
        final OpenClSyndromeDecoder decoder;
        final int from;
        final int to;
        /** For each frame whether it is to be decoded. */
        final boolean[] begun;

        Piece(OpenClSyndromeDecoder decoder, int from, int to, boolean[] begun) {
            this.decoder = decoder;
            this.from = from;
            this.to = to;
            this.begun = begun;
        }
    }

    /** Who does what: the front has been given to the device, the end to the workers. */
    private static final class Claims {
        private int front;
        private int end;

        Claims(int count) {
            end = count;
        }

        synchronized int fromEnd() {
            return front < end ? --end : -1;
        }

        synchronized int left() {
            return end - front;
        }

        synchronized int front() {
            return front;
        }

        /** Claims up to {@code count}; returns how many. */
        synchronized int fromFront(int count) {
            int n = Math.min(count, end - front);
            front += n;
            return n;
        }
    }

    private final Offload offload;
    private final Workers workers;
    private final Work<T> work;
    private final List<OpenClSyndromeDecoder> decoders = new ArrayList<>();

    DeviceShare(Offload offload, Workers workers, Work<T> work) {
        this.offload = offload;
        this.workers = workers;
        this.work = work;
    }

    /**
     * The frames that keep the device busy, 0 if there is no device that is worth waiting for. Not so for a CPU as a device: its
     * results are to be those of a run without it, also in what is told, and the batches decide on the codes.
     */
    int frames(QuasiCyclicCode code) {
        Optional<ComputeDevice> device = device();
        if (device.isEmpty() || device.get().description().isCpu()) {
            return 0;
        }
        try {
            return 2 * decoders(device.get()).getFirst().capacity(code);
        } catch (DeviceException e) {
            offload.failed(e);
            return 0;
        }
    }

    private Optional<ComputeDevice> device() {
        return offload.plan().decode() ? offload.device() : Optional.empty();
    }

    private List<OpenClSyndromeDecoder> decoders(ComputeDevice device) {
        while (decoders.size() < 2) {
            decoders.add(new OpenClSyndromeDecoder(device));
        }
        return decoders;
    }

    /** Whether there is a device to share with. */
    boolean isThere() {
        return device().isPresent();
    }

    /** Has all frames decoded: by {@code onCpu} on the workers, or on the device. */
    void forEach(List<T> batch, Consumer<T> onCpu) {
        if (device().isEmpty()) {
            workers.forEach(batch.size(), i -> onCpu.accept(batch.get(i)));
            return;
        }
        Claims claims = new Claims(batch.size());
        List<T> returned = new ArrayList<>();
        if (offload.plan().share()) {
            AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
            Thread feeder = Thread.ofPlatform().name("qdistill-device").daemon().start(() -> {
                try {
                    feed(batch, claims, true, returned);
                } catch (Throwable e) {
                    failure.set(e);
                }
            });
            try {
                onWorkers(batch, claims, onCpu);
            } finally {
                join(feeder);
            }
            switch (failure.get()) {
                case null -> {}
                case RuntimeException e -> throw e;
                case Error e -> throw e;
                case Throwable e -> throw new IllegalStateException(e);
            }
        } else {
            feed(batch, claims, false, returned);
        }
        // What the device left, and what it had when it failed.
        onWorkers(batch, claims, onCpu);
        workers.forEach(returned.size(), i -> onCpu.accept(returned.get(i)));
    }

    private void onWorkers(List<T> batch, Claims claims, Consumer<T> onCpu) {
        workers.forEach(Math.min(workers.threads(), claims.left()), t -> {
            for (int i = claims.fromEnd(); i >= 0; i = claims.fromEnd()) {
                onCpu.accept(batch.get(i));
            }
        });
    }

    // Gives the device pieces until there are no more frames for it, or it fails: then `returned` gets what it had.
    private void feed(List<T> batch, Claims claims, boolean share, List<T> returned) {
        Piece running = null;
        Piece prepared = null;
        try {
            List<OpenClSyndromeDecoder> both = decoders(device().orElseThrow(() -> new DeviceException("")));
            for (int turn = 0; ; turn ^= 1) {
                prepared = claim(batch, claims, both.get(turn), share);
                if (prepared != null) {
                    begin(batch, prepared, share);
                }
                Piece first = running;
                if (first != null) {
                    finish(batch, first, share);
                }
                running = prepared;
                prepared = null;
                if (running == null) {
                    return;
                }
            }
        } catch (DeviceException e) {
            offload.failed(e);
            for (Piece p : new @Nullable Piece[] {running, prepared}) {
                if (p != null) {
                    returned.addAll(batch.subList(p.from, p.to));
                }
            }
        }
    }

    // Frames that follow each other and have one code.
    private @Nullable Piece claim(List<T> batch, Claims claims, OpenClSyndromeDecoder decoder, boolean share) {
        int from = claims.front();
        if (from >= batch.size()) {
            return null;
        }
        QuasiCyclicCode code = work.code(batch.get(from));
        if (!decoder.takes(code)) {
            return null;
        }
        int most = decoder.capacity(code);
        if (share) {
            // The last pieces become smaller, so that all come to an end together.
            most = Math.min(most, (claims.left() + 1) / 2);
        }
        int alike = 0;
        while (alike < most
                && from + alike < batch.size()
                && work.code(batch.get(from + alike)).equals(code)) {
            alike++;
        }
        int n = claims.fromFront(alike);
        return n == 0 ? null : new Piece(decoder, from, from + n, new boolean[n]);
    }

    private void begin(List<T> batch, Piece p, boolean share) {
        p.decoder.take(work.code(batch.get(p.from)), p.begun.length);
        forEachOf(p, share, i -> p.begun[i] = work.begin(batch.get(p.from + i), p.decoder, i));
        work.start(p.decoder);
    }

    private void finish(List<T> batch, Piece p, boolean share) {
        p.decoder.await();
        boolean any = false;
        for (int i = 0; i < p.begun.length; i++) {
            any |= p.begun[i] && work.again(batch.get(p.from + i), p.decoder, i);
        }
        if (any) {
            work.startAgain(p.decoder);
            p.decoder.await();
        }
        forEachOf(p, share, i -> work.end(batch.get(p.from + i), p.decoder, i, p.begun[i]));
    }

    private void forEachOf(Piece p, boolean share, java.util.function.IntConsumer task) {
        if (share) {
            // The workers have frames of their own.
            for (int i = 0; i < p.begun.length; i++) {
                task.accept(i);
            }
        } else {
            workers.forEach(p.begun.length, task);
        }
    }

    private static void join(Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        decoders.forEach(OpenClSyndromeDecoder::close);
        decoders.clear();
    }
}
