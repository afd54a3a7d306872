package dev.qdistill.ldpc;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.qdistill.accel.NativeIsa;
import dev.qdistill.accel.NativeLibrary;
import dev.qdistill.bits.BitString;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.SplittableRandom;

/** In C: native/ldpc_kernels.c, through the foreign function interface. */
final class NativeKernels {
    private final MethodHandle phi;
    private final MethodHandle minSum;
    private final MethodHandle load;
    private final MethodHandle decide;
    private final MethodHandle encode;
    private final MethodHandle matches;

    private NativeKernels(SymbolLookup library) {
        phi = bind(library, "phi", JAVA_LONG, JAVA_LONG, JAVA_INT);
        minSum = bind(library, "min_sum", JAVA_LONG, JAVA_LONG, JAVA_INT);
        load = bind(library, "load", JAVA_LONG, JAVA_LONG);
        decide = bind(library, "decide", JAVA_LONG, JAVA_LONG);
        encode = bind(library, "encode", JAVA_LONG, JAVA_LONG, JAVA_LONG);
        matches = bind(library, "matches", JAVA_LONG, JAVA_LONG, JAVA_LONG);
    }

    @SuppressWarnings("restricted") // the signatures are those of native/ldpc_kernels.c
    private static MethodHandle bind(SymbolLookup library, String name, MemoryLayout... arguments) {
        return Linker.nativeLinker()
                .downcallHandle(
                        library.findOrThrow("qd_ldpc_avx512_" + name), FunctionDescriptor.of(JAVA_LONG, arguments));
    }

    /** Why there are none here; empty if there are. They are used only if they pass a self-test. */
    static Optional<String> problem() {
        return Holder.FOUND instanceof String s ? Optional.of(s) : Optional.empty();
    }

    /**
     * @throws IllegalStateException if there is a {@link #problem}
     */
    static NativeKernels get() {
        if (Holder.FOUND instanceof NativeKernels k) {
            return k;
        }
        throw new IllegalStateException(problem().orElseThrow());
    }

    /** One iteration; returns the number of unsatisfied checks. */
    long iterate(UpdateRule rule, MemorySegment layout, long magnitudes, boolean first) {
        try {
            MethodHandle h = rule == UpdateRule.PHI ? phi : minSum;
            return (long) h.invokeExact(layout.address(), magnitudes, first ? 1 : 0);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    void load(MemorySegment layout, BitString syndrome) {
        try {
            long zero =
                    (long) load.invokeExact(layout.address(), syndrome.segment().address());
            assert zero == 0;
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    void decide(MemorySegment layout, BitString decision) {
        try {
            long zero = (long)
                    decide.invokeExact(layout.address(), decision.segment().address());
            assert zero == 0;
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    /** Addresses of whole words. */
    void encode(MemorySegment layout, long frame, long syndrome) {
        try {
            long zero = (long) encode.invokeExact(layout.address(), frame, syndrome);
            assert zero == 0;
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    /** Addresses of whole words. */
    boolean matches(MemorySegment layout, long frame, long syndrome) {
        try {
            return (long) matches.invokeExact(layout.address(), frame, syndrome) != 0;
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    private static IllegalStateException failed(Throwable e) {
        return new IllegalStateException("A call of native code failed", e);
    }

    // Loaded and tested once, on first use.
    private static final class Holder {
        // The kernels, or why there are none.
        static final Object FOUND = probe();

        private static Object probe() {
            if (NativeLibrary.symbols().isEmpty()) {
                return NativeLibrary.problem().orElse("");
            }
            if (!NativeLibrary.has(NativeIsa.AVX512)) {
                return "the C kernels of the decoder need " + NativeIsa.AVX512.needs()
                        + " (qdistill.native.isa may refuse it)";
            }
            try {
                NativeKernels kernels =
                        new NativeKernels(NativeLibrary.symbols().orElseThrow());
                return selfTest(kernels) ? kernels : "the C kernels of the decoder failed their self-test";
            } catch (NoSuchElementException e) {
                // The compiler knew no such instructions.
                return "the library has no decoder for " + NativeIsa.AVX512.id();
            }
        }

        // A few iterations of both rules on a random syndrome, against the reference.
        private static boolean selfTest(NativeKernels kernels) {
            QuasiCyclicCode code = new CodeConstruction(192, 7, 20, DegreeDistribution.parse("2:.2,3:.5,5:.3"), 0, 0, 1)
                    .build("self-test", DecoderTables.generic());
            try (SyndromeDecoder found = new NativeSyndromeDecoder(code, kernels);
                    SyndromeDecoder expected = new ScalarSyndromeDecoder(code);
                    BitString syndrome = BitString.random(code.syndromeBits(), new SplittableRandom(1));
                    BitString again = BitString.allocate(code.syndromeBits());
                    BitString a = BitString.allocate(code.frameBits());
                    BitString b = BitString.allocate(code.frameBits())) {
                for (UpdateRule rule : UpdateRule.values()) {
                    found.begin(syndrome, 0, .05);
                    expected.begin(syndrome, 0, .05);
                    found.run(rule, 4);
                    expected.run(rule, 4);
                    found.error(a, 0);
                    expected.error(b, 0);
                    if (found.unsatisfied() != expected.unsatisfied() || !a.contentEquals(b)) {
                        return false;
                    }
                }
                new ScalarSyndromeEncoder(code).encode(a, 0, syndrome, 0);
                SyndromeEncoder encoder = new NativeSyndromeEncoder(code, kernels);
                encoder.encode(a, 0, again, 0);
                return syndrome.contentEquals(again) && encoder.matches(a, syndrome);
            }
        }
    }
}
