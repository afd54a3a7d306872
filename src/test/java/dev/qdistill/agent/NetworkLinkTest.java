package dev.qdistill.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.auth.AuthenticationException;
import dev.qdistill.auth.PadPool;
import dev.qdistill.bits.BitString;
import dev.qdistill.dump.DumpReader;
import dev.qdistill.dump.Role;
import dev.qdistill.keystore.Site;
import dev.qdistill.ldpc.Profile;
import dev.qdistill.link.KeyCustody;
import dev.qdistill.link.ProtocolException;
import dev.qdistill.link.Settings;
import dev.qdistill.security.Protocol;
import dev.qdistill.simulate.LinkModel;
import dev.qdistill.simulate.NamedLink;
import dev.qdistill.simulate.Simulator;
import dev.qdistill.simulate.Source;
import dev.qdistill.wire.Connector;
import dev.qdistill.wire.Dialer;
import dev.qdistill.wire.Listener;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two sites with their disks, over TCP on this machine. */
final class NetworkLinkTest {
    private static final int BLOCKS = 150;
    private static final long KEY_BITS = 40_000;
    /** How long the sites wait; short where messages are lost on purpose. */
    private Duration silence = Duration.ofSeconds(30);

    @TempDir
    static Path dumps;

    private static Path aliceDump = Path.of("");
    private static Path bobDump = Path.of("");
    private static long blockPulses;

    @TempDir
    Path dir;

