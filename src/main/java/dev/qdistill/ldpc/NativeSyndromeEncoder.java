package dev.qdistill.ldpc;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.qdistill.accel.Backend;
import dev.qdistill.bits.BitString;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;

/**
 * With the kernels of native/ldpc_kernels.c: 512 checks at a time by funnel shifts, for any circulant.
 *
 * <p>The kernels get addresses, which do not keep memory: hence the fences. Otherwise the garbage collector could free what belongs to an
 * automatic arena, such as all that {@link #layout} points to, while an encoder's last call is under way.
 */
final class NativeSyndromeEncoder extends SyndromeEncoder {
    private final NativeKernels kernels;
    private final MemorySegment layout;
    // Every circulant of a frame twice in a row, so that no window wraps around, and what the last loads may touch;
    // zeros between
    // calls.
    final MemorySegment doubled;

    NativeSyndromeEncoder(QuasiCyclicCode code, NativeKernels kernels) {
        super(code);
        this.kernels = kernels;
        int words = code.circulant() / 64;
        Arena arena = Arena.ofAuto();
        MemorySegment windows = arena.allocate(8L * code.edges(), 64);
        for (int e = 0; e < code.edges(); e++) {
            windows.setAtIndex(JAVA_LONG, e, 2L * code.column(e) * code.circulant() + code.shift(e));
        }
        MemorySegment rowStart = arena.allocate(4L * (code.rows() + 1), 64);
        for (int r = 0; r <= code.rows(); r++) {
            rowStart.setAtIndex(JAVA_INT, r, code.rowStart(r));
        }
        doubled = arena.allocate(code.frameBits() / 4 + 128, 64);
        // Encoder of native/ldpc_kernels.c.
        long[] fields = {
            windows.address(),
            rowStart.address(),
            doubled.address(),
            code.rows(),
            code.columns(),
            words,
            arena.allocate(8L * words, 64).address()
        };
        layout = arena.allocate(8L * fields.length, 64);
        MemorySegment.copy(fields, 0, layout, JAVA_LONG, 0, fields.length);
    }

    @Override
    void syndromeOf(BitString frame, long frameOffset, BitString syndrome, long syndromeOffset) {
        try {
            kernels.encode(layout, address(frame, frameOffset), address(syndrome, syndromeOffset));
        } finally {
            Reference.reachabilityFence(layout);
            Reference.reachabilityFence(frame);
            Reference.reachabilityFence(syndrome);
        }
    }

    @Override
    boolean matches(BitString frame, BitString syndrome) {
        try {
            return kernels.matches(layout, address(frame, 0), address(syndrome, 0));
        } finally {
            Reference.reachabilityFence(layout);
            Reference.reachabilityFence(frame);
            Reference.reachabilityFence(syndrome);
        }
    }

    private static long address(BitString string, long offset) {
        return string.segment().address() + (offset >>> 3);
    }

    @Override
    public Backend backend() {
        return Backend.NATIVE;
    }
}
