package dev.qdistill.reconcile;

/**
 * The bits sent about the key while a block was reconciled, in either direction. Alice and Bob count the same messages
 * and must arrive at the same numbers.
 *
 * @param syndromes bits of the syndromes that frames were first tried with, and of second ones under another code
 * @param extensions bits of the rows that were added to syndromes of frames that could not be decoded
 * @param revealed key bits sent in clear because a frame could not be decoded
 * @param choices what the choice of the revealed positions says of Bob's decoder state, their number and log2 C(n, k) a time, what the
 *     number of added rows says of the errors of a frame, what the kind of request does about a frame that failed, and what the choice
 *     of a code says of the errors of earlier frames of the block
 * @param parities parities of blocks that Alice told for Cascade
 * @param feedback one bit for each frame in each round: decoded or not; for each of the parities: the same as Bob's or
 *     not; and for each tag of the verification: the same or not
 * @param published bits of frames given up
 */
public record Leakage(
        long syndromes, long extensions, long revealed, long choices, long parities, long feedback, long published) {

    /** Nothing sent. */
    public static final Leakage NONE = new Leakage(0, 0, 0, 0, 0, 0, 0);

    /** All bits. */
    public long total() {
        return syndromes + extensions + revealed + choices + parities + feedback + published;
    }

    Leakage plusSyndromes(long bits) {
        return new Leakage(syndromes + bits, extensions, revealed, choices, parities, feedback, published);
    }

    Leakage plusExtensions(long bits) {
        return new Leakage(syndromes, extensions + bits, revealed, choices, parities, feedback, published);
    }

    Leakage plusRevealed(long bits) {
        return new Leakage(syndromes, extensions, revealed + bits, choices, parities, feedback, published);
    }

    Leakage plusChoices(long bits) {
        return new Leakage(syndromes, extensions, revealed, choices + bits, parities, feedback, published);
    }

    Leakage plusParities(long bits) {
        return new Leakage(syndromes, extensions, revealed, choices, parities + bits, feedback, published);
    }

    /** With {@code bits} more bits of yes or no. */
    public Leakage plusFeedback(long bits) {
        return new Leakage(syndromes, extensions, revealed, choices, parities, feedback + bits, published);
    }

    /** With {@code bits} more bits of frames given up. */
    public Leakage plusPublished(long bits) {
        return new Leakage(syndromes, extensions, revealed, choices, parities, feedback, published + bits);
    }

    /**
     * Bits that tell which {@code k} of {@code n} positions were chosen: log2 C(n, k), rounded up. By Stirling's series
     * with its first correction, good to 0.01 bits.
     */
    static long bitsOfChoice(long n, long k) {
        if (k <= 0 || k >= n) {
            return 0;
        }
        double nats = lnFactorial(n) - lnFactorial(k) - lnFactorial(n - k);
        return (long) Math.ceil(nats / Math.log(2) + 0.01);
    }

    /** Bits that tell one of {@code count} equal choices, rounded up. */
    static int bitsOfOne(long count) {
        return count <= 1 ? 0 : 64 - Long.numberOfLeadingZeros(count - 1);
    }

    private static double lnFactorial(long n) {
        if (n < 2) {
            return 0;
        }
        double x = n;
        return x * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI * x) + 1 / (12 * x) - 1 / (360 * x * x * x);
    }
}
