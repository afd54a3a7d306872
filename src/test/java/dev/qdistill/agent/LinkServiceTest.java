package dev.qdistill.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.agent.Meddler.Deed;
import dev.qdistill.amplify.EntropySource;
import dev.qdistill.auth.EpsilonLedger;
import dev.qdistill.auth.PadPool;
import dev.qdistill.bits.BitString;
import dev.qdistill.dump.DumpHeader;
import dev.qdistill.dump.DumpReader;
import dev.qdistill.keystore.Handout;
import dev.qdistill.keystore.KeyState;
import dev.qdistill.keystore.Site;
import dev.qdistill.link.BlockSummary;
import dev.qdistill.security.Protocol;
import dev.qdistill.simulate.LinkModel;
import dev.qdistill.simulate.NamedLink;
import dev.qdistill.simulate.Simulator;
import dev.qdistill.simulate.Source;
import dev.qdistill.wire.v1.Envelope.BodyCase;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Two agents in this process, over TCP on this machine. */
final class LinkServiceTest {
    private static final int BLOCKS = 4;
    private static final int SESSIONS = 3;

    @TempDir
    static Path dumps;

    private static long blockPulses;

    @TempDir
    Path dir;

    private final List<Agent> agents = new ArrayList<>();
    /** How much later the agents think that it is, in nanoseconds. */
    private final AtomicLong later = new AtomicLong();

    private int port;
    private String silence = "30s";
    private String more = "";
    private String block = "";

    @BeforeAll
    static void simulate() throws IOException {
        for (int n = 0; n < SESSIONS; n++) {
            simulate("metro", n);
        }
        for (String link : List.of("west", "east")) {
            simulate(link, 0);
        }
    }

    private static void simulate(String link, int session) throws IOException {
        // Single photons: short blocks have a key.
        LinkModel metro = NamedLink.METRO.model();
        LinkModel model = new LinkModel(
                link,
                new Source(Protocol.SINGLE_PHOTON, 1e9, List.of(.4), List.of(1.0), .8),
                metro.channel(),
                metro.receiver(),
                metro.misalignment(),
                0);
        blockPulses = model.pulsesForKeyBits(30_000);
        for (String site : List.of("alice", "bob")) {
            Files.createDirectories(dumps.resolve(site));
        }
        Simulator.run(
                model,
                blockPulses * BLOCKS,
                40 + session,
                dump("alice", link, session),
                dump("bob", link, session),
                n -> {});
    }

    private static Path dump(String site, String link, int session) {
        return dumps.resolve(site).resolve(link + session + ".qraw");
    }

    @AfterEach
    void close() {
        agents.forEach(Agent::close);
    }

    // ---- Agents ------------------------------------------------------------------------------------------------

    private void install(String... links) throws IOException {
        try (ServerSocket any = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = any.getLocalPort();
        }
        try (EntropySource source = EntropySource.system()) {
            for (String link : links) {
                Path a = dir.resolve("a.qpad");
                Path b = dir.resolve("b.qpad");
                PadPool.makePreShared(a, b, link, 500, source);
                PadPool.install(a, dir.resolve("alice." + link));
                PadPool.install(b, dir.resolve("bob." + link));
            }
        }
    }

    private Agent start(Site site, int connectTo, String... links) throws IOException {
        StringBuilder yaml = new StringBuilder("name: kme-SITE\nkeyStore: keys.SITE\nthreads: 2\nlinks:\n");
        for (int i = 0; i < links.length; i++) {
            yaml.append("""
                      - name: LINK
                        peer: {name: other, END: "127.0.0.1:PORT", authenticationPool: SITE.LINK, silence: SILENCE}
                        block: {BLOCK}
                        blocksInFlight: 2
                        epsilonSecrecy: 1.0e-6
                        epsilonCorrectness: 1.0e-12
                        MORE
                    """.replace("LINK", links[i])
                    .replace("END", site == Site.ALICE ? "listen" : "connect")
                    .replace("PORT", Integer.toString((site == Site.ALICE ? port : connectTo) + i)));
        }
        Path file = Files.writeString(
                dir.resolve(site.id() + ".yaml"),
                yaml.toString()
                        .replace("BLOCK", block.isEmpty() ? "pulses: " + blockPulses : block)
                        .replace("SILENCE", silence)
                        .replace("MORE", more)
                        .replace("SITE", site.id()));
        Agent agent = Agent.start(ConfigurationFile.read(file), site, () -> System.nanoTime() + later.get());
        agents.add(agent);
        return agent;
    }

