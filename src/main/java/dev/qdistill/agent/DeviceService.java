package dev.qdistill.agent;

import com.google.protobuf.UnsafeByteOperations;
import dev.qdistill.agent.AgentConfiguration.Link;
import dev.qdistill.dump.BadInputException;
import dev.qdistill.dump.LiveDump;
import dev.qdistill.keystore.Handout;
import dev.qdistill.keystore.IndexedKeyStore;
import dev.qdistill.keystore.KeyStoreException;
import dev.qdistill.keystore.Level;
import dev.qdistill.keystore.Site;
import dev.qdistill.wire.v1.DeviceGrpc;
import dev.qdistill.wire.v1.ExitCode;
import dev.qdistill.wire.v1.Key;
import dev.qdistill.wire.v1.KeysByIdRequest;
import dev.qdistill.wire.v1.KeysResponse;
import dev.qdistill.wire.v1.NewKeysRequest;
import dev.qdistill.wire.v1.Result;
import dev.qdistill.wire.v1.ResultsRequest;
import dev.qdistill.wire.v1.SendRequest;
import dev.qdistill.wire.v1.SendResponse;
import dev.qdistill.wire.v1.SendStart;
import dev.qdistill.wire.v1.StatusRequest;
import dev.qdistill.wire.v1.StatusResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What device agents may ask for: {@code src/main/proto/qdistill/v1/device.proto} describes every call. */
final class DeviceService extends DeviceGrpc.DeviceImplBase {
    /** The most bytes of a stream in one message. */
    static final int MAXIMUM_PIECE = 1 << 20;

    /** Streams of one link at once, in work or waiting: each takes some memory. */
    private static final int MAXIMUM_STREAMS = 16;

    /** Results that one who listens may be behind. */
    private static final int MAXIMUM_BEHIND = 1024;

    private static final int LAST_BLOCKS = 8;
    private static final System.Logger LOG = System.getLogger(DeviceService.class.getName());

    private final AgentConfiguration configuration;
    private final Site site;
    private final Links links;
    private final IndexedKeyStore store;
    private final DeviceKeys keys;
    private final DeviceResults results;
    private final DeviceStreams streams;
    private final Set<Upload> uploads = ConcurrentHashMap.newKeySet();
    private final Set<Listener> listeners = ConcurrentHashMap.newKeySet();

    /** The links of the configuration, by name. */
    interface Links {
        /** As {@link LinkService#offer}. */
        void offer(String link, Feed feed);

        /** As {@link LinkService#status}. */
        LinkStatus status(String link);
    }

    DeviceService(
            AgentConfiguration configuration,
            Site site,
            Links links,
            IndexedKeyStore store,
            DeviceKeys keys,
            DeviceResults results,
            DeviceStreams streams) {
        this.configuration = configuration;
        this.site = site;
        this.links = links;
        this.store = store;
        this.keys = keys;
        this.results = results;
        this.streams = streams;
    }

    /** Ends what has no end of its own: streams of raw data, and of results. */
    void stop() {
        uploads.forEach(Upload::stop);
        listeners.forEach(Listener::stop);
    }

    private static StatusRuntimeException wrong(Status.Code status, String problem) {
        return new DeviceProblem(ExitCode.EXIT_CODE_USAGE, problem).toException(status);
    }

    private void requireLink(String name) {
        if (configuration.links().stream().noneMatch(link -> link.name().equals(name))) {
            throw wrong(
                    Status.Code.NOT_FOUND,
                    name.length() > 100
                            ? "no link has a name of " + name.length() + " characters"
                            : "there is no link '" + name + "' here; there are "
                                    + String.join(
                                            ", ",
                                            configuration.links().stream()
                                                    .map(Link::name)
                                                    .toList()));
        }
    }

    private static <T> void answer(StreamObserver<T> responses, Supplier<T> answer) {
        try {
            responses.onNext(answer.get());
            responses.onCompleted();
        } catch (RuntimeException e) {
            responses.onError(status(e));
        }
    }

    private static StatusRuntimeException status(RuntimeException e) {
        if (e instanceof StatusRuntimeException s) {
            return s;
        }
        if (e instanceof KeyStoreException) {
            LOG.log(System.Logger.Level.ERROR, "A call of a device failed: " + e.getMessage());
            return new DeviceProblem(
                            ExitCode.EXIT_CODE_STORAGE, "the agent cannot write or read its files at the moment")
                    .toException(Status.Code.UNAVAILABLE);
        }
        LOG.log(System.Logger.Level.ERROR, "A call of a device failed", e);
        return new DeviceProblem(ExitCode.EXIT_CODE_INTERNAL, "the agent failed; its log says more")
                .toException(Status.Code.INTERNAL);
    }

