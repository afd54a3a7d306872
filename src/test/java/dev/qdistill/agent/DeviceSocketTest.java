package dev.qdistill.agent;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import dev.qdistill.agent.AgentConfiguration.Device;
import dev.qdistill.bits.BitString;
import dev.qdistill.dump.DumpHeader;
import dev.qdistill.dump.DumpKind;
import dev.qdistill.dump.DumpReader;
import dev.qdistill.dump.DumpWriter;
import dev.qdistill.dump.LinkParameters;
import dev.qdistill.dump.Role;
import dev.qdistill.dump.SessionId;
import dev.qdistill.keystore.IndexedKeyStore;
import dev.qdistill.keystore.KeyRecord;
import dev.qdistill.keystore.Site;
import dev.qdistill.security.Protocol;
import dev.qdistill.wire.v1.ExitCode;
import dev.qdistill.wire.v1.Key;
import dev.qdistill.wire.v1.KeysByIdRequest;
import dev.qdistill.wire.v1.KeysResponse;
import dev.qdistill.wire.v1.NewKeysRequest;
import dev.qdistill.wire.v1.SendRequest;
import dev.qdistill.wire.v1.SendStart;
import dev.qdistill.wire.v1.StatusRequest;
import dev.qdistill.wire.v1.StatusResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** What the device socket does by itself: the links behind it only take what they are offered. */
final class DeviceSocketTest {
    private static final LinkParameters LINK =
            new LinkParameters("metro", 1e9, Instant.EPOCH, List.of(.4), List.of(1.0), .9, .9);

    @TempDir
    Path dir;

    private Side alice;
    private Side bob;

    /** An agent's socket, store and links. */
    private final class Side implements AutoCloseable {
        final AgentConfiguration configuration;
        final IndexedKeyStore store;
        final DeviceSocket socket;
        final DeviceClient client;
        final BlockingQueue<Feed> offered = new LinkedBlockingQueue<>();
        final Path path;

        Side(String name, String other, Site site) throws IOException {
            Path home = Files.createDirectory(dir.resolve(name));
            configuration =
                    ConfigurationFile.read(Files.writeString(dir.resolve(name + ".yaml"), """
                    name: kme-%1$s
                    keyStore: %1$s/keys
                    links:
                      - name: metro
                        peer: {name: kme-%2$s, connect: "localhost:1", authenticationPool: none}
                        block: {pulses: 1000000}
                    device:
                      socket: %1$s/agent.sock
                      auditLog: %1$s/audit.log
                    """.formatted(name, other)));
            store = IndexedKeyStore.open(home.resolve("keys"), Map.of());
            Device rules = configuration.device().orElseThrow();
            path = rules.socket();
            AgentMetrics metrics = new AgentMetrics();
            DeviceKeys keys = new DeviceKeys(
                    configuration, store, rules.auditLog().map(f -> new AuditLog(f, InstantSource.system())), metrics);
            socket = new DeviceSocket(
                    rules,
                    new DeviceService(
                            configuration,
                            site,
                            new Links(),
                            store,
                            keys,
                            new DeviceResults(InstantSource.system()),
                            new DeviceStreams(rules.silence(), InstantSource.system())));
            client = new DeviceClient(path);
        }

        /** They refuse the session 7. */
        private final class Links implements DeviceService.Links {
            @Override
            public void offer(String link, Feed feed) {
                if (feed.header().session().orElseThrow().low() == 7) {
                    throw new FeedException(FeedException.Reason.KNOWN, "session 7 is in work");
                }
                offered.add(feed);
            }

            @Override
            public LinkStatus status(String link) {
                return new LinkStatus(
                        link,
                        true,
                        Instant.EPOCH,
                        Optional.empty(),
                        Optional.of("running"),
                        List.of("waiting"),
                        false,
                        3,
                        1,
                        99,
                        1000,
                        Optional.empty());
            }
        }

        @Override
        public void close() throws IOException {
            client.close();
            socket.close();
            store.close();
        }
    }

    @BeforeEach
    void open() throws IOException {
        alice = new Side("alice", "bob", Site.ALICE);
        bob = new Side("bob", "alice", Site.BOB);
    }

    @AfterEach
    void close() throws IOException {
        alice.close();
        bob.close();
        assertFalse(Files.exists(alice.path), "the socket is removed at stop");
    }

    private static DumpHeader header(long session) {
        return DumpHeader.qraw(DumpKind.RAW, Role.ALICE, Protocol.SINGLE_PHOTON, new SessionId(0, session), LINK);
    }

