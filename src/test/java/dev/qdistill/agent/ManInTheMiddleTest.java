package dev.qdistill.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.agent.Meddler.Deed;
import dev.qdistill.auth.AuthenticationException;
import dev.qdistill.bits.BitString;
import dev.qdistill.dump.Role;
import dev.qdistill.keystore.Site;
import dev.qdistill.ldpc.Profile;
import dev.qdistill.link.ProtocolException;
import dev.qdistill.link.Settings;
import dev.qdistill.security.Protocol;
import dev.qdistill.simulate.LinkModel;
import dev.qdistill.simulate.NamedLink;
import dev.qdistill.simulate.Simulator;
import dev.qdistill.simulate.Source;
import dev.qdistill.wire.Dialer;
import dev.qdistill.wire.Listener;
import dev.qdistill.wire.v1.Envelope.BodyCase;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two sites over TCP, and somebody on the line who does everything that can be done to every kind of message. */
final class ManInTheMiddleTest {
    private static final long KEY_BITS = 40_000;
    private static final int BLOCKS = 640;

    /** So short that Bob asks for more than the first ones, which come unasked. */
    private static final int FRAME = 1 << 12;

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    /** How long the sites wait where messages are lost on purpose. */
    private static final Duration SILENCE = Duration.ofMillis(250);

    /** What is spoilt to make rare messages come: frames that cannot be corrected, nor by Cascade; a tag that differs. */
    private static final List<Set<BodyCase>> SPOILT = List.of(
            Set.of(),
            Set.of(BodyCase.SYNDROMES),
            Set.of(BodyCase.SYNDROMES, BodyCase.EXTENSIONS),
            Set.of(BodyCase.SYNDROMES, BodyCase.EXTENSIONS, BodyCase.PARITIES),
            Set.of(BodyCase.VERIFICATION));

    private static final int TRIES = 5;

    /** The deeds that were done, by kind and what was done. */
    private final Set<String> done = new TreeSet<>();

    private final Set<String> errors = new HashSet<>();

    @TempDir
    Path dir;

    private static LinkModel model() {
        // Single photons: short blocks have a key.
        LinkModel metro = NamedLink.METRO.model();
        return new LinkModel(
                "metro",
                new Source(Protocol.SINGLE_PHOTON, 1e9, List.of(.4), List.of(1.0), .8),
                metro.channel(),
                metro.receiver(),
                metro.misalignment(),
                0);
    }

    private record Outcome(
            @Nullable Throwable alice, @Nullable Throwable bob) {
        boolean ended() {
            return failed(alice) || failed(bob);
        }

        private static boolean failed(@Nullable Throwable t) {
            return t != null && !"enough".equals(t.getMessage());
        }
    }

    /** Both sites of one session, and the man between them. */
    private final class Line implements AutoCloseable {
        final Path alicePlace;
        final Path bobPlace;
        final long blockPulses = model().pulsesForKeyBits(KEY_BITS);
        final TestSite alice;
        final TestSite bob;
        final Meddler meddler;
        final Listener listener;
        final Dialer dialer;
        final long maximumDetections;

        Line(String name, int blocks) throws IOException {
            this(name, blocks, 1 << 24);
        }

        Line(String name, int blocks, long maximumDetections) throws IOException {
            this.maximumDetections = maximumDetections;
            alicePlace = dir.resolve(name + "/alice");
            bobPlace = dir.resolve(name + "/bob");
            TestSite.preShare(create(alicePlace), create(bobPlace), 4000);
            Path a = dir.resolve(name + "/alice.qraw");
            Path b = dir.resolve(name + "/bob.qraw");
            Simulator.run(model(), blockPulses * blocks, 17, a, b, n -> {});
            alice = new TestSite(Role.ALICE, alicePlace, a);
            bob = new TestSite(Role.BOB, bobPlace, b);
            listener = new Listener(
                    Site.ALICE, new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), Optional.empty(), SILENCE);
            meddler = new Meddler(listener.port());
            dialer = new Dialer(Site.BOB, "127.0.0.1", meddler.port(), Optional.empty(), SILENCE);
        }