    /** A session's dump at one site; {@code live}, and slow, if the time of each batch is above 0. */
    private static final class DumpFeed implements Feed {
        private final Path file;
        private final DumpHeader header;
        private final long millis;
        private long next = System.nanoTime();
        final List<BlockSummary> blocks = Collections.synchronizedList(new ArrayList<>());
        final CompletableFuture<Optional<String>> end = new CompletableFuture<>();
        volatile int opened;

        DumpFeed(Path file, long millis) {
            this.file = file;
            this.millis = millis;
            try (DumpReader reader = DumpReader.open(file)) {
                header = reader.header();
            }
        }

        DumpFeed(Site site, String link, int session) {
            this(dump(site.id(), link, session), 0);
        }

        @Override
        public DumpHeader header() {
            return header;
        }

        @Override
        @SuppressWarnings("NonAtomicVolatileUpdate") // one thread opens
        public DumpReader open() {
            opened++;
            return DumpReader.open(file);
        }

        @Override
        public boolean live() {
            return millis > 0;
        }

        @Override
        public boolean await(Duration patience) throws InterruptedException {
            long left = TimeUnit.NANOSECONDS.toMillis(next - System.nanoTime());
            Thread.sleep(Math.max(0, Math.min(left, patience.toMillis())));
            if (left > patience.toMillis()) {
                return false;
            }
            next = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
            return true;
        }

        @Override
        public void block(BlockSummary summary) {
            blocks.add(summary);
        }

        @Override
        public void ended(Optional<String> problem) {
            end.complete(problem);
        }

        @Override
        public void close() {
            end.complete(Optional.of("closed"));
        }

        Optional<String> await() {
            return end.orTimeout(60, TimeUnit.SECONDS).join();
        }
    }

    private static DumpFeed offer(Agent agent, String link, int session) {
        DumpFeed feed = new DumpFeed(agent.site(), link, session);
        agent.link(link).offer(feed);
        return feed;
    }

    private static void waitFor(String what, BooleanSupplier condition) throws InterruptedException {
        for (int i = 0; i < 600 && !condition.getAsBoolean(); i++) {
            Thread.sleep(50);
        }
        assertTrue(condition.getAsBoolean(), what);
    }

    private static List<UUID> ids(Agent agent) {
        return agent.store().list().stream()
                .filter(k -> k.state() != KeyState.STAGED && k.state() != KeyState.DISCARDED)
                .map(k -> k.record().id())
                .sorted()
                .toList();
    }

    /** Takes all keys out of both stores. */
    private static int requireSameKeys(Agent a, Agent b) throws InterruptedException {
        waitFor("the stores differ", () -> ids(a).equals(ids(b)));
        List<UUID> ids = ids(a);
        for (UUID id : ids) {
            try (Handout one = a.store().take(id);
                    Handout two = b.store().take(id);
                    BitString x = one.pieces().getFirst().key().copy();
                    BitString y = two.pieces().getFirst().key().copy()) {
                assertTrue(x.contentEquals(y));
            }
        }
        return ids.size();
    }

    // ---- Tests -------------------------------------------------------------------------------------------------

