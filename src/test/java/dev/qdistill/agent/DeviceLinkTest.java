package dev.qdistill.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.dump.DumpReader;
import dev.qdistill.dump.DumpWriter;
import dev.qdistill.dump.RecordBatch;
import dev.qdistill.dump.Role;
import dev.qdistill.keystore.IndexedKey;
import dev.qdistill.keystore.Site;
import dev.qdistill.security.Protocol;
import dev.qdistill.simulate.LinkModel;
import dev.qdistill.simulate.NamedLink;
import dev.qdistill.simulate.Simulator;
import dev.qdistill.simulate.Source;
import dev.qdistill.wire.v1.ExitCode;
import dev.qdistill.wire.v1.KeysByIdRequest;
import dev.qdistill.wire.v1.KeysResponse;
import dev.qdistill.wire.v1.LinkStatus;
import dev.qdistill.wire.v1.NewKeysRequest;
import dev.qdistill.wire.v1.Result;
import dev.qdistill.wire.v1.ResultsRequest;
import dev.qdistill.wire.v1.StatusRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Two agents, and a device at each that streams its raw data while they are distilled. */
@Timeout(120)
final class DeviceLinkTest {
    private static final int BLOCKS = 4;
    private static final long KEY_BITS = 30_000;

    @TempDir
    static Path dumps;

    private static long blockPulses;

    @TempDir
    Path dir;

    private int port;
    private Agent alice;
    private Agent bob;
    private DeviceClient atAlice;
    private DeviceClient atBob;

    @BeforeAll
    static void simulate() {
        // Single photons: short blocks have a key.
        LinkModel metro = NamedLink.METRO.model();
        LinkModel model = new LinkModel(
                "metro",
                new Source(Protocol.SINGLE_PHOTON, 1e9, List.of(.4), List.of(1.0), .8),
                metro.channel(),
                metro.receiver(),
                metro.misalignment(),
                0);
        blockPulses = model.pulsesForKeyBits(KEY_BITS);
        for (int session = 0; session < 2; session++) {
            Simulator.run(
                    model, blockPulses * BLOCKS, session, dump(Role.ALICE, session), dump(Role.BOB, session), n -> {});
        }
    }

    private static Path dump(Role role, int session) {
        return dumps.resolve(role + "-" + session);
    }

    @BeforeEach
    void start() throws IOException {
        TestSite.preShare(dir.resolve("alice"), dir.resolve("bob"), 200);
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        alice = start(Site.ALICE);
        bob = start(Site.BOB);
        atAlice = new DeviceClient(dir.resolve("alice/agent.sock"));
        atBob = new DeviceClient(dir.resolve("bob/agent.sock"));
    }

    private Agent start(Site site) throws IOException {
        String own = site.id();
        String other = site == Site.ALICE ? "bob" : "alice";
        String yaml = """
                name: kme-%1$s
                keyStore: %1$s/keys
                threads: 2
                links:
                  - name: metro
                    peer: {name: kme-%2$s, %3$s: "127.0.0.1:%4$d", authenticationPool: %1$s/auth}
                    block: {pulses: %5$d}
                    frameBits: 16384
                    epsilonSecrecy: 1.0e-6
                    epsilonCorrectness: 1.0e-12
                device:
                  socket: %1$s/agent.sock
                  auditLog: %1$s/audit.log
                  silence: 1s
                """.formatted(own, other, site == Site.ALICE ? "listen" : "connect", port, blockPulses);
        return Agent.start(ConfigurationFile.read(Files.writeString(dir.resolve(own + ".yaml"), yaml)), site);
    }

    @AfterEach
    void stop() {
        atAlice.close();
        atBob.close();
        alice.close();
        bob.close();
        assertFalse(Files.exists(dir.resolve("alice/agent.sock")));
    }

    /** A device that measures what is in a dump. */
    private static final class Measurement implements AutoCloseable {
        private final DumpReader dump;
        private final DeviceClient.Sending sending;
        private final DumpWriter writer;
        private int at;
        private boolean more;

        Measurement(DeviceClient client, Role role, int session) {
            dump = DumpReader.open(dump(role, session));
            sending = client.send("metro", dump.header().session().orElseThrow().toString());
            writer = DumpWriter.stream("socket", sending, dump.header());
            more = dump.next();
        }

        /** Goes on until this pulse. */
        Measurement until(long pulse) {
            while (more && dump.batch().pulses()[at] < pulse) {
                RecordBatch batch = dump.batch();
                long p = batch.pulses()[at];
                int basis = batch.basis().get(at) ? 1 : 0;
                int bit = batch.bits().get(at) ? 1 : 0;
                if (dump.header().role().orElseThrow() == Role.BOB) {
                    writer.bob(p, basis, bit, batch.doubleClicks().get(at) ? 1 : 0);
                } else {
                    writer.alice(p, basis, bit, 0);
                }
                at++;
                if (at == batch.count()) {
                    at = 0;
                    more = dump.next();
                }
            }
            writer.flush();
            return this;
        }