        private static Path create(Path place) throws IOException {
            return java.nio.file.Files.createDirectories(place);
        }

        /** A connection that is broken off after one block, if nothing else ends it before. */
        Outcome connect() {
            Settings settings = new Settings(1e-6, 1e-12, blockPulses, 0.12, 0.15, Profile.FAST, FRAME);
            CompletableFuture<Void> one = CompletableFuture.runAsync(
                    () -> alice.run(listener, settings, 1, maximumDetections).connect(alice.dump, alice.keys, b -> {}),
                    Thread.ofPlatform()::start);
            CompletableFuture<Void> two = CompletableFuture.runAsync(() -> dial(settings), Thread.ofPlatform()::start);
            @Nullable Throwable first = failure(one);
            return new Outcome(first, failure(two));
        }

        /** Again, if Alice was not ready. */
        private void dial(Settings settings) {
            for (; ; ) {
                try {
                    bob.run(dialer, settings, 1, maximumDetections).connect(bob.dump, bob.keys, block -> {
                        throw new ProtocolException("enough");
                    });
                    return;
                } catch (ProtocolException e) {
                    if (!String.valueOf(e.getMessage()).contains("is not ready for one")) {
                        throw e;
                    }
                    pause();
                }
            }
        }

        /** A connection on which nothing else is done, to see what there is to meddle with. */
        void spoil(Set<BodyCase> kinds) {
            Outcome o;
            int tries = 0;
            do {
                meddler.spoil(kinds);
                o = connect();
            } while (kinds.isEmpty() && o.ended() && ++tries < TRIES);
        }

        long nextBlock() {
            return Math.max(alice.keys.nextBlock(), bob.keys.nextBlock());
        }

        boolean keyOf(long block) {
            return alice.store.list().stream()
                    .anyMatch(k -> k.record().block() == block
                            && alice.keys.holds(k.record().id()));
        }

        void requireSameKeys() {
            List<UUID> ids = alice.ids();
            assertEquals(ids, bob.ids());
            assertFalse(ids.isEmpty());
            assertEquals(List.of(), alice.keys.staged());
            assertEquals(List.of(), bob.keys.staged());
            for (UUID id : ids) {
                try (BitString a = alice.take(id);
                        BitString b = bob.take(id)) {
                    assertTrue(a.contentEquals(b));
                }
            }
        }