    @Test
    void sessionsAreDistilledInWhateverOrderTheyComeAtTheTwoSites() throws Exception {
        install("metro");
        Agent alice = start(Site.ALICE, port, "metro");
        DumpFeed a0 = offer(alice, "metro", 0);
        DumpFeed a1 = offer(alice, "metro", 1);
        assertTrue(alice.readiness().problems().getFirst().startsWith("link metro: no peer since"));
        Agent bob = start(Site.BOB, port, "metro");
        DumpFeed b2 = offer(bob, "metro", 2);
        DumpFeed b1 = offer(bob, "metro", 1);
        assertEquals(Optional.empty(), a1.await());
        assertEquals(Optional.empty(), b1.await());
        assertFalse(a0.end.isDone() || b2.end.isDone());
        assertEquals(List.of(), alice.readiness().problems());
        assertEquals(FeedException.Reason.OVER, refusal(alice, a1));
        assertEquals(FeedException.Reason.KNOWN, refusal(alice, a0));
        assertEquals(FeedException.Reason.NOT_OF_THIS_LINK, refusal(alice, b2));
        assertEquals(FeedException.Reason.NOT_OF_THIS_LINK, refusal(alice, new DumpFeed(Site.ALICE, "west", 0)));
        DumpFeed a2 = offer(alice, "metro", 2);
        DumpFeed b0 = offer(bob, "metro", 0);
        for (DumpFeed feed : List.of(a0, a2, b0, b2)) {
            assertEquals(Optional.empty(), feed.await());
            assertEquals(BLOCKS, feed.blocks.size());
        }
        assertTrue(alice.link("metro").status().connected());
        assertTrue(alice.link("metro").status().keyBasisBitsPerSecond() > 1e3);
        assertEquals(0, alice.link("metro").status().failedBlocks());
        assertEquals(SESSIONS * BLOCKS, requireSameKeys(alice, bob));
        close();
        // Alice: the opening, and for each session the choice and its blocks; waiting costs nothing.
        assertEquals(
                1 + SESSIONS * (1 + BLOCKS),
                EpsilonLedger.read(dir.resolve("alice.metro")).tagsMade());
    }

    private static FeedException.Reason refusal(Agent agent, Feed feed) {
        return assertThrows(FeedException.class, () -> agent.link("metro").offer(feed))
                .reason();
    }

    @Test
    void dumpsAreTakenFromADirectoryAndDamagedOnesPutAside() throws Exception {
        install("metro");
        more = "watch: spool.SITE";
        for (String site : List.of("alice", "bob")) {
            Path spool = Files.createDirectories(dir.resolve("spool." + site));
            for (int n = 0; n < SESSIONS; n++) {
                old(Files.copy(dump(site, "metro", n), spool.resolve(n + ".qraw")));
            }
            old(Files.writeString(spool.resolve("no.qraw"), "this is no dump"));
            old(Files.writeString(spool.resolve(".hidden.qraw"), "not there yet"));
            old(Files.writeString(spool.resolve("coming.qraw.part"), "not there yet"));
        }
        byte[] damaged = Files.readAllBytes(dir.resolve("spool.bob/1.qraw"));
        damaged[damaged.length / 2] ^= 1;
        old(Files.write(dir.resolve("spool.bob/1.qraw"), damaged));
        Agent alice = start(Site.ALICE, port, "metro");
        Agent bob = start(Site.BOB, port, "metro");
        for (String site : List.of("alice", "bob")) {
            Path spool = dir.resolve("spool." + site);
            waitFor(
                    site + " is done",
                    () -> Files.exists(spool.resolve("done/2.qraw"))
                            && Files.exists(spool.resolve("done/0.qraw"))
                            && Files.exists(spool.resolve("failed/1.qraw"))
                            && Files.exists(spool.resolve("failed/no.qraw")));
            assertTrue(Files.exists(spool.resolve(".hidden.qraw")) && Files.exists(spool.resolve("coming.qraw.part")));
            JsonNode good = result(spool.resolve("done/2.qraw.json"));
            assertEquals(BLOCKS, good.get("blocks").intValue());
            assertEquals(BLOCKS, good.get("keys").intValue());
            assertTrue(good.get("problem").isNull(), good.toString());
            String bad =
                    result(spool.resolve("failed/1.qraw.json")).get("problem").stringValue();
            assertTrue(bad.contains(site.equals("bob") ? "checksum" : "the other site ended the session"), site + bad);
            assertEquals(
                    PosixFilePermissions.fromString("rw-------"),
                    Files.getPosixFilePermissions(spool.resolve("done/2.qraw.json")));
        }
        assertTrue(requireSameKeys(alice, bob) >= 2 * BLOCKS);
    }

