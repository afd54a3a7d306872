package dev.qdistill.ldpc;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The 64 rotations of 64 lanes as indices: a constant, so that its accesses need no range checks. */
final class LaneRotations {
    static final MemorySegment ALL = Arena.global().allocate(64 * 64, 4096);

    static {
        for (int r = 0; r < 64; r++) {
            for (int l = 0; l < 64; l++) {
                ALL.set(JAVA_BYTE, r * 64L + l, (byte) (l + r & 63));
            }
        }
    }

    private LaneRotations() {}
}
