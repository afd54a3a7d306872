package dev.qdistill.amplify;

/** A hash that cannot be computed within the memory allowed, even in the smallest blocks. */
public final class MemoryLimitException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    MemoryLimitException(long needed, long allowed) {
        super("This hash needs at least " + ((needed >>> 20) + 1) + " MB of memory, even in small blocks; "
                + (Math.max(0, allowed) >>> 20) + " MB are allowed (--memory)");
    }
}
