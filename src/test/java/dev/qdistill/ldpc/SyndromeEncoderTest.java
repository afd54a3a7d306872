package dev.qdistill.ldpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.BackendUnavailableException;
import dev.qdistill.accel.NativeIsa;
import dev.qdistill.accel.NativeLibrary;
import dev.qdistill.bits.BitString;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SyndromeEncoderTest {
    private static void requireBackend(Backend backend) {
        if (backend != Backend.SCALAR) {
            var problem = backend == Backend.VECTOR ? SyndromeDecoder.vectorProblem() : SyndromeDecoder.nativeProblem();
            assumeTrue(problem.isEmpty(), () -> problem.orElse(""));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Backend.class,
            names = {"SCALAR", "VECTOR", "NATIVE"})
    void syndromeBitsAreTheParitiesOfTheChecks(Backend backend) {
        requireBackend(backend);
        for (QuasiCyclicCode code : Codes.small()) {
            int z = code.circulant();
            try (BitString frame = BitString.random(64 + code.frameBits(), new SplittableRandom(1));
                    BitString syndrome = BitString.allocate(128 + code.syndromeBits())) {
                SyndromeEncoder.create(code, backend).encode(frame, 64, syndrome, 128);
                for (int r = 0; r < code.rows(); r++) {
                    for (int i = 0; i < z; i++) {
                        boolean parity = false;
                        for (int e = code.rowStart(r); e < code.rowStart(r + 1); e++) {
                            parity ^= frame.get(64 + (long) code.column(e) * z + (i + code.shift(e)) % z);
                        }
                        assertEquals(parity, syndrome.get(128 + (long) r * z + i), code + " check " + (r * z + i));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Backend.class,
            names = {"SCALAR", "VECTOR", "NATIVE"})
    void syndromeOfASumIsTheSumOfTheSyndromes(Backend backend) {
        requireBackend(backend);
        for (QuasiCyclicCode code : Codes.small()) {
            SyndromeEncoder encoder = SyndromeEncoder.create(code, backend);
            try (BitString a = BitString.random(code.frameBits(), new SplittableRandom(2));
                    BitString b = BitString.random(code.frameBits(), new SplittableRandom(3));
                    BitString sa = BitString.allocate(code.syndromeBits());
                    BitString sb = BitString.allocate(code.syndromeBits());
                    BitString sum = BitString.allocate(code.syndromeBits())) {
                encoder.encode(a, 0, sa, 0);
                encoder.encode(b, 0, sb, 0);
                a.xor(b);
                encoder.encode(a, 0, sum, 0);
                sa.xor(sb);
                assertTrue(sa.contentEquals(sum));
                assertTrue(encoder.matches(a, sum));
                long last = code.syndromeBits() - 1L;
                sum.set(last, !sum.get(last));
                assertFalse(encoder.matches(a, sum));
            }
        }
    }

    @Test
    void kernelsOfEveryInstructionSetFindTheSameSyndrome() {
        for (NativeIsa isa : NativeLibrary.isas()) {
            NativeKernels kernels = NativeKernels.of(isa).orElseThrow();
            for (QuasiCyclicCode code : Codes.small()) {
                SyndromeEncoder encoder = new NativeSyndromeEncoder(code, kernels);
                try (BitString frame = BitString.random(code.frameBits(), new SplittableRandom(4));
                        BitString expected = BitString.allocate(code.syndromeBits());
                        BitString found = BitString.allocate(code.syndromeBits())) {
                    SyndromeEncoder.create(code, Backend.SCALAR).encode(frame, 0, expected, 0);
                    encoder.encode(frame, 0, found, 0);
                    assertTrue(expected.contentEquals(found), code + " with " + isa);
                    assertTrue(encoder.matches(frame, expected));
                }
            }
        }
    }

    @Test
    void nothingOfAFrameIsLeftInAnEncoder() {
        QuasiCyclicCode code = Codes.code(512, 11, 30);
        List<SyndromeEncoder> encoders = new ArrayList<>();
        NativeLibrary.isas()
                .forEach(isa -> encoders.add(
                        new NativeSyndromeEncoder(code, NativeKernels.of(isa).orElseThrow())));
        if (SyndromeDecoder.vectorProblem().isEmpty()) {
            encoders.add(new VectorSyndromeEncoder(code));
        }
        try (BitString frame = BitString.allocate(code.frameBits());
                BitString syndrome = BitString.allocate(code.syndromeBits())) {
            frame.invert();
            for (SyndromeEncoder encoder : encoders) {
                MemorySegment doubled = switch (encoder) {
                    case NativeSyndromeEncoder n -> n.doubled;
                    case VectorSyndromeEncoder v -> v.doubled.segment();
                    case ScalarSyndromeEncoder s -> throw new AssertionError(s);
                };
                MemorySegment zeros = Arena.ofAuto().allocate(doubled.byteSize());
                encoder.encode(frame, 0, syndrome, 0);
                assertEquals(-1, doubled.mismatch(zeros), encoder.backend().id());
                assertTrue(encoder.matches(frame, syndrome));
                assertEquals(-1, doubled.mismatch(zeros), encoder.backend().id());
            }
        }
    }

    @Test
    void rejectsOffsetsOffTheWordGridAndRangesOutOfBounds() {
        QuasiCyclicCode code = Codes.code(64, 20, 64);
        SyndromeEncoder encoder = SyndromeEncoder.create(code, Backend.SCALAR);
        try (BitString frame = BitString.allocate(code.frameBits() + 64);
                BitString syndrome = BitString.allocate(code.syndromeBits())) {
            assertThrows(IllegalArgumentException.class, () -> encoder.encode(frame, 8, syndrome, 0));
            assertThrows(IndexOutOfBoundsException.class, () -> encoder.encode(frame, 128, syndrome, 0));
            assertThrows(IndexOutOfBoundsException.class, () -> encoder.encode(frame, 0, syndrome, 64));
            assertThrows(BackendUnavailableException.class, () -> SyndromeEncoder.create(code, Backend.OPENCL));
        }
    }
}
