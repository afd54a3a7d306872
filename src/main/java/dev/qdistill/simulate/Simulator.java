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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.LongConsumer;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

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
    private long blindUntil;
    private long skipped;

    private Simulator(LinkModel model, RandomGenerator random, LongConsumer progress) {
        this.model = model;
        this.random = random;
        this.progress = progress;
        this.intensities = model.source().intensities().size();
        this.sent = new long[2 * intensities];
        this.deadPulses = model.deadPulses();
    }

    /**
     * Simulates a session. The same arguments give the same files.
     *
     * @param pulses that Alice sends: the session's length, fixed beforehand
     * @param seed of everything random, the session id too
     * @param alice the file for Alice's dump; replaced if it exists
     * @param bob the file for Bob's dump
     * @param progress told the number of pulses done, now and then and at the end
     * @throws IllegalArgumentException if the link does not exist for that long
     * @throws UncheckedIOException if a dump cannot be written; then neither is left
     */
    public static Simulation run(LinkModel model, long pulses, long seed, Path alice, Path bob, LongConsumer progress) {
        LinkModel.require(pulses >= 0 && pulses <= model.mostPulses(), "The number of pulses is out of range:", pulses);
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        SessionId session = SessionId.random(random);
        LinkParameters link = model.parameters();
        DumpHeader aliceHeader =
                DumpHeader.qraw(DumpKind.RAW, Role.ALICE, model.source().protocol(), session, link);
        DumpHeader bobHeader =
                DumpHeader.qraw(DumpKind.RAW, Role.BOB, model.source().protocol(), session, link);
        try (DumpWriter toAlice = DumpWriter.create(alice, aliceHeader);
                DumpWriter toBob = DumpWriter.create(bob, bobHeader)) {
            SentPulses sent = new Simulator(model, random, progress).sample(pulses, toAlice, toBob);
            long detections = toAlice.records();
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
        // Pulses that met a blind receiver: nothing is known about them.
        double[] weights = new double[2 * intensities];
        for (int k = 0; k < intensities; k++) {
            double p = model.source().probabilities().get(k);
            weights[k] = p * model.source().keyBasisProbability();
            weights[intensities + k] = p * (1 - model.source().keyBasisProbability());
        }
        addSent(skipped, weights);
        return new SentPulses(Arrays.copyOf(sent, intensities), Arrays.copyOfRange(sent, intensities, 2 * intensities));
    }

    private void sampleSlice(Attenuation.Slice slice, DumpWriter alice, DumpWriter bob) {
        ClickTable table = new ClickTable(model, model.transmittance(slice.lossDb()));
        long end = slice.first() + slice.pulses();
        long at = Math.max(slice.first(), Math.min(end, blindUntil));
        long blind = at - slice.first();
        long clicks = 0;
        if (table.clickProbability() > 0) {
            // floor(E / -ln(1 - p)) is geometric for an exponential E: pulses without a click before the next one.
            double scale = -1 / Math.log1p(-table.clickProbability());
            while (true) {
                double gap = random.nextExponential() * scale;
                if (gap >= end - at) {
                    break;
                }
                long pulse = at + (long) gap;
                write(table, pulse, alice, bob);
                clicks++;
                blindUntil = pulse + 1 + deadPulses;
                at = Math.min(end, blindUntil);
                blind += at - pulse - 1;
                if (clicks % PROGRESS_INTERVAL == 0) {
                    progress.accept(pulse);
                }
            }
        }
        skipped += blind;
        addSent(slice.pulses() - blind - clicks, table.silent());
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

    private void addSent(long count, double[] weights) {
        long[] drawn = Binomial.multinomial(random, count, weights);
        for (int i = 0; i < sent.length; i++) {
            sent[i] += drawn[i];
        }
    }
}