        void finish() {
            until(Long.MAX_VALUE);
            if (dump.header().role().orElseThrow() == Role.BOB) {
                writer.finish(dump.totals().pulses().orElseThrow());
            } else {
                writer.finish(dump.totals().sent().orElseThrow());
            }
        }

        DeviceProblem problem(Status.Code status) {
            StatusRuntimeException e = assertThrows(StatusRuntimeException.class, sending::await);
            assertEquals(status, e.getStatus().getCode(), e.getMessage());
            return DeviceProblem.of(e).orElseThrow();
        }

        @Override
        public void close() {
            writer.close();
            dump.close();
        }
    }

    private static Iterator<Result> results(DeviceClient client) {
        return client.calls()
                .results(ResultsRequest.newBuilder().setRecent(true).build());
    }

    private static List<UUID> keys(Agent agent) {
        return agent.store().list().stream()
                .map(IndexedKey::record)
                .map(r -> r.id())
                .sorted()
                .toList();
    }

    private void requireSameKeys(int least, int most) {
        List<UUID> ids = keys(alice);
        assertEquals(ids, keys(bob));
        assertTrue(ids.size() >= least && ids.size() <= most, ids.size() + " keys");
        assertEquals(List.of(), alice.store().staged());
        assertEquals(List.of(), bob.store().staged());
    }

    /** Up to the middle of the third block. */
    private static long middle() {
        return 2 * blockPulses + blockPulses / 2;
    }

    @Test
    void blocksAreDistilledWhileTheirSessionIsMeasured() {
        try (Measurement a = new Measurement(atAlice, Role.ALICE, 0);
                Measurement b = new Measurement(atBob, Role.BOB, 0)) {
            a.until(middle());
            b.until(middle());
            Iterator<Result> hers = results(atAlice);
            Iterator<Result> his = results(atBob);
            for (int block = 0; block < 2; block++) {
                Result r = hers.next();
                assertEquals(block, r.getBlock().getBlock());
                assertEquals(ExitCode.EXIT_CODE_OK, r.getBlock().getExitCode(), r::toString);
                assertEquals(36, r.getBlock().getKeyId().length());
                Result s = his.next();
                assertEquals(r.getBlock().getKeyId(), s.getBlock().getKeyId());
                assertEquals(r.getBlock().getSecretBits(), s.getBlock().getSecretBits());
                assertEquals(blockPulses, s.getBlock().getSentPulses());
            }
            assertEquals(
                    b.sending.isOpen(),
                    !atBob.calls()
                            .status(StatusRequest.getDefaultInstance())
                            .getLinks(0)
                            .getRunning()
                            .isEmpty());
            // The same session, a second time, while it is in work.
            try (Measurement again = new Measurement(atBob, Role.BOB, 0)) {
                again.writer.flush();
                assertEquals(
                        ExitCode.EXIT_CODE_BAD_INPUT,
                        again.problem(Status.Code.ALREADY_EXISTS).code());
            }
            a.finish();
            b.finish();
            assertEquals(BLOCKS, a.sending.await().getKeys());
            assertEquals(BLOCKS, b.sending.await().getKeys());
            hers.next();
            hers.next();
            assertEquals(ExitCode.EXIT_CODE_OK, hers.next().getSession().getExitCode());
        }
        requireSameKeys(BLOCKS, BLOCKS);
        KeysResponse fresh = atBob.calls()
                .newKeys(NewKeysRequest.newBuilder()
                        .setLink("metro")
                        .setNumber(2)
                        .build());
        KeysByIdRequest ids = KeysByIdRequest.newBuilder()
                .setLink("metro")
                .addKeyIds(fresh.getKeys(0).getKeyId())
                .addKeyIds(fresh.getKeys(1).getKeyId())
                .build();
        assertEquals(fresh, atAlice.calls().keysById(ids));
        assertThrows(StatusRuntimeException.class, () -> atAlice.calls().keysById(ids));
        // Over is over.
        try (Measurement again = new Measurement(atBob, Role.BOB, 0)) {
            again.writer.flush();
            assertEquals(
                    ExitCode.EXIT_CODE_BAD_INPUT,
                    again.problem(Status.Code.ALREADY_EXISTS).code());
        }
    }

    @Test
    void aSessionThatIsCutEndsWithItsLastCompleteBlockAtBothSites() {
        for (boolean atTheDetector : new boolean[] {true, false}) {
            int session = atTheDetector ? 0 : 1;
            try (Measurement a = new Measurement(atAlice, Role.ALICE, session);
                    Measurement b = new Measurement(atBob, Role.BOB, session)) {
                a.until(middle());
                b.until(middle());
                // What is still on its way then is lost.
                results(atBob).next();
                (atTheDetector ? b : a).sending.cancel();
                (atTheDetector ? a : b).until(3 * blockPulses);
                DeviceProblem told = (atTheDetector ? a : b).problem(Status.Code.ABORTED);
                assertEquals(ExitCode.EXIT_CODE_PEER, told.code());
                assertTrue(told.message().contains("the other site ended the session"), told.message());
            }
            requireSameKeys(1, atTheDetector ? 2 : 4);
        }
    }

