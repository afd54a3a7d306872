package dev.qdistill.agent;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.qdistill.wire.v1.Envelope;
import dev.qdistill.wire.v1.Envelope.BodyCase;
import dev.qdistill.wire.v1.Frame;
import dev.qdistill.wire.v1.LinkGrpc;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Somebody on the line between two sites, who passes frames on and may do something to one of them. */
final class Meddler implements AutoCloseable {
    /** What is done to a frame. */
    enum Deed {
        FLIP,
        DROP,
        REPEAT,
        /** The next frame in the same direction comes first. */
        SWAP,
        /** The frame of the same kind of an earlier connection comes in its place, with the numbers that are due. */
        REPLAY,
        /** The frame of the same kind of an earlier connection comes before it, as it was. */
        INSERT
    }

    /**
     * One deed on the first frame that fits.
     *
     * @param deed what
     * @param kind of the message in the frame
     * @param fromDialer which direction
     * @param skip frames of this kind to pass before
     * @param spoilt kinds of which each frame is flipped before, so that messages come that are rare otherwise
     */
    record Plan(Deed deed, BodyCase kind, boolean fromDialer, int skip, Set<BodyCase> spoilt) {
        Plan(Deed deed, BodyCase kind, boolean fromDialer, int skip) {
            this(deed, kind, fromDialer, skip, Set.of());
        }
    }

    private final Server server;
    private final ManagedChannel target;
    private final Map<Boolean, Map<BodyCase, Frame>> earlier = new HashMap<>();
    private @Nullable Plan plan;
    private Set<BodyCase> spoilt = Set.of();
    private @Nullable Frame held;
    private int skipped;
    private boolean done;
    private boolean harmless;
    private long conversation;

    /** Every kind of message that was seen, by direction: how often in the last session. */
    final Map<Boolean, Map<BodyCase, Integer>> seen = new HashMap<>();

    Meddler(int targetPort) throws IOException {
        target = NettyChannelBuilder.forAddress("127.0.0.1", targetPort)
                .usePlaintext()
                .directExecutor()
                .build();
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .directExecutor()
                .addService(new LinkGrpc.LinkImplBase() {
                    @Override
                    public StreamObserver<Frame> session(StreamObserver<Frame> toDialer) {
                        StreamObserver<Frame>[] toListener = holder();
                        toListener[0] = LinkGrpc.newStub(target).session(relay(false, toDialer));
                        return relay(true, toListener[0]);
                    }
                })
                .build()
                .start();
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static StreamObserver<Frame>[] holder() {
        return new StreamObserver[1];
    }

    int port() {
        return server.getPort();
    }

    /** For the next session; none passes everything on. */
    synchronized void plan(@Nullable Plan next) {
        plan = next;
        spoilt = next == null ? Set.of() : next.spoilt();
        held = null;
        skipped = 0;
        done = false;
        harmless = false;
        seen.clear();
    }

    /** For the next session: nothing but that these kinds are flipped. */
    synchronized void spoil(Set<BodyCase> kinds) {
        plan(null);
        spoilt = kinds;
    }

    /** The conversation that the deed was done in. */
    synchronized long conversation() {
        return conversation;
    }

    /** Whether the deed was done. */
    synchronized boolean done() {
        return done;
    }

    /** Whether two messages changed places that are not of one conversation, or the same bytes were said before. */
    synchronized boolean harmless() {
        return harmless;
    }

    private StreamObserver<Frame> relay(boolean fromDialer, StreamObserver<Frame> out) {
        return new StreamObserver<>() {
            @Override
            public void onNext(Frame frame) {
                for (Frame f : pass(fromDialer, frame)) {
                    try {
                        synchronized (out) {
                            out.onNext(f);
                        }
                    } catch (RuntimeException e) {
                        return; // the call is over
                    }
                }
            }

            @Override
            public void onError(Throwable t) {
                try {
                    synchronized (out) {
                        out.onError(t);
                    }
                } catch (RuntimeException e) {
                    return; // the call is over
                }
            }

            @Override
            public void onCompleted() {
                try {
                    synchronized (out) {
                        out.onCompleted();
                    }
                } catch (RuntimeException e) {
                    return; // the call is over
                }
            }
        };
    }

    private synchronized List<Frame> pass(boolean fromDialer, Frame frame) {
        if (frame.getPayload().isEmpty()) {
            return List.of(frame); // a sign of life
        }
        BodyCase kind = kind(frame);
        seen.computeIfAbsent(fromDialer, d -> new EnumMap<>(BodyCase.class)).merge(kind, 1, Integer::sum);
        Map<BodyCase, Frame> before = earlier.computeIfAbsent(fromDialer, d -> new EnumMap<>(BodyCase.class));
        @Nullable Frame old = before.get(kind);
        if (plan == null) {
            before.putIfAbsent(kind, frame);
        }
        boolean meant = plan != null && !done && plan.fromDialer() == fromDialer && plan.kind() == kind;
        if (spoilt.contains(kind) && !meant) {
            return List.of(flip(frame));
        }
        Frame waiting = held;
        if (waiting != null && plan != null && plan.fromDialer() == fromDialer) {
            held = null;
            // Conversations are independent: their order does not matter.
            harmless = frame.getConversation() != waiting.getConversation();
            return List.of(frame, waiting);
        }
        if (plan == null || !meant || skipped++ < plan.skip()) {
            return List.of(frame);
        }
        done = true;
        conversation = frame.getConversation();
        harmless = plan.deed() == Deed.REPLAY && old != null && old.getPayload().equals(frame.getPayload());
        return switch (plan.deed()) {
            case FLIP -> List.of(flip(frame));
            case DROP -> List.of();
            case REPEAT -> List.of(frame, frame);
            case SWAP -> {
                held = frame;
                yield List.of();
            }
            case REPLAY ->
                old == null
                        ? List.of()
                        : List.of(old.toBuilder()
                                .setConversation(frame.getConversation())
                                .setPart(frame.getPart())
                                .build());
            case INSERT -> old == null ? List.of() : List.of(old, frame);
        };
    }

    private static Frame flip(Frame frame) {
        byte[] payload = frame.getPayload().toByteArray();
        payload[payload.length - 1] ^= 1;
        return frame.toBuilder().setPayload(ByteString.copyFrom(payload)).build();
    }

    private static BodyCase kind(Frame frame) {
        try {
            return frame.getSize() == frame.getPayload().size()
                    ? Envelope.parseFrom(frame.getPayload()).getBodyCase()
                    : BodyCase.BODY_NOT_SET;
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What can be meddled with: each kind and direction that was seen, of tags each. */
    synchronized List<Plan> opportunities() {
        List<Plan> plans = new ArrayList<>();
        seen.forEach((fromDialer, kinds) -> kinds.forEach((kind, count) -> {
            for (int skip = 0; skip < (kind == BodyCase.TAG ? count : 1); skip++) {
                for (Deed deed : Deed.values()) {
                    plans.add(new Plan(deed, kind, fromDialer, skip, spoilt));
                }
            }
        }));
        return plans;
    }

    @Override
    public void close() {
        server.shutdownNow();
        target.shutdownNow();
        try {
            server.awaitTermination(2, TimeUnit.SECONDS);
            target.awaitTermination(2, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
