package dev.qdistill.security;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.security.DetectionCounts.Intensity;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class KeyLengthBoundTest {
    private static final long SEED = 20260417;
    private static final EpsilonBudget EPS = EpsilonBudget.DEFAULT;

    private static final DetectionCounts RUSCA = new DetectionCounts(
            Protocol.ONE_DECOY,
            List.of(
                    new Intensity(.51, .7, 8875913, 185856, 165048, 3456),
                    new Intensity(.15, .3, 1124087, 26055, 20902, 484)));

    @Test
    void singlePhotonsGiveThePublishedLength() {
        KeyLength l = KeyLengthBound.evaluate(
                DetectionCounts.singlePhoton(1_000_000, 20_000, 100_000, 2_000),
                1.1 * 1e6 * BinaryEntropy.of(.02),
                0,
                new EpsilonBudget(1e-10, 1e-15));
        assertEquals(.0163870767, l.term("mu"), 5e-11);
        assertEquals(618823, l.secretBits());
        assertTrue(l.reason().isEmpty());
    }

    @Test
    void oneDecoyGivesThePublishedLength() {
        KeyLength l = KeyLengthBound.evaluate(RUSCA, 1776924, 0, EPS);
        assertEquals(167020.17926, l.term("s0UpKey"), 5e-6);
        assertEquals(5396516.26882, l.term("s1Key"), 5e-6);
        assertEquals(76462.27555, l.term("s1Test"), 5e-6);
        assertEquals(5411.81258, l.term("v"), 5e-6);
        assertEquals(.07917365938, l.term("phi"), 5e-12);
        assertEquals(1464719, l.secretBits());
    }

    @Test
    void orderOfTheIntensitiesDoesNotMatter() {
        DetectionCounts reversed =
                new DetectionCounts(Protocol.ONE_DECOY, RUSCA.intensities().reversed());
        assertEquals(
                KeyLengthBound.evaluate(RUSCA, 1776924, 0, EPS), KeyLengthBound.evaluate(reversed, 1776924, 0, EPS));
    }

    @Test
    void eachDecoyBoundHasItsOwnConstant() {
        assertEquals(1, new SinglePhotonBound().secrecyTerms());
        assertEquals(19, new OneDecoyBound().secrecyTerms());
        assertEquals(21, new TwoDecoyBound().secrecyTerms());
        SplittableRandom random = new SplittableRandom(SEED);
        KeyLength one = KeyLengthBound.evaluate(plausible(Protocol.ONE_DECOY, random), 0, 0, EPS);
        KeyLength two = KeyLengthBound.evaluate(plausible(Protocol.TWO_DECOY, random), 0, 0, EPS);
        assertEquals(6 * Math.log(19e9) / Math.log(2), one.term("secrecyBits"), 1e-9);
        assertEquals(6 * Math.log(21e9) / Math.log(2), two.term("secrecyBits"), 1e-9);
        assertEquals(Math.sqrt(one.term("nKey") / 2 * Math.log(19e9)), one.term("dNKey"), 1e-6);
        assertEquals(Math.sqrt(two.term("nKey") / 2 * Math.log(21e9)), two.term("dNKey"), 1e-6);
        assertNotEquals(DecoyMath.gap(19, 1e-9, .02, 1e6, 1e4), DecoyMath.gap(21, 1e-9, .02, 1e6, 1e4));
    }

    @Test
    void twoDecoyAgreesWithDecimalArithmetic() {
        SplittableRandom random = new SplittableRandom(SEED);
        int compared = 0;
        for (int i = 0; i < 60; i++) {
            DetectionCounts c = plausible(Protocol.TWO_DECOY, random);
            double leak = Math.floor(c.keyDetections() * random.nextDouble(0.25));
            EpsilonBudget eps = new EpsilonBudget(Math.pow(10, -random.nextDouble(3, 30)), 1e-15);
            KeyLength l = KeyLengthBound.evaluate(c, leak, 0, eps);
            if (l.secretBits() > 0) {
                compare(ReferenceBounds.twoDecoy(c, leak, eps), l);
                compared++;
            }
        }
        assertTrue(compared > 20, compared + " comparisons");
    }

    @Test
    void oneDecoyAgreesWithDecimalArithmetic() {
        SplittableRandom random = new SplittableRandom(SEED);
        compare(ReferenceBounds.oneDecoy(RUSCA, 1776924, EPS), KeyLengthBound.evaluate(RUSCA, 1776924, 0, EPS));
        int compared = 0;
        for (int i = 0; i < 60; i++) {
            DetectionCounts c = plausible(Protocol.ONE_DECOY, random);
            KeyLength l = KeyLengthBound.evaluate(c, 1000, 0, EPS);
            if (l.secretBits() > 0) {
                compare(ReferenceBounds.oneDecoy(c, 1000, EPS), l);
                compared++;
            }
        }
        assertTrue(compared > 20, compared + " comparisons");
    }

    private static void compare(ReferenceBounds.Result expected, KeyLength actual) {
        assertClose(expected.s0(), actual.term("s0Key"));
        assertClose(expected.s1Key(), actual.term("s1Key"));
        assertClose(expected.s1Test(), actual.term("s1Test"));
        assertClose(expected.v(), actual.term("v"));
        assertClose(expected.phi(), actual.term("phi"));
        double length = expected.length().doubleValue();
        assertEquals(length, actual.term("length"), 1e-10 * actual.term("nKey") + 1e-6);
        assertEquals(Math.floor(length), (double) actual.secretBits(), 1);
    }

    private static void assertClose(BigDecimal expected, double actual) {
        assertEquals(expected.doubleValue(), actual, 1e-9 * Math.abs(expected.doubleValue()) + 1e-9);
    }

    @Test
    void decoyBoundsCloseInOnTheTruthAsBlocksGrow() {
        FibreModel link = FibreModel.TYPICAL;
        for (Protocol protocol : List.of(Protocol.ONE_DECOY, Protocol.TWO_DECOY)) {
            double[] means = protocol == Protocol.ONE_DECOY ? new double[] {.5, .1} : new double[] {.5, .1, .0005};
            double[] probabilities = protocol == Protocol.ONE_DECOY ? new double[] {.8, .2} : new double[] {.7, .2, .1};
            double lastShare = 0;
            for (double pulses : new double[] {1e10, 1e11, 1e12, 1e13, 1e15}) {
                DetectionCounts c = link.counts(protocol, pulses, .9, means, probabilities);
                KeyLength l = KeyLengthBound.evaluate(c, 1.1 * BinaryEntropy.of(.0102) * c.keyDetections(), 0, EPS);
                double tau1 = l.term("tau1");
                assertTrue(l.term("s1Key") < link.singlePhotons(.9 * pulses, tau1));
                assertTrue(l.term("s1Test") < link.singlePhotons(.1 * pulses, tau1));
                assertTrue(l.term("v") > link.singlePhotonErrors(.1 * pulses, tau1));
                double share = (double) l.secretBits() / c.keyDetections();
                assertTrue(share > lastShare, protocol + " at " + pulses + ": " + share + " after " + lastShare);
                lastShare = share;
                if (pulses == 1e15) {
                    double singles = link.singlePhotons(.9 * pulses, tau1);
                    assertEquals(1, l.term("s1Key") / singles, .06);
                    assertEquals(
                            1,
                            l.term("v") / link.singlePhotonErrors(.1 * pulses, tau1),
                            protocol == Protocol.ONE_DECOY ? .8 : .15);
                }
            }
        }
    }

    // Rusca et al. 2018, their main finding: at usual block sizes a second decoy does not pay.
    @Test
    void oneDecoyIsNotWorseThanTwoAtABlockOfTenMillion() {
        FibreModel link = FibreModel.TYPICAL;
        double pulses = 1e7 / (.9 * .0027);
        long one = best(link, Protocol.ONE_DECOY, pulses);
        long two = best(link, Protocol.TWO_DECOY, pulses);
        assertTrue(one > 0 && two > 0);
        assertTrue(one >= .95 * two, one + " bits with one decoy, " + two + " with two");
    }

    private static long best(FibreModel link, Protocol protocol, double pulses) {
        long best = 0;
        for (double signal = .3; signal <= .7; signal += .1) {
            for (double decoy = .05; decoy < signal / 2; decoy += .05) {
                for (double p = .1; p <= .5; p += .1) {
                    boolean one = protocol == Protocol.ONE_DECOY;
                    DetectionCounts c = link.counts(
                            protocol,
                            pulses,
                            .9,
                            one ? new double[] {signal, decoy} : new double[] {signal, decoy, .0002},
                            one ? new double[] {1 - p, p} : new double[] {1 - p, p * .7, p * .3});
                    double leak = 1.1 * BinaryEntropy.of(.0105) * c.keyDetections();
                    best = Math.max(
                            best, KeyLengthBound.evaluate(c, leak, 0, EPS).secretBits());
                }
            }
        }
        return best;
    }

    @ParameterizedTest
    @EnumSource
    void lengthNeverGrowsWithErrorsSmallerSamplesSmallerEpsilonOrLeakage(Protocol protocol) {
        SplittableRandom random = new SplittableRandom(SEED);
        int positive = 0;
        for (int i = 0; i < 6000; i++) {
            DetectionCounts c = i % 3 == 0 ? wild(protocol, random) : plausible(protocol, random);
            double leak = Math.floor(c.keyDetections() * random.nextDouble(0.3) * random.nextInt(2));
            EpsilonBudget eps =
                    new EpsilonBudget(Math.pow(10, -random.nextDouble(25)), Math.pow(10, -random.nextDouble(25)));
            long l = length(c, leak, 0, eps);
            positive += l > 0 ? 1 : 0;
            int factor = random.nextInt(2, 6);
            String where = "seed " + SEED + ", case " + i + ": " + c + " leak " + leak + " " + eps;

            assertTrue(l >= 0 && l <= c.keyDetections(), where);
            assertTrue(length(scaleErrors(c, factor, factor), leak, 0, eps) <= l, where);
            assertTrue(length(scaleErrors(c, factor, 1), leak, 0, eps) <= l, where);
            assertTrue(length(scaleErrors(c, 1, factor), leak, 0, eps) <= l, where);
            assertTrue(length(brighterErrors(c, random), leak, 0, eps) <= l, where);
            assertTrue(length(scaleTest(c, factor), leak, 0, eps) >= l, where);
            assertTrue(
                    length(c, leak, 0, new EpsilonBudget(eps.epsilonSecrecy() / factor, eps.epsilonCorrectness())) <= l,
                    where);
            assertTrue(
                    length(c, leak, 0, new EpsilonBudget(eps.epsilonSecrecy(), eps.epsilonCorrectness() / factor)) <= l,
                    where);
            assertTrue(length(c, leak + random.nextInt(1, 1000), 0, eps) <= l, where);
            assertTrue(length(c, leak, 1 + random.nextInt(300), eps) <= l, where);
        }
        assertTrue(positive > 500, positive + " positive lengths");
    }

    @ParameterizedTest
    @EnumSource
    void lengthIsMonotoneAcrossTheBordersOfTheDomain(Protocol protocol) {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int i = 0; i < 50; i++) {
            DetectionCounts c = plausible(protocol, random);
            // From so few test detections that no single photon is certain, through phi = 1/2, to the full sample.
            long last = 0;
            for (int step = 0; step <= 400; step++) {
                int f = step;
                DetectionCounts scaled = map(
                        c,
                        k -> new Intensity(
                                k.mean(),
                                k.probability(),
                                k.keyDetections(),
                                k.keyErrors(),
                                (long) f * (k.testDetections() / 100),
                                (long) f * (k.testErrors() / 100)));
                long l = length(scaled, 0, 0, EPS);
                assertTrue(l >= last, "step " + step + " of " + c + ": " + l + " after " + last);
                last = l;
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void nothingButFiniteNumbersComesOutOfExtremes(Protocol protocol) {
        long[] counts = {0, 1, 2, 1000, 1_000_000_000_000L, Long.MAX_VALUE / 4};
        double[] means = {0, Double.MIN_VALUE, 1e-300, 1e-9, .5, .5000000001, 1, 50, 800, 1e300};
        double[] epsilons = {Double.MIN_VALUE, 1e-300, 1e-15, .5, Math.nextDown(1.0)};
        double[] probabilities = {1e-7, .5, 1 / 3.0, Double.MIN_VALUE};
        SplittableRandom random = new SplittableRandom(SEED);
        for (int i = 0; i < 20_000; i++) {
            List<Intensity> rows = new ArrayList<>();
            double left = 1;
            for (int k = 0; k < protocol.intensities(); k++) {
                long n = pick(counts, random);
                long m = pick(counts, random);
                boolean last = k == protocol.intensities() - 1;
                double p = last ? left : Math.min(probabilities[random.nextInt(4)], left * .9);
                left -= p;
                rows.add(new Intensity(
                        means[random.nextInt(means.length)],
                        p,
                        n,
                        Math.min(n, pick(counts, random)),
                        m,
                        Math.min(m, pick(counts, random))));
            }
            DetectionCounts c = new DetectionCounts(protocol, rows);
            EpsilonBudget eps =
                    new EpsilonBudget(epsilons[random.nextInt(5)], epsilons[random.nextInt(epsilons.length)]);
            KeyLength l = KeyLengthBound.evaluate(c, (double) pick(counts, random), (double) pick(counts, random), eps);
            assertTrue(l.secretBits() >= 0);
            assertTrue(l.terms().values().stream().allMatch(Double::isFinite), () -> l.toString());
            assertEquals(l.secretBits() == 0, l.reason().isPresent());
        }
    }

    @Test
    void noObservedTestErrorsStillCostSomething() {
        DetectionCounts c = map(
                RUSCA,
                k -> new Intensity(k.mean(), k.probability(), k.keyDetections(), k.keyErrors(), k.testDetections(), 0));
        KeyLength l = KeyLengthBound.evaluate(c, 0, 0, EPS);
        assertEquals(1, l.term("v"));
        assertTrue(l.term("phi") > l.term("b"));
        assertTrue(l.term("phi") > 1e-4);
    }

    @Test
    void gapIsContinuousAndGrowsWithTheErrorRate() {
        // A large epsilon and large samples: the published expression falls, then is no number; ours does neither.
        for (double epsilon : new double[] {1e-9, .1, .9}) {
            double last = 0;
            for (int i = 0; i <= 5000; i++) {
                double g = DecoyMath.gap(21, epsilon, i * 1e-4, 1e10, 1e10);
                assertTrue(g >= last && g < 1, "epsilon " + epsilon + ", b " + i * 1e-4 + ": " + g);
                last = g;
            }
        }
        assertEquals(0, DecoyMath.gap(21, 1e-9, 0, 1e6, 1e5));
        assertEquals(DecoyMath.gap(21, 1e-9, .03, 1e6, 1e4), DecoyMath.gap(21, 1e-9, .03, 1e4, 1e6), 1e-15);
        double direct = Math.sqrt((1e6 + 1e5)
                * .97
                * .03
                / (1e11 * Math.log(2))
                * BinaryEntropy.log2((1e6 + 1e5) / (1e11 * .97 * .03) * 441 / 1e-18));
        assertEquals(direct, DecoyMath.gap(21, 1e-9, .03, 1e6, 1e5), 1e-15);
    }

    @Test
    void theLargerOfTagBitsAndTheCorrectnessTermIsSubtracted() {
        double least = EPS.correctnessBits();
        assertEquals(50.8289, least, 1e-4);
        KeyLength none = KeyLengthBound.evaluate(RUSCA, 1776924, 0, EPS);
        assertEquals(none, KeyLengthBound.evaluate(RUSCA, 1776924, 50, EPS));
        KeyLength tag = KeyLengthBound.evaluate(RUSCA, 1776924, 128, EPS);
        assertEquals(none.term("length") - (128 - least), tag.term("length"), 1e-6);
    }

    @Test
    void everyZeroSaysWhy() {
        assertReason("no detections in the key basis", DetectionCounts.singlePhoton(0, 0, 10, 0));
        assertReason("no detections in the test basis", DetectionCounts.singlePhoton(10, 0, 0, 0));
        assertReason("no positive length", DetectionCounts.singlePhoton(1000, 0, 1000, 500));
        assertReason("mu1 > mu2 > 0", withMeans(RUSCA, .5, .5));
        assertReason("mu1 > mu2 > 0", withMeans(RUSCA, .5, 0));
        assertReason("single photon is certain in the key basis", map(RUSCA, k -> row(k, 0, 0, 1000, 0)));
        assertReason("single photon is certain in the test basis", map(RUSCA, k -> row(k, 1000000, 0, 0, 0)));
        assertReason("too extreme", withMeans(RUSCA, 1000, .1));
        assertReason(
                "mu1 > mu2 + mu3",
                new DetectionCounts(
                        Protocol.TWO_DECOY,
                        List.of(
                                new Intensity(.5, .5, 100, 0, 100, 0),
                                new Intensity(.4, .25, 100, 0, 100, 0),
                                new Intensity(.1, .25, 100, 0, 100, 0))));
    }

    @Test
    void refusesCountsThatCannotBe() {
        assertThrows(IllegalArgumentException.class, () -> new Intensity(.5, .5, 10, 11, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> new Intensity(.5, .5, -1, 0, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> new Intensity(.5, 0, 1, 0, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> new Intensity(Double.NaN, .5, 1, 0, 0, 0));
        assertThrows(
                IllegalArgumentException.class, () -> new DetectionCounts(Protocol.TWO_DECOY, RUSCA.intensities()));
        assertThrows(
                IllegalArgumentException.class,
                () -> new DetectionCounts(
                        Protocol.ONE_DECOY,
                        List.of(RUSCA.intensities().get(0), RUSCA.intensities().get(0))));
        assertThrows(IllegalArgumentException.class, () -> new EpsilonBudget(0, 1e-15));
        assertThrows(IllegalArgumentException.class, () -> new EpsilonBudget(1e-9, 1));
        assertThrows(IllegalArgumentException.class, () -> KeyLengthBound.evaluate(RUSCA, -1, 0, EPS));
        assertThrows(IllegalArgumentException.class, () -> KeyLengthBound.evaluate(RUSCA, 0, Double.NaN, EPS));
        assertThrows(IllegalArgumentException.class, () -> new TwoDecoyBound().keyLength(RUSCA, 0, 0, EPS));
    }

    private static void assertReason(String part, DetectionCounts counts) {
        KeyLength l = KeyLengthBound.evaluate(counts, 0, 0, EPS);
        assertEquals(0, l.secretBits());
        assertTrue(l.reason().orElseThrow().contains(part), l.reason().orElseThrow());
        assertFalse(l.reason().orElseThrow().endsWith("."));
    }

    private static long length(DetectionCounts c, double leak, double tag, EpsilonBudget eps) {
        return KeyLengthBound.evaluate(c, leak, tag, eps).secretBits();
    }

    private static DetectionCounts map(DetectionCounts c, UnaryOperator<Intensity> change) {
        return new DetectionCounts(
                c.protocol(), c.intensities().stream().map(change).toList());
    }

    private static Intensity row(Intensity k, long n, long m, long nTest, long mTest) {
        return new Intensity(k.mean(), k.probability(), n, m, nTest, mTest);
    }

    private static DetectionCounts withMeans(DetectionCounts c, double... means) {
        List<Intensity> rows = new ArrayList<>();
        for (int i = 0; i < means.length; i++) {
            Intensity k = c.intensities().get(i);
            rows.add(new Intensity(
                    means[i], k.probability(), k.keyDetections(), k.keyErrors(), k.testDetections(), k.testErrors()));
        }
        return new DetectionCounts(c.protocol(), rows);
    }

    // More errors in the same proportions, as far as every intensity has room for them.
    private static DetectionCounts scaleErrors(DetectionCounts c, int key, int test) {
        boolean room = c.intensities().stream()
                .allMatch(k -> k.keyErrors() * key <= k.keyDetections() && k.testErrors() * test <= k.testDetections());
        return room
                ? map(c, k -> row(k, k.keyDetections(), k.keyErrors() * key, k.testDetections(), k.testErrors() * test))
                : c;
    }

    // More errors of the key basis anywhere, and of the test basis at the intensity whose errors v counts.
    private static DetectionCounts brighterErrors(DetectionCounts c, SplittableRandom random) {
        Intensity counted = c.brightestFirst().get(c.protocol() == Protocol.TWO_DECOY ? 1 : 0);
        boolean[] done = {false};
        return map(c, k -> {
            long key = k.keyErrors() + random.nextLong(k.keyDetections() - k.keyErrors() + 1);
            boolean here = k.equals(counted) && !done[0];
            done[0] |= here;
            long test =
                    here ? k.testErrors() + random.nextLong(k.testDetections() - k.testErrors() + 1) : k.testErrors();
            return row(k, k.keyDetections(), key, k.testDetections(), test);
        });
    }

    private static DetectionCounts scaleTest(DetectionCounts c, int factor) {
        return map(
                c, k -> row(k, k.keyDetections(), k.keyErrors(), factor * k.testDetections(), factor * k.testErrors()));
    }

    // Counts as a link could give them, over twelve orders of magnitude of block size.
    private static DetectionCounts plausible(Protocol protocol, SplittableRandom random) {
        double keyBits = Math.pow(10, random.nextDouble(3, 12));
        if (protocol == Protocol.SINGLE_PHOTON) {
            long n = (long) keyBits;
            long k = (long) (keyBits * Math.pow(10, -random.nextDouble(2)));
            double q = random.nextDouble(.12);
            return DetectionCounts.singlePhoton(n, (long) (q * n), k, (long) (q * k));
        }
        FibreModel link = new FibreModel(
                Math.pow(10, -random.nextDouble(.5, 4)),
                Math.pow(10, -random.nextDouble(5.5, 8)),
                random.nextDouble(.03));
        double signal = random.nextDouble(.3, .9);
        double decoy = signal * random.nextDouble(.1, .6);
        double dark = (signal - decoy) * random.nextDouble(.05);
        boolean one = protocol == Protocol.ONE_DECOY;
        double p = random.nextDouble(.1, .5);
        double pulses = keyBits / (link.eta() * signal * (1 - p) + link.y0());
        return link.counts(
                protocol,
                pulses,
                random.nextDouble(.5, .98),
                one ? new double[] {signal, decoy} : new double[] {signal, decoy, Math.min(dark, decoy / 2)},
                one ? new double[] {1 - p, p} : new double[] {1 - p, p * .6, p * .4});
    }

    // Counts that no link would give.
    private static DetectionCounts wild(Protocol protocol, SplittableRandom random) {
        List<Intensity> rows = new ArrayList<>();
        int count = protocol.intensities();
        for (int i = 0; i < count; i++) {
            long n = (long) Math.pow(10, random.nextDouble(12));
            long k = (long) Math.pow(10, random.nextDouble(12));
            rows.add(new Intensity(
                    random.nextDouble(1.5),
                    1.0 / count,
                    n,
                    random.nextLong(n + 1) / (1 + random.nextInt(1000)),
                    k,
                    random.nextLong(k + 1) / (1 + random.nextInt(1000))));
        }
        return new DetectionCounts(protocol, rows);
    }

    private static long pick(long[] values, SplittableRandom random) {
        return values[random.nextInt(values.length)];
    }
}
