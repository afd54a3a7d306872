package dev.qdistill.link;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.Workers;
import dev.qdistill.amplify.EntropySource;
import dev.qdistill.amplify.ModifiedToeplitzHash;
import dev.qdistill.bits.BitString;
import dev.qdistill.dump.DumpReader;
import dev.qdistill.dump.Role;
import dev.qdistill.ldpc.CodeFamily;
import dev.qdistill.ldpc.Profile;
import dev.qdistill.reconcile.ReconcileMessage;
import dev.qdistill.simulate.LinkModel;
import dev.qdistill.simulate.NamedLink;
import dev.qdistill.simulate.Simulator;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Both roles over a channel on which somebody may sit. */
final class LinkTest {
    private static final int FRAME = 1 << 14;
    private static final Settings SETTINGS = settings(Long.MAX_VALUE, 1e-9);
    private static final Workers WORKERS = new Workers(2);
    private static final EntropySource ENTROPY = EntropySource.system();
    private static final Engine ENGINE = new Engine(
            CodeFamily.shipped(),
            Backend.AUTO,
            WORKERS,
            new Amplifier(ModifiedToeplitzHash.create(Backend.AUTO), 2, Long.MAX_VALUE),
            ENTROPY);

    @TempDir
    static Path dir;

    private static Path alice = Path.of("");
    private static Path bob = Path.of("");
    private static long pulses;

    @BeforeAll
    static void simulate() {
        LinkModel model = NamedLink.METRO.model();
        alice = dir.resolve("alice");
        bob = dir.resolve("bob");
        pulses = model.pulsesForKeyBits(400_000);
        Simulator.run(model, pulses, 3, alice, bob, n -> {});
    }

    @AfterAll
    static void close() {
        WORKERS.close();
        ENTROPY.close();
    }

    private static Settings settings(long blockPulses, double epsilonSecrecy) {
        return new Settings(epsilonSecrecy, 1e-15, blockPulses, 0.12, 0.15, Profile.FAST, FRAME);
    }

    private record Keys(List<DistilledBlock> alice, List<DistilledBlock> bob) {}

    /** Runs a session; {@code toBob} and {@code toAlice} see every message on its way. */
    private static Keys run(
            Settings aliceSettings,
            Settings bobSettings,
            UnaryOperator<Message> toBob,
            UnaryOperator<Message> toAlice) {
        return run(aliceSettings, bobSettings, toBob, toAlice, 1);
    }

    private static Keys run(
            Settings aliceSettings,
            Settings bobSettings,
            UnaryOperator<Message> toBob,
            UnaryOperator<Message> toAlice,
            int window) {
        Channel.Ends ends = Channel.inMemory();
        CompletableFuture<List<DistilledBlock>> a = CompletableFuture.supplyAsync(
                () -> side(Role.ALICE, alice, tap(ends.alice(), toBob), aliceSettings, window),
                Thread.ofPlatform()::start);
        CompletableFuture<List<DistilledBlock>> b = CompletableFuture.supplyAsync(
                () -> side(Role.BOB, bob, tap(ends.bob(), toAlice), bobSettings, window), Thread.ofPlatform()::start);
        RuntimeException failure = null;
        Keys keys = new Keys(List.of(), List.of());
        try {
            keys = new Keys(a.join(), b.join());
        } catch (CompletionException e) {
            failure = e;
        }
        if (failure != null) {
            // Neither side may be left with a key that the other does not have: the test looks at both failures.
            @Nullable Throwable first = failureOf(a);
            @Nullable Throwable second = failureOf(b);
            assertTrue(first != null && second != null, "one side ended well: " + first + ", " + second);
            throw new Broken(first, second);
        }
        return keys;
    }

    private static final class Broken extends RuntimeException {
        private static final long serialVersionUID = 1L;
        final transient @Nullable Throwable aliceFailure;
        final transient @Nullable Throwable bobFailure;

        Broken(@Nullable Throwable alice, @Nullable Throwable bob) {
            super("Alice: " + alice + "; Bob: " + bob);
            this.aliceFailure = alice;
            this.bobFailure = bob;
        }
    }

    private static @Nullable Throwable failureOf(CompletableFuture<?> f) {
        try {
            f.join();
            return null;
        } catch (CompletionException e) {
            return e.getCause();
        }
    }

    private static List<DistilledBlock> side(Role role, Path file, Channel channel, Settings settings, int window) {
        List<DistilledBlock> blocks = new ArrayList<>();
        try (channel;
                DumpReader dump = DumpReader.open(file);
                Session session = new Session(
                        role,
                        dump,
                        channel,
                        ENGINE,
                        settings,
                        new Session.Plan(0, window, 1 << 26, KeyCustody.CALLER),
                        Progress.NONE)) {
            for (Optional<DistilledBlock> b = session.next(); b.isPresent(); b = session.next()) {
                blocks.add(b.get());
            }
        }
        return blocks;
    }

