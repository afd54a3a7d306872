package dev.qdistill.cli;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Which bit of a byte comes first in a file. */
enum BitOrder {
    LSB,
    MSB;

    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG_UNALIGNED;

    /** From a file's order to the program's, or back. */
    void apply(MemorySegment bytes) {
        if (this == LSB) {
            return;
        }
        long words = bytes.byteSize() >>> 3;
        for (long i = 0; i < words; i++) {
            bytes.set(WORD, i << 3, Long.reverseBytes(Long.reverse(bytes.get(WORD, i << 3))));
        }
        for (long i = words << 3; i < bytes.byteSize(); i++) {
            int b = bytes.get(ValueLayout.JAVA_BYTE, i);
            bytes.set(ValueLayout.JAVA_BYTE, i, (byte) (Integer.reverse(b) >>> 24));
        }
    }
}
