package dev.qdistill.ldpc;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.qdistill.accel.Backend;
import dev.qdistill.bits.BitString;
import java.lang.foreign.MemorySegment;

/** With the kernels of native/ldpc_kernels.c: a call does a whole iteration. */
final class NativeSyndromeDecoder extends LanedSyndromeDecoder {
    // What kernels read beyond the table, in bytes.
    private static final long AHEAD = 256;
    // Messages from which on the kernels prefetch, in bytes: below, in huge pages, it costs more than it gains.
    private static final long NEAR = 1 << 22;

    private final NativeKernels kernels;
    private final MemorySegment layout;
    private boolean first;

    NativeSyndromeDecoder(QuasiCyclicCode code, NativeKernels kernels) {
        super(code, new NativeSyndromeEncoder(code, kernels));
        this.kernels = kernels;
        MemorySegment entries = arena.allocate(4L * table.length + AHEAD, 64);
        MemorySegment.copy(table, 0, entries, JAVA_INT, 0, table.length);
        MemorySegment degrees = arena.allocate(4L * degree.length, 64);
        MemorySegment.copy(degree, 0, degrees, JAVA_INT, 0, degree.length);
        MemorySegment alignments = arena.allocate(4L * alignment.length, 64);
        MemorySegment.copy(alignment, 0, alignments, JAVA_INT, 0, alignment.length);
        MemorySegment strides = arena.allocate(8L * chunks, 64);
        MemorySegment.copy(LaneBits.strides(chunks), 0, strides, JAVA_LONG, 0, chunks);
        MemorySegment bits = arena.allocate(4L * code.edges() * chunks, 64);
        fillSources(bits);
        // Layout of native/ldpc_kernels.c.
        long[] fields = {
            LaneRotations.ALL.address(),
            scratch,
            phi,
            entries.address(),
            posteriors,
            messages,
            syndromes,
            degrees.address(),
            degree.length,
            chunks,
            alignments.address(),
            alignment.length,
            strides.address(),
            arena.allocate(8L * chunks, 64).address(),
            (long) code.edges() * circulant > NEAR ? 1 : 0,
            bits.address()
        };
        layout = arena.allocate(8L * fields.length, 64);
        MemorySegment.copy(fields, 0, layout, JAVA_LONG, 0, fields.length);
    }

    // By step and edge: where the posteriors are between iterations.
    private void fillSources(MemorySegment bits) {
        int entry = 0;
        for (int r = 0; r < code.rows(); r++) {
            for (int chunk = 0; chunk < chunks; chunk++) {
                for (int e = code.rowStart(r); e < code.rowStart(r + 1); e++) {
                    int c = code.column(e);
                    int rotation = Math.floorMod(code.shift(e) - alignment[c], circulant);
                    bits.setAtIndex(JAVA_INT, entry++, c * circulant + rotated(chunk, rotation));
                }
            }
        }
    }

    @Override
    void load() {
        kernels.load(layout, syndrome);
    }

    @Override
    void clearMessages() {
        first = true;
    }

    @Override
    long iterate(UpdateRule rule, int state) {
        boolean f = first;
        first = false;
        return kernels.iterate(rule, layout, magnitudes(rule, state), f);
    }

    @Override
    boolean plausible() {
        return kernels.agrees(layout);
    }

    @Override
    void decide(BitString decision) {
        kernels.decide(layout, decision);
    }

    @Override
    public Backend backend() {
        return Backend.NATIVE;
    }
}
