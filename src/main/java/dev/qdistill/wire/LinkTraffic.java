package dev.qdistill.wire;

/**
 * What passed over a connection.
 *
 * @param sentMessages messages from this end
 * @param sentBytes their bytes, framing included
 * @param receivedMessages messages from the peer
 * @param receivedBytes their bytes
 */
public record LinkTraffic(long sentMessages, long sentBytes, long receivedMessages, long receivedBytes) {
    /** Nothing. */
    public static final LinkTraffic NONE = new LinkTraffic(0, 0, 0, 0);

    /** Both together. */
    public LinkTraffic plus(LinkTraffic other) {
        return new LinkTraffic(
                sentMessages + other.sentMessages,
                sentBytes + other.sentBytes,
                receivedMessages + other.receivedMessages,
                receivedBytes + other.receivedBytes);
    }
}
