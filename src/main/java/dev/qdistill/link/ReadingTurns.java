package dev.qdistill.link;

/** Several blocks are in work, but the raw data are read in order: the next block reads when the one before has read all. */
final class ReadingTurns {
    private long current;
    private boolean broken;

    ReadingTurns(long first) {
        current = first;
    }

    /** Waits until all blocks before this one have read. */
    synchronized void await(long block) {
        try {
            while (current < block) {
                if (broken) {
                    throw new ProtocolException("an earlier block of the session failed");
                }
                wait();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ProtocolException("interrupted while waiting for the block before");
        }
    }

    /** Whether no block will read any more. */
    synchronized boolean isBroken() {
        return broken;
    }

    /** This block has read all. */
    synchronized void release(long block) {
        current = Math.max(current, block + 1);
        notifyAll();
    }

    /** No block will read any more. */
    synchronized void fail() {
        broken = true;
        notifyAll();
    }
}
