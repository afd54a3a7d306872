package dev.qdistill.reconcile;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.bits.BitString;
import dev.qdistill.reconcile.ReconcileMessage.CascadePass;
import dev.qdistill.reconcile.ReconcileMessage.CascadeStart;
import dev.qdistill.reconcile.ReconcileMessage.Parities;
import dev.qdistill.reconcile.ReconcileMessage.ParityRequest;
import dev.qdistill.reconcile.ReconcileMessage.Reconciled;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

final class CascadeTest {
    private static final int FRAME = 1 << 14;

    private final SplittableRandom random = new SplittableRandom(20260301);
    private final CascadePermutations permutations = new CascadePermutations(FRAME);

    private record Outcome(long wrong, int parities, int requests, boolean givenUp, Leakage leakage) {}

    /** Runs both sides; they must count the same parities, and as many bits as the messages hold. */
    private static Outcome run(
            BitString aliceKey,
            BitString bobKey,
            int offset,
            CascadeVariant variant,
            double qber,
            int limit,
            CascadePermutations permutations) {
        BobCascade bob = new BobCascade(bobKey, offset, 3, variant, qber, limit, permutations);
        Optional<ReconcileMessage> request = bob.start();
        if (request.isPresent()) {
            AliceCascade alice = new AliceCascade(aliceKey, offset, (CascadeStart) request.get(), permutations);
            long sent = 0;
            while (request.isPresent()) {
                Parities answer = alice.answer(request.get());
                sent += answer.parities().length();
                request = bob.receive(answer);
            }
            assertEquals(sent, bob.parities());
            assertEquals(sent, alice.parities());
            assertEquals(sent, bob.leakage().parities());
            assertEquals(sent + 1, bob.leakage().feedback());
        }
        return new Outcome(aliceKey.distance(bobKey), bob.parities(), bob.requests(), bob.givenUp(), bob.leakage());
    }

    private BitString noisy(BitString key, double qber) {
        BitString copy = key.copy();
        for (long i = 0; i < key.length(); i++) {
            if (random.nextDouble() < qber) {
                copy.set(i, !copy.get(i));
            }
        }
        return copy;
    }

    @ParameterizedTest
    @CsvSource({
        "ORIGINAL, 0.01, 1.11, 1.24",
        "ORIGINAL, 0.03, 1.13, 1.24",
        "ORIGINAL, 0.05, 1.13, 1.24",
        "OPTIMISED, 0.01, 1.03, 1.06",
        "OPTIMISED, 0.03, 1.03, 1.06",
        "OPTIMISED, 0.05, 1.03, 1.06"
    })
    void parityEfficiencyIsThatOfTheLiterature(CascadeVariant variant, double qber, double least, double most) {
        int frames = 20;
        long parities = 0;
        long errors = 0;
        int wrongFrames = 0;
        for (int i = 0; i < frames; i++) {
            try (BitString alice = BitString.random(FRAME, random);
                    BitString bob = noisy(alice, qber)) {
                errors += alice.distance(bob);
                Outcome o = run(alice, bob, 0, variant, qber, FRAME, permutations);
                parities += o.parities;
                assertFalse(o.givenUp);
                wrongFrames += o.wrong == 0 ? 0 : 1;
            }
        }
        double q = (double) errors / frames / FRAME;
        double h = -(q * Math.log(q) + (1 - q) * Math.log(1 - q)) / Math.log(2);
        double f = parities / (h * frames * FRAME);
        assertTrue(f > least && f < most, "f = " + f);
        assertTrue(wrongFrames <= 1, wrongFrames + " wrong frames");
    }

    @ParameterizedTest
    @EnumSource
    void burstsAreCorrectedAsSingleErrorsAre(CascadeVariant variant) {
        try (BitString alice = BitString.random(FRAME, random);
                BitString bob = alice.copy()) {
            for (int i = 5000; i < 5200; i++) {
                bob.set(i, !bob.get(i));
            }
            assertEquals(0, run(alice, bob, 0, variant, 200.0 / FRAME, FRAME, permutations).wrong);
        }
    }