        @Override
        public void close() {
            dialer.close();
            meddler.close();
            listener.close();
            alice.close();
            bob.close();
        }
    }

    private static @Nullable Throwable failure(CompletableFuture<?> f) {
        try {
            f.orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS).join();
            return null;
        } catch (CompletionException e) {
            return e.getCause();
        }
    }

    /** Until the listener awaits a connection. */
    private static void pause() {
        try {
            Thread.sleep(10);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** What was not done to which kinds of message. */
    private Set<String> missing(Set<BodyCase> butFor) {
        Set<String> missing = new TreeSet<>();
        for (BodyCase kind : BodyCase.values()) {
            for (Deed deed : Deed.values()) {
                if (kind != BodyCase.BODY_NOT_SET && !butFor.contains(kind) && !done.contains(kind + " " + deed)) {
                    missing.add(kind + " " + deed);
                }
            }
        }
        return missing;
    }

    @Test
    void nothingThatIsDoneToAnyKindOfMessageGivesAKeyOrStopsTheNextSession() throws IOException {
        try (Line line = new Line("long", BLOCKS)) {
            Set<String> kinds = new HashSet<>();
            // What noise brings about may not come at once: what was not met is tried again.
            for (int round = 0;
                    round < 8
                            && (round < 2
                                    || !missing(Set.of(BodyCase.END_OF_SESSION, BodyCase.GIVE_UP))
                                            .isEmpty());
                    round++) {
                for (Set<BodyCase> spoilt : SPOILT) {
                    line.spoil(spoilt);
                    for (Meddler.Plan plan : line.meddler.opportunities()) {
                        String what = plan.kind() + " " + plan.fromDialer() + " " + plan.skip() + " " + plan.deed();
                        boolean again = plan.kind() == BodyCase.TAG && !spoilt.isEmpty();
                        boolean met = done.contains(plan.kind() + " " + plan.deed());
                        if (!spoilt.contains(plan.kind()) && !again && (kinds.add(what) || !met)) {
                            doIt(line, plan);
                        }
                    }
                }
            }
            undisturbed(line);
            line.requireSameKeys();
            assertTrue(line.alice.log.counts().refused() + line.bob.log.counts().refused() > 10);
        }
        // What is said when there is nothing left to be done.
        try (Line line = new Line("short", 1)) {
            line.meddler.plan(null);
            line.connect();
            line.meddler.plan(null);
            line.connect();
            for (Meddler.Plan plan : line.meddler.opportunities()) {
                if (plan.kind() == BodyCase.END_OF_SESSION || plan.kind() == BodyCase.TAG) {
                    doIt(line, plan);
                }
            }
            assertEquals(1, line.alice.ids().size());
            line.requireSameKeys();
        }
        // What is said of blocks that cannot be finished.
        try (Line line = new Line("large", 40, 100)) {
            line.meddler.plan(null);
            line.connect();
            for (Meddler.Plan plan : line.meddler.opportunities()) {
                if (plan.kind() == BodyCase.GIVE_UP) {
                    doIt(line, plan);
                }
            }
            assertEquals(List.of(), line.alice.ids());
            assertEquals(List.of(), line.bob.ids());
        }
        assertEquals(Set.of(), missing(Set.of()));
        assertTrue(errors.size() > 20, String.valueOf(errors));
    }

    private void undisturbed(Line line) {
        for (int i = 0; i < TRIES; i++) {
            long block = line.nextBlock();
            line.meddler.plan(null);
            line.connect();
            line.meddler.plan(null);
            line.connect();
            if (line.keyOf(block)) {
                return;
            }
        }
        assertTrue(false, "no key although nobody meddles any more");
    }

    /** Does the deed on a connection; a message that is rare may need some. */
    private void doIt(Line line, Meddler.Plan plan) {
        for (int i = 0; i < TRIES; i++) {
            long first = line.nextBlock();
            line.meddler.plan(plan);
            long start = System.nanoTime();
            Outcome o = line.connect();
            if (Boolean.getBoolean("qdistill.test.verbose")) {
                System.out.printf(
                        "%.2f s %s %s %s%n", (System.nanoTime() - start) * 1e-9, line.meddler.done(), plan, o);
            }
            for (Throwable t : new Throwable[] {o.alice(), o.bob()}) {
                if (t != null) {
                    assertTrue(t instanceof ProtocolException || t instanceof AuthenticationException, plan + ": " + t);
                    assertFalse(String.valueOf(t.getMessage()).isBlank());
                    errors.add(String.valueOf(t.getMessage()).replaceAll("[0-9]+", "n"));
                }
            }
            if (!line.meddler.done()) {
                continue;
            }
            done.add(plan.kind() + " " + plan.deed());
            // Conversation 0 is the link's; 1 is that of the connection's first block.
            long block = line.meddler.conversation() == 0 ? -1 : first + line.meddler.conversation() - 1;
            // Once Alice has stored her key, Bob takes his when they meet again.
            boolean stored = !plan.fromDialer() && (plan.kind() == BodyCase.DONE || plan.kind() == BodyCase.TAG);
            boolean passedOver = switch (plan.deed()) {
                // After the end of its conversation, or in one that is over.
                case REPEAT, SWAP, INSERT -> true;
                case REPLAY -> line.meddler.harmless();
                case FLIP, DROP -> false;
            };
            if (!stored && !passedOver) {
                assertFalse(block >= 0 && line.keyOf(block), plan + " left a key");
                assertTrue(o.ended() || block >= 0, plan + " had no effect");
            }
            if (passedOver && !o.ended()) {
                assertTrue(
                        line.meddler.harmless() || plan.deed() == Deed.INSERT || plan.kind() == BodyCase.TAG || stored,
                        plan + " had no effect: " + o);
            }
            return;
        }
    }
}