    // ---- Raw data ----------------------------------------------------------------------------------------------

    @Override
    public StreamObserver<SendRequest> send(StreamObserver<SendResponse> responses) {
        return new Upload((ServerCallStreamObserver<SendResponse>) responses);
    }

    /** One session's stream. */
    private final class Upload implements StreamObserver<SendRequest> {
        private final ServerCallStreamObserver<SendResponse> call;
        private final ByteQueue queue = new ByteQueue(this::request);
        private volatile @Nullable SendStart start;
        private volatile DeviceStreams.@Nullable Stream stream;
        private boolean answered;

        Upload(ServerCallStreamObserver<SendResponse> call) {
            this.call = call;
            call.disableAutoRequest();
            call.setOnCancelHandler(this::broke);
            call.request(1);
        }

        private void request() {
            DeviceStreams.Stream s = stream;
            if (s != null) {
                s.await();
            }
            synchronized (call) {
                if (!answered) {
                    call.request(1);
                }
            }
        }

        @Override
        public void onNext(SendRequest request) {
            try {
                if (start == null) {
                    begin(request);
                } else {
                    int size = request.getData().size();
                    if (!request.hasData() || size < 1 || size > MAXIMUM_PIECE) {
                        throw wrong(
                                Status.Code.INVALID_ARGUMENT,
                                request.hasData()
                                        ? "a piece of the stream has " + size + " bytes; 1 to " + MAXIMUM_PIECE
                                                + " are possible"
                                        : "data must follow the first message, and only data");
                    }
                    DeviceStreams.Stream s = stream;
                    if (s != null) {
                        s.heard();
                    }
                    queue.put(request.getData());
                }
            } catch (StatusRuntimeException e) {
                fail(e);
                queue.end();
            }
        }

        private void begin(SendRequest request) {
            if (!request.hasStart()) {
                throw wrong(Status.Code.INVALID_ARGUMENT, "the first message must be start");
            }
            SendStart s = request.getStart();
            requireLink(s.getLink());
            if (!s.getSession().isEmpty() && !s.getSession().matches("[0-9a-f]{32}")) {
                throw wrong(
                        Status.Code.INVALID_ARGUMENT,
                        "session must be 32 hexadecimal digits in small letters, or empty");
            }
            synchronized (uploads) {
                if (uploads.stream().filter(u -> u.isFor(s.getLink())).count() >= MAXIMUM_STREAMS) {
                    throw new DeviceProblem(
                                    ExitCode.EXIT_CODE_PEER,
                                    MAXIMUM_STREAMS + " streams of this link are open already, as many as can be")
                            .toException(Status.Code.RESOURCE_EXHAUSTED);
                }
                start = s;
                stream = streams.begin(s.getLink());
                uploads.add(this);
            }
            Thread.ofVirtual().name("device-" + s.getLink()).start(() -> run(s));
            request();
        }

        private boolean isFor(String link) {
            SendStart s = start;
            return s != null && s.getLink().equals(link);
        }

        void stop() {
            ended();
            fail(new DeviceProblem(
                            ExitCode.EXIT_CODE_PEER,
                            "the agent stops; the session ends with the last block that was complete")
                    .toException(Status.Code.UNAVAILABLE));
            cut();
        }

        /** The device has gone, or the agent stops: the session ends with the last block that is complete. */
        void cut() {
            queue.end();
        }

        /** Known at once, though the link may not read the stream for long. */
        private void broke() {
            DeviceStreams.Stream s = stream;
            if (s != null) {
                s.broke();
            }
            cut();
        }

        private void ended() {
            DeviceStreams.Stream s = stream;
            if (s != null) {
                s.ended();
            }
        }

        @Override
        public void onError(Throwable t) {
            broke();
        }

        @Override
        public void onCompleted() {
            if (start == null) {
                fail(wrong(Status.Code.INVALID_ARGUMENT, "the first message must be start"));
            }
            ended();
            queue.end();
        }

