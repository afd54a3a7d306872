package dev.qdistill.keystore;

import java.time.Duration;

/**
 * How long and how many keys of a link are kept.
 *
 * @param timeToLive from a key's storing to the end of its handing out at the masters' site
 * @param grace how much longer its pieces can be fetched by id at the slaves' site, before what is left is wiped
 * @param capacityBits bits kept of the link at once, in both directions, staged ones included
 */
public record Limits(Duration timeToLive, Duration grace, long capacityBits) {
    /** A hundred years, as good as for ever, and as many bits as the disk holds. */
    public static final Limits NONE = new Limits(Duration.ofDays(36_525), Duration.ZERO, Long.MAX_VALUE);

    /** @throws IllegalArgumentException if a value is out of range */
    public Limits {
        if (timeToLive.isNegative() || timeToLive.isZero() || grace.isNegative()) {
            throw new IllegalArgumentException("A time to live of " + timeToLive + " with a grace of " + grace);
        }
        if (capacityBits < 1) {
            throw new IllegalArgumentException("A capacity of " + capacityBits + " bits");
        }
    }
}
