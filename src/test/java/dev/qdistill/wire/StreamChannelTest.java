package dev.qdistill.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.amplify.EntropySource;
import dev.qdistill.auth.AuthenticationLog;
import dev.qdistill.auth.Authenticator;
import dev.qdistill.auth.PadPool;
import dev.qdistill.keystore.Site;
import dev.qdistill.link.Conversation;
import dev.qdistill.link.Message;
import dev.qdistill.link.ProtocolException;
import dev.qdistill.wire.v1.Frame;
import io.grpc.stub.CallStreamObserver;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One end of a stream that takes parts only when it is told to. */
final class StreamChannelTest {
    @TempDir
    Path dir;

    private PadPool pool;
    private StreamChannel channel;
    private final Stream stream = new Stream();

    /** What gRPC is to the channel. */
    private static final class Stream extends CallStreamObserver<Frame> {
        final List<Frame> sent = new ArrayList<>();
        boolean completed;
        private int room;
        private Runnable whenReady = () -> {};

        /** Takes so many parts more. */
        void take(int parts) {
            room = parts;
            whenReady.run();
        }

        List<Long> conversations() {
            return sent.stream().map(f -> f.getConversation() - 1).toList();
        }

        @Override
        public boolean isReady() {
            return room > 0;
        }

        @Override
        public void onNext(Frame frame) {
            room--;
            sent.add(frame);
        }

        @Override
        public void onCompleted() {
            completed = true;
        }

        @Override
        public void onError(Throwable t) {
            completed = true;
        }

        @Override
        public void setOnReadyHandler(Runnable handler) {
            whenReady = handler;
        }

        @Override
        public void disableAutoInboundFlowControl() {}

        @Override
        public void request(int count) {}

        @Override
        public void setMessageCompression(boolean enable) {}
    }

    @BeforeEach
    void open() {
        try (EntropySource source = EntropySource.system()) {
            PadPool.makePreShared(dir.resolve("a"), dir.resolve("b"), "metro", 8, source);
        }
        PadPool.install(dir.resolve("b"), dir.resolve("pool"));
        pool = PadPool.open(dir.resolve("pool"), "metro", Site.BOB);
        channel = new StreamChannel(
                Site.BOB, new Authenticator(pool, Site.BOB, new AuthenticationLog()), Duration.ofSeconds(30));
        channel.attach(stream);
        channel.opened(new long[4]);
    }

    @AfterEach
    void close() {
        channel.close();
        pool.close();
    }

    /** About 90 KB. */
    private static Message.Detections detections(int from) {
        long[] pulses = new long[1 << 16];
        for (int i = 0; i < pulses.length; i++) {
            pulses[i] = (long) from * 200 * pulses.length + i * 200L + (i % 2) * 100L;
        }
        return new Message.Detections(pulses);
    }

    @Test
    void aSenderGoesOnWhileTheStreamIsBusyAndAnOlderBlockGoesFirst() {
        try (Conversation first = channel.conversation(0);
                Conversation second = channel.conversation(1)) {
            for (int i = 0; i < 4; i++) {
                second.send(detections(i));
            }
            assertEquals(List.of(), stream.sent);
            stream.take(1);
            first.send(new Message.Verified(List.of()));
            stream.take(10);
            assertEquals(List.of(1L, 0L, 1L, 1L, 1L), stream.conversations());
            assertEquals(
                    List.of(0L, 1L, 2L, 3L),
                    stream.sent.stream()
                            .filter(f -> f.getConversation() == 2)
                            .map(Frame::getPart)
                            .toList());
        }
    }

    @Test
    void aSenderWaitsWhenMuchIsToBeSentBeforeButNotAnOlderBlock() throws Exception {
        try (Conversation first = channel.conversation(0);
                Conversation second = channel.conversation(1)) {
            CompletableFuture<Void> sending = CompletableFuture.runAsync(
                    () -> {
                        for (int i = 0; i < 100; i++) {
                            second.send(detections(i));
                        }
                    },
                    Thread.ofPlatform()::start);
            Thread.sleep(500);
            assertFalse(sending.isDone());
            first.send(new Message.Verified(List.of()));
            stream.take(1000);
            sending.get(20, TimeUnit.SECONDS);
            assertEquals(0L, stream.conversations().getFirst());
            assertEquals(101, stream.sent.size());
        }
    }

    @Test
    void whatWasSaidIsSentBeforeTheStreamEnds() {
        try (Conversation block = channel.conversation(0)) {
            block.send(detections(0));
            block.send(new Message.Verified(List.of()));
            channel.close();
            assertFalse(stream.completed);
            stream.take(1);
            assertFalse(stream.completed);
            stream.take(1);
            assertEquals(2, stream.sent.size());
            assertTrue(stream.completed);
            assertThrows(ProtocolException.class, () -> block.send(new Message.Verified(List.of())));
        }
    }

    @Test
    void aPeerThatTakesNothingIsNoticed() {
        try (StreamChannel impatient = new StreamChannel(
                Site.BOB, new Authenticator(pool, Site.BOB, new AuthenticationLog()), Duration.ofMillis(200))) {
            impatient.attach(new Stream());
            try (Conversation block = impatient.conversation(0)) {
                ProtocolException e = assertThrows(ProtocolException.class, () -> {
                    for (int i = 0; i < 100; i++) {
                        block.send(detections(i));
                    }
                });
                assertTrue(String.valueOf(e.getMessage()).contains("took nothing"), e::toString);
            }
        }
    }
}