    private static DeviceProblem problem(Status.Code status, Executable call) {
        StatusRuntimeException e = assertThrows(StatusRuntimeException.class, call);
        assertEquals(status, e.getStatus().getCode(), e.getMessage());
        DeviceProblem problem = DeviceProblem.of(e).orElseThrow();
        assertEquals(problem.message(), e.getStatus().getDescription());
        return problem;
    }

    // ---- Raw data ----------------------------------------------------------------------------------------------

    @Test
    void aStreamReachesItsLinkWhileItIsSentAndItsEndIsAnswered() throws Exception {
        DeviceClient.Sending sending = alice.client.send("metro", new SessionId(0, 1).toString());
        DumpWriter writer = DumpWriter.stream("socket", sending, header(1));
        writer.alice(5, 1, 1, 0);
        writer.flush();
        Feed feed = alice.offered.poll(20, TimeUnit.SECONDS);
        assertEquals(header(1), feed.header());
        assertTrue(feed.live());
        DumpReader reader = feed.open();
        assertTrue(reader.next());
        assertEquals(5, reader.batch().pulses()[0]);
        assertFalse(feed.await(java.time.Duration.ofMillis(30)));
        writer.finish(new dev.qdistill.dump.SentPulses(new long[] {10}, new long[] {0}));
        assertFalse(reader.next());
        feed.ended(Optional.empty());
        feed.close();
        assertEquals(new SessionId(0, 1).toString(), sending.await().getSession());
    }

    @Test
    void whatCannotBeTakenIsRefusedWithACode() throws Exception {
        DeviceProblem unknown = problem(
                Status.Code.NOT_FOUND, () -> alice.client.send("metropolis", "").await());
        assertEquals(ExitCode.EXIT_CODE_USAGE, unknown.code());
        assertEquals("there is no link 'metropolis' here; there are metro", unknown.message());

        DeviceProblem second = problem(Status.Code.ALREADY_EXISTS, () -> send(7).await());
        assertEquals(ExitCode.EXIT_CODE_BAD_INPUT, second.code());
        assertEquals("session 7 is in work", second.message());

        DeviceClient.Sending other = alice.client.send("metro", new SessionId(0, 3).toString());
        try (DumpWriter writer = DumpWriter.stream("socket", other, header(2))) {
            writer.flush();
        }
        assertTrue(problem(Status.Code.INVALID_ARGUMENT, other::await).message().contains("session"));

        DeviceClient.Sending noise = alice.client.send("metro", "");
        noise.write(ByteBuffer.wrap(new byte[300]));
        assertEquals(
                ExitCode.EXIT_CODE_BAD_INPUT,
                problem(Status.Code.DATA_LOSS, noise::await).code());
    }

    private DeviceClient.Sending send(long session) {
        DeviceClient.Sending sending = alice.client.send("metro", "");
        DumpWriter.stream("socket", sending, header(session)).flush();
        return sending;
    }

    @Test
    void aDamagedStreamIsNamedWithItsByte() throws Exception {
        DeviceClient.Sending sending = send(1);
        sending.write(ByteBuffer.wrap("CHNX".getBytes(java.nio.charset.StandardCharsets.US_ASCII)));
        Feed feed = alice.offered.poll(20, TimeUnit.SECONDS);
        assertTrue(feed.await(java.time.Duration.ofSeconds(20)));
        RuntimeException e = assertThrows(RuntimeException.class, feed.open()::next);
        feed.ended(Optional.of(String.valueOf(e.getMessage())));
        feed.close();
        DeviceProblem problem = problem(Status.Code.DATA_LOSS, sending::await);
        assertEquals(ExitCode.EXIT_CODE_BAD_INPUT, problem.code());
        assertEquals(256, problem.offset().orElseThrow());
        assertTrue(problem.message().contains("a chunk or the end should begin here"), problem.message());
    }

    @Test
    void aDeviceThatGoesAwayCutsItsStream() throws Exception {
        DeviceClient.Sending sending = send(1);
        Feed feed = alice.offered.poll(20, TimeUnit.SECONDS);
        sending.cancel();
        RuntimeException e = assertThrows(RuntimeException.class, feed.open()::next);
        assertTrue(String.valueOf(e.getMessage()).contains("the stream is cut"), e.getMessage());
        feed.close();
    }

