package dev.qdistill.reconcile;

import dev.qdistill.accel.Backend;
import dev.qdistill.bits.BitString;
import dev.qdistill.bits.SecretArena;
import dev.qdistill.ldpc.QuasiCyclicCode;
import dev.qdistill.ldpc.SyndromeDecoder;
import dev.qdistill.ldpc.SyndromeEncoder;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What workers decode with: reused, since memory of its own for each frame would cost more. Idle seats of codes that were not
 * used for the longest time are freed where the idle ones together are larger than a limit.
 */
final class Seats implements AutoCloseable {
    /** A decoder and an encoder of one code, and memory for one frame. */
    static final class Seat implements AutoCloseable {
        final QuasiCyclicCode code;
        final SyndromeDecoder decoder;
        final SyndromeEncoder encoder;
        final BitString difference;
        final BitString own;
        final BitString frame;
        private final SecretArena arena = new SecretArena();

        private Seat(QuasiCyclicCode code, Backend backend) {
            this.code = code;
            decoder = SyndromeDecoder.create(code, backend);
            encoder = SyndromeEncoder.create(code, backend);
            difference = BitString.allocate(arena, code.syndromeBits());
            own = BitString.allocate(arena, code.syndromeBits());
            frame = BitString.allocate(arena, code.frameBits());
        }

        /** About: a byte for each edge of each check, four for each bit. */
        private static long bytes(QuasiCyclicCode code) {
            return (long) code.edges() * code.circulant() + 4L * code.frameBits();
        }

        @Override
        public void close() {
            decoder.close();
            arena.close();
        }
    }

    private final Backend backend;
    private final long limit;
    private final Map<String, Deque<Seat>> idle = new LinkedHashMap<>(16, 0.75f, true);
    private long bytes;

    /**
     * @param limit bytes of idle seats
     */
    Seats(Backend backend, long limit) {
        this.backend = backend;
        this.limit = limit;
    }

    Seat take(QuasiCyclicCode code) {
        synchronized (this) {
            Deque<Seat> of = idle.get(code.name());
            if (of != null && !of.isEmpty()) {
                bytes -= Seat.bytes(code);
                return of.pop();
            }
        }
        return new Seat(code, backend);
    }

    synchronized void give(Seat seat) {
        idle.computeIfAbsent(seat.code.name(), c -> new ArrayDeque<>()).push(seat);
        bytes += Seat.bytes(seat.code);
        var oldest = idle.values().iterator();
        while (bytes > limit && oldest.hasNext()) {
            Deque<Seat> of = oldest.next();
            while (bytes > limit && !of.isEmpty()) {
                Seat freed = of.pop();
                bytes -= Seat.bytes(freed.code);
                freed.close();
            }
            if (of.isEmpty()) {
                oldest.remove();
            }
        }
    }

    @Override
    public synchronized void close() {
        idle.values().forEach(of -> of.forEach(Seat::close));
        idle.clear();
        bytes = 0;
    }
}
