package dev.qdistill.bits;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * An arena whose memory is 64-byte aligned and overwritten with zeros before it is freed; usable from any thread. Large
 * segments are in huge pages where the system has them.
 *
 * <p>Security guarantee: nothing that was written to this arena's memory is left there after {@link #close()}.
 */
public final class SecretArena implements Arena {
    private final Arena arena = Arena.ofShared();
    private final List<MemorySegment> segments = new ArrayList<>();

    @Override
    public MemorySegment allocate(long byteSize, long byteAlignment) {
        MemorySegment s = HugePages.allocate(arena, byteSize, byteAlignment)
                .orElseGet(() -> arena.allocate(byteSize, Math.max(byteAlignment, BitString.ALIGNMENT)));
        synchronized (segments) {
            segments.add(s);
        }
        return s;
    }

    @Override
    public MemorySegment.Scope scope() {
        return arena.scope();
    }

    /** Wipes and frees the memory. A second call does nothing. */
    @Override
    public void close() {
        synchronized (segments) {
            if (arena.scope().isAlive()) {
                segments.forEach(s -> s.fill((byte) 0));
                arena.close();
            }
        }
    }
}
