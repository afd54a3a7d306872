package dev.qdistill.wire;

import com.google.protobuf.UnsafeByteOperations;
import dev.qdistill.auth.Authenticator;
import dev.qdistill.auth.Transcript;
import dev.qdistill.keystore.Site;
import dev.qdistill.link.Channel;
import dev.qdistill.link.Conversation;
import dev.qdistill.link.Message;
import dev.qdistill.link.ProtocolException;
import dev.qdistill.wire.v1.Frame;
import io.grpc.Status;
import io.grpc.stub.CallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Conversations over one gRPC stream. Messages are cut into parts; those of different conversations are interleaved. Every
 * message but the tags goes through its conversation's transcript, as the bytes that were sent.
 *
 * <p>Memory is bounded: at most {@value #CREDIT} parts are on their way to this end that nobody has taken, and a sender waits
 * while the stream is not ready.
 */
final class StreamChannel implements Channel {
    /** The most bytes of a message in one part. */
    static final int PART_BYTES = 1 << 19;

    /** Parts that the peer may send before one is taken. */
    static final int CREDIT = 64;

    /** How long to wait in the opening: a stranger is not to keep the peer out. */
    private static final Duration OPENING = Duration.ofSeconds(20);

    /** How often this end says that it waits. */
    private static final Duration SIGN_OF_LIFE = Duration.ofSeconds(5);

    private static final Item END = new Item(null);

    /** A part that came; the end of the stream if there is none. */
    private record Item(@Nullable Frame frame) {}

    private final Site site;
    private final Authenticator authenticator;
    private final Duration silence;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition ready = lock.newCondition();
    private final Map<Long, BlockingQueue<Item>> inboxes = new HashMap<>();
    private final LongAdder sentBytes = new LongAdder();
    private final LongAdder sentMessages = new LongAdder();
    private final LongAdder receivedBytes = new LongAdder();
    private final LongAdder receivedMessages = new LongAdder();
    private @Nullable CallStreamObserver<Frame> out;
    private @Nullable ProtocolException broken;
    private boolean ended;
    private boolean peerDone;
    /** When the peer last said something, and when it last gave a sign of life. */
    private volatile long heard = System.nanoTime();

    private volatile long alive = heard;
    private volatile boolean opened;
    /** When the peer last said that it waits before it can go on in a conversation, and so in all after it. */
    private final ConcurrentSkipListMap<Long, Long> held = new ConcurrentSkipListMap<>();
    /** All blocks' conversations up to this one are over here, and so are those in {@code over}. */
    private long floor = LINK;

    private long sent = System.nanoTime();
    /** Conversations with a part to send: the oldest block goes first, since the others wait for it in the end. */
    private final TreeSet<Long> senders = new TreeSet<>();

    private final Set<Long> over = new HashSet<>();

    /**
     * @param site this end
     * @param authenticator makes and checks the tags
     * @param silence how long to wait while nothing at all comes from the peer
     */
    StreamChannel(Site site, Authenticator authenticator, Duration silence) {
        this.site = site;
        this.authenticator = authenticator;
        this.silence = silence;
    }

    /** What passed so far. */
    LinkTraffic traffic() {
        return new LinkTraffic(sentMessages.sum(), sentBytes.sum(), receivedMessages.sum(), receivedBytes.sum());
    }

    // ---- The stream --------------------------------------------------------------------------------------------

    /** Takes the stream to the peer; its automatic flow control is off. Before any part comes. */
    void attach(CallStreamObserver<Frame> stream) {
        stream.setOnReadyHandler(() -> {
            lock.lock();
            try {
                ready.signalAll();
            } finally {
                lock.unlock();
            }
        });
        lock.lock();
        try {
            out = stream;
        } finally {
            lock.unlock();
        }
    }

    /** What comes from the peer. */
    StreamObserver<Frame> inbound() {
        return new StreamObserver<>() {
            @Override
            public void onNext(Frame frame) {
                take(frame);
            }

            @Override
            public void onError(Throwable t) {
                Status status = Status.fromThrowable(t);
                fail(new ProtocolException("the connection to the peer broke: " + status.getCode()
                        + (status.getDescription() == null ? "" : ", " + status.getDescription())));
            }

            @Override
            public void onCompleted() {
                lock.lock();
                try {
                    peerDone = broken == null;
                } finally {
                    lock.unlock();
                }
                fail(ProtocolException.closedInOrder("the peer closed the connection"));
                finish();
            }
        };
    }

    private void take(Frame frame) {
        long now = System.nanoTime();
        alive = now;
        lock.lock();
        try {
            long number = frame.getConversation() - 1;
            if (frame.getPayload().isEmpty()) {
                // No part of a message: the peer is well and waits. It counts where somebody here waits for the peer.
                if (inboxes.containsKey(number)) {
                    held.put(number, now);
                }
                grant();
                return;
            }
            heard = now;
            if (number != LINK && (number <= floor || over.contains(number))) {
                grant();
            } else {
                // The peer may be ahead; then it waits there until the conversation begins here.
                inboxes.computeIfAbsent(number, n -> new LinkedBlockingQueue<>())
                        .add(new Item(frame));
            }
        } finally {
            lock.unlock();
        }
    }

    private void fail(ProtocolException e) {
        lock.lock();
        try {
            if (broken == null) {
                broken = e;
            }
            inboxes.values().forEach(q -> q.add(END));
            ready.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Lets the peer send one part more. */
    private void grant() {
        lock.lock();
        try {
            if (out != null && broken == null) {
                out.request(1);
            }
        } finally {
            lock.unlock();
        }
    }

    private void send(Frame frame) {
        lock.lock();
        try {
            awaitTurn(frame.getConversation());
            if (peerDone) {
                // It ended in order and reads no more. What it said last may still wait here to be read, and tells why.
                return;
            }
            if (broken != null) {
                throw broken.again();
            }
            if (out != null) {
                out.onNext(frame);
            }
            sent = System.nanoTime();
            sentBytes.add(frame.getSerializedSize());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ProtocolException("interrupted while sending to the peer");
        } finally {
            lock.unlock();
        }
    }

    /** Waits until the stream takes a part, and no older conversation has one. Holds the lock. */
    private void awaitTurn(long conversation) throws InterruptedException {
        long since = System.nanoTime();
        senders.add(conversation);
        try {
            while (broken == null && (out == null || !out.isReady() || senders.first() < conversation)) {
                long now = System.nanoTime();
                long left = silence.toNanos() - Math.min(now - since, now - Math.max(sent, alive));
                if (left <= 0) {
                    throw new ProtocolException("the peer took nothing for " + silence.toSeconds() + " s");
                }
                ready.awaitNanos(left);
            }
        } finally {
            senders.remove(conversation);
            ready.signalAll();
        }
    }

    private void finish() {
        lock.lock();
        try {
            if (!ended && out != null) {
                ended = true;
                out.onCompleted();
            }
        } catch (IllegalStateException e) {
            // The call is over already.
        } finally {
            lock.unlock();
        }
    }

    /** Ends the stream in order; what was sent still arrives. */
    @Override
    public void close() {
        finish();
        fail(new ProtocolException("this end closed the connection"));
    }

    @Override
    public void abort(String reason) {
        lock.lock();
        try {
            if (!ended && out != null) {
                ended = true;
                out.onError(Status.ABORTED.withDescription(reason).asRuntimeException());
            }
        } catch (IllegalStateException e) {
            // The call is over already.
        } finally {
            lock.unlock();
        }
        fail(new ProtocolException("this end closed the connection: " + reason));
    }

    // ---- Conversations -----------------------------------------------------------------------------------------

    @Override
    public void opened(long[] nonces) {
        authenticator.nonces(nonces);
        opened = true;
    }

    @Override
    public void passOver(long below) {
        lock.lock();
        try {
            floor = Math.max(floor, below - 1);
            over.removeIf(number -> number <= floor);
            // What the peer began in vain.
            inboxes.entrySet().removeIf(e -> {
                boolean past = e.getKey() != LINK && e.getKey() <= floor;
                if (past) {
                    e.getValue().forEach(item -> grant());
                }
                return past;
            });
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Conversation conversation(long number) {
        lock.lock();
        try {
            BlockingQueue<Item> inbox = inboxes.computeIfAbsent(number, n -> new LinkedBlockingQueue<>());
            if (broken != null) {
                inbox.add(END);
            }
            return new Talk(number, inbox, authenticator.transcript(number));
        } finally {
            lock.unlock();
        }
    }

    /** One block's. */
    private final class Talk implements Conversation {
        private final long number;
        private final BlockingQueue<Item> inbox;
        private final Transcript transcript;
        private long partsSent;
        private long partsReceived;
        private long detections;
        private long said;

        Talk(long number, BlockingQueue<Item> inbox, Transcript transcript) {
            this.number = number;
            this.inbox = inbox;
            this.transcript = transcript;
            this.said = System.nanoTime();
        }

        @Override
        public void send(Message message) {
            byte[] bytes = Codec.encode(message);
            if (!(message instanceof Message.Authentication)) {
                transcript.said(site, bytes);
            }
            sentMessages.increment();
            for (int at = 0; at < bytes.length; at += PART_BYTES) {
                int length = Math.min(PART_BYTES, bytes.length - at);
                StreamChannel.this.send(Frame.newBuilder()
                        .setConversation(number + 1)
                        .setPart(partsSent++)
                        .setSize(at == 0 ? bytes.length : 0)
                        .setPayload(UnsafeByteOperations.unsafeWrap(bytes, at, length))
                        .build());
            }
        }

        @Override
        public Message receive() {
            Frame first = next();
            long size = first.getSize();
            long most = Codec.maximumBytes(detections);
            if (size < 1 || size > most) {
                throw new ProtocolException("the peer begins a message of " + Long.toUnsignedString(size)
                        + " bytes; 1 to " + most + " are possible");
            }
            byte[] bytes = new byte[(int) Math.min(size, Integer.MAX_VALUE - 8)];
            int at = append(first, bytes, 0);
            while (at < bytes.length) {
                Frame part = next();
                if (part.getSize() != 0) {
                    throw new ProtocolException("the peer begins a message before the last one is complete");
                }
                at = append(part, bytes, at);
            }
            Message message = Codec.decode(bytes, detections);
            if (!(message instanceof Message.Authentication)) {
                transcript.said(site == Site.ALICE ? Site.BOB : Site.ALICE, bytes);
            }
            receivedMessages.increment();
            return message;
        }

        private int append(Frame part, byte[] bytes, int at) {
            int length = part.getPayload().size();
            if (length < 1 || length > PART_BYTES || length > bytes.length - at) {
                throw new ProtocolException("the peer sent a part of " + length + " bytes where at most "
                        + Math.min(PART_BYTES, bytes.length - at) + " are due");
            }
            part.getPayload().copyTo(bytes, at);
            return at + length;
        }

        private Frame next() {
            try {
                Item item = await();
                Frame frame = item.frame();
                if (frame == null) {
                    inbox.add(END);
                    throw failure();
                }
                grant();
                if (frame.getPart() != partsReceived) {
                    throw new ProtocolException("part " + Long.toUnsignedString(frame.getPart()) + " came where part "
                            + partsReceived + " is due: one was lost, repeated or moved");
                }
                partsReceived++;
                receivedBytes.add(frame.getSerializedSize());
                return frame;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new ProtocolException("interrupted while waiting for the peer");
            }
        }

        /** The peer may be at work on other blocks: only if it says nothing at all it is gone. */
        private Item await() throws InterruptedException {
            long since = System.nanoTime();
            for (; ; ) {
                long now = System.nanoTime();
                Duration patience = opened || silence.compareTo(OPENING) < 0 ? silence : OPENING;
                long quiet = Math.min(now - since, now - (number == LINK && opened ? alive : heard));
                for (long waiting : held.headMap(number, true).values()) {
                    quiet = Math.min(quiet, now - waiting);
                }
                @Nullable Item item = inbox.poll(Math.max(0, patience.toNanos() - quiet), TimeUnit.NANOSECONDS);
                if (item != null) {
                    return item;
                }
                if (quiet >= patience.toNanos()) {
                    throw new ProtocolException(
                            "nothing came from the peer for " + patience.toMillis() / 1000.0 + " s");
                }
            }
        }

        @Override
        public void waiting() {
            long now = System.nanoTime();
            if (now - said > Math.min(SIGN_OF_LIFE.toNanos(), silence.toNanos() / 4)) {
                said = now;
                StreamChannel.this.send(
                        Frame.newBuilder().setConversation(number + 1).build());
            }
            lock.lock();
            try {
                if (broken != null) {
                    throw broken.again();
                }
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void allow(long ofTheBlock) {
            detections = ofTheBlock;
        }

        @Override
        public Message.Authentication sign() {
            return new Message.Authentication(Optional.of(transcript.sign()));
        }

        @Override
        public void verify(Message.Authentication tag) {
            transcript.verify(tag.tag().orElseThrow(() -> new ProtocolException("the peer sent an empty tag")));
        }

        @Override
        public void cancel() {
            inbox.add(END);
        }

        @Override
        public void close() {
            lock.lock();
            try {
                inboxes.remove(number);
                held.remove(number);
                if (number > floor) {
                    over.add(number);
                }
                while (over.remove(floor + 1)) {
                    floor++;
                }
                for (Item item : inbox) {
                    if (item.frame() != null) {
                        grant();
                    }
                }
            } finally {
                lock.unlock();
            }
        }
    }

    private ProtocolException failure() {
        lock.lock();
        try {
            return broken == null ? new ProtocolException("the connection is closed") : broken.again();
        } finally {
            lock.unlock();
        }
    }
}
