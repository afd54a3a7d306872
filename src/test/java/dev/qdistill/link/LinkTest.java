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
import dev.qdistill.security.Protocol;
import dev.qdistill.simulate.LinkModel;
import dev.qdistill.simulate.NamedLink;
import dev.qdistill.simulate.Simulator;
import dev.qdistill.simulate.Source;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
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
    /** Five short blocks with a key each: single photons. */
    private static Path aliceFive = Path.of("");

    private static Path bobFive = Path.of("");
    private static Settings five = SETTINGS;

    @BeforeAll
    static void simulate() {
        LinkModel model = NamedLink.METRO.model();
        alice = dir.resolve("alice");
        bob = dir.resolve("bob");
        pulses = model.pulsesForKeyBits(400_000);
        Simulator.run(model, pulses, 3, alice, bob, n -> {});
        LinkModel single = new LinkModel(
                "metro",
                new Source(Protocol.SINGLE_PHOTON, 1e9, List.of(.4), List.of(1.0), .8),
                model.channel(),
                model.receiver(),
                model.misalignment(),
                0);
        aliceFive = dir.resolve("aliceFive");
        bobFive = dir.resolve("bobFive");
        five = settings(single.pulsesForKeyBits(40_000), 1e-6);
        Simulator.run(single, 5 * five.blockPulses(), 4, aliceFive, bobFive, n -> {});
    }

    @AfterAll
    static void close() {
        WORKERS.close();
        ENTROPY.close();
    }

    private static Settings settings(long blockPulses, double epsilonSecrecy) {
        return new Settings(epsilonSecrecy, 1e-15, blockPulses, 0.12, 0.15, Profile.FAST, FRAME);
    }

    /** What came of a session at one side: blocks, and the numbers of those that were given up. */
    private record Side(List<DistilledBlock> blocks, List<Long> givenUp) {
        static final Side NOTHING = new Side(List.of(), List.of());
    }

    private record Keys(Side aliceSide, Side bobSide) {
        List<DistilledBlock> alice() {
            return aliceSide.blocks;
        }

        List<DistilledBlock> bob() {
            return bobSide.blocks;
        }
    }

    /** Somebody on the way sees a message of a conversation. */
    @FunctionalInterface
    interface Change {
        Message apply(long conversation, Message message);

        /** A message has come. */
        default void heard(long conversation, Message message) {}

        /** The peer's tag is about to be checked. */
        default void checking(long conversation) {}
    }

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
        return run(
                alice,
                bob,
                aliceSettings,
                bobSettings,
                (n, m) -> toBob.apply(m),
                (n, m) -> toAlice.apply(m),
                window,
                1 << 26);
    }

    private static Keys runFive(Change toBob, Change toAlice, long maximumDetections) {
        return run(aliceFive, bobFive, five, five, toBob, toAlice, 3, maximumDetections);
    }

    private static Keys run(
            Path aliceFile,
            Path bobFile,
            Settings aliceSettings,
            Settings bobSettings,
            Change toBob,
            Change toAlice,
            int window,
            long maximumDetections) {
        Channel.Ends ends = Channel.inMemory();
        CompletableFuture<Side> a = CompletableFuture.supplyAsync(
                () -> side(Role.ALICE, aliceFile, tap(ends.alice(), toBob), aliceSettings, window, maximumDetections),
                Thread.ofPlatform()::start);
        CompletableFuture<Side> b = CompletableFuture.supplyAsync(
                () -> side(Role.BOB, bobFile, tap(ends.bob(), toAlice), bobSettings, window, maximumDetections),
                Thread.ofPlatform()::start);
        RuntimeException failure = null;
        Keys keys = new Keys(Side.NOTHING, Side.NOTHING);
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

    private static Side side(
            Role role, Path file, Channel channel, Settings settings, int window, long maximumDetections) {
        List<DistilledBlock> blocks = new ArrayList<>();
        List<Long> givenUp = new ArrayList<>();
        Progress progress = new Progress() {
            @Override
            public void advanced(Stage stage, long done, long total) {}

            @Override
            public void givenUp(long block, ProtocolException why) {
                assertTrue(why.endsOneBlock());
                givenUp.add(block);
            }
        };
        try (channel;
                DumpReader dump = DumpReader.open(file);
                Session session = new Session(
                        role,
                        dump,
                        channel,
                        ENGINE,
                        settings,
                        new Session.Plan(0, window, maximumDetections, KeyCustody.CALLER),
                        progress)) {
            for (Optional<DistilledBlock> b = session.next(); b.isPresent(); b = session.next()) {
                blocks.add(b.get());
            }
        }
        return new Side(blocks, givenUp);
    }

    private static Channel tap(Channel channel, Change change) {
        return new Channel() {
            @Override
            public Conversation conversation(long number) {
                return new Tapped(number, channel.conversation(number), change);
            }

            @Override
            public void close() {
                channel.close();
            }
        };
    }

    /** A conversation with somebody on the way. */
    private record Tapped(long number, Conversation behind, Change change) implements Conversation {
        @Override
        public void send(Message message) {
            behind.send(change.apply(number, message));
        }

        @Override
        public Message receive() {
            Message message = behind.receive();
            change.heard(number, message);
            return message;
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
            change.checking(number);
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
        DistilledBlock a = keys.alice().getFirst();
        DistilledBlock b = keys.bob().getFirst();
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
        assertEquals(3, keys.alice().size());
        long detections = 0;
        long sent = 0;
        for (int i = 0; i < 3; i++) {
            DistilledBlock b = keys.bob().get(i);
            assertTrue(keys.alice().get(i).key().contentEquals(b.key()));
            assertEquals(i, b.summary().parameters().block());
            assertEquals(i * third, b.summary().parameters().firstPulse());
            detections += b.summary().detections();
            sent += b.summary().sentPulses();
        }
        assertEquals(pulses, sent);
        Keys whole = runTapped(m -> m, m -> m);
        assertEquals(whole.bob().getFirst().summary().detections(), detections);
    }

    @Test
    void blocksInFlightGiveWhatTheyGiveOneAfterAnother() {
        Settings settings = settings(pulses / 7 + 1, 1e-9);
        Keys keys = run(settings, settings, m -> m, m -> m, 3);
        Keys one = run(settings, settings, m -> m, m -> m, 1);
        assertEquals(7, keys.alice().size());
        for (int i = 0; i < 7; i++) {
            assertTrue(keys.alice().get(i).key().contentEquals(keys.bob().get(i).key()));
            assertEquals(i, keys.bob().get(i).summary().parameters().block());
            assertEquals(
                    one.bob().get(i).summary().detections(),
                    keys.bob().get(i).summary().detections());
            assertEquals(
                    one.bob().get(i).summary().counts().keyDetections(),
                    keys.bob().get(i).summary().counts().keyDetections());
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
    void aBlockThatFailsEndsAlone() {
        Change none = (n, m) -> m;
        List<UnaryOperator<Message>> fromAlice = List.of(
                m -> m instanceof Message.AliceBits b
                        ? new Message.AliceBits(b.bits().slice(0, 64))
                        : m,
                m -> m instanceof Message.Amplification a
                        ? new Message.Amplification(a.keyId(), a.secretBits() + 1, 0, a.seed())
                        : m,
                m -> m instanceof Message.Amplification ? new Message.Abort("no") : m,
                // Something that goes wrong at her end, before she has offered a key.
                m -> broken(m, Message.AliceBases.class),
                m -> broken(m, Message.Verification.class));
        for (UnaryOperator<Message> change : fromAlice) {
            requireOthersWell(runFive((n, m) -> n == 2 ? change.apply(m) : m, none, 1 << 26));
        }
        List<UnaryOperator<Message>> fromBob = List.of(
                m -> m instanceof Message.ErrorCounts ? new Message.ErrorCounts(List.of(1L << 40)) : m,
                m -> broken(m, Message.Detections.class),
                m -> broken(m, Message.EndOfMeasurement.class),
                m -> broken(m, Message.BobBases.class),
                m -> broken(m, Message.ErrorCounts.class));
        for (UnaryOperator<Message> change : fromBob) {
            requireOthersWell(runFive(none, (n, m) -> n == 2 ? change.apply(m) : m, 1 << 26));
        }
    }

    private static Message broken(Message m, Class<? extends Message> kind) {
        if (kind.isInstance(m)) {
            throw new IllegalStateException("for the test");
        }
        return m;
    }

    private static void requireOthersWell(Keys keys) {
        assertEquals(List.of(2L), keys.aliceSide.givenUp);
        assertEquals(List.of(2L), keys.bobSide.givenUp);
        assertEquals(List.of(0L, 1L, 3L, 4L), numbers(keys.alice()));
        assertEquals(List.of(0L, 1L, 3L, 4L), numbers(keys.bob()));
        for (int i = 0; i < 4; i++) {
            assertTrue(keys.alice().get(i).key().length() > 0);
            assertTrue(keys.alice().get(i).key().contentEquals(keys.bob().get(i).key()));
        }
    }

    private static List<Long> numbers(List<DistilledBlock> blocks) {
        return blocks.stream().map(b -> b.summary().parameters().block()).toList();
    }

    @Test
    void aBlockThatIsTooLargeEndsAlone() {
        Change none = (n, m) -> m;
        Keys all = runFive(none, none, 1 << 26);
        long largest = all.bob().stream()
                .mapToLong(b -> b.summary().detections())
                .max()
                .orElseThrow();
        List<Long> others = all.bob().stream()
                .filter(b -> b.summary().detections() < largest)
                .map(b -> b.summary().parameters().block())
                .toList();
        Keys keys = runFive(none, none, largest - 1);
        assertEquals(4, others.size());
        assertEquals(others, numbers(keys.alice()));
        assertEquals(others, numbers(keys.bob()));
        assertEquals(keys.aliceSide.givenUp, keys.bobSide.givenUp);
    }

    @Test
    void aBlockThatIsRefusedEndsAlone() {
        // Somebody makes one block look like noise.
        Change toBob =
                (n, m) -> n == 2 && m instanceof Message.AliceBits b ? new Message.AliceBits(turned(b.bits())) : m;
        Change toAlice = (n, m) ->
                n == 2 && m instanceof Message.BobBases b ? new Message.BobBases(b.bases(), turned(b.bits())) : m;
        Keys keys = runFive(toBob, toAlice, 1 << 26);
        assertEquals(List.of(0L, 1L, 2L, 3L, 4L), numbers(keys.alice()));
        for (int i = 0; i < 5; i++) {
            assertEquals(i == 2, keys.alice().get(i).summary().abort().isPresent());
            assertEquals(i == 2, keys.bob().get(i).summary().abort().isPresent());
            assertTrue(keys.alice().get(i).key().contentEquals(keys.bob().get(i).key()));
        }
    }

    private static BitString turned(BitString bits) {
        BitString copy = bits.copy();
        for (long i = 0; i < copy.length(); i++) {
            copy.set(i, !copy.get(i));
        }
        return copy;
    }

    @Test
    void blocksThatFailOneAfterAnotherEndTheSession() {
        Settings settings = settings(pulses / 7 + 1, 1e-9);
        Broken e = assertThrows(
                Broken.class,
                () -> run(
                        settings,
                        settings,
                        m -> m,
                        m -> m instanceof Message.ErrorCounts ? new Message.ErrorCounts(List.of(1L << 40, 0L)) : m,
                        2));
        assertTrue(String.valueOf(e.aliceFailure).contains("blocks in a row could not be finished"), String.valueOf(e));
    }

    @Test
    void aKeyThatIsInDoubtIsNotGivenUp() {
        Change none = (n, m) -> m;
        // Bob has staged his; Alice says what she may not any more, and may well be over before he sees it.
        Throwable e = assertThrows(
                Throwable.class,
                () -> runFive(
                        (n, m) -> n == 2 && m instanceof Message.Done ? new Message.GiveUp("no") : m, none, 1 << 26));
        assertTrue(String.valueOf(e.getMessage()).contains("GiveUp"), String.valueOf(e));
    }

    /** One end's messages of each block: how many ways lie between them and the block's begin, one after another. */
    private static final class Ways implements Change {
        private final Map<Message, Integer> sent;
        private final Map<Long, Integer> heard = new ConcurrentHashMap<>();
        /** Those before each request for syndromes. */
        final Map<Long, List<Integer>> requests = new ConcurrentHashMap<>();

        Ways(Map<Message, Integer> sent) {
            this.sent = sent;
        }

        @Override
        public Message apply(long conversation, Message message) {
            // The empty tag is one object for all; it goes with the message before it.
            if (!(message instanceof Message.Authentication)) {
                sent.put(message, 1 + heard.getOrDefault(conversation, 0));
            }
            if (message instanceof Message.Reconciliation r && r.step() instanceof ReconcileMessage.SyndromeRequest) {
                requests.computeIfAbsent(conversation, n -> new ArrayList<>())
                        .add(1 + heard.getOrDefault(conversation, 0));
            }
            return message;
        }

        @Override
        public void heard(long conversation, Message message) {
            heard.merge(conversation, sent.getOrDefault(message, 0), Math::max);
        }
    }

    @Test
    void aBlockWithoutTroubleTakesEightWaysFromItsLastDetection() {
        Map<Message, Integer> sent = Collections.synchronizedMap(new IdentityHashMap<>());
        Ways atAlice = new Ways(sent);
        Ways atBob = new Ways(sent);
        Keys keys = runFive(atAlice, atBob, 1 << 26);
        assertEquals(5, keys.alice().size());
        // One more for Hello, which goes out before the block's raw data are there.
        List<Integer> ways = new ArrayList<>();
        for (DistilledBlock b : keys.bob()) {
            if (b.summary().reconciliation().orElseThrow().firstFailures() == 0) {
                ways.add(atBob.heard.get(b.summary().parameters().block()));
            }
        }
        // Frames of two lengths take two more.
        assertEquals(1 + 8, Collections.min(ways), ways.toString());
        assertTrue(Collections.max(ways) <= 1 + 10, ways.toString());
    }

    @Test
    void framesOfTwoLengthsAreAskedForAtOnce() {
        int met = 0;
        // Whether there are frames of two lengths depends on how long the block is.
        for (int blocks = 2; blocks <= 5; blocks++) {
            Map<Message, Integer> sent = Collections.synchronizedMap(new IdentityHashMap<>());
            Ways atBob = new Ways(sent);
            Settings few = settings(blocks * five.blockPulses(), 1e-6);
            run(aliceFive, bobFive, few, few, new Ways(sent), atBob, 1, 1 << 26);
            for (List<Integer> ways : atBob.requests.values()) {
                if (ways.size() == 2) {
                    met++;
                    assertEquals(ways.get(0), ways.get(1));
                }
            }
        }
        assertTrue(met > 0);
    }

    @Test
    void aliceSaysNothingThatDependsOnBasesBeforeBobsTagIsChecked() {
        List<String> said = Collections.synchronizedList(new ArrayList<>());
        Change atAlice = new Change() {
            @Override
            public Message apply(long conversation, Message message) {
                if (conversation == 2) {
                    said.add(message.getClass().getSimpleName());
                }
                return message;
            }

            @Override
            public void checking(long conversation) {
                if (conversation == 2) {
                    throw new IllegalStateException("the tag does not fit");
                }
            }
        };
        assertThrows(Broken.class, () -> runFive(atAlice, (n, m) -> m, 1 << 26));
        assertEquals(List.of("Hello"), said);
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
        BlockSummary s = keys.bob().getFirst().summary();
        assertEquals(1, s.wrongGroups());
        assertTrue(s.leakage().published() >= Math.min(1 << 20, s.counts().keyDetections()));
        assertEquals(0, s.secretBits());
        assertTrue(s.abort().isPresent());
        assertFalse(keys.alice().getFirst().summary().abort().isEmpty());
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

    private static void requireNoKey(UnaryOperator<Message> toBob, UnaryOperator<Message> toAlice) {
        try {
            Keys keys = runTapped(toBob, toAlice);
            assertEquals(List.of(), keys.alice());
            assertEquals(List.of(), keys.bob());
            assertEquals(List.of(0L), keys.aliceSide.givenUp);
            assertEquals(List.of(0L), keys.bobSide.givenUp);
        } catch (Broken e) {
            assertTrue(e.aliceFailure != null && e.bobFailure != null);
        }
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
            requireNoKey(change, m -> m);
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
            requireNoKey(m -> m, change);
        }
    }
}
