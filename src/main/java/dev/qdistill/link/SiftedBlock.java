package dev.qdistill.link;

import dev.qdistill.bits.BitString;
import dev.qdistill.security.UnequalBasisCounts;
import dev.qdistill.security.UnequalBasisCounts.Outcomes;
import dev.qdistill.sift.BasisMasks;
import dev.qdistill.sift.Intensities;

/**
 * What one side holds of a block once the bases are announced.
 *
 * <p>The raw key is interleaved: its 64-bit words are put in an order in which neighbours come from places far apart in the
 * block, the same on both sides, so that every frame sees the block's mean error rate, also where the rate drifts (a satellite
 * pass) or errors come in bursts. That changes nothing for secrecy: the order is public and fixed.
 *
 * @param key own bits of the detections in which both used Z, interleaved: the raw key, secret
 * @param disclosed own bits of all other detections, in order: sent to the peer
 * @param test one bit for each disclosed bit: both used X
 * @param aliceTest one bit for each disclosed bit: Alice used X (so with {@code test} zero, Bob used Z)
 * @param keyIntensities intensities of the raw key, interleaved alike
 * @param disclosedIntensities intensities of the disclosed bits
 */
record SiftedBlock(
        BitString key,
        BitString disclosed,
        BitString test,
        BitString aliceTest,
        Intensities keyIntensities,
        Intensities disclosedIntensities)
        implements AutoCloseable {

    static SiftedBlock of(BitString bits, BitString aliceBases, BitString bobBases, Intensities intensities) {
        try (BasisMasks masks = BasisMasks.of(aliceBases, bobBases);
                BitString others = masks.key().copy()) {
            others.invert();
            try (BitString key = bits.compress(masks.key());
                    Intensities keyIntensities = intensities.compress(masks.key())) {
                return new SiftedBlock(
                        interleave(key),
                        bits.compress(others),
                        masks.test().compress(others),
                        aliceBases.compress(others),
                        new Intensities(interleave(keyIntensities.low()), interleave(keyIntensities.high())),
                        intensities.compress(others));
            }
        }
    }

    /**
     * Word j of the result is word j·step mod W of the W whole words, step about W by the golden ratio and without common
     * divisor with W, so that any run of words is spread evenly over the block (Weyl's sequence). The rest stays at the end.
     */
    private static BitString interleave(BitString in) {
        BitString out = BitString.allocate(in.length());
        long words = in.length() >>> 6;
        long step = Math.max(1, Math.round(words * 0.6180339887498949));
        while (gcd(step, words) > 1) {
            step++;
        }
        long from = 0;
        for (long j = 0; j < words; j++) {
            out.setWord(j, in.word(from));
            from += step;
            if (from >= words) {
                from -= words;
            }
        }
        out.copyFrom(in, words << 6, words << 6, in.length() & 63);
        return out;
    }

    private static long gcd(long a, long b) {
        return b == 0 ? a : gcd(b, a % b);
    }

    /** One bit for each disclosed bit: Alice used X, Bob did not. */
    BitString aliceAlone() {
        BitString alone = test.copy();
        alone.invert();
        alone.and(aliceTest);
        return alone;
    }

    /** Detections in which both used X. */
    long testBits() {
        return test.bitCount();
    }

    /** Detections in which both used the same basis. */
    long siftedBits() {
        return key.length() + testBits();
    }

    /** Detections in the test basis by intensity. */
    long[] testDetections(int intensities) {
        return disclosedIntensities.countMarked(test, intensities);
    }

    /**
     * Errors in the test basis by intensity.
     *
     * @param peer the peer's disclosed bits
     */
    long[] testErrors(BitString peer, int intensities) {
        try (BitString errors = disclosed.copy()) {
            errors.xor(peer);
            errors.and(test);
            return disclosedIntensities.countMarked(errors, intensities);
        }
    }

    /** What Bob saw in unequal bases, by the state that Alice sent. */
    UnequalBasisCounts unequal(BitString aliceBits, BitString bobBits) {
        long[] counts = new long[8];
        for (long w = 0; w < test.wordCount(); w++) {
            long used = w == test.wordCount() - 1 ? -1L >>> (-test.length() & 63) : -1L;
            long unequal = ~test.word(w) & used;
            long x = aliceTest.word(w);
            long a = aliceBits.word(w);
            long b = bobBits.word(w);
            for (int i = 0; i < 8; i++) {
                counts[i] += Long.bitCount(
                        unequal & ((i & 4) != 0 ? x : ~x) & ((i & 2) != 0 ? a : ~a) & ((i & 1) != 0 ? b : ~b));
            }
        }
        return new UnequalBasisCounts(
                new Outcomes(counts[0], counts[1]),
                new Outcomes(counts[2], counts[3]),
                new Outcomes(counts[4], counts[5]),
                new Outcomes(counts[6], counts[7]));
    }

    @Override
    public void close() {
        key.close();
        disclosed.close();
        test.close();
        aliceTest.close();
        keyIntensities.close();
        disclosedIntensities.close();
    }
}
