package dev.qdistill.simulate;

import dev.qdistill.dump.DumpHeader;
import dev.qdistill.dump.DumpKind;
import dev.qdistill.dump.DumpWriter;
import dev.qdistill.dump.LinkParameters;
import dev.qdistill.dump.Role;
import dev.qdistill.dump.SentPulses;
import dev.qdistill.dump.SessionId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.function.LongConsumer;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Samples a session of a {@link LinkModel} and writes both sides' dumps. The package's description has the model.
 *
 * <p>Security: for simulation only. Everything written follows from the seed.
 */
public final class Simulator {
    private static final int PROGRESS_INTERVAL = 1 << 16;

    private final LinkModel model;
    private final RandomGenerator random;
    private final LongConsumer progress;
    private final long[] sent;
    private final int intensities;
    private final long deadPulses;
    private final double[] unconditional;
    private final boolean fullPulse;
    private long blindUntil;
    private long skipped;

    private Simulator(LinkModel model, RandomGenerator random, boolean fullPulse, LongConsumer progress) {
        this.model = model;
        this.random = random;
        this.progress = progress;
        this.intensities = model.source().intensities().size();
        this.sent = new long[2 * intensities];
        this.deadPulses = model.deadPulses();
        this.fullPulse = fullPulse;
        this.unconditional = new double[2 * intensities];
        for (int k = 0; k < intensities; k++) {
            double p = model.source().probabilities().get(k);
            unconditional[k] = p * model.source().keyBasisProbability();
            unconditional[intensities + k] = p * (1 - model.source().keyBasisProbability());
        }
    }

    /**
     * Simulates a session. The same arguments give the same files.
     *
     * @param pulses that Alice sends: the session's length, fixed beforehand
     * @param seed of everything random; the session id is drawn from it too, and depends on all arguments but the files
     * @param alice the file for Alice's dump; replaced if it exists
     * @param bob the file for Bob's dump
     * @param progress told the number of pulses done, now and then and at the end
     * @throws IllegalArgumentException if the link does not exist for that long
     * @throws UncheckedIOException if a dump cannot be written; then neither is left
     */
    public static Simulation run(LinkModel model, long pulses, long seed, Path alice, Path bob, LongConsumer progress) {
        return run(model, pulses, seed, DumpKind.RAW, alice, bob, progress);
    }

    /**
     * As {@link #run(LinkModel, long, long, Path, Path, LongConsumer)}, with Alice's dump of a kind to choose.
     *
     * @param aliceKind raw, or full-pulse: then the run costs what is sent, half a byte of file a pulse
     */
    public static Simulation run(
            LinkModel model, long pulses, long seed, DumpKind aliceKind, Path alice, Path bob, LongConsumer progress) {
        LinkModel.require(aliceKind != DumpKind.SIFTED, "Raw and full-pulse dumps can be simulated, not", aliceKind);
        LinkModel.require(pulses >= 0 && pulses <= model.mostPulses(), "The number of pulses is out of range:", pulses);
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        SessionId session = sessionId(random, model, pulses, aliceKind);
        LinkParameters link = model.parameters();
        DumpHeader aliceHeader =
                DumpHeader.qraw(aliceKind, Role.ALICE, model.source().protocol(), session, link);
        DumpHeader bobHeader =
                DumpHeader.qraw(DumpKind.RAW, Role.BOB, model.source().protocol(), session, link);
        try (DumpWriter toAlice = DumpWriter.create(alice, aliceHeader);
                DumpWriter toBob = DumpWriter.create(bob, bobHeader)) {
            boolean fullPulse = aliceKind == DumpKind.FULL_PULSE;
            SentPulses sent = new Simulator(model, random, fullPulse, progress).sample(pulses, toAlice, toBob);
            long detections = toBob.records();
            toAlice.finish(sent);
            boolean done = false;
            try {
                toBob.finish(pulses);
                done = true;
            } finally {
                if (!done) {
                    delete(alice);
                }
            }
            progress.accept(pulses);
            return new Simulation(session, pulses, detections);
        }
    }