    @Test
    void aDamagedStreamEndsWithItsLastCompleteBlockAndTheNextSessionWorks() throws IOException {
        try (Measurement a = new Measurement(atAlice, Role.ALICE, 0);
                Measurement b = new Measurement(atBob, Role.BOB, 0)) {
            b.until(middle());
            a.until(middle());
            a.sending.write(ByteBuffer.wrap("CHNK damaged ".repeat(8).getBytes(StandardCharsets.US_ASCII)));
            b.until(3 * blockPulses);
            DeviceProblem told = a.problem(Status.Code.DATA_LOSS);
            assertEquals(ExitCode.EXIT_CODE_BAD_INPUT, told.code());
            assertTrue(told.message().contains("damaged: its checksum is"), told.message());
            assertTrue(told.offset().orElseThrow() > 256);
            assertEquals(ExitCode.EXIT_CODE_PEER, b.problem(Status.Code.ABORTED).code());
        }
        requireSameKeys(2, 2);
        try (Measurement a = new Measurement(atAlice, Role.ALICE, 1);
                Measurement b = new Measurement(atBob, Role.BOB, 1)) {
            a.finish();
            b.finish();
            assertEquals(BLOCKS, a.sending.await().getKeys());
            assertEquals(BLOCKS, b.sending.await().getKeys());
        }
        requireSameKeys(2 + BLOCKS, 2 + BLOCKS);
    }

    @Test
    void aDeviceThatIsGoneIsMissedAtOnceAndTheLinkGoesOnWhenItIsBack() throws Exception {
        try (Measurement a = new Measurement(atAlice, Role.ALICE, 0);
                Measurement b = new Measurement(atBob, Role.BOB, 0)) {
            // Nobody reads Alice's stream: it waits for Bob's.
            a.until(middle());
            assertEquals("", device(atAlice).getDeviceProblem());
            assertEquals(1, device(atAlice).getDeviceStreams());
            a.sending.cancel();
            waitFor(() -> device(atAlice).getDeviceProblem().contains("its device is gone since"));
            assertEquals(0, device(atAlice).getDeviceStreams());
            assertTrue(
                    alice.readiness().problems().stream().anyMatch(p -> p.contains("its device is gone since")),
                    alice.readiness().problems()::toString);
            waitFor(() -> metrics(alice).contains("qdistill_device_missed{link=\"metro\"} 1.0"));
            assertTrue(metrics(alice).contains("qdistill_device_broken_streams_total{link=\"metro\"} 1.0"));
            b.until(3 * blockPulses);
            assertEquals(ExitCode.EXIT_CODE_PEER, b.problem(Status.Code.ABORTED).code());
            assertEquals("", device(atBob).getDeviceProblem());
        }
        try (Measurement a = new Measurement(atAlice, Role.ALICE, 1);
                Measurement b = new Measurement(atBob, Role.BOB, 1)) {
            a.until(middle());
            assertEquals("", device(atAlice).getDeviceProblem());
            b.until(middle());
            // It is there, but says nothing.
            waitFor(() -> device(atBob).getDeviceProblem().contains("its device has said nothing since"));
            waitFor(() -> metrics(bob).contains("qdistill_device_missed{link=\"metro\"} 1.0"));
            assertTrue(device(atBob).getDeviceSilence() >= 1000);
            a.finish();
            b.finish();
            assertEquals(BLOCKS, a.sending.await().getKeys());
            assertEquals(BLOCKS, b.sending.await().getKeys());
        }
        assertEquals("", device(atAlice).getDeviceProblem());
        assertEquals("", device(atBob).getDeviceProblem());
        assertEquals(List.of(), bob.readiness().problems());
        waitFor(() -> metrics(bob).contains("qdistill_device_missed{link=\"metro\"} 0.0"));
    }

    private static LinkStatus device(DeviceClient client) {
        return client.calls().status(StatusRequest.getDefaultInstance()).getLinks(0);
    }

    private static String metrics(Agent agent) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            agent.metrics().write(out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    private static void waitFor(BooleanSupplier condition) throws InterruptedException {
        for (int i = 0; i < 200 && !condition.getAsBoolean(); i++) {
            Thread.sleep(50);
        }
        assertTrue(condition.getAsBoolean());
    }

    @Test
    void aSessionDoesNotSurviveItsAgent() throws IOException {
        try (Measurement a = new Measurement(atAlice, Role.ALICE, 0);
                Measurement b = new Measurement(atBob, Role.BOB, 0)) {
            a.until(middle());
            b.until(middle());
            Iterator<Result> his = results(atBob);
            his.next();
            alice.close();
            assertEquals(
                    ExitCode.EXIT_CODE_PEER, a.problem(Status.Code.UNAVAILABLE).code());
            alice = start(Site.ALICE);
            assertEquals(ExitCode.EXIT_CODE_PEER, b.problem(Status.Code.ABORTED).code());
        }
        requireSameKeys(1, 2);
        try (Measurement a = new Measurement(atAlice, Role.ALICE, 0)) {
            a.writer.flush();
            assertEquals(
                    ExitCode.EXIT_CODE_BAD_INPUT,
                    a.problem(Status.Code.ALREADY_EXISTS).code());
        }
    }
}
