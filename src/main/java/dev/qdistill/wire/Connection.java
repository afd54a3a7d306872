package dev.qdistill.wire;

import dev.qdistill.link.Channel;

/** One connection to the peer. */
public interface Connection extends AutoCloseable {
    /** The conversations over it. */
    Channel channel();

    /** What passed over it so far. */
    LinkTraffic traffic();

    /** Ends it because of a failure, of which the peer is told. */
    void abort(String reason);

    /** Ends it in order: what was sent still arrives. */
    @Override
    void close();
}
