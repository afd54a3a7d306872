package dev.qdistill.link;

import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What connects Alice and Bob: conversations, which are independent of each other, one for each block. Safe for use by many
 * threads.
 */
public interface Channel extends AutoCloseable {
    /** The number of the conversation about the link itself. */
    long LINK = -1;

    /**
     * Begins a conversation. What the peer has said in it already waits there.
     *
     * @param number 0 or more for a block, each once, or {@link #LINK}
     * @throws ProtocolException if the channel is closed or broken
     */
    Conversation conversation(long number);

    /**
     * The two ends know each other.
     *
     * @param nonces both ends', Alice's first, two words each; part of what the tags of later conversations are over
     */
    default void opened(long[] nonces) {}

    /** No conversation with a lower number will begin; what the peer said in such a one is passed over. */
    default void passOver(long below) {}

    /** Ends the channel because of a failure, of which the peer is told as far as the channel can. */
    default void abort(String reason) {
        close();
    }

    /** Ends the channel: all calls of the peer's fail, and all calls here. */
    @Override
    void close();

    /**
     * The two ends of a channel inside this process.
     *
     * @param alice Alice's end
     * @param bob Bob's end
     */
    record Ends(Channel alice, Channel bob) {}

    /** A channel inside this process. There is nobody on the way, and no key to authenticate with: tags are empty. */
    static Ends inMemory() {
        ConcurrentHashMap<Long, InMemory.Queues> open = new ConcurrentHashMap<>();
        AtomicBoolean closed = new AtomicBoolean();
        return new Ends(new InMemory(open, closed, true), new InMemory(open, closed, false));
    }

    /**
     * Bounded queues for each conversation.
     *
     * @param open the conversations that were begun at either end
     * @param closed set by the first side that closes
     * @param alice whether it is Alice's end
     */
    record InMemory(ConcurrentHashMap<Long, Queues> open, AtomicBoolean closed, boolean alice) implements Channel {
        private static final int CAPACITY = 16;
        private static final long POLL_MILLIS = 20;

        /** A conversation's queues, and the ends that have not closed it. */
        record Queues(BlockingQueue<Message> toAlice, BlockingQueue<Message> toBob, AtomicInteger ends) {
            Queues() {
                this(new ArrayBlockingQueue<>(CAPACITY), new ArrayBlockingQueue<>(CAPACITY), new AtomicInteger(2));
            }
        }

        @Override
        public Conversation conversation(long number) {
            Queues q = open.computeIfAbsent(number, n -> new Queues());
            return new Talk(
                    number, q, alice ? q.toBob : q.toAlice, alice ? q.toAlice : q.toBob, this, new AtomicBoolean());
        }

        @Override
        public void close() {
            closed.set(true);
        }
    }

    /**
     * One end of a conversation in memory.
     *
     * @param number the block
     * @param queues both directions
     * @param out to the peer
     * @param in from the peer
     * @param channel its channel
     * @param cancelled whether this end gave it up
     */
    record Talk(
            long number,
            InMemory.Queues queues,
            BlockingQueue<Message> out,
            BlockingQueue<Message> in,
            InMemory channel,
            AtomicBoolean cancelled)
            implements Conversation {
        private static final Message.Authentication EMPTY = new Message.Authentication(Optional.empty());

        @Override
        public void send(Message message) {
            try {
                while (!out.offer(message, InMemory.POLL_MILLIS, TimeUnit.MILLISECONDS)) {
                    if (channel.closed.get()) {
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
                    Message message = in.poll(InMemory.POLL_MILLIS, TimeUnit.MILLISECONDS);
                    if (message != null) {
                        return message;
                    }
                    if (cancelled.get() || channel.closed.get() && in.isEmpty()) {
                        throw gone();
                    }
                }
            } catch (InterruptedException e) {
                throw interrupted();
            }
        }

        @Override
        public void waiting() {
            if (cancelled.get() || channel.closed.get()) {
                throw gone();
            }
        }

        @Override
        public void allow(long detections) {}

        @Override
        public Message.Authentication sign() {
            return EMPTY;
        }

        @Override
        public void verify(Message.Authentication tag) {}

        @Override
        public void cancel() {
            cancelled.set(true);
        }

        @Override
        public void close() {
            if (queues.ends.decrementAndGet() == 0) {
                channel.open.remove(number);
            }
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
