package dev.qdistill.wire;

import dev.qdistill.auth.Authenticator;

/** How one end of a link comes to connections: it dials or it listens. */
public sealed interface Connector extends AutoCloseable permits Dialer, Listener {
    /** The largest gRPC message: a part and what is around it. */
    int MAXIMUM_FRAME = StreamChannel.PART_BYTES + 1024;

    /** What may be on its way in one direction before the receiver has taken it: 50 ms at a gigabit per second. */
    int FLOW_WINDOW = 8 << 20;

    /** Seconds without a sign of life of the peer's host after which it is asked for one. */
    int KEEP_ALIVE_SECONDS = 10;

    /** Seconds that it has to answer. */
    int KEEP_ALIVE_TIMEOUT_SECONDS = 10;

    /**
     * The next connection; a listener waits for it.
     *
     * @param authenticator makes and checks this connection's tags
     * @throws dev.qdistill.link.ProtocolException if there is none to be had
     */
    Connection connect(Authenticator authenticator);

    @Override
    void close();
}