    @Test
    void messagesOutOfOrderAreRefused() throws Exception {
        SendRequest start = SendRequest.newBuilder()
                .setStart(SendStart.newBuilder().setLink("metro"))
                .build();
        SendRequest data = SendRequest.newBuilder()
                .setData(ByteString.copyFrom(new byte[] {1}))
                .build();
        SendRequest empty = SendRequest.newBuilder().setData(ByteString.EMPTY).build();
        SendRequest large = SendRequest.newBuilder()
                .setData(ByteString.copyFrom(new byte[DeviceService.MAXIMUM_PIECE + 1]))
                .build();
        for (List<SendRequest> requests : List.of(
                List.<SendRequest>of(),
                List.of(data),
                List.of(start, start),
                List.of(start, empty),
                List.of(start, large),
                List.of(SendRequest.getDefaultInstance()))) {
            CompletableFuture<Throwable> failure = new CompletableFuture<>();
            StreamObserver<SendRequest> call = alice.client.asynchronous().send(new StreamObserver<>() {
                @Override
                public void onNext(dev.qdistill.wire.v1.SendResponse r) {}

                @Override
                public void onError(Throwable t) {
                    failure.complete(t);
                }

                @Override
                public void onCompleted() {}
            });
            requests.forEach(call::onNext);
            call.onCompleted();
            Throwable t = failure.get(20, TimeUnit.SECONDS);
            assertEquals(
                    ExitCode.EXIT_CODE_USAGE,
                    DeviceProblem.of(t).map(DeviceProblem::code).orElseThrow(),
                    requests + ": " + t);
        }
    }

    @Test
    void aStreamThatNobodyReadsIsHeldBack() throws Exception {
        DeviceClient.Sending sending = alice.client.send("metro", "");
        AtomicLong sent = new AtomicLong();
        Thread device = Thread.ofVirtual().start(() -> {
            try (DumpWriter writer = DumpWriter.stream("socket", new Counting(sending, sent), header(1))) {
                for (long pulse = 0; pulse < 1_000_000_000; pulse++) {
                    writer.alice(pulse, 0, 0, 0);
                }
            } catch (java.io.UncheckedIOException e) {
                // broken off
            }
        });
        Feed feed = alice.offered.poll(20, TimeUnit.SECONDS);
        long before;
        do {
            before = sent.get();
            Thread.sleep(300);
        } while (sent.get() > before);
        assertTrue(sent.get() > ByteQueue.CAPACITY / 2, sent.get() + " bytes");
        assertTrue(sent.get() < 4L * ByteQueue.CAPACITY, sent.get() + " bytes");
        assertTrue(device.isAlive());
        sending.cancel();
        device.join();
        feed.close();
    }

    private record Counting(DeviceClient.Sending to, AtomicLong sent) implements java.nio.channels.WritableByteChannel {
        @Override
        public int write(ByteBuffer source) throws IOException {
            int length = to.write(source);
            sent.addAndGet(length);
            return length;
        }

        @Override
        public boolean isOpen() {
            return to.isOpen();
        }

        @Override
        public void close() {}
    }

    // ---- Keys --------------------------------------------------------------------------------------------------

    private void addKey() {
        SplittableRandom random = new SplittableRandom(5);
        UUID id = new UUID(random.nextLong(), random.nextLong());
        try (BitString key = BitString.allocate(65_536)) {
            for (long i = 0; i < key.length() / 64; i++) {
                key.setWord(i, random.nextLong());
            }
            for (Side side : List.of(alice, bob)) {
                side.store.add(
                        new KeyRecord(
                                id,
                                "metro",
                                side == alice ? Site.ALICE : Site.BOB,
                                new UUID(1, 1),
                                0,
                                key.length(),
                                1e-9,
                                1e-15,
                                Instant.now()),
                        key);
            }
        }
    }

    @Test
    void bothSitesGetTheSameKeysByIdAndEachOnce() throws Exception {
        addKey();
        for (Side asking : List.of(alice, bob)) {
            Side other = asking == alice ? bob : alice;
            KeysResponse fresh = asking.client
                    .calls()
                    .newKeys(NewKeysRequest.newBuilder()
                            .setLink("metro")
                            .setSize(512)
                            .setNumber(3)
                            .build());
            assertEquals(3, fresh.getKeysCount());
            KeysByIdRequest ids = KeysByIdRequest.newBuilder()
                    .setLink("metro")
                    .addAllKeyIds(
                            fresh.getKeysList().stream().map(Key::getKeyId).toList())
                    .build();
            KeysResponse same = other.client.calls().keysById(ids);
            assertEquals(fresh, same);
            for (Key key : fresh.getKeysList()) {
                assertEquals(64, key.getKey().size());
                assertFalse(key.getKey().equals(ByteString.copyFrom(new byte[64])));
            }
            DeviceProblem again =
                    problem(Status.Code.NOT_FOUND, () -> other.client.calls().keysById(ids));
            assertEquals(ExitCode.EXIT_CODE_BAD_INPUT, again.code());
        }
        String audit = Files.readString(dir.resolve("alice/audit.log"));
        assertEquals(3, audit.lines().count(), audit);
        assertTrue(audit.lines().toList().getFirst().contains("\"device:kme-alice\""), audit);
    }