    // Drawn, and mixed with all that decides what the dumps hold: two links simulated with one seed are no pair.
    private static SessionId sessionId(RandomGenerator random, LinkModel model, long pulses, DumpKind aliceKind) {
        SessionId drawn = SessionId.random(random);
        Source source = model.source();
        Receiver receiver = model.receiver();
        String channel = switch (model.channel()) {
            case Attenuation.Constant(double lossDb) -> "constant " + lossDb;
            case Attenuation.Fibre(double km, double dbPerKm) -> "fibre " + km + " " + dbPerKm;
            case Attenuation.SatellitePass(double seconds, double km, double kmPerSecond, double lossDb) ->
                "pass " + seconds + " " + km + " " + kmPerSecond + " " + lossDb;
        };
        String parameters = Stream.of(
                        model.name(),
                        source.protocol().id(),
                        source.rateHz(),
                        source.intensities(),
                        source.probabilities(),
                        source.keyBasisProbability(),
                        channel,
                        receiver.keyBasisProbability(),
                        receiver.lossDb(),
                        receiver.detectorEfficiency(),
                        receiver.darkCountProbability(),
                        receiver.deadTimeSeconds(),
                        model.misalignment(),
                        model.interceptResend(),
                        pulses,
                        aliceKind.id())
                .map(Object::toString)
                .collect(Collectors.joining("\n"));
        ByteBuffer digest = ByteBuffer.wrap(sha256(parameters.getBytes(StandardCharsets.UTF_8)));
        return new SessionId(drawn.high() ^ digest.getLong(), drawn.low() ^ digest.getLong());
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException(file.toString(), e);
        }
    }

    private SentPulses sample(long pulses, DumpWriter alice, DumpWriter bob) {
        for (Attenuation.Slice slice :
                model.channel().slices(pulses, model.source().rateHz())) {
            sampleSlice(slice, alice, bob);
        }
        // Nothing is known about the pulses that met a blind receiver.
        addSent(skipped, unconditional);
        return new SentPulses(Arrays.copyOf(sent, intensities), Arrays.copyOfRange(sent, intensities, 2 * intensities));
    }

    private void sampleSlice(Attenuation.Slice slice, DumpWriter alice, DumpWriter bob) {
        ClickTable table = new ClickTable(model, model.transmittance(slice.lossDb()));
        long end = slice.first() + slice.pulses();
        long at = Math.max(slice.first(), Math.min(end, blindUntil));
        long blind = at - slice.first();
        long clicks = 0;
        writeSilent(slice.first(), at, unconditional, alice);
        if (table.clickProbability() > 0) {
            // floor(E / -ln(1 - p)) is geometric for an exponential E: pulses without a click before the next one.
            double scale = -1 / Math.log1p(-table.clickProbability());
            while (true) {
                double gap = random.nextExponential() * scale;
                if (gap >= end - at) {
                    break;
                }
                long pulse = at + (long) gap;
                writeSilent(at, pulse, table.silent(), alice);
                write(table, pulse, alice, bob);
                clicks++;
                blindUntil = pulse + 1 + deadPulses;
                at = Math.min(end, blindUntil);
                blind += at - pulse - 1;
                writeSilent(pulse + 1, at, unconditional, alice);
                if (clicks % PROGRESS_INTERVAL == 0) {
                    progress.accept(pulse);
                }
            }
        }
        writeSilent(at, end, table.silent(), alice);
        if (!fullPulse) {
            skipped += blind;
            addSent(slice.pulses() - blind - clicks, table.silent());
        }
        progress.accept(end);
    }

    private void write(ClickTable table, long pulse, DumpWriter alice, DumpWriter bob) {
        long r = random.nextLong();
        int category = table.category(r);
        int aliceBasis = category & 1;
        int bobBasis = category >> 1 & 1;
        int outcome = category >> 2 & 3;
        int intensity = category >> 4;
        int bit = (int) r & 1;
        int bobBit = outcome == ClickTable.BOTH ? (int) (r >> 1) & 1 : bit ^ outcome;
        alice.alice(pulse, aliceBasis, bit, intensity);
        bob.bob(pulse, bobBasis, bobBit, outcome >> 1);
        sent[aliceBasis * intensities + intensity]++;
    }

    // Of a full-pulse dump: the pulses from `from` to before `to`, which made no click.
    private void writeSilent(long from, long to, double[] weights, DumpWriter alice) {
        if (!fullPulse) {
            return;
        }
        double sum = 0;
        for (double w : weights) {
            sum += w;
        }
        for (long pulse = from; pulse < to; pulse++) {
            double u = random.nextDouble() * sum;
            int c = 0;
            while (c < weights.length - 1 && u >= weights[c]) {
                u -= weights[c++];
            }
            alice.alice(pulse, c / intensities, random.nextBoolean() ? 1 : 0, c % intensities);
            sent[c]++;
        }
    }

    private void addSent(long count, double[] weights) {
        long[] drawn = Binomial.multinomial(random, count, weights);
        for (int i = 0; i < sent.length; i++) {
            sent[i] += drawn[i];
        }
    }
}
