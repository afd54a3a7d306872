package dev.qdistill.ldpc;

import dev.qdistill.bits.BitString;
import dev.qdistill.bits.SecretArena;

/**
 * Bits of a circulant of 64k bits in the order of {@link LanedSyndromeDecoder} and back: bit i is lane i div k of chunk i mod k.
 */
final class LaneBits {
    private final int chunks;
    private final long[] stride;
    private final BitString words;

    LaneBits(int chunks, SecretArena arena) {
        this.chunks = chunks;
        stride = strides(chunks);
        words = BitString.allocate(arena, 64L * chunks);
    }

    /** For o below k the bits o, o + k, o + 2k, ... of a word. */
    static long[] strides(int chunks) {
        long[] stride = new long[chunks];
        for (int o = 0; o < chunks; o++) {
            for (int b = o; b < 64; b += chunks) {
                stride[o] |= 1L << b;
            }
        }
        return stride;
    }

    /** The bits of one chunk, those of the circulant that begins at word {@code first}. */
    long gather(BitString string, int first, int chunk) {
        long lanes = 0;
        for (int w = 0, lane = 0; w < chunks; w++) {
            long mask = stride[offset(chunk, w)];
            // In circulants of more than 64 chunks a word may have none.
            if (mask != 0) {
                lanes |= Long.compress(string.word(first + w), mask) << lane;
                lane += Long.bitCount(mask);
            }
        }
        return lanes;
    }

    void clear() {
        words.wipe();
    }

    /** Puts the bits of one chunk where they belong. */
    void scatter(long lanes, int chunk) {
        if (lanes == 0) {
            return;
        }
        for (int w = 0, lane = 0; w < chunks; w++) {
            long mask = stride[offset(chunk, w)];
            if (mask != 0) {
                words.setWord(w, words.word(w) | Long.expand(lanes >>> lane, mask));
                lane += Long.bitCount(mask);
            }
        }
    }

    // The first bit of word w that belongs to a chunk, or 64 and more.
    private int offset(int chunk, int w) {
        int o = (chunk - 64 * w) % chunks;
        return o < 0 ? o + chunks : o;
    }

    /** Writes what was scattered to the circulant at word {@code first}, bit i at i + {@code rotation}. */
    void rotateInto(BitString string, int first, int rotation) {
        int shift = rotation & 63;
        for (int w = 0, to = rotation >>> 6; w < chunks; w++, to++) {
            long low = words.word(w == 0 ? chunks - 1 : w - 1);
            // A shift by 64 - 0 must give zero, which two shifts do.
            string.setWord(first + (to < chunks ? to : to - chunks), words.word(w) << shift | low >>> 1 >>> 63 - shift);
        }
    }
}