        private void run(SendStart s) {
            try (LiveDump dump = new LiveDump("the stream of link " + s.getLink(), queue)) {
                LiveFeed feed = new LiveFeed(dump, (f, summary) -> results.block(s.getLink(), summary));
                if (!s.getSession().isEmpty() && !s.getSession().equals(feed.session())) {
                    throw new DeviceProblem(
                                    ExitCode.EXIT_CODE_BAD_INPUT,
                                    "the header of the stream says session " + feed.session() + ", start said "
                                            + s.getSession())
                            .toException(Status.Code.INVALID_ARGUMENT);
                }
                links.offer(s.getLink(), feed);
                finish(s, feed, dump, feed.end().join());
            } catch (BadInputException e) {
                fail(damaged(e).toException(Status.Code.DATA_LOSS));
            } catch (FeedException e) {
                fail(refusal(e));
            } catch (RuntimeException e) {
                fail(status(e));
            } finally {
                ended();
                uploads.remove(this);
                queue.close();
            }
        }

        private void finish(SendStart s, LiveFeed feed, LiveDump dump, LiveFeed.End end) {
            Optional<DeviceProblem> problem = dump.failure()
                    .map(DeviceService::damaged)
                    .or(() -> end.problem().map(p -> new DeviceProblem(ExitCode.EXIT_CODE_PEER, p)));
            results.session(
                    s.getLink(),
                    feed.session(),
                    problem.map(DeviceProblem::code).orElse(ExitCode.EXIT_CODE_OK),
                    problem.map(DeviceProblem::message).orElse(""));
            if (problem.isPresent()) {
                fail(problem.get()
                        .toException(
                                dump.failure().isPresent()
                                        ? Status.Code.DATA_LOSS
                                        : end.stopped() ? Status.Code.UNAVAILABLE : Status.Code.ABORTED));
                return;
            }
            SendResponse response = SendResponse.newBuilder()
                    .setSession(feed.session())
                    .setKeys(feed.keys())
                    .setRefused(feed.refused())
                    .setSecretBits(feed.secretBits())
                    .build();
            synchronized (call) {
                if (!answered && !call.isCancelled()) {
                    call.onNext(response);
                    call.onCompleted();
                }
                answered = true;
            }
        }

        private void fail(StatusRuntimeException e) {
            synchronized (call) {
                if (!answered && !call.isCancelled()) {
                    call.onError(e);
                }
                answered = true;
            }
        }
    }

    private static DeviceProblem damaged(BadInputException e) {
        return new DeviceProblem(ExitCode.EXIT_CODE_BAD_INPUT, e.getMessage(), e.offset());
    }

    private static StatusRuntimeException refusal(FeedException e) {
        String message = String.valueOf(e.getMessage());
        return switch (e.reason()) {
            case NOT_OF_THIS_LINK ->
                new DeviceProblem(ExitCode.EXIT_CODE_BAD_INPUT, message).toException(Status.Code.INVALID_ARGUMENT);
            case KNOWN, OVER, FAILED ->
                new DeviceProblem(ExitCode.EXIT_CODE_BAD_INPUT, message).toException(Status.Code.ALREADY_EXISTS);
            case BUSY ->
                new DeviceProblem(ExitCode.EXIT_CODE_PEER, message).toException(Status.Code.RESOURCE_EXHAUSTED);
            case STOPPING -> new DeviceProblem(ExitCode.EXIT_CODE_PEER, message).toException(Status.Code.UNAVAILABLE);
        };
    }

    // ---- Results -----------------------------------------------------------------------------------------------

    @Override
    public void results(ResultsRequest request, StreamObserver<Result> responses) {
        try {
            if (!request.getLink().isEmpty()) {
                requireLink(request.getLink());
            }
        } catch (StatusRuntimeException e) {
            responses.onError(e);
            return;
        }
        Listener listener = new Listener((ServerCallStreamObserver<Result>) responses);
        listeners.add(listener);
        listener.leaveBy(results.listen(request.getLink(), request.getRecent(), listener::tell));
    }

    /** One who wants results. */
    private final class Listener {
        private final ServerCallStreamObserver<Result> call;
        private final Deque<Result> waiting = new ArrayDeque<>();
        private Runnable leave = () -> {};
        private boolean over;

        Listener(ServerCallStreamObserver<Result> call) {
            this.call = call;
            call.setOnReadyHandler(this::send);
            call.setOnCancelHandler(this::end);
        }

        private void leaveBy(Runnable way) {
            boolean now;
            synchronized (this) {
                leave = way;
                now = over;
            }
            if (now) {
                way.run();
            }
        }

        private synchronized void tell(Result result) {
            if (over) {
                return;
            }
            waiting.add(result);
            send();
            if (waiting.size() > MAXIMUM_BEHIND) {
                call.onError(new DeviceProblem(
                                ExitCode.EXIT_CODE_USAGE, "the results were not read: " + MAXIMUM_BEHIND + " wait")
                        .toException(Status.Code.RESOURCE_EXHAUSTED));
                end();
            }
        }