    private static Channel tap(Channel channel, UnaryOperator<Message> change) {
        return new Channel() {
            @Override
            public Conversation conversation(long number) {
                return new Tapped(channel.conversation(number), change);
            }

            @Override
            public void close() {
                channel.close();
            }
        };
    }

    /** A conversation with somebody on the way. */
    private record Tapped(Conversation behind, UnaryOperator<Message> change) implements Conversation {
        @Override
        public void send(Message message) {
            behind.send(change.apply(message));
        }

        @Override
        public Message receive() {
            return behind.receive();
        }

        @Override
        public void waiting() {
            behind.waiting();
        }

        @Override
        public void allow(long detections) {
            behind.allow(detections);
        }

        @Override
        public Message.Authentication sign() {
            return behind.sign();
        }

        @Override
        public void verify(Message.Authentication tag) {
            behind.verify(tag);
        }

        @Override
        public void cancel() {
            behind.cancel();
        }

        @Override
        public void close() {
            behind.close();
        }
    }

    private static Keys runTapped(UnaryOperator<Message> toBob, UnaryOperator<Message> toAlice) {
        return run(SETTINGS, SETTINGS, toBob, toAlice);
    }

    @Test
    void bothSidesGetTheSameKeyAndCountTheSame() {
        Keys keys = runTapped(m -> m, m -> m);
        DistilledBlock a = keys.alice.getFirst();
        DistilledBlock b = keys.bob.getFirst();
        assertTrue(a.key().length() > 50_000, "secret bits: " + a.key().length());
        assertTrue(a.key().contentEquals(b.key()));
        assertEquals(a.id(), b.id());
        assertEquals(4, a.id().version());
        assertEquals(a.summary().counts(), b.summary().counts());
        assertEquals(a.summary().leakage(), b.summary().leakage());
        assertEquals(a.summary().leakedBits(), b.summary().leakedBits());
        assertEquals(a.summary().verdict(), b.summary().verdict());
        assertTrue(a.summary().verified() && b.summary().verified());
        assertEquals(pulses, b.summary().sentPulses());
        long ones = a.key().bitCount();
        double sigmas = (ones - a.key().length() / 2.0) / Math.sqrt(a.key().length() / 4.0);
        assertTrue(Math.abs(sigmas) < 5, "the key's ones are " + sigmas + " sigmas off");
    }

    @Test
    void aSessionIsCutIntoBlocksByPulses() {
        long third = pulses / 3 + 1;
        Settings settings = settings(third, 1e-9);
        Keys keys = run(settings, settings, m -> m, m -> m);
        assertEquals(3, keys.alice.size());
        long detections = 0;
        long sent = 0;
        for (int i = 0; i < 3; i++) {
            DistilledBlock b = keys.bob.get(i);
            assertTrue(keys.alice.get(i).key().contentEquals(b.key()));
            assertEquals(i, b.summary().parameters().block());
            assertEquals(i * third, b.summary().parameters().firstPulse());
            detections += b.summary().detections();
            sent += b.summary().sentPulses();
        }
        assertEquals(pulses, sent);
        Keys whole = runTapped(m -> m, m -> m);
        assertEquals(whole.bob.getFirst().summary().detections(), detections);
    }

    @Test
    void blocksInFlightGiveWhatTheyGiveOneAfterAnother() {
        Settings settings = settings(pulses / 7 + 1, 1e-9);
        Keys keys = run(settings, settings, m -> m, m -> m, 3);
        Keys one = run(settings, settings, m -> m, m -> m, 1);
        assertEquals(7, keys.alice.size());
        for (int i = 0; i < 7; i++) {
            assertTrue(keys.alice.get(i).key().contentEquals(keys.bob.get(i).key()));
            assertEquals(i, keys.bob.get(i).summary().parameters().block());
            assertEquals(
                    one.bob.get(i).summary().detections(),
                    keys.bob.get(i).summary().detections());
            assertEquals(
                    one.bob.get(i).summary().counts().keyDetections(),
                    keys.bob.get(i).summary().counts().keyDetections());
        }
    }

    @Test
    void aFailureEndsAllBlocksInFlight() {
        Settings settings = settings(pulses / 7 + 1, 1e-9);
        Broken e = assertThrows(
                Broken.class,
                () -> run(
                        settings,
                        settings,
                        m -> m instanceof Message.AliceBits ? new Message.Verified(List.of()) : m,
                        m -> m,
                        3));
        assertInstanceOf(ProtocolException.class, e.bobFailure);
    }

