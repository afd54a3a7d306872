package dev.qdistill.ldpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.ComputeDevice;
import dev.qdistill.accel.TestDevice;
import dev.qdistill.bits.BitString;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OpenClSyndromeDecoderTest {
    @SuppressWarnings("NullAway.Init")
    private static ComputeDevice device;

    @BeforeAll
    static void open() {
        device = TestDevice.open();
    }

    @AfterAll
    static void close() {
        if (device != null) {
            device.close();
        }
    }

    /** Frames from easy to hopeless, their syndromes, and the reference's view of each. */
    private static final class Frames implements AutoCloseable {
        final QuasiCyclicCode code;
        final List<BitString> errors = new ArrayList<>();
        final List<BitString> syndromes = new ArrayList<>();
        final List<Double> qbers = new ArrayList<>();
        final List<SyndromeDecoder> expected = new ArrayList<>();

        Frames(QuasiCyclicCode code, int count) {
            this.code = code;
            for (int i = 0; i < count; i++) {
                double efficiency = i % 3 == 0 ? 1.6 : i % 3 == 1 ? 1.25 : .95;
                double q = QuasiCyclicCode.inverseBinaryEntropy((1 - code.rate()) / efficiency);
                BitString error = BitString.allocate(code.frameBits());
                BitString syndrome = BitString.allocate(code.syndromeBits());
                CodeMeasurement.drawErrors(error, q, new SplittableRandom(i));
                SyndromeEncoder.create(code, Backend.SCALAR).encode(error, 0, syndrome, 0);
                errors.add(error);
                syndromes.add(syndrome);
                qbers.add(q);
                SyndromeDecoder d = SyndromeDecoder.create(code, Backend.SCALAR);
                d.begin(syndrome, 0, q);
                expected.add(d);
            }
        }

        int count() {
            return errors.size();
        }

        void begin(OpenClSyndromeDecoder decoder) {
            decoder.take(code, count());
            for (int f = 0; f < count(); f++) {
                decoder.begin(f, syndromes.get(f), 0, qbers.get(f));
            }
        }

        void assertSame(OpenClSyndromeDecoder decoder, int frame, boolean converged) {
            String name = code.name() + ", frame " + frame;
            SyndromeDecoder e = expected.get(frame);
            assertEquals(converged, decoder.decoded(frame), name);
            assertEquals(e.iterations(), decoder.iterations(frame), name);
            assertEquals(e.unsatisfied(), decoder.unsatisfied(frame), name);
            try (BitString a = BitString.allocate(code.frameBits());
                    BitString b = BitString.allocate(code.frameBits())) {
                e.error(a, 0);
                decoder.error(frame, b, 0);
                assertTrue(a.contentEquals(b), name + ": decisions differ");
                for (int i = 0; i < code.frameBits(); i += 37) {
                    assertEquals(e.posterior(i), decoder.posterior(frame, i), name + ": posterior of bit " + i);
                }
                e.leastReliable(20, a);
                decoder.leastReliable(frame, 20, b);
                assertTrue(a.contentEquals(b), name + ": least reliable bits differ");
            }
        }

        @Override
        public void close() {
            errors.forEach(BitString::close);
            syndromes.forEach(BitString::close);
            expected.forEach(SyndromeDecoder::close);
        }
    }

    private static void decidesAsScalar(OpenClSyndromeDecoder decoder, QuasiCyclicCode code, UpdateRule rule) {
        try (Frames frames = new Frames(code, 7);
                BitString mask = BitString.random(code.frameBits(), new SplittableRandom(9))) {
            frames.begin(decoder);
            decoder.start(rule, 25);
            decoder.await();
            int failures = 0;
            List<Integer> failed = new ArrayList<>();
            for (int f = 0; f < frames.count(); f++) {
                boolean converged = frames.expected.get(f).run(rule, 25);
                frames.assertSame(decoder, f, converged);
                if (!converged) {
                    failed.add(f);
                }
            }
            // One goes on with more known, one starts again with the other rule, the others stay as they are.
            for (int f : failed) {
                failures++;
                if (failures % 2 == 1) {
                    decoder.reveal(f, mask, 0, frames.errors.get(f), 0);
                    frames.expected.get(f).reveal(mask, 0, frames.errors.get(f), 0);
                }
                if (failures > 1) {
                    decoder.restart(f);
                    frames.expected.get(f).restart();
                }
            }
            decoder.start(UpdateRule.MIN_SUM, 25);
            decoder.await();
            for (int f = 0; f < frames.count(); f++) {
                boolean again = failed.contains(f);
                frames.assertSame(decoder, f, !again || frames.expected.get(f).run(UpdateRule.MIN_SUM, 25));
            }
            assertTrue(failures >= 2, "frames beyond capacity fail");
        }
    }

    @ParameterizedTest
    @CsvSource({"1, PHI", "1, MIN_SUM", "4, PHI", "4, MIN_SUM"})
    void decidesAsScalar(int width, UpdateRule rule) {
        try (OpenClSyndromeDecoder decoder = new OpenClSyndromeDecoder(device, width, "")) {
            for (QuasiCyclicCode code : Codes.small()) {
                decidesAsScalar(decoder, code, rule);
            }
            decidesAsScalar(
                    decoder,
                    Codes.code(128, 18, 40)
                            .with(
                                    "mixed",
                                    .05,
                                    .05,
                                    Codes.code(128, 18, 40).tables().withMinSumBelow(12)),
                    rule);
        }
    }

    @Test
    void theVariantForPipelinesDecidesAsScalar() {
        try (OpenClSyndromeDecoder decoder =
                new OpenClSyndromeDecoder(device, 1, " -D SINGLE_WORK_ITEM -D CIRCULANT=128")) {
            decidesAsScalar(decoder, Codes.code(128, 18, 40), UpdateRule.PHI);
            decidesAsScalar(decoder, Codes.code(128, 18, 40), UpdateRule.MIN_SUM);
            assertTrue(!decoder.takes(Codes.code(64, 20, 64)));
        }
    }

    @Test
    void longFramesWithoutHopeAreGivenUpAsEarly() {
        QuasiCyclicCode code =
                CodeFamily.shipped().select(1 << 16, .03, Profile.EFFICIENT).orElseThrow();
        try (OpenClSyndromeDecoder decoder = new OpenClSyndromeDecoder(device);
                SyndromeDecoder expected = SyndromeDecoder.create(code, Backend.AUTO);
                BitString error = BitString.allocate(code.frameBits());
                BitString syndrome = BitString.allocate(code.syndromeBits());
                BitString a = BitString.allocate(code.frameBits());
                BitString b = BitString.allocate(code.frameBits())) {
            for (double q : new double[] {.02, .031, .06}) {
                CodeMeasurement.drawErrors(error, q, new SplittableRandom(1));
                SyndromeEncoder.create(code, Backend.AUTO).encode(error, 0, syndrome, 0);
                expected.begin(syndrome, 0, q);
                boolean converged = expected.run(UpdateRule.PHI, 60);
                decoder.take(code, 1);
                decoder.begin(0, syndrome, 0, q);
                decoder.start(UpdateRule.PHI, 60);
                decoder.await();
                assertEquals(converged, decoder.decoded(0));
                assertEquals(expected.iterations(), decoder.iterations(0));
                expected.error(a, 0);
                decoder.error(0, b, 0);
                assertTrue(a.contentEquals(b));
            }
        }
    }
}
