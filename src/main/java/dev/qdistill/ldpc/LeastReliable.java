package dev.qdistill.ldpc;

import dev.qdistill.bits.BitString;
import java.util.function.IntUnaryOperator;

/** The bits of a frame that a decoder is least sure of. */
final class LeastReliable {
    private LeastReliable() {}

    /**
     * See {@link SyndromeDecoder#leastReliable}.
     *
     * @param n bits of the frame
     * @param posterior by bit, -128 to 127
     */
    static void mark(int n, BitString known, IntUnaryOperator posterior, int count, BitString mask) {
        int[] histogram = new int[129];
        for (int i = 0; i < n; i++) {
            if (!known.get(i)) {
                histogram[Math.abs(posterior.applyAsInt(i))]++;
            }
        }
        int threshold = 0;
        int below = 0;
        while (threshold < 128 && below + histogram[threshold] <= count) {
            below += histogram[threshold++];
        }
        int ties = count - below;
        // A step without common factor with n (whose factors are 2 and those of the base matrix) visits every bit once.
        long step = (long) (n * 0.6180339887) | 1;
        while (gcd(step, n) != 1) {
            step += 2;
        }
        mask.wipe();
        long at = 0;
        for (int i = 0; i < n; i++, at = (at + step) % n) {
            if (known.get(at)) {
                continue;
            }
            int magnitude = Math.abs(posterior.applyAsInt((int) at));
            if (magnitude < threshold) {
                mask.set(at, true);
            } else if (magnitude == threshold && ties > 0) {
                mask.set(at, true);
                ties--;
            }
        }
    }

    private static long gcd(long a, long b) {
        return b == 0 ? a : gcd(b, a % b);
    }
}