    private TestSite alice;
    private TestSite bob;
    private final List<AutoCloseable> open = new ArrayList<>();

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
        aliceDump = dumps.resolve("alice");
        bobDump = dumps.resolve("bob");
        blockPulses = model.pulsesForKeyBits(KEY_BITS);
        Simulator.run(model, blockPulses * BLOCKS, 17, aliceDump, bobDump, n -> {});
    }

    @BeforeEach
    void install() {
        TestSite.preShare(dir.resolve("alice"), dir.resolve("bob"), 2000);
        start();
    }

    private void start() {
        alice = new TestSite(Role.ALICE, dir.resolve("alice"), aliceDump);
        bob = new TestSite(Role.BOB, dir.resolve("bob"), bobDump);
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable c : open.reversed()) {
            c.close();
        }
        alice.close();
        bob.close();
    }

    private <C extends AutoCloseable> C keep(C c) {
        open.add(c);
        return c;
    }

    private static Settings settings(long pulses) {
        return new Settings(1e-6, 1e-12, pulses, 0.12, 0.15, Profile.FAST, 1 << 14);
    }

    private Listener listener(Site site) {
        return keep(new Listener(
                site, new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), Optional.empty(), silence));
    }

    private Dialer dialer(Site site, int port) {
        return keep(new Dialer(site, "127.0.0.1", port, Optional.empty(), silence));
    }

    private record Outcome(
            @Nullable Throwable alice, @Nullable Throwable bob) {
        boolean well() {
            return alice == null && bob == null;
        }
    }

    private Outcome run(Connector a, Connector b, Settings settings, int window) {
        CompletableFuture<Void> one = CompletableFuture.runAsync(
                () -> alice.run(a, settings, window).connect(alice.dump, alice.keys, alice.blocks::add),
                Thread.ofPlatform()::start);
        pause();
        CompletableFuture<Void> two = CompletableFuture.runAsync(
                () -> bob.run(b, settings, window).connect(bob.dump, bob.keys, bob.blocks::add),
                Thread.ofPlatform()::start);
        @Nullable Throwable first = failure(one, 240);
        return new Outcome(first, failure(two, 240));
    }

    private Outcome runBobFirst(Connector a, Connector b, Settings settings) {
        CompletableFuture<Void> two = CompletableFuture.runAsync(
                () -> bob.run(b, settings, 4).connect(bob.dump, bob.keys, bob.blocks::add), Thread.ofPlatform()::start);
        pause();
        CompletableFuture<Void> one = CompletableFuture.runAsync(
                () -> alice.run(a, settings, 4).connect(alice.dump, alice.keys, alice.blocks::add),
                Thread.ofPlatform()::start);
        @Nullable Throwable first = failure(one, 240);
        return new Outcome(first, failure(two, 240));
    }

    private static @Nullable Throwable failure(CompletableFuture<?> f, int seconds) {
        try {
            f.orTimeout(seconds, java.util.concurrent.TimeUnit.SECONDS).join();
            return null;
        } catch (CompletionException e) {
            return e.getCause();
        }
    }

    /** Until the listener awaits a connection. */
    private static void pause() {
        try {
            Thread.sleep(30);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void requireSameKeys() {
        List<UUID> ids = alice.ids();
        assertEquals(ids, bob.ids());
        assertEquals(List.of(), alice.keys.staged());
        assertEquals(List.of(), bob.keys.staged());
        for (UUID id : ids) {
            try (BitString a = alice.take(id);
                    BitString b = bob.take(id)) {
                assertTrue(a.contentEquals(b));
            }
        }
    }

    @Test
    void bothSitesGetTheSameKeysWithSeveralBlocksInFlight() throws IOException {
        for (Site listening : Site.values()) {
            Listener l = listener(listening);
            Dialer d = dialer(listening == Site.ALICE ? Site.BOB : Site.ALICE, l.port());
            boolean aliceListens = listening == Site.ALICE;
            Outcome o = aliceListens
                    ? run(l, d, settings(blockPulses * BLOCKS / 10), 4)
                    : runBobFirst(d, l, settings(blockPulses * BLOCKS / 10));
            assertTrue(o.well(), String.valueOf(o));
            assertEquals(10, alice.blocks.size());
            assertEquals(10, alice.ids().size());
            requireSameKeys();
            assertEquals(
                    alice.ledger.totals().epsilonSecrecy(), bob.ledger.totals().epsilonSecrecy());
            assertEquals(0, alice.log.counts().refused() + bob.log.counts().refused());
            alice.close();
            bob.close();
            dir = Files.createDirectory(dir.resolve("again"));
            install();
        }
    }

    @Test
    void aBlockThatFailsEndsAloneAndItsNeighboursKeysAreAtBothSites() {
        Listener l = listener(Site.ALICE);
        Settings settings = settings(blockPulses * BLOCKS / 10);
        long largest = largestBlock(settings);
        CompletableFuture<Void> one = CompletableFuture.runAsync(
                () -> alice.run(l, settings, 4, largest - 1).connect(alice.dump, alice.keys, alice.blocks::add),
                Thread.ofPlatform()::start);
        pause();
        Dialer d = dialer(Site.BOB, l.port());
        CompletableFuture<Void> two = CompletableFuture.runAsync(
                () -> bob.run(d, settings, 4, largest - 1).connect(bob.dump, bob.keys, bob.blocks::add),
                Thread.ofPlatform()::start);
        assertEquals(null, failure(one, 240));
        assertEquals(null, failure(two, 240));
        assertEquals(9, alice.ids().size());
        assertEquals(10, alice.keys.nextBlock());
        assertEquals(10, bob.keys.nextBlock());
        assertEquals(1, alice.events.size());
        assertTrue(alice.events.getFirst().contains("more detections than"), alice.events.toString());
        requireSameKeys();
    }

    /** The most detections of a block, of which there is one. */
    private long largestBlock(Settings settings) {
        Map<Long, Long> detections = new TreeMap<>();
        try (DumpReader dump = DumpReader.open(bobDump)) {
            while (dump.next()) {
                for (int i = 0; i < dump.batch().count(); i++) {
                    detections.merge(dump.batch().pulses()[i] / settings.blockPulses(), 1L, Long::sum);
                }
            }
        }
        return Collections.max(detections.values());
    }

    @Test
    void thePoolIsRefilledFromKeysAndTheFillingIsUsed() throws IOException {
        close(alice, bob);
        deleteAll();
        TestSite.preShare(dir.resolve("alice"), dir.resolve("bob"), 8);
        start();
        Listener l = listener(Site.ALICE);
        Outcome o = run(l, dialer(Site.BOB, l.port()), settings(blockPulses * 4), 2);
        assertTrue(o.well(), String.valueOf(o));
        assertEquals((BLOCKS + 3) / 4, alice.ids().size());
        assertTrue(alice.pool.blocks() > 8 && bob.pool.blocks() > 8);
        assertTrue(alice.ledger.totals().supplyBits() > 0);
        assertEquals(alice.ledger.totals().supplyBits(), bob.ledger.totals().supplyBits());
        requireSameKeys();
        close(alice, bob);
        start();
        assertEquals(List.of(), alice.pool.staged());
    }

    @Test
    void aSessionOfOneBlockIsRunOnce() {
        Settings whole = settings(Long.MAX_VALUE);
        for (int i = 0; i < 2; i++) {
            Listener l = listener(Site.BOB);
            Outcome o = runBobFirst(dialer(Site.ALICE, l.port()), l, whole);
            assertTrue(o.well(), String.valueOf(o));
            assertEquals(1, alice.blocks.size());
            assertEquals(1, bob.ids().size());
        }
        requireSameKeys();
    }

    @Test
    void aDryPoolStopsTheLinkWithAClearError() throws IOException {
        close(alice, bob);
        deleteAll();
        TestSite.preShare(dir.resolve("alice"), dir.resolve("bob"), 2);
        start();
        // Keys so short that a quarter is less than the pads of one block.
        Listener l = listener(Site.ALICE);
        Settings none = new Settings(1e-6, 1e-12, blockPulses * 2, 0.001, 0.15, Profile.FAST, 1 << 14);
        Outcome o = run(l, dialer(Site.BOB, l.port()), none, 1);
        assertFalse(o.well());
        assertTrue(
                o.alice() instanceof AuthenticationException a && a.dry()
                        || o.bob() instanceof AuthenticationException b && b.dry(),
                String.valueOf(o));
        assertEquals(List.of(), alice.ids());
    }

    @Test
    void anImpostorWithoutTheKeyGetsNothing() throws IOException {
        close(bob);
        Files.move(dir.resolve("bob"), dir.resolve("honest"));
        TestSite.preShare(dir.resolve("mallory"), dir.resolve("bob"), 10);
        bob = new TestSite(Role.BOB, dir.resolve("bob"), bobDump);
        Listener l = listener(Site.ALICE);
        Outcome o = run(l, dialer(Site.BOB, l.port()), settings(blockPulses * 4), 2);
        assertTrue(o.alice() instanceof AuthenticationException, String.valueOf(o));
        assertTrue(o.bob() instanceof ProtocolException, String.valueOf(o));
        assertEquals(List.of(), alice.ids());
        assertEquals(0, alice.keys.nextBlock());
        assertEquals(1, alice.log.counts().refused());
    }

    /** A step at which a site crashes: everything after it does not happen. */
    private record Step(Role site, boolean before, String call) {}

    /** Crashes once. */
    private static final class Crash extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private static KeyCustody crashing(TestSite site, Step step) {
        if (site.role != step.site()) {
            return site.keys;
        }
        boolean[] crashed = new boolean[1];
        return (KeyCustody) Proxy.newProxyInstance(
                KeyCustody.class.getClassLoader(), new Class<?>[] {KeyCustody.class}, (proxy, method, arguments) -> {
                    boolean here = method.getName().equals(step.call());
                    if (crashed[0] || here && step.before()) {
                        crashed[0] = true;
                        throw new Crash();
                    }
                    Object result;
                    try {
                        result = method.invoke(site.keys, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                    if (here) {
                        crashed[0] = true;
                        throw new Crash();
                    }
                    return result;
                });
    }

    @Test
    void aCrashAtAnyStepOfAKeysCompletionLeavesBothSitesWithItOrNeither() {
        int expected = 0;
        for (String call : List.of("begin", "stage", "commit")) {
            for (Role site : Role.values()) {
                for (boolean before : new boolean[] {true, false}) {
                    Step step = new Step(site, before, call);
                    Listener l = listener(Site.ALICE);
                    Dialer d = dialer(Site.BOB, l.port());
                    Settings settings = settings(blockPulses);
                    CompletableFuture<Void> one = CompletableFuture.runAsync(
                            () -> alice.run(l, settings, 2).connect(alice.dump, crashing(alice, step), b -> {}),
                            Thread.ofPlatform()::start);
                    pause();
                    CompletableFuture<Void> two = CompletableFuture.runAsync(
                            () -> bob.run(d, settings, 2).connect(bob.dump, crashing(bob, step), b -> {}),
                            Thread.ofPlatform()::start);
                    assertTrue(failure(one, 240) != null, step + " at Alice");
                    assertTrue(failure(two, 240) != null, step + " at Bob");
                    close(alice, bob);
                    start();
                    Outcome o = stopAfter(l, d, settings, 0);
                    assertTrue(o.bob() != null && "enough".equals(o.bob().getMessage()), step + ": " + o);
                    close(alice, bob);
                    start();
                    // The run that was broken off may have left a key in doubt; the ids known to both are the same.
                    Set<UUID> both = new HashSet<>(alice.ids());
                    both.removeAll(bob.keys.staged());
                    assertEquals(both, new HashSet<>(bob.ids()), step.toString());
                    assertTrue(both.size() > expected, step + " lost keys");
                    expected = both.size();
                }
            }
        }
        Listener l = listener(Site.ALICE);
        Outcome o = run(l, dialer(Site.BOB, l.port()), settings(blockPulses), 3);
        assertTrue(o.well(), String.valueOf(o));
        requireSameKeys();
    }

    /** A session that is broken off after some blocks, if nothing else ends it before. */
    private Outcome stopAfter(Connector a, Connector b, Settings settings, int blocks) {
        CompletableFuture<Void> one = CompletableFuture.runAsync(
                () -> alice.run(a, settings, 1).connect(alice.dump, alice.keys, alice.blocks::add),
                Thread.ofPlatform()::start);
        int[] seen = new int[1];
        pause();
        CompletableFuture<Void> two = CompletableFuture.runAsync(
                () -> bob.run(b, settings, 1).connect(bob.dump, bob.keys, block -> {
                    if (++seen[0] > blocks) {
                        throw new ProtocolException("enough");
                    }
                }),
                Thread.ofPlatform()::start);
        @Nullable Throwable first = failure(one, 30);
        @Nullable Throwable second = failure(two, 30);
        return new Outcome(first, second);
    }

    private static void close(TestSite... sites) {
        for (TestSite s : sites) {
            s.close();
        }
    }

    private void deleteAll() throws IOException {
        for (String site : List.of("alice", "bob")) {
            try (var files = Files.walk(dir.resolve(site))) {
                for (Path p : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                    Files.delete(p);
                }
            }
        }
    }

    @Test
    void certificatesAreNeededWhereTheyAreAskedFor() {
        assertThrows(
                java.io.UncheckedIOException.class,
                () -> new Dialer(
                        Site.BOB,
                        "127.0.0.1",
                        1,
                        Optional.of(new dev.qdistill.wire.Tls(
                                dir.resolve("no.pem"), dir.resolve("no.key"), dir.resolve("no.ca"))),
                        silence));
        assertThrows(
                dev.qdistill.auth.PoolException.class,
                () -> PadPool.open(dir.resolve("alice").resolve("auth"), "metro", Site.ALICE));
    }
}
