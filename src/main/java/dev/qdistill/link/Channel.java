package dev.qdistill.link;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** An ordered, reliable, two-way channel of messages between Alice and Bob. */
public interface Channel extends AutoCloseable {

    /**
     * Sends a message; waits while the peer is too far behind.
     *
     * @throws ProtocolException if the peer is gone
     */
    void send(Message message);

    /**
     * The next message; waits for it.
     *
     * @throws ProtocolException if the peer is gone
     */
    Message receive();

    /** Ends the channel: the peer's next call fails. */
    @Override
    void close();

    /**
     * The two ends of a channel inside this process.
     *
     * @param alice Alice's end
     * @param bob Bob's end
     */
    record Ends(Channel alice, Channel bob) {}

    /** A channel inside this process; each end is used by one thread. */
    static Ends inMemory() {
        BlockingQueue<Message> toBob = new ArrayBlockingQueue<>(InMemory.CAPACITY);
        BlockingQueue<Message> toAlice = new ArrayBlockingQueue<>(InMemory.CAPACITY);
        AtomicBoolean closed = new AtomicBoolean();
        return new Ends(new InMemory(toBob, toAlice, closed), new InMemory(toAlice, toBob, closed));
    }

    /**
     * Two bounded queues.
     *
     * @param out to the peer
     * @param in from the peer
     * @param closed set by the first side that closes
     */
    record InMemory(BlockingQueue<Message> out, BlockingQueue<Message> in, AtomicBoolean closed) implements Channel {
        private static final int CAPACITY = 16;
        private static final long POLL_MILLIS = 20;

        @Override
        public void send(Message message) {
            try {
                while (!out.offer(message, POLL_MILLIS, TimeUnit.MILLISECONDS)) {
                    if (closed.get()) {
                        throw gone();
                    }
                }
            } catch (InterruptedException e) {
                throw interrupted();
            }
        }

        @Override
        public Message receive() {
            try {
                for (; ; ) {
                    Message message = in.poll(POLL_MILLIS, TimeUnit.MILLISECONDS);
                    if (message != null) {
                        return message;
                    }
                    if (closed.get() && in.isEmpty()) {
                        throw gone();
                    }
                }
            } catch (InterruptedException e) {
                throw interrupted();
            }
        }

        @Override
        public void close() {
            closed.set(true);
        }

        private static ProtocolException gone() {
            return new ProtocolException("the peer closed the channel in the middle of a block");
        }

        private static ProtocolException interrupted() {
            Thread.currentThread().interrupt();
            return new ProtocolException("interrupted while waiting for the peer");
        }
    }
}