    @Test
    void sidesThatWantDifferentThingsDoNotStart() {
        Broken e = assertThrows(Broken.class, () -> run(SETTINGS, settings(Long.MAX_VALUE, 1e-6), m -> m, m -> m));
        assertTrue(String.valueOf(e.getMessage()).contains("epsilonSecrecy"));
    }

    @Test
    void aWrongFrameIsFoundByItsTagAndPublished() {
        // What a wrong word looks like to Bob: a tag that does not match.
        boolean[] done = new boolean[1];
        Keys keys = runTapped(
                m -> {
                    if (!done[0] && m instanceof Message.Verification v) {
                        done[0] = true;
                        List<BitString> tags = new ArrayList<>(v.tags());
                        BitString forged = tags.getFirst().copy();
                        forged.set(5, !forged.get(5));
                        tags.set(0, forged);
                        return new Message.Verification(v.hashKey(), tags);
                    }
                    return m;
                },
                m -> m);
        BlockSummary s = keys.bob.getFirst().summary();
        assertEquals(1, s.wrongGroups());
        assertTrue(s.leakage().published() >= Math.min(1 << 20, s.counts().keyDetections()));
        assertEquals(0, s.secretBits());
        assertTrue(s.abort().isPresent());
        assertFalse(keys.alice.getFirst().summary().abort().isEmpty());
    }

    @Test
    void messagesOutOfOrderEndTheBlock() {
        Broken e = assertThrows(
                Broken.class,
                () -> runTapped(m -> m instanceof Message.AliceBases b ? new Message.AliceBits(b.bases()) : m, m -> m));
        assertInstanceOf(ProtocolException.class, e.bobFailure);
        e = assertThrows(
                Broken.class,
                () -> runTapped(m -> m, m -> m instanceof Message.BobBases ? new Message.Verified(List.of()) : m));
        assertInstanceOf(ProtocolException.class, e.aliceFailure);
    }

    @Test
    void lostAndForgedMessagesNeverYieldAKey() {
        List<UnaryOperator<Message>> fromAlice = List.of(
                m -> m instanceof Message.AliceBases b
                        ? new Message.AliceBases(
                                b.bases().slice(0, b.bases().length() - 1), b.intensityLow(), b.intensityHigh())
                        : m,
                m -> m instanceof Message.AliceBits b
                        ? new Message.AliceBits(b.bits().slice(0, 5))
                        : m,
                m -> m instanceof Message.Verification v ? new Message.Verification(v.hashKey(), List.of()) : m,
                m -> m instanceof Message.Verification v
                        ? new Message.Verification(v.hashKey().slice(0, 10), v.tags())
                        : m,
                m -> m instanceof Message.Amplification v
                        ? new Message.Amplification(v.keyId(), v.secretBits() + 1, 0, v.seed())
                        : m,
                m -> m instanceof Message.Amplification v
                        ? new Message.Amplification(
                                v.keyId(), v.secretBits(), 0, v.seed().slice(0, 77))
                        : m,
                m -> m instanceof Message.Amplification ? new Message.Abort("no") : m,
                m -> m instanceof Message.Reconciliation r && r.step() instanceof ReconcileMessage.Syndromes s
                        ? new Message.Reconciliation(new ReconcileMessage.Syndromes(
                                s.frames(), s.code(), s.splits(), s.syndromes().slice(0, 64)))
                        : m);
        for (UnaryOperator<Message> change : fromAlice) {
            assertThrows(RuntimeException.class, () -> runTapped(change, m -> m));
        }
        List<UnaryOperator<Message>> fromBob = List.of(
                m -> m instanceof Message.EndOfMeasurement e
                        ? new Message.EndOfMeasurement(e.detections() + 1, e.supplies())
                        : m,
                m -> m instanceof Message.BobBases b
                        ? new Message.BobBases(b.bases(), b.bits().slice(0, 9))
                        : m,
                m -> m instanceof Message.BobBases b
                        ? new Message.BobBases(b.bases().slice(0, 9), b.bits())
                        : m,
                m -> m instanceof Message.Verified ? new Message.Verified(List.of(3, 3)) : m,
                m -> m instanceof Message.Verified ? new Message.Verified(List.of(-1)) : m,
                m -> m instanceof Message.ErrorCounts ? new Message.ErrorCounts(List.of(1L << 40, 0L)) : m,
                m -> m instanceof Message.ErrorCounts ? new Message.ErrorCounts(List.of(1L)) : m,
                m -> m instanceof Message.ErrorCounts ? new Message.ErrorCounts(List.of(0L, 0L)) : m,
                m -> m instanceof Message.Done d ? new Message.Done(new UUID(1, 2), d.leakedBits()) : m);
        for (UnaryOperator<Message> change : fromBob) {
            assertThrows(RuntimeException.class, () -> runTapped(m -> m, change));
        }
    }
}