    @Test
    void keysThatCannotBeHadAreRefusedWithACode() {
        addKey();
        NewKeysRequest one = NewKeysRequest.newBuilder().setLink("metro").build();
        assertEquals(32, alice.client.calls().newKeys(one).getKeys(0).getKey().size());
        for (NewKeysRequest request : List.of(
                one.toBuilder().setSize(7).build(),
                one.toBuilder().setSize(131_072).build(),
                one.toBuilder().setSize(-8).build(),
                one.toBuilder().setNumber(129).build())) {
            assertEquals(
                    ExitCode.EXIT_CODE_USAGE,
                    problem(
                                    Status.Code.INVALID_ARGUMENT,
                                    () -> alice.client.calls().newKeys(request))
                            .code());
        }
        assertEquals(
                ExitCode.EXIT_CODE_STORAGE,
                problem(
                                Status.Code.UNAVAILABLE,
                                () -> alice.client
                                        .calls()
                                        .newKeys(one.toBuilder()
                                                .setSize(1024)
                                                .setNumber(100)
                                                .build()))
                        .code());
        problem(
                Status.Code.NOT_FOUND,
                () -> alice.client.calls().newKeys(one.toBuilder().setLink("x").build()));
        for (List<String> ids : List.of(List.<String>of(), List.of("1"))) {
            problem(
                    Status.Code.INVALID_ARGUMENT,
                    () -> alice.client
                            .calls()
                            .keysById(KeysByIdRequest.newBuilder()
                                    .setLink("metro")
                                    .addAllKeyIds(ids)
                                    .build()));
        }
    }

    // ---- Status, the file --------------------------------------------------------------------------------------

    @Test
    void saysHowTheLinksAre() {
        StatusResponse status = alice.client.calls().status(StatusRequest.getDefaultInstance());
        assertEquals("kme-alice", status.getAgent());
        assertEquals("alice", status.getRole());
        assertEquals("kme-bob", status.getLinks(0).getPeer());
        assertEquals("running", status.getLinks(0).getRunning());
        assertEquals(99, status.getLinks(0).getAuthenticatedBlocksLeft());
    }

    private static Device rules(Path socket, String mode) {
        return new Device(socket, mode, Optional.empty(), Optional.empty(), java.time.Duration.ofMinutes(1));
    }

    private static void make(Device rules) throws IOException {
        try (ServerSocketChannel server = ServerSocketChannel.open(java.net.StandardProtocolFamily.UNIX);
                SocketFile file = SocketFile.make(rules, server::bind)) {
            assertEquals(rules.mode(), PosixFilePermissions.toString(Files.getPosixFilePermissions(rules.socket())));
            assertTrue(Files.exists(rules.socket()), file::toString);
        }
    }

    @Test
    void theSocketHasItsModeAndIsOneAgents() throws IOException {
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(alice.path)));
        Path path = dir.resolve("new/dir/s");
        make(rules(path, "rw-rw----"));
        assertFalse(Files.exists(path));
        assertEquals(List.of(), list(Objects.requireNonNull(path.getParent())));

        refused("another agent", () -> make(rules(alice.path, "rw-------")));
        assertEquals(
                "kme-alice",
                alice.client.calls().status(StatusRequest.getDefaultInstance()).getAgent());

        // Of a dead agent: the file is there, nobody listens.
        try (ServerSocketChannel dead = ServerSocketChannel.open(java.net.StandardProtocolFamily.UNIX)) {
            dead.bind(UnixDomainSocketAddress.of(path));
        }
        assertTrue(Files.exists(path));
        make(rules(path, "rw-------"));

        Path file = Files.writeString(dir.resolve("new/dir/f"), "precious");
        refused("is no socket", () -> make(rules(file, "rw-------")));
        assertArrayEquals("precious".getBytes(java.nio.charset.StandardCharsets.US_ASCII), Files.readAllBytes(file));

        Files.setPosixFilePermissions(
                Objects.requireNonNull(path.getParent()), PosixFilePermissions.fromString("rwxrwxrwx"));
        refused("others can write", () -> make(rules(path, "rw-------")));

        Path longest = dir.resolve("x".repeat(100));
        refused("too long", () -> make(rules(longest, "rw-------")));
    }

    private static void refused(String why, Executable make) {
        String message =
                String.valueOf(assertThrows(ConfigurationException.class, make).getMessage());
        assertTrue(message.contains(why), message);
    }

    private static List<String> list(Path directory) throws IOException {
        try (var files = Files.list(directory)) {
            return files.map(f -> f.getFileName().toString()).toList();
        }
    }
}
