package dev.qdistill.ldpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import dev.qdistill.accel.Backend;
import dev.qdistill.accel.NativeIsa;
import dev.qdistill.accel.NativeLibrary;
import dev.qdistill.bits.BitString;
import java.lang.management.ManagementFactory;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class SyndromeDecoderTest {
    private static void require(Backend backend) {
        var problem = backend == Backend.VECTOR ? SyndromeDecoder.vectorProblem() : SyndromeDecoder.nativeProblem();
        assumeTrue(problem.isEmpty(), () -> problem.orElse(""));
    }

    private static double qber(QuasiCyclicCode code, double efficiency) {
        return QuasiCyclicCode.inverseBinaryEntropy((1 - code.rate()) / efficiency);
    }

    /** One frame and what is known of it. */
    private static final class Frame implements AutoCloseable {
        final BitString error;
        final BitString syndrome;
        final BitString found;

        Frame(QuasiCyclicCode code, double qber, long seed) {
            error = BitString.allocate(code.frameBits());
            syndrome = BitString.allocate(code.syndromeBits());
            found = BitString.allocate(code.frameBits());
            CodeMeasurement.drawErrors(error, qber, new SplittableRandom(seed));
            SyndromeEncoder.create(code, Backend.SCALAR).encode(error, 0, syndrome, 0);
        }

        @Override
        public void close() {
            error.close();
            syndrome.close();
            found.close();
        }
    }

    @ParameterizedTest
    @CsvSource({"VECTOR, PHI", "VECTOR, MIN_SUM", "NATIVE, PHI", "NATIVE, MIN_SUM"})
    void decidesAsScalar(Backend backend, UpdateRule rule) {
        require(backend);
        assertDecidesAsScalar(rule, code -> SyndromeDecoder.create(code, backend));
    }

    // The fastest ones are chosen otherwise.
    @ParameterizedTest
    @EnumSource(UpdateRule.class)
    void kernelsOfEveryInstructionSetDecideAsScalar(UpdateRule rule) {
        for (NativeIsa isa : NativeLibrary.isas()) {
            NativeKernels kernels = NativeKernels.of(isa).orElseThrow();
            assertDecidesAsScalar(rule, code -> new NativeSyndromeDecoder(code, kernels));
        }
    }

    private static void assertDecidesAsScalar(
            UpdateRule rule, Function<QuasiCyclicCode, SyndromeDecoder> implementation) {
        for (QuasiCyclicCode code : Codes.small()) {
            try (SyndromeDecoder scalar = SyndromeDecoder.create(code, Backend.SCALAR);
                    SyndromeDecoder vector = implementation.apply(code);
                    BitString mask = BitString.random(code.frameBits(), new SplittableRandom(9))) {
                int failures = 0;
                for (int i = 0; i < 9; i++) {
                    // From easy to hopeless.
                    double q = qber(code, i < 3 ? 1.6 : i < 6 ? 1.25 : .95);
                    try (Frame frame = new Frame(code, q, i);
                            BitString other = BitString.allocate(code.frameBits())) {
                        scalar.begin(frame.syndrome, 0, q);
                        vector.begin(frame.syndrome, 0, q);
                        boolean converged = scalar.run(rule, 25);
                        assertEquals(converged, vector.run(rule, 25));
                        assertSame(scalar, vector, frame.found, other);
                        // The quick test, which decides when the exact one is made.
                        assertTrue(!(vector instanceof NativeSyndromeDecoder n) || n.plausible() == converged);
                        if (!converged) {
                            failures++;
                            scalar.reveal(mask, 0, frame.error, 0);
                            vector.reveal(mask, 0, frame.error, 0);
                            assertEquals(scalar.run(rule, 25), vector.run(rule, 25));
                            assertSame(scalar, vector, frame.found, other);
                            scalar.restart();
                            vector.restart();
                            assertEquals(scalar.run(UpdateRule.MIN_SUM, 25), vector.run(UpdateRule.MIN_SUM, 25));
                            assertSame(scalar, vector, frame.found, other);
                        }
                    }
                }
                assertTrue(failures >= 3, "frames beyond capacity fail");
            }
        }
    }

    private static void assertSame(SyndromeDecoder scalar, SyndromeDecoder vector, BitString a, BitString b) {
        assertEquals(scalar.iterations(), vector.iterations());
        assertEquals(scalar.unsatisfied(), vector.unsatisfied());
        scalar.error(a, 0);
        vector.error(b, 0);
        assertTrue(a.contentEquals(b), scalar.code() + ": decisions differ");
        for (int i = 0; i < scalar.code().frameBits(); i++) {
            assertEquals(scalar.posterior(i), vector.posterior(i), "posterior of bit " + i);
        }
    }

    @ParameterizedTest
    @EnumSource(UpdateRule.class)
    void correctsEveryFrameBelowThreshold(UpdateRule rule) {
        for (int length : CodeFamily.shipped().frameLengths()) {
            if (length > 1 << 16) {
                continue;
            }
            for (double q : new double[] {.011, .03, .065}) {
                QuasiCyclicCode code = CodeFamily.shipped()
                        .select(length, (length < 1 << 16 ? 1.6 : 1.25) * q, Profile.EFFICIENT)
                        .orElseThrow();
                CodeMeasurement m =
                        CodeMeasurement.measure(code, Backend.AUTO, rule, q, 60, (1 << 20) / length, 0, 1, 1);
                assertEquals(0, m.failures() + m.undetected(), code + " at " + q);
            }
        }
    }

    @Test
    void revealedBitsRescueAFailedFrame() {
        QuasiCyclicCode code = Codes.code(128, 18, 40);
        double q = qber(code, .95);
        try (SyndromeDecoder decoder = SyndromeDecoder.create(code, Backend.AUTO);
                Frame frame = new Frame(code, q, 5);
                BitString mask = BitString.allocate(code.frameBits())) {
            for (int i = 0; i < code.frameBits(); i += 3) {
                mask.set(i, true);
            }
            decoder.begin(frame.syndrome, 0, q);
            assertFalse(decoder.run(UpdateRule.PHI, 40));
            decoder.reveal(mask, 0, frame.error, 0);
            assertTrue(decoder.run(UpdateRule.PHI, 40));
            decoder.error(frame.found, 0);
            assertTrue(frame.found.contentEquals(frame.error));
        }
    }

    @Test
    void shortenedPositionsStayZero() {
        QuasiCyclicCode code = Codes.code(128, 18, 40);
        double q = qber(code, 1.1);
        try (SyndromeDecoder decoder = SyndromeDecoder.create(code, Backend.AUTO);
                Frame frame = new Frame(code, q, 6);
                BitString mask = BitString.allocate(code.frameBits());
                BitString zeros = BitString.allocate(code.frameBits())) {
            for (int i = 3000; i < code.frameBits(); i++) {
                mask.set(i, true);
                frame.error.set(i, false);
            }
            SyndromeEncoder.create(code, Backend.AUTO).encode(frame.error, 0, frame.syndrome, 0);
            decoder.begin(frame.syndrome, 0, q);
            decoder.reveal(mask, 0, zeros, 0);
            assertTrue(decoder.run(UpdateRule.PHI, 60));
            decoder.error(frame.found, 0);
            assertTrue(frame.found.contentEquals(frame.error));
        }
    }

    @Test
    void aDecoderKeepsNothingOfEarlierFrames() {
        QuasiCyclicCode code = Codes.code(64, 20, 64);
        double q = qber(code, 1.5);
        try (SyndromeDecoder used = SyndromeDecoder.create(code, Backend.AUTO);
                SyndromeDecoder fresh = SyndromeDecoder.create(code, Backend.AUTO);
                Frame before = new Frame(code, .3, 1);
                Frame frame = new Frame(code, q, 2);
                BitString other = BitString.allocate(code.frameBits())) {
            used.begin(before.syndrome, 0, .3);
            used.reveal(before.error, 0, before.error, 0);
            used.run(UpdateRule.MIN_SUM, 10);
            used.begin(frame.syndrome, 0, q);
            fresh.begin(frame.syndrome, 0, q);
            assertEquals(fresh.run(UpdateRule.PHI, 30), used.run(UpdateRule.PHI, 30));
            assertSame(fresh, used, frame.found, other);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Backend.class,
            names = {"VECTOR", "NATIVE"})
    void decodingDoesNotAllocate(Backend backend) {
        require(backend);
        QuasiCyclicCode code = Codes.code(128, 18, 40);
        double q = qber(code, 1.3);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (SyndromeDecoder decoder = SyndromeDecoder.create(code, backend);
                Frame frame = new Frame(code, q, 1)) {
            long least = Long.MAX_VALUE;
            // Interpreted vector code allocates; the compiled one must not. On a busy machine compilation takes its
            // time.
            long deadline = System.nanoTime() + 60_000_000_000L;
            while (least > 0 && System.nanoTime() < deadline) {
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < 20; i++) {
                    decoder.begin(frame.syndrome, 0, q);
                    decoder.run(i % 2 == 0 ? UpdateRule.PHI : UpdateRule.MIN_SUM, 60);
                    decoder.error(frame.found, 0);
                }
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            }
            assertEquals(0, least, "bytes allocated by 20 frames");
        }
    }

    @Test
    void rejectsMisuse() {
        QuasiCyclicCode code = Codes.code(64, 20, 64);
        SyndromeDecoder decoder = SyndromeDecoder.create(code, Backend.SCALAR);
        try (BitString syndrome = BitString.allocate(code.syndromeBits())) {
            assertThrows(IllegalStateException.class, () -> decoder.run(UpdateRule.PHI, 1));
            assertThrows(IllegalArgumentException.class, () -> decoder.begin(syndrome, 0, .5));
            assertThrows(IndexOutOfBoundsException.class, () -> decoder.begin(syndrome, 64, .1));
            decoder.begin(syndrome, 0, .1);
            decoder.close();
            assertThrows(IllegalStateException.class, () -> decoder.run(UpdateRule.PHI, 1));
        }
    }
}
