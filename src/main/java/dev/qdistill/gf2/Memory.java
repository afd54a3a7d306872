package dev.qdistill.gf2;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * All memory of the process as one segment, for kernels that take addresses.
 *
 * <p>Range and liveness checks of every access cost these kernels up to twice their time. So whoever calls a kernel
 * answers for its addresses: they come from segments that {@link AdditiveFft} and {@link VectorGf2Multiplier} allocated for
 * the very plan that computed the offsets, and that stay alive while the plan does.
 */
final class Memory {
    static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

    /** Address 0 and up. */
    @SuppressWarnings("restricted") // the callers answer for addresses, see above
    static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ORDER);

    private Memory() {}

    /** Constants that live as long as the program, 64-byte aligned. */
    static long constants(byte[] content) {
        MemorySegment s = Arena.global().allocate(content.length, 64);
        MemorySegment.copy(content, 0, s, JAVA_BYTE, 0, content.length);
        return s.address();
    }

    static void put(long address, byte[] content) {
        MemorySegment.copy(content, 0, ALL, JAVA_BYTE, address, content.length);
    }

    static void putByte(long address, byte value) {
        ALL.set(JAVA_BYTE, address, value);
    }

    static long word(long address) {
        return ALL.get(WORD, address);
    }

    static void putWord(long address, long value) {
        ALL.set(WORD, address, value);
    }
}
