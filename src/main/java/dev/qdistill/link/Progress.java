package dev.qdistill.link;

/** Told how far a block is. Called from the role's own thread, a few hundred times a block. */
@FunctionalInterface
public interface Progress {
    /** Looks away. */
    Progress NONE = (stage, done, total) -> {};

    /**
     * A stage advanced.
     *
     * @param stage the stage
     * @param done what is done, in the stage's unit (bytes of the dump for SIFT, key bits for the others)
     * @param total the whole, in the same unit
     */
    void advanced(Stage stage, long done, long total);

    /**
     * A block ended without a key and without a result, and only that block: it could not be finished at one of the ends. Called in
     * the order of the blocks.
     *
     * @param block its number
     * @param why the reason, and what failed here as its cause
     */
    default void givenUp(long block, ProtocolException why) {}
}
