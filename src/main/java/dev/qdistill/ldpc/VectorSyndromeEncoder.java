package dev.qdistill.ldpc;

import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.OR;
import static jdk.incubator.vector.VectorOperators.XOR;

import dev.qdistill.accel.Backend;
import dev.qdistill.bits.BitString;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * 512 checks at a time: the window of a circulant that begins at any bit is two loads at byte offsets and two shifts.
 * Circulants that are no multiple of 512 bits go the scalar way.
 */
final class VectorSyndromeEncoder extends SyndromeEncoder {
    private static final VectorSpecies<Long> SPECIES = LongVector.SPECIES_512;
    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

    private final ScalarSyndromeEncoder scalar;
    private final int circulantBytes;
    private final int[] rowStart;
    private final long[] window;
    private final int[] bit;
    // Every circulant of a frame twice in a row, so that no window wraps around, and one vector more that loads may
    // touch; zeros
    // between calls.
    final BitString doubled;
    private final BitString rowOfOne;

    VectorSyndromeEncoder(QuasiCyclicCode code) {
        super(code);
        scalar = new ScalarSyndromeEncoder(code);
        circulantBytes = code.circulant() / 8;
        rowStart = new int[code.rows() + 1];
        window = new long[code.edges()];
        bit = new int[code.edges()];
        for (int r = 0; r <= code.rows(); r++) {
            rowStart[r] = code.rowStart(r);
        }
        for (int e = 0; e < code.edges(); e++) {
            window[e] = 2L * code.column(e) * circulantBytes + code.shift(e) / 8;
            bit[e] = code.shift(e) % 8;
        }
        rowOfOne = BitString.allocate(Arena.ofAuto(), code.circulant());
        doubled = BitString.allocate(Arena.ofAuto(), code.circulant() % 512 == 0 ? 2L * code.frameBits() + 512 : 0);
    }

    @Override
    void syndromeOf(BitString frame, long frameOffset, BitString syndrome, long syndromeOffset) {
        if (circulantBytes % 64 != 0) {
            scalar.syndromeOf(frame, frameOffset, syndrome, syndromeOffset);
            return;
        }
        fill(frame, frameOffset);
        MemorySegment d = doubled.segment();
        for (int r = 0; r < rowStart.length - 1; r++) {
            row(
                    d,
                    syndrome.segment(),
                    (syndromeOffset >>> 3) + (long) r * circulantBytes,
                    rowStart[r],
                    rowStart[r + 1]);
        }
        d.fill((byte) 0);
    }

    @Override
    boolean matches(BitString frame, BitString syndrome) {
        if (circulantBytes % 64 != 0) {
            return scalar.matches(frame, syndrome);
        }
        fill(frame, 0);
        MemorySegment d = doubled.segment();
        boolean same = true;
        for (int r = 0; r < rowStart.length - 1 && same; r++) {
            long at = (long) r * circulantBytes;
            row(d, rowOfOne.segment(), 0, rowStart[r], rowStart[r + 1]);
            same = MemorySegment.mismatch(
                            rowOfOne.segment(), 0, circulantBytes, syndrome.segment(), at, at + circulantBytes)
                    < 0;
        }
        d.fill((byte) 0);
        return same;
    }

    private void fill(BitString frame, long frameOffset) {
        MemorySegment d = doubled.segment();
        for (int c = 0; c < code().columns(); c++) {
            long from = (frameOffset >>> 3) + (long) c * circulantBytes;
            MemorySegment.copy(frame.segment(), from, d, 2L * c * circulantBytes, circulantBytes);
            MemorySegment.copy(frame.segment(), from, d, (2L * c + 1) * circulantBytes, circulantBytes);
        }
    }

    private void row(MemorySegment frame, MemorySegment syndrome, long to, int begin, int end) {
        for (int at = 0; at < circulantBytes; at += 64) {
            LongVector x = LongVector.zero(SPECIES);
            for (int e = begin; e < end; e++) {
                long from = window[e] + at;
                LongVector low = LongVector.fromMemorySegment(SPECIES, frame, from, ORDER);
                LongVector high = LongVector.fromMemorySegment(SPECIES, frame, from + 1, ORDER);
                x = x.lanewise(XOR, low.lanewise(LSHR, (long) bit[e]).lanewise(OR, high.lanewise(LSHL, (long)
                        (8 - bit[e]))));
            }
            x.intoMemorySegment(syndrome, to + at, ORDER);
        }
    }

    @Override
    public Backend backend() {
        return Backend.VECTOR;
    }
}
