package dev.qdistill.link;

/**
 * One side of the protocol for one block: a state machine that takes a message and returns messages.
 *
 * <p>Any exception ends the block without a key. One that {@link ProtocolException#endsOneBlock} says so of ends only this block.
 */
sealed interface Party extends AutoCloseable permits Alice, Bob {

    /** Begins the block. */
    void start(Conversation peer);

    /**
     * Takes the peer's next message.
     *
     * @param peer takes the answers, in order
     * @throws ProtocolException if the message is not one that may come now
     */
    void receive(Message message, Conversation peer);

    /** Whether this end may give the block up alone: it was begun, and neither end can have its key, or be in doubt about it. */
    boolean mayGiveUp();

    /** Whether the peer may have given the block up: this end has no key, and is not in doubt about one. */
    boolean mayBeGivenUp();

    /** Passes over the rest of the block's records, if it is its turn; then the next block may read. */
    void finishReading();

    /** Whether the block is over. */
    boolean done();

    /**
     * The block's result; the caller owns it.
     *
     * @throws IllegalStateException before {@link #done()}
     */
    DistilledBlock result();

    /** Wipes what is left of the block's secrets. */
    @Override
    void close();
}
