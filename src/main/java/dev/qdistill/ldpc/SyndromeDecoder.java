package dev.qdistill.ldpc;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.BackendUnavailableException;
import dev.qdistill.accel.VectorSupport;
import dev.qdistill.bits.BitString;
import dev.qdistill.bits.SecretArena;
import java.util.Optional;

/**
 * Finds the most plausible error pattern with a given syndrome, by layered message passing in 8 bits.
 *
 * <p>A frame is decoded by {@link #begin}, {@link #run}, {@link #error}. When {@link #run} fails, more bits may be {@linkplain
 * #reveal revealed} and {@link #run} called again, with the same or another rule; it goes on where it stopped unless {@link
 * #restart} was called.
 *
 * <pre>{@code
 * decoder.begin(difference, 0, qber);
 * if (decoder.run(UpdateRule.PHI, 60)) {
 *     decoder.error(error, 0);
 * }
 * }</pre>
 *
 * <p>The arithmetic is a contract: all implementations make the same decisions in the same iteration. Layers are the base
 * rows in their order. With x the posterior and c the message of an edge of a check, both int8, and sat clipping to -128 to 127:
 * t = sat(x - c); s = sign of the product of all t and the syndrome bit, without this edge's; m = magnitude by the {@linkplain
 * UpdateRule rule} from the other |t|; x' = sat(x + s·m - c); c' = c + x' - x. So a posterior is always the prior and the sum of
 * its messages, also when it saturates: where it is not, columns of high degree flip as a whole. Known bits begin each iteration
 * at ±127.
 *
 * <p>A true result of {@link #run} means that the error pattern has the given syndrome; it may still be a wrong one (rarely),
 * which only a verification hash can tell.
 *
 * <p>For one thread at a time. Nothing is allocated on the heap after construction. {@link #close} wipes the state.
 */