        private synchronized void send() {
            while (!over && !waiting.isEmpty() && call.isReady()) {
                call.onNext(waiting.remove());
            }
        }

        private synchronized void stop() {
            if (!over) {
                waiting.forEach(call::onNext);
                call.onCompleted();
                end();
            }
        }

        private synchronized void end() {
            over = true;
            listeners.remove(this);
            // Not now: who publishes goes through the list at the moment.
            Thread.startVirtualThread(leave);
        }
    }

    // ---- Status ------------------------------------------------------------------------------------------------

    @Override
    public void status(StatusRequest request, StreamObserver<StatusResponse> responses) {
        answer(responses, () -> {
            StatusResponse.Builder all =
                    StatusResponse.newBuilder().setAgent(configuration.name()).setRole(site.id());
            if (!request.getLink().isEmpty()) {
                requireLink(request.getLink());
            }
            for (Link link : configuration.links()) {
                if (request.getLink().isEmpty() || request.getLink().equals(link.name())) {
                    all.addLinks(status(link));
                }
            }
            return all.build();
        });
    }

    private dev.qdistill.wire.v1.LinkStatus status(Link link) {
        LinkStatus s = links.status(link.name());
        Level level = store.level(link.name());
        DeviceStreams.State device = streams.state(link.name());
        List<dev.qdistill.wire.v1.BlockResult> blocks = new ArrayList<>();
        for (Result result : results.last(link.name())) {
            if (result.hasBlock()) {
                blocks.add(result.getBlock());
            }
        }
        return dev.qdistill.wire.v1.LinkStatus.newBuilder()
                .setLink(link.name())
                .setPeer(link.peer().name())
                .setConnected(s.connected())
                .setSince(s.since().toEpochMilli())
                .setProblem(s.problem().orElse(""))
                .setRunning(s.running().orElse(""))
                .addAllWaiting(s.waiting())
                .setBlocks(s.blocks())
                .setFailedBlocks(s.failedBlocks())
                .setKeyBasisBitsPerSecond(s.keyBasisBitsPerSecond())
                .setAuthenticatedBlocksLeft(s.authenticatedBlocksLeft())
                .setOwnBits(level.ownBits())
                .setPeerBits(level.peerBits())
                .setStagedBits(level.stagedBits())
                .setCapacityBits(level.capacityBits())
                .setFull(level.isFull())
                .setDeviceStreams(device.streams())
                .setDeviceSilence(device.silence().toMillis())
                .setDeviceProblem(device.problem().orElse(""))
                .addAllLastBlocks(blocks.subList(Math.max(0, blocks.size() - LAST_BLOCKS), blocks.size()))
                .build();
    }

    // ---- Keys --------------------------------------------------------------------------------------------------

    @Override
    public void newKeys(NewKeysRequest request, StreamObserver<KeysResponse> responses) {
        handOut(responses, () -> {
            requireLink(request.getLink());
            return keys.fresh(request.getLink(), request.getSize(), request.getNumber());
        });
    }

    @Override
    public void keysById(KeysByIdRequest request, StreamObserver<KeysResponse> responses) {
        handOut(responses, () -> {
            requireLink(request.getLink());
            return keys.byId(request.getLink(), request.getKeyIdsList());
        });
    }

    private static void handOut(StreamObserver<KeysResponse> responses, Supplier<Handout> request) {
        ServerCallStreamObserver<KeysResponse> call = (ServerCallStreamObserver<KeysResponse>) responses;
        Handout handout;
        try {
            handout = request.get();
        } catch (RuntimeException e) {
            responses.onError(status(e));
            return;
        }
        call.setOnCancelHandler(handout::close);
        call.setOnCloseHandler(() -> {
            handout.delivered();
            handout.close();
        });
        // The bytes are copied to the transport's buffers while onNext runs; then these copies can be wiped.
        List<byte[]> copies = new ArrayList<>();
        KeysResponse.Builder response = KeysResponse.newBuilder();
        try {
            for (Handout.Piece piece : handout.pieces()) {
                byte[] copy = new byte[(int) piece.key().byteCount()];
                copies.add(copy);
                piece.key().bytes().asByteBuffer().get(copy);
                response.addKeys(
                        Key.newBuilder().setKeyId(piece.id().toString()).setKey(UnsafeByteOperations.unsafeWrap(copy)));
            }
            responses.onNext(response.build());
            responses.onCompleted();
        } finally {
            copies.forEach(copy -> Arrays.fill(copy, (byte) 0));
        }
    }
}
