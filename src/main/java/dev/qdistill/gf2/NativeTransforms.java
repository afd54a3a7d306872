package dev.qdistill.gf2;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.qdistill.accel.NativeIsa;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.ConcurrentHashMap;

/** In C: native/gf2_kernels*.c, once for each {@link NativeIsa}, through the foreign function interface. */
final class NativeTransforms implements TransformKernels, DirectKernel {
    private final MethodHandle xor;
    private final MethodHandle shift;
    private final MethodHandle strips;
    private final MethodHandle stripsBack;
    private final MethodHandle units;
    private final MethodHandle convert;
    private final MethodHandle direct;
    private final ConcurrentHashMap<Integer, NativeTransform> transforms = new ConcurrentHashMap<>();

    /**
     * @throws java.util.NoSuchElementException if the library has none for {@code isa}: its compiler knew no such instructions
     */
    @SuppressWarnings("restricted") // the signatures are those of native/gf2_kernels.c
    NativeTransforms(SymbolLookup library, NativeIsa isa) {
        // J: int64_t, I: int32_t.
        xor = bind(library, isa, "xor", "JJJ");
        shift = bind(library, isa, "shift", "JJJI");
        strips = bind(library, isa, "strips", "JJJJJJJ");
        stripsBack = bind(library, isa, "strips_back", "JJJJJJ");
        units = bind(library, isa, "units", "JJJJJ");
        direct = bind(library, isa, "direct", "JJJJJJ");
        convert = Linker.nativeLinker()
                .downcallHandle(
                        symbol(library, isa, "convert"),
                        FunctionDescriptor.of(
                                JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG));
    }

    @SuppressWarnings("restricted") // the signatures are those of native/gf2_kernels.c
    private static MethodHandle bind(SymbolLookup library, NativeIsa isa, String name, String signature) {
        MemoryLayout[] arguments =
                signature.chars().mapToObj(c -> c == 'J' ? JAVA_LONG : JAVA_INT).toArray(MemoryLayout[]::new);
        return Linker.nativeLinker()
                .downcallHandle(
                        symbol(library, isa, name),
                        FunctionDescriptor.ofVoid(Arrays.copyOf(arguments, arguments.length)));
    }

    private static MemorySegment symbol(SymbolLookup library, NativeIsa isa, String name) {
        return library.findOrThrow("qd_gf2_" + isa.name().toLowerCase(Locale.ROOT) + "_" + name);
    }

    private static IllegalStateException failed(Throwable e) {
        return new IllegalStateException("A call of native code failed", e);
    }

    @Override
    public Transform transform(int m, Arena arena) {
        // Its tables take longer to make than a product of 2^20 bits; they are small, public, and the same for
        // everybody.
        return transforms.computeIfAbsent(m, size -> new NativeTransform(size, this, Arena.ofAuto()));
    }

    @Override
    public int scratchBytes() {
        return NativePlan.SCRATCH_BYTES;
    }

    @Override
    public void toTransformBasis(long address, long bits, Team.Part part) {
        convert(address, bits, 0, part);
    }

    @Override
    public void toMonomials(long address, long bits, Team.Part part) {
        convert(address, bits, 1, part);
    }

    @Override
    public void xor(long to, long from, long bytes) {
        try {
            xor.invokeExact(to, from, bytes);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    @Override
    public void shift(long lo, long hi, long bytes, int bits) {
        try {
            shift.invokeExact(lo, hi, bytes, bits);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    @Override
    public void multiply(
            MemorySegment a, long aWords, MemorySegment b, long bWords, MemorySegment r, MemorySegment scratch) {
        try {
            direct.invokeExact(a.address(), aWords, b.address(), bWords, r.address(), scratch.address());
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    // Pass by pass where threads share it.
    private void convert(long address, long bits, int inverse, Team.Part part) {
        if (part.count() == 1) {
            var _ = pass(address, bits, inverse, -1, 0, 1);
            return;
        }
        int passes = pass(address, bits, inverse, Integer.MAX_VALUE, 0, 1);
        for (int k = 0; k < passes; k++) {
            while (part.next()) {
                var _ = pass(address, bits, inverse, k, part.index, part.count());
            }
        }
    }

    private int pass(long address, long bits, int inverse, int pass, long part, long parts) {
        try {
            return (int) convert.invokeExact(address, bits, inverse, pass, part, parts);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    void strips(long plan, long coefficients, long limit, long values, long from, long to, long scratch) {
        try {
            strips.invokeExact(plan, coefficients, limit, values, from, to, scratch);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    void stripsBack(long plan, long values, long coefficients, long from, long to, long scratch) {
        try {
            stripsBack.invokeExact(plan, values, coefficients, from, to, scratch);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    void units(long plan, long values, long factor, long from, long to) {
        try {
            units.invokeExact(plan, values, factor, from, to);
        } catch (Throwable e) {
            throw failed(e);
        }
    }
}
