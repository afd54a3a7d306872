package dev.qdistill.link;

/** One end of an ordered, reliable conversation with the peer. Used by one thread at a time, but for {@link #cancel}. */
public interface Conversation extends AutoCloseable {
    /**
     * Sends a message; waits while the peer is too far behind.
     *
     * @throws ProtocolException if the peer is gone
     */
    void send(Message message);

    /**
     * The next message; waits for it.
     *
     * @throws ProtocolException if the peer is gone, is silent for too long, or sent something that is no message
     */
    Message receive();

    /**
     * This end is well, but cannot go on now: it waits for its own raw data, or for room for keys. To be called about every
     * second; the peer is told every few seconds, so that it does not take this end for gone.
     *
     * @throws ProtocolException if the channel is closed or broken
     */
    void waiting();

    /**
     * From here on messages may be as long as so many detections need. Before, they are short.
     *
     * @param detections of the block, as both ends know them
     */
    void allow(long detections);

    /** This end's tag over all that both ends have said in this conversation so far. */
    Message.Authentication sign();

    /**
     * Checks the peer's tag over the same.
     *
     * @throws dev.qdistill.auth.AuthenticationException if it is wrong
     */
    void verify(Message.Authentication tag);

    /** Makes a {@link #receive} fail that waits, and those to come. Called by any thread. */
    void cancel();

    /** What the peer still says in it is passed over. */
    @Override
    void close();
}
