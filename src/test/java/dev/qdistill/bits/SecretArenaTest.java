package dev.qdistill.bits;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SecretArenaTest {
    // Small ones, and those that may lie in huge pages.
    @ParameterizedTest
    @ValueSource(longs = {1, 4096, (1 << 20) - 1, 1 << 20, (1 << 21) + 1, 5_000_001})
    void memoryIsZeroedAlignedAndGoneAfterClose(long bytes) {
        MemorySegment first;
        try (SecretArena arena = new SecretArena()) {
            first = arena.allocate(bytes, 4096);
            MemorySegment second = arena.allocate(bytes, 1);
            assertEquals(bytes, first.byteSize());
            assertEquals(0, first.address() % 4096);
            assertEquals(0, second.address() % BitString.ALIGNMENT);
            for (MemorySegment s : new MemorySegment[] {first, second}) {
                for (long i = 0; i < bytes; i += 511) {
                    assertEquals(0, s.get(JAVA_BYTE, i));
                }
                s.fill((byte) 1);
            }
        }
        assertFalse(first.scope().isAlive());
        assertThrows(IllegalStateException.class, () -> first.get(JAVA_BYTE, 0));
    }
}