    @ParameterizedTest
    @EnumSource
    void keysThatAgreeCostTheFirstParitiesOnly(CascadeVariant variant) {
        try (BitString alice = BitString.random(FRAME, random);
                BitString bob = alice.copy()) {
            Outcome o = run(alice, bob, 0, variant, 0.01, FRAME, permutations);
            assertEquals(0, o.wrong);
            assertEquals(variant == CascadeVariant.ORIGINAL ? 4 : 14, o.requests);
            assertTrue(o.parities < FRAME * 0.03);
        }
    }

    @ParameterizedTest
    @EnumSource
    void framesOfAnyLengthAreCorrectedInsideOfTheirBlockOnly(CascadeVariant variant) {
        for (int bits : new int[] {1, 2, 3, 63, 65, 1000, 4097}) {
            CascadePermutations own = new CascadePermutations(bits);
            try (BitString alice = BitString.random(bits + 200, random);
                    BitString bob = alice.copy()) {
                bob.set(99, !bob.get(99));
                bob.set(100 + bits / 2, !bob.get(100 + bits / 2));
                bob.set(100 + bits, !bob.get(100 + bits));
                Outcome o = run(alice, bob, 100, variant, 0.02, bits, own);
                // The bits around the frame stay wrong.
                assertTrue(!bob.get(99) == alice.get(99) && !bob.get(100 + bits) == alice.get(100 + bits));
                assertTrue(o.wrong == 2 || o.givenUp && o.wrong == 3, bits + " bits");
                assertFalse(o.givenUp && bits > 3, bits + " bits");
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void blocksOfOneBitTellEverything(CascadeVariant variant) {
        try (BitString alice = BitString.random(FRAME, random);
                BitString bob = BitString.random(FRAME, random)) {
            Outcome o = run(alice, bob, 0, variant, 0.9, FRAME, permutations);
            assertEquals(0, o.wrong);
            assertEquals(FRAME, o.parities);
            assertEquals(1, o.requests);
        }
    }

    @Test
    void bobGivesUpAtTheLimit() {
        try (BitString alice = BitString.random(FRAME, random);
                BitString bob = BitString.random(FRAME, random)) {
            Outcome o = run(alice, bob, 0, CascadeVariant.OPTIMISED, 0.02, 3000, permutations);
            assertTrue(o.givenUp);
            assertTrue(o.parities <= 3000);
        }
    }

    @Test
    void permutationsAreTheSameEverywhereAndAllDifferent() {
        CascadePermutations other = new CascadePermutations(FRAME);
        for (int pass = 0; pass < 14; pass++) {
            int[] order = permutations.order(pass);
            assertArrayEquals(order, other.order(pass));
            int[] places = permutations.places(pass);
            int fixed = 0;
            for (int i = 0; i < FRAME; i++) {
                assertEquals(i, places[order[i]]);
                fixed += pass > 0 && order[i] == permutations.order(pass - 1)[i] ? 1 : 0;
            }
            assertTrue(fixed < 10);
        }
        // Peers of other versions must have the same ones.
        assertArrayEquals(new int[] {4720, 13024, 12780, 4149}, java.util.Arrays.copyOf(permutations.order(0), 4));
    }

    @Test
    void requestsBeyondTheProtocolAreRefusedAndTellNothing() {
        try (BitString key = BitString.random(FRAME, random)) {
            CascadeVariant v = CascadeVariant.OPTIMISED;
            for (int first : new int[] {-1, 0, 3, FRAME + 1, 2 * FRAME}) {
                CascadeStart bad = new CascadeStart(3, v, first);
                assertThrows(IllegalArgumentException.class, () -> new AliceCascade(key, 0, bad, permutations));
            }
            CascadeStart start = new CascadeStart(3, v, 64);
            AliceCascade alice = new AliceCascade(key, 0, start, permutations);
            assertRefused(alice, new CascadePass(3));
            assertRefused(alice, new ParityRequest(3, new int[] {0}));
            assertEquals(0, alice.parities());
            alice.answer(start);
            int told = alice.parities();
            assertEquals(FRAME / 64, told);
            assertRefused(alice, start);
            assertRefused(alice, new CascadePass(4));
            assertRefused(alice, new ParityRequest(4, new int[] {0}));
            assertRefused(alice, new ParityRequest(3, new int[] {}));
            assertRefused(alice, new ParityRequest(3, new int[] {-1}));
            assertRefused(alice, new ParityRequest(3, new int[] {told}));
            assertRefused(alice, new ParityRequest(3, new int[] {1, 1}));
            assertRefused(alice, new ParityRequest(3, new int[FRAME]));
            assertRefused(alice, new Reconciled());
            assertEquals(told, alice.parities());
            alice.answer(new ParityRequest(3, new int[] {1}));
            assertRefused(alice, new ParityRequest(3, new int[] {1}));
            for (int i = 0; i < 13; i++) {
                alice.answer(new CascadePass(3));
            }
            assertRefused(alice, new CascadePass(3));
        }
    }

    @Test
    void originalCascadeNeverTellsMoreParitiesThanTheFrameHasBits() {
        try (BitString key = BitString.random(FRAME, random)) {
            CascadeStart start = new CascadeStart(3, CascadeVariant.ORIGINAL, 73);
            AliceCascade alice = new AliceCascade(key, 0, start, permutations);
            alice.answer(start);
            while (alice.parities() < FRAME) {
                alice.answer(new ParityRequest(3, new int[] {0}));
            }
            assertRefused(alice, new ParityRequest(3, new int[] {0}));
        }
    }

    @Test
    void answersThatDoNotFitAreRefused() {
        try (BitString key = BitString.random(FRAME, random)) {
            BobCascade bob = new BobCascade(key, 0, 3, CascadeVariant.OPTIMISED, 0.02, FRAME, permutations);
            assertThrows(IllegalArgumentException.class, () -> bob.receive(new Parities(3, BitString.allocate(256))));
            bob.start();
            assertThrows(IllegalArgumentException.class, () -> bob.receive(new Parities(3, BitString.allocate(255))));
            assertThrows(IllegalArgumentException.class, () -> bob.receive(new Parities(4, BitString.allocate(256))));
        }
    }

    @ParameterizedTest
    @EnumSource
    void anAliceWhoToldRandomParitiesIsNotFollowedForEver(CascadeVariant variant) {
        try (BitString key = BitString.random(FRAME, random)) {
            BobCascade bob = new BobCascade(key, 0, 3, variant, 0.02, FRAME, permutations);
            Optional<ReconcileMessage> request = bob.start();
            try {
                while (request.isPresent()) {
                    request = bob.receive(new Parities(3, BitString.random(bob.latest(), random)));
                }
                assertTrue(bob.parities() <= FRAME);
            } catch (IllegalArgumentException contradiction) {
                assertTrue(String.valueOf(contradiction.getMessage()).contains("contradict"));
            }
        }
    }

    @Test
    void theSameKeysGiveTheSameMessages() {
        try (BitString alice = BitString.random(FRAME, random);
                BitString bob = noisy(alice, 0.03);
                BitString again = bob.copy()) {
            CascadeVariant v = CascadeVariant.OPTIMISED;
            Outcome first = run(alice, bob, 0, v, 0.03, FRAME, permutations);
            assertEquals(first, run(alice, again, 0, v, 0.03, FRAME, new CascadePermutations(FRAME)));
            assertEquals(
                    List.of(4L, (long) first.parities, first.parities + 1L),
                    List.of(first.leakage.choices(), first.leakage.parities(), first.leakage.feedback()));
        }
    }

    private static void assertRefused(AliceCascade alice, ReconcileMessage request) {
        assertThrows(IllegalArgumentException.class, () -> alice.answer(request), request.toString());
    }
}
