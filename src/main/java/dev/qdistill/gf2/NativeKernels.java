package dev.qdistill.gf2;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.qdistill.accel.NativeIsa;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.IntUnaryOperator;

/** In C: native/gf2_kernels*.c, once for each {@link NativeIsa}, through the foreign function interface. Calls are short and never call back. */
final class NativeKernels implements TransformKernels {
    private static final long LOGS = Memory.constants(NibbleLogs.tables());
    private static final long BETA15 = Memory.constants(LookupTables.multiply16(CantorTower.beta(15)));

    private final MethodHandle xor;
    private final MethodHandle bytes;
    private final MethodHandle map;
    private final MethodHandle shorts;
    private final MethodHandle add;
    private final MethodHandle ints;
    private final MethodHandle lanes;
    private final MethodHandle pointwise;
    private final MethodHandle exchange;
    private final MethodHandle bits;
    private final MethodHandle blocks;
    private final MethodHandle rows16;
    private final MethodHandle shift;

    /**
     * @throws java.util.NoSuchElementException if the library has no kernels for {@code isa}: its compiler knew no such instructions
     */
    NativeKernels(SymbolLookup library, NativeIsa isa) {
        // J: int64_t, I: int32_t.
        xor = bind(library, isa, "xor", "JJJ");
        bytes = bind(library, isa, "bytes", "JJIJJII");
        map = bind(library, isa, "map", "JIJ");
        shorts = bind(library, isa, "shorts", "JJJJIJJJJJII");
        add = bind(library, isa, "add", "JJJJIJ");
        ints = bind(library, isa, "ints", "JJJJIJJ");
        lanes = bind(library, isa, "lanes", "JIJIJJJJJII");
        pointwise = bind(library, isa, "pointwise", "JJJJJJJJJ");
        exchange = bind(library, isa, "exchange", "JIJJJJI");
        bits = bind(library, isa, "bits", "JJJJJJJJJJI");
        blocks = bind(library, isa, "blocks", "JJI");
        rows16 = bind(library, isa, "rows16", "JJII");
        shift = bind(library, isa, "shift", "JJJI");
    }

    @SuppressWarnings("restricted") // the signatures are those of native/gf2_kernels.c
    private static MethodHandle bind(SymbolLookup library, NativeIsa isa, String name, String signature) {
        MemoryLayout[] arguments =
                signature.chars().mapToObj(c -> c == 'J' ? JAVA_LONG : JAVA_INT).toArray(MemoryLayout[]::new);
        return Linker.nativeLinker()
                .downcallHandle(
                        library.findOrThrow("qd_gf2_" + isa.name().toLowerCase(Locale.ROOT) + "_" + name),
                        FunctionDescriptor.ofVoid(Arrays.copyOf(arguments, arguments.length)));
    }

    private static IllegalStateException failed(Throwable e) {
        return new IllegalStateException("A call of native code failed", e);
    }

    @Override
    public int tableBytes(boolean wide) {
        return wide ? BitMatrices.BYTES32 : BitMatrices.BYTES16;
    }

    @Override
    public long betaTables(boolean wide) {
        return wide ? BitMatrices.BETA32 : BitMatrices.BETA16;
    }

    @Override
    public byte[] tables8(IntUnaryOperator map) {
        return BitMatrices.map8(map);
    }

    @Override
    public void xor(long to, long from, long n) {
        try {
            xor.invokeExact(to, from, n);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    @Override
    public void bytes(long lo, long hi, int vectors, long mask, long table, byte pre, byte post) {
        try {
            bytes.invokeExact(lo, hi, vectors, mask, table, (int) pre, (int) post);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    @Override
    public void map(long data, int vectors, long table) {
        try {
            map.invokeExact(data, vectors, table);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    @Override
    public void shorts(
            long data,
            long from,
            long to,
            long blockMask,
            int vectors,
            long mask,
            long stride,
            long plane,
            long table,
            long deltas,
            byte pre,
            byte post) {
        try {
            shorts.invokeExact(
                    data, from, to, blockMask, vectors, mask, stride, plane, table, deltas, (int) pre, (int) post);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    @Override
    public void add(long to, long from, long p, long q, int vectors, long mask) {
        try {
            add.invokeExact(to, from, p, q, vectors, mask);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    @Override
    public void ints(long lo, long hi, long p, long q, int vectors, long mask, long table) {
        try {
            ints.invokeExact(lo, hi, p, q, vectors, mask, table);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    @Override
    public void lanes(
            long data,
            int n,
            long blockMask,
            int vectors,
            long mask,
            long stride,
            long plane,
            long constants,
            byte pre,
            byte post) {
        try {
            lanes.invokeExact(data, n, blockMask, vectors, mask, stride, plane, constants, LOGS, (int) pre, (int) post);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    @Override
    public void pointwise(long x, long y, long p, long q, long from, long to, long mask, long scratch) {
        try {
            pointwise.invokeExact(x, y, p, q, from, to, mask, LOGS, BETA15);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    @Override
    public void exchangeLanes(long data, int groups, long mask, long d0, long d1, long d2, int firstBit) {
        try {
            exchange.invokeExact(data, groups, mask, d0, d1, d2, firstBit);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    @Override
    public void exchangeBits(
            long from,
            long fromMask,
            long s0,
            long s1,
            long s2,
            long to,
            long toMask,
            long t0,
            long t1,
            long t2,
            int groups) {
        try {
            bits.invokeExact(from, fromMask, s0, s1, s2, to, toMask, t0, t1, t2, groups);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    @Override
    public void blocks(long address, long n, boolean inverse) {
        try {
            blocks.invokeExact(address, n, inverse ? 1 : 0);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    @Override
    public void rows16(long address, long stride, int columns, boolean inverse) {
        try {
            rows16.invokeExact(address, stride, columns, inverse ? 1 : 0);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    @Override
    public void shift(long lo, long hi, long n, int by) {
        try {
            shift.invokeExact(lo, hi, n, by);
        } catch (Throwable e) {
            throw failed(e);
        }
    }
}