    private static void old(Path file) throws IOException {
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(10)));
    }

    private static JsonNode result(Path file) throws IOException {
        return JsonMapper.shared().readTree(Files.readString(file));
    }

    @Test
    void aFullStoreHoldsBlocksBackWithoutAFailure() throws Exception {
        install("metro");
        more = "capacityBits: 5000";
        silence = "1s"; // shorter than the store stays full
        Agent alice = start(Site.ALICE, port, "metro");
        Agent bob = start(Site.BOB, port, "metro");
        DumpFeed a = offer(alice, "metro", 0);
        DumpFeed b = offer(bob, "metro", 0);
        waitFor("the store is full", () -> alice.isFull("metro") && bob.isFull("metro"));
        Thread.sleep(3000);
        int held = a.blocks.size();
        assertTrue(held >= 1 && held < BLOCKS, "blocks: " + held);
        assertTrue(alice.link("metro").status().full());
        while (!a.end.isDone()) {
            waitFor(
                    "a block",
                    () -> a.end.isDone() || alice.isFull("metro") && ids(alice).equals(ids(bob)));
            requireSameKeys(alice, bob);
            Thread.sleep(20);
        }
        assertEquals(Optional.empty(), a.await());
        assertEquals(Optional.empty(), b.await());
        assertEquals(BLOCKS, a.blocks.size());
        assertEquals(0, alice.link("metro").status().failedBlocks());
        assertEquals(0, bob.link("metro").status().failedBlocks());
    }

    @Test
    void anAgentThatIsStartedAgainGoesOnWithTheBlocksThatWereNotBegun() throws Exception {
        install("metro");
        more = "watch: spool.SITE";
        for (String site : List.of("alice", "bob")) {
            Path spool = Files.createDirectories(dir.resolve("spool." + site));
            for (int n = 0; n < SESSIONS; n++) {
                old(Files.copy(dump(site, "metro", n), spool.resolve(n + ".qraw")));
            }
        }
        Agent alice = start(Site.ALICE, port, "metro");
        Agent bob = start(Site.BOB, port, "metro");
        for (int i = 0; i < 3; i++) {
            long before = alice.link("metro").status().blocks();
            Agent running = alice;
            waitFor(
                    "a block",
                    () -> running.link("metro").status().blocks() > before
                            || Files.exists(dir.resolve("spool.alice/done/2.qraw")));
            if (i % 2 == 0) {
                bob.close();
                bob = start(Site.BOB, port, "metro");
            } else {
                alice.close();
                alice = start(Site.ALICE, port, "metro");
            }
        }
        for (String site : List.of("alice", "bob")) {
            for (int n = 0; n < SESSIONS; n++) {
                Path moved = dir.resolve("spool." + site + "/done/" + n + ".qraw");
                waitFor(moved.toString(), () -> Files.exists(moved));
            }
        }
        int keys = requireSameKeys(alice, bob);
        assertTrue(keys >= SESSIONS * BLOCKS - 3 * 2 && keys <= SESSIONS * BLOCKS, "keys: " + keys);
    }

    @Test
    void aLiveSessionGoesOnOverABrokenConnection() throws Exception {
        install("metro");
        silence = "1s"; // shorter than a batch takes to come
        try (Meddler meddler = new Meddler(port)) {
            meddler.plan(new Meddler.Plan(Deed.DROP, BodyCase.VERIFICATION, false, 1));
            Agent alice = start(Site.ALICE, port, "metro");
            Agent bob = start(Site.BOB, meddler.port(), "metro");
            DumpFeed a = new DumpFeed(dump("alice", "metro", 0), 1);
            DumpFeed b = new DumpFeed(dump("bob", "metro", 0), 1500);
            alice.link("metro").offer(a);
            bob.link("metro").offer(b);
            assertEquals(Optional.empty(), b.await());
            assertEquals(Optional.empty(), a.await());
            assertTrue(meddler.done());
            assertEquals(1, b.opened);
            assertEquals(1, a.opened);
            long lost = bob.link("metro").status().failedBlocks();
            assertTrue(lost >= 1 && lost <= 2, "lost: " + lost);
            assertEquals(BLOCKS - lost, requireSameKeys(alice, bob));
        }
    }

    @Test
    void aSessionIsGivenUpForAgeOnlyIfItWasNotUsedForLong() throws Exception {
        install("metro");
        silence = "1s";
        try (Meddler meddler = new Meddler(port)) {
            // The connection breaks in the second block.
            meddler.plan(new Meddler.Plan(Deed.DROP, BodyCase.VERIFICATION, false, 1));
            Agent alice = start(Site.ALICE, port, "metro");
            DumpFeed only = offer(alice, "metro", 1);
            DumpFeed late = offer(alice, "metro", 2);
            Agent bob = start(Site.BOB, meddler.port(), "metro");
            DumpFeed a = new DumpFeed(dump("alice", "metro", 0), 1);
            DumpFeed b = new DumpFeed(dump("bob", "metro", 0), 1500);
            alice.link("metro").offer(a);
            bob.link("metro").offer(b);
            waitFor("a block", () -> !a.blocks.isEmpty() && !b.blocks.isEmpty());
            // A long session: it is in work for more than a day, and so does one wait that the other site gets only
            // now.
            later.addAndGet(TimeUnit.HOURS.toNanos(25));
            DumpFeed lateThere = offer(bob, "metro", 2);
            for (DumpFeed feed : List.of(a, b, late, lateThere)) {
                assertEquals(Optional.empty(), feed.await());
            }
            assertTrue(meddler.done());
            assertTrue(only.await().orElseThrow().contains("had no raw data of this session"));
            assertTrue(requireSameKeys(alice, bob) >= 2 * BLOCKS - 2);
        }
    }

    @Test
    void severalLinksOfOneAgentWorkAtOnce() throws Exception {
        String[] links = {"metro", "west", "east"};
        install(links);
        Agent alice = start(Site.ALICE, port, links);
        Agent bob = start(Site.BOB, port, links);
        List<DumpFeed> feeds = new ArrayList<>();
        for (String link : links) {
            feeds.add(offer(alice, link, 0));
            feeds.add(offer(bob, link, 0));
        }
        for (DumpFeed feed : feeds) {
            assertEquals(Optional.empty(), feed.await());
            assertEquals(BLOCKS, feed.blocks.size());
        }
        assertEquals(links.length * BLOCKS, requireSameKeys(alice, bob));
    }

    @Test
    void aBlockCanBeCutByTimeAndItsCodesChosenByAlice() throws Exception {
        install("metro");
        more = "profile: auto";
        block = "time: " + Math.ceilDiv(2 * blockPulses, 1_000_000) + "ms"; // at 1 GHz
        Agent alice = start(Site.ALICE, port, "metro");
        Agent bob = start(Site.BOB, port, "metro");
        DumpFeed a = offer(alice, "metro", 0);
        DumpFeed b = offer(bob, "metro", 0);
        assertEquals(Optional.empty(), a.await());
        assertEquals(Optional.empty(), b.await());
        assertEquals(BLOCKS / 2, a.blocks.size());
    }
}
