package dev.qdistill.simulate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.bits.BitString;
import dev.qdistill.dump.Basis;
import dev.qdistill.dump.DumpKind;
import dev.qdistill.dump.DumpReader;
import dev.qdistill.dump.RecordBatch;
import dev.qdistill.dump.SentPulses;
import dev.qdistill.dump.SessionId;
import dev.qdistill.security.Protocol;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class SimulatorTest {
    private static final LinkModel METRO = NamedLink.METRO.model();

    @TempDir
    Path directory;

    static Stream<LinkModel> models() {
        return Stream.of(
                NamedLink.LAB.model(),
                METRO,
                NamedLink.BACKBONE.model(),
                // Everything that matters little elsewhere matters here: noise, dead time, double clicks, an
                // eavesdropper.
                new LinkModel(
                        "noisy",
                        new Source(Protocol.TWO_DECOY, 1e9, List.of(.8, .2, .05), List.of(.5, .3, .2), .7),
                        new Attenuation.Constant(0),
                        new Receiver(.6, 0, .7, .02, 3e-9),
                        .05,
                        .3),
                new LinkModel(
                        "pairs",
                        new Source(Protocol.SINGLE_PHOTON, 1e8, List.of(.4), List.of(1.), .5),
                        new Attenuation.Constant(3),
                        new Receiver(.5, 1, .6, .001, 0),
                        .02,
                        0),
                new LinkModel("bad", METRO.source(), METRO.channel(), METRO.receiver(), .15, 0));
    }

    @ParameterizedTest
    @MethodSource("models")
    void countsAgreeWithTheFormulas(LinkModel model) {
        long pulses = (long) (300_000
                / model.clickProbability(model.transmittance(
                        model.channel().slices(1, 1).getFirst().lossDb())));
        compare(model, pulses);
    }

    @Test
    void aPassAgreesWithTheFormulas() {
        LinkModel m = NamedLink.SATELLITE.model();
        // A tenth of the rate: the same slices, a tenth of the counts.
        Source s = m.source();
        compare(
                new LinkModel(
                        m.name(),
                        new Source(s.protocol(), 1e7, s.intensities(), s.probabilities(), s.keyBasisProbability()),
                        m.channel(),
                        m.receiver(),
                        m.misalignment(),
                        0),
                2_730_000_000L);
    }

    private void compare(LinkModel model, long pulses) {
        Counts counts = new Counts(model.source().intensities().size());
        Simulation simulation = simulate(model, pulses, 42);
        counts.read(directory);
        ExpectedCounts expected = model.expectedCounts(pulses);
        near("detections", expected.detections(), simulation.detections());
        near("double clicks", expected.doubleClicks(), counts.doubleClicks);
        for (Basis basis : Basis.values()) {
            int b = basis == Basis.Z ? 0 : 1;
            for (int k = 0; k < expected.intensities(); k++) {
                String where = " in " + basis + " with intensity " + k;
                near("detections" + where, expected.detections(basis, k), counts.detections[b][k]);
                near("errors" + where, expected.errors(basis, k), counts.errors[b][k]);
                near("sent" + where, expected.sent(basis, k), counts.sent(basis, k));
            }
        }
        near("unequal", expected.detections() - expected.sifted(), counts.unequal);
        near("unequal wrong", (expected.detections() - expected.sifted()) / 2, counts.unequalErrors);
        near("ones", expected.detections() / 2, counts.ones);
        assertEquals(pulses, counts.sent(Basis.Z, -1) + counts.sent(Basis.X, -1));
    }

    // Five standard deviations of a Poisson variate: all the counts are that or narrower.
    private static void near(String what, double expected, long found) {
        assertEquals(expected, (double) found, 5 * Math.sqrt(expected) + 5, what);
    }

    @ParameterizedTest
    @MethodSource("models")
    void aFullPulseDumpHoldsEveryPulse(LinkModel model) {
        long pulses = 300_000;
        Path alice = directory.resolve("a");
        Path bob = directory.resolve("b");
        Simulation simulation = Simulator.run(model, pulses, 3, DumpKind.FULL_PULSE, alice, bob, p -> {});
        ExpectedCounts expected = model.expectedCounts(pulses);
        try (DumpReader a = DumpReader.open(alice);
                DumpReader b = DumpReader.open(bob)) {
            DumpReader.requirePair(a, b);
            // The reader compares the totals with the records.
            while (a.next()) {}
            while (b.next()) {}
            assertEquals(pulses, a.totals().records());
            assertEquals(simulation.detections(), b.totals().records());
            near("detections", expected.detections(), simulation.detections());
            for (int k = 0; k < expected.intensities(); k++) {
                near(
                        "Z",
                        expected.sent(Basis.Z, k),
                        a.totals().sent().orElseThrow().count(Basis.Z, k));
                near(
                        "X",
                        expected.sent(Basis.X, k),
                        a.totals().sent().orElseThrow().count(Basis.X, k));
            }
        }
    }

    @Test
    void keepsTheDeadTime() {
        LinkModel model = new LinkModel(
                "dead", METRO.source(), new Attenuation.Constant(0), new Receiver(.8, 0, 1, 0, 50e-9), .01, 0);
        simulate(model, 1_000_000, 1);
        try (DumpReader reader = DumpReader.open(directory.resolve("b"))) {
            long before = -100;
            while (reader.next()) {
                for (int i = 0; i < reader.batch().count(); i++) {
                    assertTrue(reader.batch().pulses()[i] - before > 50);
                    before = reader.batch().pulses()[i];
                }
            }
        }
    }

    @Test
    void theSameSeedGivesTheSameFiles() throws IOException {
        Simulation first = simulate(METRO, 1_000_000, 5);
        byte[] alice = Files.readAllBytes(directory.resolve("a"));
        byte[] bob = Files.readAllBytes(directory.resolve("b"));
        assertEquals(first, simulate(METRO, 1_000_000, 5));
        assertArrayEquals(alice, Files.readAllBytes(directory.resolve("a")));
        assertArrayEquals(bob, Files.readAllBytes(directory.resolve("b")));
        assertNotEquals(first.session(), simulate(METRO, 1_000_000, 6).session());
    }

    @Test
    void sessionsThatDifferInAnythingHaveDifferentIds() {
        Source source = METRO.source();
        Receiver receiver = METRO.receiver();
        List<LinkModel> links = List.of(
                METRO,
                NamedLink.LAB.model(),
                NamedLink.BACKBONE.model(),
                NamedLink.SATELLITE.model(),
                new LinkModel("other", source, METRO.channel(), receiver, METRO.misalignment(), 0),
                new LinkModel(METRO.name(), source, new Attenuation.Fibre(26, .2), receiver, METRO.misalignment(), 0),
                new LinkModel(METRO.name(), source, new Attenuation.Constant(5), receiver, METRO.misalignment(), 0),
                new LinkModel(METRO.name(), source, METRO.channel(), receiver, .02, 0),
                new LinkModel(METRO.name(), source, METRO.channel(), receiver, METRO.misalignment(), .1));
        Set<SessionId> ids = new HashSet<>();
        for (LinkModel link : links) {
            ids.add(simulate(link, 1000, 1).session());
        }
        ids.add(simulate(METRO, 1001, 1).session());
        ids.add(simulate(METRO, 1000, 2).session());
        ids.add(Simulator.run(
                        METRO, 1000, 1, DumpKind.FULL_PULSE, directory.resolve("a"), directory.resolve("b"), p -> {})
                .session());
        assertEquals(links.size() + 3, ids.size());
    }

    @Test
    void leavesNothingWhenItCannotWrite() throws IOException {
        Path noDirectory = directory.resolve("no").resolve("b");
        assertThrows(
                java.io.UncheckedIOException.class,
                () -> Simulator.run(METRO, 1000, 1, directory.resolve("a"), noDirectory, p -> {}));
        try (Stream<Path> files = Files.list(directory)) {
            assertEquals(List.of(), files.toList());
        }
    }

    @Test
    void tellsItsProgress() {
        AtomicLong last = new AtomicLong(-1);
        Simulator.run(METRO, 20_000_000, 1, directory.resolve("a"), directory.resolve("b"), p -> {
            assertTrue(p >= last.get());
            last.set(p);
        });
        assertEquals(20_000_000, last.get());
    }

    @ParameterizedTest
    @EnumSource(NamedLink.class)
    void givesAtLeastTheKeyBitsAskedFor(NamedLink link) {
        LinkModel model = link.model();
        for (long bits : new long[] {100, 10_000, 200_000}) {
            long pulses = model.pulsesForKeyBits(bits);
            assertTrue(pulses <= model.mostPulses());
            simulate(model, pulses, bits);
            Counts counts = new Counts(2);
            counts.read(directory);
            long found = counts.detections[0][0] + counts.detections[0][1];
            assertTrue(found >= bits, found + " of " + bits);
            assertTrue(found <= bits + 12 * Math.sqrt((double) bits) + 72, found + " of " + bits);
        }
    }

    @Test
    void refusesMoreThanAPass() {
        LinkModel pass = NamedLink.SATELLITE.model();
        assertThrows(IllegalArgumentException.class, () -> pass.pulsesForKeyBits(10_000_000));
        assertThrows(IllegalArgumentException.class, () -> simulate(pass, pass.mostPulses() + 1, 1));
    }

    @Test
    void theSatellitePassIsLikeMicius() {
        LinkModel pass = NamedLink.SATELLITE.model();
        ExpectedCounts counts = pass.expectedCounts(pass.mostPulses());
        assertEquals(273, counts.seconds());
        assertEquals(3_551_136, counts.detections(), 20_000);
        assertEquals(.011, counts.qber(Basis.Z), 5e-4);
        assertEquals(counts.qber(Basis.Z), counts.qber(Basis.X), 1e-12);
    }

    @Test
    void misalignmentOfFifteenPercentIsTheErrorRate() {
        LinkModel bad = new LinkModel("bad", METRO.source(), METRO.channel(), METRO.receiver(), .15, 0);
        ExpectedCounts counts = bad.expectedCounts(1_000_000);
        assertEquals(.15, counts.qber(Basis.Z), .001);
        assertEquals(.15, counts.qber(Basis.X), .001);
    }

    @Test
    void anEavesdropperOnAllPulsesCausesAQuarterOfErrors() {
        LinkModel spied = new LinkModel("spied", METRO.source(), METRO.channel(), METRO.receiver(), 0, 1);
        assertEquals(.25, spied.expectedCounts(1_000_000).qber(Basis.Z), .001);
    }

    @Test
    void gainIsTheTextbookFormula() {
        // Q = 1 - (1 - p_d)^2 exp(-mu eta), as in Lim et al. 2014 and Rusca et al. 2018.
        Clicks clicks = METRO.clicks(0, .1, true);
        assertEquals(1 - Math.pow(1 - 1e-6, 2) * Math.exp(-.04), clicks.gain(), 1e-15);
        assertEquals(clicks.gain(), METRO.clicks(0, .1, false).gain(), 1e-15);
        assertFalse(clicks.error() < .01 * clicks.gain());
    }

    private Simulation simulate(LinkModel model, long pulses, long seed) {
        return Simulator.run(model, pulses, seed, directory.resolve("a"), directory.resolve("b"), p -> {});
    }

    /** What sifting would count, from both dumps. */
    private static final class Counts {
        private final long[][] detections;
        private final long[][] errors;
        private long unequal;
        private long unequalErrors;
        private long doubleClicks;
        private long ones;
        private SentPulses sent = new SentPulses(new long[1], new long[1]);

        Counts(int intensities) {
            detections = new long[2][intensities];
            errors = new long[2][intensities];
        }

        long sent(Basis basis, int intensity) {
            return intensity < 0 ? sent.count(basis) : sent.count(basis, intensity);
        }

        void read(Path directory) {
            try (DumpReader alice = DumpReader.open(directory.resolve("a"));
                    DumpReader bob = DumpReader.open(directory.resolve("b"))) {
                DumpReader.requirePair(alice, bob);
                boolean decoys = alice.header().protocol() != Protocol.SINGLE_PHOTON;
                while (alice.next()) {
                    assertTrue(bob.next());
                    RecordBatch a = alice.batch();
                    RecordBatch b = bob.batch();
                    assertArrayEquals(a.pulses(), b.pulses());
                    doubleClicks += b.doubleClicks().bitCount();
                    ones += a.bits().bitCount();
                    try (BitString error = a.bits().copy()) {
                        error.xor(b.bits());
                        for (int i = 0; i < a.count(); i++) {
                            int k = decoys
                                    ? (a.intensityLow().get(i) ? 1 : 0)
                                            + (a.intensityHigh().get(i) ? 2 : 0)
                                    : 0;
                            int basis = a.basis().get(i) ? 1 : 0;
                            long wrong = error.get(i) ? 1 : 0;
                            if (a.basis().get(i) == b.basis().get(i)) {
                                detections[basis][k]++;
                                errors[basis][k] += wrong;
                            } else {
                                unequal++;
                                unequalErrors += wrong;
                            }
                        }
                    }
                }
                assertFalse(bob.next());
                sent = alice.totals().sent().orElseThrow();
            }
        }
    }
}
