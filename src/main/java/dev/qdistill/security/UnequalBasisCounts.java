package dev.qdistill.security;

/**
 * The block's detections with unequal bases, by the state that Alice sent: what Bob saw in his other basis. Double
 * clicks are among them, with their random bit.
 *
 * @param aliceZ0 Alice sent bit 0 in Z, Bob measured X
 * @param aliceZ1 Alice sent bit 1 in Z, Bob measured X
 * @param aliceX0 Alice sent bit 0 in X, Bob measured Z
 * @param aliceX1 Alice sent bit 1 in X, Bob measured Z
 */
public record UnequalBasisCounts(Outcomes aliceZ0, Outcomes aliceZ1, Outcomes aliceX0, Outcomes aliceX1) {
    /**
     * How often Bob saw each bit.
     *
     * @param zeros 0 or more
     * @param ones 0 or more
     */
    public record Outcomes(long zeros, long ones) {
        public static final Outcomes NONE = new Outcomes(0, 0);

        /** @throws IllegalArgumentException if a count is negative or the sum overflows */
        public Outcomes {
            if (zeros < 0 || ones < 0 || zeros + ones < 0) {
                throw new IllegalArgumentException("Counts " + zeros + " and " + ones + " are no counts");
            }
        }

        /** Zeros and ones together. */
        public long total() {
            return zeros + ones;
        }
    }
}
