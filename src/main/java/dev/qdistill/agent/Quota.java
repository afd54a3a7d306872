package dev.qdistill.agent;

import java.util.function.LongSupplier;

/** A bucket of bits that fills at a rate, up to a limit; bits are taken out of it if they are there. */
final class Quota {
    private final long bitsPerSecond;
    private final long burstBits;
    private final LongSupplier nanoTime;
    private double bits;
    private long filled;

    /**
     * @param bitsPerSecond 0 for any number
     * @param burstBits the limit, also what is there at first
     * @param nanoTime as {@link System#nanoTime}
     */
    Quota(long bitsPerSecond, long burstBits, LongSupplier nanoTime) {
        this.bitsPerSecond = bitsPerSecond;
        this.burstBits = burstBits;
        this.nanoTime = nanoTime;
        this.bits = (double) burstBits;
        this.filled = nanoTime.getAsLong();
    }

    /** Takes bits out. Returns 0 if they were there, else after how many seconds they may be; -1 for never. */
    synchronized long take(long wanted) {
        if (bitsPerSecond == 0) {
            return 0;
        }
        long now = nanoTime.getAsLong();
        bits = Math.min((double) burstBits, bits + (now - filled) * 1e-9 * (double) bitsPerSecond);
        filled = now;
        if (wanted <= bits) {
            bits -= wanted;
            return 0;
        }
        return wanted > burstBits ? -1 : (long) Math.ceil((wanted - bits) / (double) bitsPerSecond);
    }

    /** Puts back what was taken for nothing. */
    synchronized void giveBack(long unused) {
        bits = Math.min((double) burstBits, bits + (double) unused);
    }
}