public abstract sealed class SyndromeDecoder implements AutoCloseable
        permits ScalarSyndromeDecoder, LanedSyndromeDecoder {
    private static final int STRIDE = 16;
    private static final int PROGRESS = 64;
    private static final int LONG = 1 << 15;

    final QuasiCyclicCode code;
    final SecretArena arena = new SecretArena();
    final BitString syndrome;
    final BitString known;
    final BitString knownErrors;
    private final BitString decision;
    private final SyndromeEncoder encoder;
    private final long checks;
    private boolean anyKnown;
    private int prior;
    private int iterations;
    private int state;
    private long unsatisfied;
    private long milestone;
    private boolean begun;

    SyndromeDecoder(QuasiCyclicCode code, SyndromeEncoder encoder) {
        this.code = code;
        this.encoder = encoder;
        checks = code.syndromeBits();
        syndrome = BitString.allocate(arena, code.syndromeBits());
        decision = BitString.allocate(arena, code.frameBits());
        known = BitString.allocate(arena, code.frameBits());
        knownErrors = BitString.allocate(arena, code.frameBits());
    }

    /**
     * A decoder for frames of {@code code}.
     *
     * @param backend AUTO takes the fastest one
     * @throws BackendUnavailableException if {@code backend} is neither AUTO nor one that works here
     */
    public static SyndromeDecoder create(QuasiCyclicCode code, Backend backend) {
        return switch (backend) {
            case SCALAR -> new ScalarSyndromeDecoder(code);
            case VECTOR -> {
                var problem = vectorProblem();
                if (problem.isPresent()) {
                    throw new BackendUnavailableException(backend, problem.get());
                }
                yield new VectorSyndromeDecoder(code);
            }
            case NATIVE -> {
                var problem = nativeProblem();
                if (problem.isPresent()) {
                    throw new BackendUnavailableException(backend, problem.get());
                }
                yield new NativeSyndromeDecoder(code, NativeKernels.get());
            }
            case AUTO -> {
                if (nativeProblem().isEmpty()) {
                    yield new NativeSyndromeDecoder(code, NativeKernels.get());
                }
                yield vectorProblem().isPresent() ? new ScalarSyndromeDecoder(code) : new VectorSyndromeDecoder(code);
            }
            case OPENCL -> throw new BackendUnavailableException(backend, "single frames are left to the CPU");
        };
    }

    /** Why the vector decoder cannot run here; empty if it can. */
    public static Optional<String> vectorProblem() {
        return VectorSupport.problem()
                .or(() -> VectorSupport.bits() < 512
                        ? Optional.of("its lanes are those of 512-bit vectors and this machine has "
                                + VectorSupport.bits() + "-bit ones")
                        : Optional.empty());
    }

    /** Why the decoder in C cannot run here; empty if it can. */
    public static Optional<String> nativeProblem() {
        return NativeKernels.problem();
    }

    public final QuasiCyclicCode code() {
        return code;
    }

    /** The kernel this is, for reports. */
    public abstract Backend backend();

    /**
     * Starts a frame: nothing known, every bit in error with probability {@code qber}.
     *
     * @param difference Alice's syndrome XOR Bob's, {@code syndromeBits} bits from {@code offset} up
     * @param offset a multiple of 64
     * @param qber 0 to 1/2, exclusive
     */
    public final void begin(BitString difference, long offset, double qber) {
        SyndromeEncoder.requireRange(difference, offset, code.syndromeBits());
        if (!(qber > 0 && qber < .5)) {
            throw new IllegalArgumentException("QBER " + qber + " is not between 0 and 0.5");
        }
        syndrome.copyFrom(difference, offset, 0, code.syndromeBits());
        if (anyKnown) {
            known.wipe();
            knownErrors.wipe();
            anyKnown = false;
        }
        prior = code.tables().prior(qber);
        iterations = 0;
        load();
        begun = true;
        restart();
    }

    /**
     * Tells the error values at some positions: 1 where the two parties' bits differ. Later calls add to earlier ones. Shortened
     * positions (zero on both sides) are known with value 0.
     *
     * @param mask {@code frameBits} bits from {@code maskOffset} up, 1 where the value is known
     * @param maskOffset a multiple of 64
     * @param errors {@code frameBits} bits from {@code errorsOffset} up; those outside the mask are ignored
     * @param errorsOffset a multiple of 64
     */
    public final void reveal(BitString mask, long maskOffset, BitString errors, long errorsOffset) {
        requireBegun();
        SyndromeEncoder.requireRange(mask, maskOffset, code.frameBits());
        SyndromeEncoder.requireRange(errors, errorsOffset, code.frameBits());
        long m = maskOffset >>> 6;
        long e = errorsOffset >>> 6;
        for (int w = 0; w < code.frameBits() / 64; w++) {
            long now = mask.word(m + w);
            known.setWord(w, known.word(w) | now);
            knownErrors.setWord(w, knownErrors.word(w) & ~now | errors.word(e + w) & now);
        }
        anyKnown = true;
        pin();
    }

    /** Forgets all messages of the present frame, but not its syndrome and known bits. */
    public final void restart() {
        requireBegun();
        reset(prior);
        state = DecoderTables.FIRST;
        unsatisfied = checks;
        milestone = checks;
        if (anyKnown) {
            pin();
        }
    }

    /**
     * Runs up to {@code maxIterations} iterations; stops as soon as the decisions have the syndrome, or, with long frames, when there is no hope: when in
     * {@value #STRIDE} iterations the unsatisfied checks, more than a few, became fewer by less than one in {@value
     * #PROGRESS}.
     *
     * @return whether they have; if not, the decisions are the last iteration's
     */
    public final boolean run(UpdateRule rule, int maxIterations) {
        requireBegun();
        for (int i = 0; i < maxIterations; i++) {
            long before = unsatisfied;
            unsatisfied = iterate(code.tables().effective(rule, state), state);
            iterations++;
            state = DecoderTables.state(unsatisfied, checks);
            if (anyKnown) {
                pin();
            }
            // The count is that of the extrinsic signs; the decisions may be right when it is not zero, and even when
            // it stalls.
            boolean few = unsatisfied * 256 <= checks;
            boolean stalled = unsatisfied * 8 <= checks && unsatisfied * 8 >= before * 7;
            boolean last = i == maxIterations - 1;
            // Frames of coupled codes stall for long.
            boolean doubtful = !few || before * 256 <= checks;
            if ((last || (few || stalled) && (!doubtful || plausible())) && satisfied()) {
                return true;
            }
            if (iterations % STRIDE == 0 && code.frameBits() >= LONG) {
                if (unsatisfied * 64 > checks && unsatisfied * PROGRESS > milestone * (PROGRESS - 1)) {
                    return satisfied();
                }
                milestone = unsatisfied;
            }
        }
        return false;
    }

    private boolean satisfied() {
        decide(decision);
        applyKnown();
        return encoder.matches(decision, syndrome);
    }

    private void applyKnown() {
        if (!anyKnown) {
            return;
        }
        for (int w = 0; w < code.frameBits() / 64; w++) {
            long k = known.word(w);
            decision.setWord(w, decision.word(w) & ~k | knownErrors.word(w));
        }
    }

    /** The iterations run on the present frame so far. */
    public final int iterations() {
        return iterations;
    }

    /** The checks that the last iteration found unsatisfied by the extrinsic signs; a measure of how far it got. */
    public final long unsatisfied() {
        return unsatisfied;
    }

    /**
     * Writes the present decisions, 1 for an error, to the {@code frameBits} bits of {@code error} from {@code offset} up.
     *
     * @param offset a multiple of 64
     */
    public final void error(BitString error, long offset) {
        requireBegun();
        SyndromeEncoder.requireRange(error, offset, code.frameBits());
        error.copyFrom(decision, 0, offset, code.frameBits());
    }

    /**
     * Marks the bits whose posteriors are the weakest now, known ones left out: those whose true values would help a frame that
     * failed the most. Among equals the choice follows a fixed scattered order.
     *
     * @param count how many to mark; fewer if fewer are unknown
     * @param mask {@code frameBits} bits, overwritten
     */
    public final void leastReliable(int count, BitString mask) {
        requireBegun();
        SyndromeEncoder.requireRange(mask, 0, code.frameBits());
        LeastReliable.mark(code.frameBits(), known, this::posterior, count, mask);
    }

    /** Wipes and frees the state. */
    @Override
    public final void close() {
        begun = false;
        arena.close();
    }

    private void requireBegun() {
        if (!begun) {
            throw new IllegalStateException("No frame was begun, or the decoder is closed");
        }
    }

    /** Takes over {@link #syndrome}. */
    abstract void load();

    /** Sets every posterior to {@code prior} and every message to zero. */
    abstract void reset(int prior);

    /** The posterior of a bit, -128 to 127. */
    abstract int posterior(int bit);

    /** Sets the posteriors at the {@link #known} positions to certainty. */
    abstract void pin();

    /** One sweep over all layers; returns the number of checks unsatisfied by extrinsic signs. */
    abstract long iterate(UpdateRule rule, int state);

    /** Whether the signs of the posteriors may have the syndrome: a quick test that need not find out. */
    boolean plausible() {
        return true;
    }

    /** Writes the signs of the posteriors. */
    abstract void decide(BitString decision);
}
