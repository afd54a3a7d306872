package dev.qdistill;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.BackendUnavailableException;
import dev.qdistill.accel.NativeIsa;
import dev.qdistill.accel.NativeLibrary;
import dev.qdistill.accel.VectorSupport;
import dev.qdistill.gf2.Gf2Multiplier;
import dev.qdistill.ldpc.CodeFamily;
import dev.qdistill.ldpc.QuasiCyclicCode;
import dev.qdistill.ldpc.SyndromeDecoder;
import org.junit.jupiter.api.Test;

/**
 * The tests run twice: with the Vector API, and once more, a few of them, without. A silent fall-back to the scalar kernels
 * would hide everything the others are there to find, so each run says what it expects.
 */
final class KernelsTest {
    private static final String EXPECTED = System.getProperty("qdistill.expected.kernels", "");

    @Test
    void theExpectedKernelsAreLoaded() {
        QuasiCyclicCode code = CodeFamily.shipped()
                .code(CodeFamily.shipped().codes(4096).getFirst().name());
        try (SyndromeDecoder decoder = SyndromeDecoder.create(code, Backend.AUTO)) {
            Backend multiplier = Gf2Multiplier.create(Backend.AUTO).backend();
            System.out.println("LDPC decoder: " + decoder.backend() + ", Toeplitz hash: " + multiplier + ", vectors of "
                    + VectorSupport.bits() + " bits");
            switch (EXPECTED) {
                case "vector" -> {
                    // Only the width of the machine's vectors excuses the decoder.
                    boolean wide = VectorSupport.bits() >= 512;
                    // The kernels in C come first where scripts/build-native found a compiler.
                    boolean decoderBuilt = SyndromeDecoder.nativeProblem().isEmpty();
                    assertEquals(
                            decoderBuilt ? Backend.NATIVE : wide ? Backend.VECTOR : Backend.SCALAR, decoder.backend());
                    assertEquals(
                            NativeLibrary.has(NativeIsa.AVX2),
                            decoderBuilt,
                            () -> SyndromeDecoder.nativeProblem().orElse(""));
                    boolean built = Gf2Multiplier.nativeProblem().isEmpty();
                    assertEquals(built ? Backend.NATIVE : wide ? Backend.VECTOR : Backend.SCALAR, multiplier);
                }
                case "scalar" -> {
                    assertEquals(Backend.SCALAR, decoder.backend());
                    assertEquals(Backend.SCALAR, multiplier);
                    assertThrows(
                            BackendUnavailableException.class,
                            () -> SyndromeDecoder.create(code, Backend.VECTOR).close());
                    assertThrows(BackendUnavailableException.class, () -> Gf2Multiplier.create(Backend.VECTOR));
                    assertThrows(BackendUnavailableException.class, () -> Gf2Multiplier.create(Backend.NATIVE));
                }
                default -> throw new AssertionError("run the tests with Maven, or set qdistill.expected.kernels");
            }
        }
    }
}
