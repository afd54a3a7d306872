package dev.qdistill.reconcile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.Offload;
import dev.qdistill.accel.Workers;
import dev.qdistill.bits.BitString;
import dev.qdistill.ldpc.CodeFamily;
import dev.qdistill.ldpc.Profile;
import dev.qdistill.reconcile.BobReconciler.Effort;
import dev.qdistill.reconcile.ReconcileMessage.CascadePass;
import dev.qdistill.reconcile.ReconcileMessage.CascadeStart;
import dev.qdistill.reconcile.ReconcileMessage.ExtensionRequest;
import dev.qdistill.reconcile.ReconcileMessage.Extensions;
import dev.qdistill.reconcile.ReconcileMessage.Parities;
import dev.qdistill.reconcile.ReconcileMessage.ParityRequest;
import dev.qdistill.reconcile.ReconcileMessage.PublishRequest;
import dev.qdistill.reconcile.ReconcileMessage.Published;
import dev.qdistill.reconcile.ReconcileMessage.Reconciled;
import dev.qdistill.reconcile.ReconcileMessage.RevealRequest;
import dev.qdistill.reconcile.ReconcileMessage.Revealed;
import dev.qdistill.reconcile.ReconcileMessage.SyndromeRequest;
import dev.qdistill.reconcile.ReconcileMessage.Syndromes;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ReconcilerTest {
    private static final CodeFamily CODES = CodeFamily.shipped();
    private static final Workers WORKERS = new Workers(2);

    private final SplittableRandom random = new SplittableRandom(20260101);

    @AfterAll
    static void close() {
        WORKERS.close();
    }

    private record Outcome(long errors, long wrong, Leakage alice, Leakage bob, ReconcileStatistics statistics) {
        double efficiency(long bits) {
            double q = (double) errors / bits;
            return bob.total() / (bits * -(q * Math.log(q) + (1 - q) * Math.log(1 - q)) / Math.log(2));
        }
    }

    private Outcome run(long bits, double qber, QberEstimate estimate, int frameBits) {
        return run(bits, qber, estimate, frameBits, answer -> answer);
    }

    private Outcome run(
            long bits, double qber, QberEstimate estimate, int frameBits, UnaryOperator<ReconcileMessage> channel) {
        return run(bits, qber, estimate, frameBits, Effort.of(Profile.EFFICIENT), channel);
    }

    private Outcome run(
            long bits,
            double qber,
            QberEstimate estimate,
            int frameBits,
            Effort effort,
            UnaryOperator<ReconcileMessage> channel) {
        try (BitString aliceKey = BitString.random(bits, random);
                BitString before = aliceKey.copy();
                BitString bobKey = aliceKey.copy()) {
            for (long i = 0; i < bits; i++) {
                if (random.nextDouble() < qber) {
                    bobKey.set(i, !bobKey.get(i));
                }
            }
            long errors = aliceKey.distance(bobKey);
            AliceReconciler alice = new AliceReconciler(aliceKey, frameBits, CODES, Backend.AUTO, WORKERS);
            try (BobReconciler bob = new BobReconciler(
                    bobKey,
                    estimate,
                    frameBits,
                    CODES,
                    Profile.EFFICIENT,
                    effort,
                    Backend.AUTO,
                    WORKERS,
                    Offload.none(),
                    n -> {})) {
                Deque<ReconcileMessage> requests = new ArrayDeque<>();
                bob.start(requests::add);
                while (!(requests.peek() instanceof Reconciled)) {
                    bob.receive(channel.apply(alice.answer(requests.remove())), requests::add);
                }
                assertEquals(1, requests.size());
                assertTrue(bob.done());
                assertTrue(aliceKey.contentEquals(before), "Alice's key is the reference");
                return new Outcome(errors, aliceKey.distance(bobKey), alice.leakage(), bob.leakage(), bob.statistics());
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"0.005, 1.7", "0.01, 1.5", "0.02, 1.4", "0.03, 1.35", "0.05, 1.3", "0.08, 1.3", "0.11, 1.3"})
    void correctsEveryErrorAndBothSidesCountTheSameLeakage(double qber, double mostEfficiency) {
        long bits = 500_000;
        Outcome o = run(bits, qber, QberEstimate.fromSample(Math.round(qber * 50_000), 50_000), 1 << 16);
        assertEquals(0, o.wrong);
        assertEquals(o.alice, o.bob);
        assertEquals(0, o.statistics.failedFrames());
        assertTrue(o.efficiency(bits) < mostEfficiency, "f = " + o.efficiency(bits));
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 63, 64, 100, 1000, 4095, 4096, 4097, 20_000})
    void shortBlocksAndTailsAreCorrectedOrPublished(long bits) {
        Outcome o = run(bits, 0.02, QberEstimate.fromSample(20, 1000), 1 << 16);
        assertEquals(0, o.wrong);
        assertEquals(o.alice, o.bob);
    }

    @Test
    void aBadFirstEstimateCostsLeakageButNoFrame() {
        long bits = 200_000;
        Outcome o = run(bits, 0.06, QberEstimate.fromSample(10, 1000), 1 << 14);
        assertEquals(0, o.wrong);
        assertEquals(o.alice, o.bob);
        assertEquals(0, o.statistics.failedFrames());
        assertTrue(o.statistics.firstFailures() > 0);
    }

    @Test
    void aFrameThatNoCodeCorrectsIsPublishedAndCountedInFull() {
        Outcome o = run(4096, 0.3, QberEstimate.fromSample(5, 100), 4096);
        assertEquals(0, o.wrong);
        assertEquals(o.alice, o.bob);
        assertEquals(1, o.statistics.failedFrames());
        assertEquals(4096, o.bob.published());
    }

    /** A decoder that never gets to work. */
    private static final Effort NONE = new Effort(0, 0);

    @ParameterizedTest
    @CsvSource({"16384, 0.058", "16384, 0.067", "2500, 0.066"})
    void aFrameThatTheDecoderFailsOnGoesThroughCascade(long bits, double qber) {
        Outcome o = run(bits, qber, QberEstimate.fromSample(5000, 100_000), 4096, NONE, answer -> answer);
        assertEquals(0, o.wrong);
        assertEquals(o.alice, o.bob);
        assertEquals(o.statistics.frames(), o.statistics.cascaded());
        assertEquals(0, o.bob.published());
        assertTrue(o.bob.extensions() > 0, "rows are cheaper, so they are tried before");
        assertTrue(o.bob.feedback() > o.bob.parities(), "each comparison is counted too");
    }

    @Test
    void aFrameThatCascadeGivesUpIsPublished() {
        int givenUp = 0;
        for (int i = 0; i < 200 && givenUp == 0; i++) {
            Outcome o = run(2500, 0.088, QberEstimate.fromSample(7000, 100_000), 4096, NONE, answer -> answer);
            assertEquals(0, o.wrong);
            assertEquals(o.alice, o.bob);
            if (o.bob.parities() > 0 && o.bob.published() > 0) {
                assertEquals(2500, o.bob.published());
                assertEquals(1, o.statistics.failedFrames());
                assertTrue(2 * o.bob.parities() < 2500);
                givenUp++;
            }
        }
        assertTrue(givenUp > 0);
    }

    @Test
    void everyMeansIsCountedInTheStatistics() {
        Outcome o = run(1 << 18, 0.05, QberEstimate.fromSample(4000, 100_000), 1 << 14);
        ReconcileStatistics s = o.statistics;
        assertEquals(s.frames(), s.firstAttempt() + s.extended() + s.revealed() + s.cascaded() + s.failedFrames());
        assertTrue(s.extended() > 0);
        assertEquals(s.frames() - s.firstAttempt(), s.firstFailures());
        assertTrue(o.bob.extensions() > 0);
    }

    @Test
    void framesCoverTheBlockWithoutGaps() {
        for (long bits : new long[] {0, 1, 5000, 100_000, 1_000_000, 3_333_333}) {
            long next = 0;
            int index = 0;
            for (Frame f : Frame.cut(bits, 1 << 16, List.of(1 << 12, 1 << 14, 1 << 16))) {
                assertEquals(index++, f.index());
                assertEquals(next, f.offset());
                assertEquals(0, f.offset() % 64);
                assertTrue(f.bits() > 0 && f.bits() <= f.codeBits());
                next += f.bits();
            }
            assertEquals(bits, next);
        }
    }

    @Test
    void theChoiceOfPositionsIsCounted() {
        assertEquals(0, Leakage.bitsOfChoice(100, 0));
        // C(100, 3) = 161700
        assertEquals(18, Leakage.bitsOfChoice(100, 3));
        // log2 C(65536, 100) = 1074.6 by exact arithmetic
        java.math.BigInteger c = java.math.BigInteger.ONE;
        for (int i = 0; i < 100; i++) {
            c = c.multiply(java.math.BigInteger.valueOf(65536 - i)).divide(java.math.BigInteger.valueOf(i + 1));
        }
        assertEquals(c.bitLength(), Leakage.bitsOfChoice(65536, 100));
    }

    @Test
    void rowsAreCountedAsTheyAreSentAndTheChoiceOfTheirNumberToo() {
        try (BitString key = BitString.random(3 * 4096, random)) {
            AliceReconciler alice = new AliceReconciler(key, 4096, CODES, Backend.AUTO, WORKERS);
            var entry = CODES.codes(4096).stream()
                    .filter(e -> e.syndromeBits() >= 640)
                    .findFirst()
                    .orElseThrow();
            int frames = 3;
            int rows = entry.syndromeBits() / 64;
            int splits = 2;
            alice.answer(new SyndromeRequest(List.of(0, 1, 2), entry.name(), splits));
            Leakage first = alice.leakage();
            assertEquals((rows + splits) * 64L * frames, first.syndromes());
            assertEquals(frames, first.feedback());
            assertEquals(1 + Leakage.bitsOfOne(CODES.codes(4096).size() * (rows + 1L)), first.choices());
            Extensions more = (Extensions) alice.answer(new ExtensionRequest(List.of(0, 2), List.of(3, 7)));
            assertEquals(64, more.bits().get(0).length());
            assertEquals(5 * 64, more.bits().get(1).length());
            Leakage second = alice.leakage();
            assertEquals(first.syndromes(), second.syndromes());
            assertEquals(6L * 64, second.extensions());
            assertEquals(frames + 2, second.feedback());
            assertEquals(first.choices() + 2L * (2 + Leakage.bitsOfOne(rows - splits)), second.choices());
            BitString positions = BitString.allocate(4096);
            positions.setBits(100, 64, -1);
            alice.answer(new RevealRequest(List.of(1), List.of(positions)));
            Leakage third = alice.leakage();
            assertEquals(64, third.revealed());
            assertEquals(second.choices() + 2 + 7 + Leakage.bitsOfChoice(4096, 64), third.choices());
            assertEquals(second.feedback() + 1, third.feedback());
            positions.set(0, true);
            assertRefused(alice, new RevealRequest(List.of(2), List.of(positions)));
            assertEquals(third, alice.leakage());
            alice.answer(new PublishRequest(List.of(2)));
            assertEquals(4096, alice.leakage().published());
            assertEquals(third.choices() + 2, alice.leakage().choices());
        }
    }

    @Test
    void numbersOfRowsThatCannotBeAreRefused() {
        try (BitString key = BitString.random(10_000, random)) {
            AliceReconciler alice = new AliceReconciler(key, 4096, CODES, Backend.AUTO, WORKERS);
            var entry = CODES.codes(4096).getFirst();
            int rows = entry.syndromeBits() / 64;
            for (int splits : new int[] {-1, rows + 1, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
                assertRefused(alice, new SyndromeRequest(List.of(0), entry.name(), splits));
            }
            assertRefused(alice, new SyndromeRequest(List.of(), entry.name(), 0));
            assertRefused(alice, new SyndromeRequest(List.of(0, 0), entry.name(), 0));
            assertRefused(alice, new ExtensionRequest(List.of(0), List.of(1)));
            assertEquals(Leakage.NONE, alice.leakage());
            alice.answer(new SyndromeRequest(List.of(0), entry.name(), 1));
            Leakage before = alice.leakage();
            for (int splits : new int[] {-1, 0, 1, rows + 1, Integer.MAX_VALUE}) {
                assertRefused(alice, new ExtensionRequest(List.of(0), List.of(splits)));
            }
            assertRefused(alice, new ExtensionRequest(List.of(1), List.of(2)));
            assertRefused(alice, new ExtensionRequest(List.of(0, 0), List.of(2, 3)));
            assertRefused(alice, new ExtensionRequest(List.of(0), List.of()));
            assertRefused(alice, new ExtensionRequest(List.of(99), List.of(2)));
            assertEquals(before, alice.leakage());
        }
    }

    @Test
    void addedRowsOfAWrongLengthOrUnaskedAreRefused() {
        assertThrows(
                IllegalArgumentException.class,
                () -> run(
                        1 << 14,
                        0.05,
                        QberEstimate.fromSample(5000, 100_000),
                        4096,
                        NONE,
                        answer -> answer instanceof Extensions e
                                ? new Extensions(
                                        e.frames(),
                                        e.bits().stream()
                                                .map(b -> b.slice(0, b.length() - 64))
                                                .toList())
                                : answer));
        assertThrows(
                IllegalArgumentException.class,
                () -> run(
                        1 << 14,
                        0.05,
                        QberEstimate.fromSample(5000, 100_000),
                        4096,
                        NONE,
                        answer -> answer instanceof Extensions e
                                ? new Extensions(
                                        e.frames().stream().map(f -> f + 1).toList(), e.bits())
                                : answer));
    }

    @Test
    void anAliceWhoAnswersLessThanWasAskedIsNotWaitedFor() {
        IllegalArgumentException e = assertThrows(
                IllegalArgumentException.class,
                () -> run(
                        1 << 14,
                        0.05,
                        QberEstimate.fromSample(5000, 100_000),
                        4096,
                        NONE,
                        answer -> answer instanceof Extensions
                                ? new Extensions(List.of(), List.of())
                                : answer instanceof Parities ? new Parities(0, BitString.allocate(0)) : answer));
        assertTrue(String.valueOf(e.getMessage()).contains("4 frames are left"), e.getMessage());
        assertThrows(
                IllegalArgumentException.class,
                () -> run(
                        4096,
                        0.3,
                        QberEstimate.fromSample(5, 100),
                        4096,
                        answer -> answer instanceof Published p ? new Published(p.frames(), List.of()) : answer));
    }

    @Test
    void aFrameOfWhichOnlyAFewBitsAreWrongGetsBitsRevealed() {
        int revealed = 0;
        for (int iterations = 5; iterations < 60 && revealed == 0; iterations++) {
            Outcome o = run(
                    1 << 17,
                    0.05,
                    QberEstimate.fromSample(5000, 100_000),
                    1 << 14,
                    new Effort(iterations, 0),
                    answer -> answer);
            assertEquals(0, o.wrong);
            assertEquals(o.alice, o.bob);
            if (o.statistics.revealed() > 0) {
                assertTrue(o.bob.revealed() > 0);
                assertTrue(o.bob.choices() > o.bob.revealed(), "which bits costs more than the bits");
                revealed++;
            }
        }
        assertTrue(revealed > 0);
    }

    @Test
    void requestsAndAnswersThatDoNotFitAreRefused() {
        try (BitString key = BitString.random(10_000, random);
                BitString other = key.copy()) {
            AliceReconciler alice = new AliceReconciler(key, 4096, CODES, Backend.AUTO, WORKERS);
            String code = CODES.codes(4096).getFirst().name();
            String longer = CODES.codes(1 << 14).getFirst().name();
            assertRefused(alice, new SyndromeRequest(List.of(99), code, 0));
            assertRefused(alice, new SyndromeRequest(List.of(-1), code, 0));
            assertRefused(alice, new SyndromeRequest(List.of(0), longer, 0));
            assertRefused(alice, new SyndromeRequest(List.of(0), "no such code", 0));
            assertRefused(alice, new RevealRequest(List.of(0), List.of()));
            assertRefused(alice, new RevealRequest(List.of(0), List.of(BitString.allocate(7))));
            assertRefused(alice, new Reconciled());
            assertRefused(alice, new CascadePass(0));
            assertRefused(alice, new ParityRequest(0, new int[] {0}));
            assertRefused(alice, new CascadeStart(99, CascadeVariant.OPTIMISED, 16));
            assertRefused(alice, new CascadeStart(0, CascadeVariant.OPTIMISED, 17));
            assertEquals(Leakage.NONE, alice.leakage());
            alice.answer(new PublishRequest(List.of(0)));
            assertRefused(alice, new PublishRequest(List.of(0)));
            assertRefused(alice, new CascadeStart(0, CascadeVariant.OPTIMISED, 16));
            alice.answer(new CascadeStart(1, CascadeVariant.OPTIMISED, 16));
            assertRefused(alice, new CascadeStart(1, CascadeVariant.OPTIMISED, 16));

            try (BobReconciler bob = new BobReconciler(
                    other,
                    QberEstimate.fromSample(1, 100),
                    4096,
                    CODES,
                    Profile.FAST,
                    Backend.AUTO,
                    WORKERS,
                    Offload.none(),
                    n -> {})) {
                Deque<ReconcileMessage> requests = new ArrayDeque<>();
                bob.start(requests::add);
                assertThrows(
                        IllegalArgumentException.class,
                        () -> bob.receive(new Revealed(List.of(0), List.of(BitString.allocate(3))), requests::add));
                assertThrows(
                        IllegalArgumentException.class,
                        () -> bob.receive(new Syndromes(List.of(0), code, 0, BitString.allocate(64)), requests::add));
                assertThrows(
                        IllegalArgumentException.class,
                        () -> bob.receive(new PublishRequest(List.of(0)), requests::add));
                assertThrows(
                        IllegalArgumentException.class,
                        () -> bob.receive(new Parities(0, BitString.allocate(64)), requests::add));
            }
        }
    }

    private static void assertRefused(AliceReconciler alice, ReconcileMessage request) {
        assertThrows(IllegalArgumentException.class, () -> alice.answer(request), request.toString());
    }
}
