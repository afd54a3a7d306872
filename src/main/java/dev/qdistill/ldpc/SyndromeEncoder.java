package dev.qdistill.ldpc;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.BackendUnavailableException;
import dev.qdistill.bits.BitString;
import java.util.Objects;

/**
 * Computes syndromes of one code: s = H·x over GF(2).
 *
 * <p>Not safe for use by several threads at once; cheap to create. Does not allocate in {@link #encode}.
 */
public abstract sealed class SyndromeEncoder
        permits ScalarSyndromeEncoder, VectorSyndromeEncoder, NativeSyndromeEncoder {
    private final QuasiCyclicCode code;

    SyndromeEncoder(QuasiCyclicCode code) {
        this.code = code;
    }

    /**
     * An encoder for frames of {@code code}.
     *
     * @throws BackendUnavailableException if {@code backend} is neither AUTO nor one that works here
     */
    public static SyndromeEncoder create(QuasiCyclicCode code, Backend backend) {
        return switch (backend) {
            case SCALAR -> new ScalarSyndromeEncoder(code);
            case VECTOR -> {
                var problem = SyndromeDecoder.vectorProblem();
                if (problem.isPresent()) {
                    throw new BackendUnavailableException(backend, problem.get());
                }
                yield new VectorSyndromeEncoder(code);
            }
            case NATIVE -> {
                var problem = NativeKernels.problem();
                if (problem.isPresent()) {
                    throw new BackendUnavailableException(backend, problem.get());
                }
                yield new NativeSyndromeEncoder(code, NativeKernels.get());
            }
            case AUTO -> {
                if (NativeKernels.problem().isEmpty()) {
                    yield new NativeSyndromeEncoder(code, NativeKernels.get());
                }
                yield SyndromeDecoder.vectorProblem().isPresent() || code.circulant() % 512 != 0
                        ? new ScalarSyndromeEncoder(code)
                        : new VectorSyndromeEncoder(code);
            }
            case OPENCL -> throw new BackendUnavailableException(backend, "single frames are left to the CPU");
        };
    }

    public final QuasiCyclicCode code() {
        return code;
    }

    /**
     * Writes the syndrome of the {@code frameBits} bits of {@code frame} from {@code frameOffset} up to the {@code
     * syndromeBits} bits of {@code syndrome} from {@code syndromeOffset} up.
     *
     * @param frameOffset a multiple of 64
     * @param syndromeOffset a multiple of 64
     */
    public final void encode(BitString frame, long frameOffset, BitString syndrome, long syndromeOffset) {
        requireRange(frame, frameOffset, code.frameBits());
        requireRange(syndrome, syndromeOffset, code.syndromeBits());
        syndromeOf(frame, frameOffset, syndrome, syndromeOffset);
    }

    /** Whether {@code syndrome} is that of {@code frame}; both begin at bit 0. */
    abstract boolean matches(BitString frame, BitString syndrome);

    abstract void syndromeOf(BitString frame, long frameOffset, BitString syndrome, long syndromeOffset);

    /** The kernel this is, for reports. */
    public abstract Backend backend();

    static void requireRange(BitString string, long offset, long count) {
        Objects.checkFromIndexSize(offset, count, string.length());
        if ((offset & 63) != 0) {
            throw new IllegalArgumentException("Bit offset " + offset + " is not a multiple of 64");
        }
    }
}
