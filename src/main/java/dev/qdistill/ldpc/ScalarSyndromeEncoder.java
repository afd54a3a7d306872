package dev.qdistill.ldpc;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.qdistill.accel.Backend;
import dev.qdistill.bits.BitString;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** The reference: a syndrome word is the XOR of one 64-bit window of each circulant in its row. */
final class ScalarSyndromeEncoder extends SyndromeEncoder {
    private static final ValueLayout.OfLong WORD = JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final int words;
    private final int[] rowStart;
    // By edge: the frame word in which the circulant begins, the word of the circulant and the bit of it in which the
    // window of syndrome word 0 begins.
    private final int[] base;
    private final int[] firstWord;
    private final int[] firstBit;

    ScalarSyndromeEncoder(QuasiCyclicCode code) {
        super(code);
        words = code.circulant() / 64;
        rowStart = new int[code.rows() + 1];
        base = new int[code.edges()];
        firstWord = new int[code.edges()];
        firstBit = new int[code.edges()];
        for (int r = 0; r <= code.rows(); r++) {
            rowStart[r] = code.rowStart(r);
        }
        for (int e = 0; e < code.edges(); e++) {
            base[e] = code.column(e) * words;
            firstWord[e] = code.shift(e) / 64;
            firstBit[e] = code.shift(e) % 64;
        }
    }

    @Override
    void syndromeOf(BitString frame, long frameOffset, BitString syndrome, long syndromeOffset) {
        MemorySegment f = frame.segment();
        MemorySegment s = syndrome.segment();
        long from = frameOffset >>> 6;
        long to = syndromeOffset >>> 6;
        for (int r = 0; r < rowStart.length - 1; r++) {
            for (int w = 0; w < words; w++) {
                s.set(WORD, to + (long) r * words + w << 3, parities(f, from, r, w));
            }
        }
    }

    @Override
    boolean matches(BitString frame, BitString syndrome) {
        MemorySegment f = frame.segment();
        for (int r = 0; r < rowStart.length - 1; r++) {
            for (int w = 0; w < words; w++) {
                if (syndrome.word((long) r * words + w) != parities(f, 0, r, w)) {
                    return false;
                }
            }
        }
        return true;
    }

    // Word w of a row of the syndrome.
    private long parities(MemorySegment frame, long from, int row, int w) {
        long x = 0;
        for (int e = rowStart[row]; e < rowStart[row + 1]; e++) {
            int at = firstWord[e] + w;
            at = at >= words ? at - words : at;
            int next = at + 1 == words ? 0 : at + 1;
            int bit = firstBit[e];
            long low = frame.get(WORD, from + base[e] + at << 3);
            long high = frame.get(WORD, from + base[e] + next << 3);
            // A shift by 64 - 0 must give zero, which two shifts do.
            x ^= low >>> bit | high << 1 << (63 - bit);
        }
        return x;
    }

    @Override
    public Backend backend() {
        return Backend.SCALAR;
    }
}
