package dev.qdistill.link;

import dev.qdistill.accel.Backend;
import dev.qdistill.ldpc.Profile;
import java.util.List;

/**
 * What the codes of a session are chosen for, and the largest frame.
 *
 * @param profile what the codes are chosen for
 * @param frameBits the largest frame in bits
 */
public record CodeChoice(Profile profile, int frameBits) {
    /** The fastest. */
    public static final CodeChoice FAST = new CodeChoice(Profile.FAST, 1 << 18);

    /** The least leakage. */
    public static final CodeChoice EFFICIENT = new CodeChoice(Profile.EFFICIENT, 1 << 20);

    private static final CodeChoice BETWEEN = new CodeChoice(Profile.EFFICIENT, 1 << 18);

    /** A choice, and the key-basis bits a second that a thread does with it, with the native decoder. */
    private record Speed(CodeChoice choice, double bitsPerSecond) {}

    // The slowest error rate of docs/benchmarks.md, rounded down. The most efficient first.
    private static final List<Speed> SPEEDS = List.of(new Speed(EFFICIENT, 40e6), new Speed(BETWEEN, 50e6));

    /** A link's rate varies, and correcting is not all there is to do. */
    private static final double RESERVE = 2;

    /** The choice for a profile. */
    public static CodeChoice of(Profile profile) {
        return profile == Profile.FAST ? FAST : EFFICIENT;
    }

    /**
     * The most efficient choice that keeps up with a link.
     *
     * @param bitsPerSecond key-basis bits that the link makes a second, zero or more; offline, where nothing waits, zero
     * @param threads that decode
     * @param decoder what the decoder runs on
     */
    public static CodeChoice keepingUpWith(double bitsPerSecond, int threads, Backend decoder) {
        double relative = switch (decoder) {
            case SCALAR -> 0.02;
            case VECTOR -> 0.7;
            default -> 1;
        };
        return SPEEDS.stream()
                .filter(s -> s.bitsPerSecond * relative * threads >= RESERVE * bitsPerSecond)
                .map(Speed::choice)
                .findFirst()
                .orElse(FAST);
    }
}
