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
import java.util.Optional;
import java.util.SplittableRandom;

/** In C: native/ldpc_kernels.c and ldpc_kernels_avx2.c, through the foreign function interface. */
final class NativeKernels {
    private final MethodHandle phi;
    private final MethodHandle minSum;
    private final MethodHandle load;
    private final MethodHandle decide;
    private final MethodHandle agrees;
    private final MethodHandle encode;
    private final MethodHandle matches;

    private NativeKernels(SymbolLookup library, String prefix) {
        phi = bind(library, prefix + "phi", JAVA_LONG, JAVA_LONG, JAVA_INT);
        minSum = bind(library, prefix + "min_sum", JAVA_LONG, JAVA_LONG, JAVA_INT);
        load = bind(library, prefix + "load", JAVA_LONG, JAVA_LONG);
        decide = bind(library, prefix + "decide", JAVA_LONG, JAVA_LONG);
        agrees = bind(library, prefix + "agrees", JAVA_LONG);
        encode = bind(library, prefix + "encode", JAVA_LONG, JAVA_LONG, JAVA_LONG);
        matches = bind(library, prefix + "matches", JAVA_LONG, JAVA_LONG, JAVA_LONG);
    }

    @SuppressWarnings("restricted") // the signatures are those of native/ldpc_kernels.c
    private static MethodHandle bind(SymbolLookup library, String name, MemoryLayout... arguments) {
        return Linker.nativeLinker()
                .downcallHandle(library.findOrThrow(name), FunctionDescriptor.of(JAVA_LONG, arguments));
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

    /** Those for an instruction set that this machine has, not tested; empty if the compiler did not know it. */
    static Optional<NativeKernels> of(NativeIsa isa) {
        SymbolLookup library = NativeLibrary.symbols().orElseThrow();
        String prefix = isa == NativeIsa.AVX512 ? "qd_ldpc_avx512_" : "qd_ldpc_avx2_";
        return library.find(prefix + "phi").map(any -> new NativeKernels(library, prefix));
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

    /** Whether the signs of the posteriors have the syndrome. */
    boolean agrees(MemorySegment layout) {
        try {
            return (long) agrees.invokeExact(layout.address()) != 0;
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
            String problem =
                    "the C kernels of the decoder need " + NativeIsa.LEAST + " (qdistill.native.isa may refuse it)";
            for (NativeIsa isa : NativeLibrary.isas()) {
                Optional<NativeKernels> kernels = of(isa);
                if (kernels.isPresent() && selfTest(kernels.get())) {
                    return kernels.get();
                }
                problem = kernels.isPresent()
                        ? "the C kernels of the decoder for " + isa.id() + " failed their self-test"
                        : "the library has no decoder for " + isa.id();
            }
            return problem;
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
