package dev.qdistill.gf2;

import dev.qdistill.accel.ComputeDevice;
import dev.qdistill.accel.ComputeDevice.Buffer;
import dev.qdistill.accel.ComputeDevice.HostMemory;
import dev.qdistill.accel.ComputeDevice.Kernel;
import dev.qdistill.accel.ComputeDevice.Program;
import dev.qdistill.accel.ComputeDevice.Queue;
import dev.qdistill.accel.DeviceException;
import dev.qdistill.accel.KernelSources;
import dev.qdistill.bits.BitString;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/**
 * Products of one shape modulo s_m + 1 on an OpenCL device: what {@link TransformProduct} does, with one modulus, by the kernels
 * of native/opencl/gf2.cl. Methods throw {@link DeviceException}; after that it can only be closed.
 */
final class OpenClTransform implements AutoCloseable {
    private static final int MIN = 21;
    private static final int MAX = 31;

    private final Gf2Multiplier.Shape shape;
    private final boolean firstIsSequence;
    private final boolean secondIsSequence;
    private final int m;
    private final Queue queue;
    private final Program program;
    private final Map<String, Kernel> kernels = new HashMap<>();
    private final Buffer factor;
    private final Buffer product;
    private final HostMemory host;

    OpenClTransform(Gf2Multiplier.Shape shape, ComputeDevice device) {
        this.shape = shape;
        // As in TransformProduct: the whole product, or what is wanted and one factor.
        int whole = exponent(shape.productBits());
        int first = exponent(shape.length() + shape.bBits() - 1);
        int second = exponent(shape.length() + shape.aBits() - 1);
        m = Math.min(whole, Math.min(first, second));
        firstIsSequence = m < whole && m == first;
        secondIsSequence = m < whole && !firstIsSequence;
        long bytes = 1L << m - 3;
        program = program(device);
        queue = device.queue();
        Buffer f = null;
        Buffer p = null;
        try {
            f = device.allocate(bytes);
            p = device.allocate(bytes);
            host = device.allocateHost(bytes);
        } catch (DeviceException e) {
            if (p != null) {
                p.close();
            }
            if (f != null) {
                f.close();
            }
            queue.close();
            throw e;
        }
        factor = f;
        product = p;
    }

    private static Program program(ComputeDevice device) {
        return device.program(KernelSources.all(), "-D WIDTH=1");
    }

    /** Whether the device's program has the kernels. */
    static boolean hasKernels(ComputeDevice device) {
        return program(device).has("multiply_values");
    }

    /** Whether there is a transform for products of a shape. */
    static boolean suits(Gf2Multiplier.Shape shape) {
        return shape.length() + Math.min(shape.aBits(), shape.bBits()) - 1 <= 1L << MAX;
    }

    private static int exponent(long bits) {
        return Math.max(MIN, 64 - Long.numberOfLeadingZeros(bits - 1));
    }

    void setFirst(BitString a) {
        load(a, shape.aBits(), firstIsSequence);
        queue.copy(product, 0, factor, 0, product.bytes());
        forward(factor);
        run("values", factor, m - 10, m);
        queue.finish();
    }

    void multiply(BitString b, BitString result) {
        load(b, shape.bBits(), secondIsSequence);
        forward(product);
        run("multiply_values", product, m - 10, factor, m);
        inverse(product);
        boolean sequence = firstIsSequence || secondIsSequence;
        if (sequence) {
            run("sparse_modulus", product, m - 6, m);
        }
        long degree = 1L << m;
        long from = sequence ? degree - shape.length() : shape.offset();
        // Whole lines of 64 bytes.
        long first = from >>> 9 << 6;
        long end = Math.min(degree / 8, (from + shape.length() + 511) >>> 9 << 6);
        queue.read(product, first, host, first, end - first);
        queue.finish();
        MemorySegment read = host.segment().asSlice(first, end - first);
        result.copyFrom(BitString.wrap(read, (end - first) * 8), from - first * 8, 0, shape.length());
        read.fill((byte) 0);
    }

    // The coefficients of a factor, the first `length` bits, to `product`, in the basis of the transform.
    private void load(BitString f, long length, boolean isSequence) {
        long degree = 1L << m;
        long count = length;
        long from = 0;
        long to = 0;
        if (isSequence) {
            // Bit offset + length - 1, the last one needed, comes to the top.
            long shift = degree - shape.offset() - shape.length();
            from = Math.max(0, -shift);
            to = Math.max(0, shift);
            count = Math.min(length - from, degree - to);
        }
        // Words that are touched; zeros around them are made on the device.
        long first = to >>> 9 << 6;
        long end = Math.min(degree / 8, (to + count + 511) >>> 9 << 6);
        MemorySegment part = host.segment().asSlice(first, end - first);
        BitString target = BitString.wrap(part, (end - first) * 8);
        target.wipe();
        target.copyFrom(f, from, to - first * 8, count);
        queue.clear(product, 0, first);
        queue.write(host, first, product, first, end - first);
        queue.clear(product, end, degree / 8 - end);
        if (isSequence) {
            run("sparse_modulus", product, m - 6, m);
        }
        convert(0, m, false);
        queue.finish();
        part.fill((byte) 0);
    }

    // Stages m - 1 to 5; m - 1 and m - 2 change nothing.
    private void forward(Buffer f) {
        for (int i = m - 3; i >= 5; i--) {
            stage(f, i, false);
        }
    }

    private void inverse(Buffer f) {
        for (int i = 5; i <= m - 3; i++) {
            stage(f, i, true);
        }
        convert(0, m, true);
    }

    private void stage(Buffer f, int i, boolean inverse) {
        int fromTop = m - i;
        boolean whole = Integer.bitCount(fromTop) != 1 || fromTop > 16;
        // Planes of an element at this stage.
        int log = whole
                ? Math.min(5, 32 - Integer.numberOfLeadingZeros(fromTop))
                : Integer.numberOfTrailingZeros(fromTop);
        run("stage" + (1 << log), f, m - 5 - log - 1, m, i, whole ? 1 : 0, inverse ? 1 : 0);
    }

    // The conversion of the basis on index bits [low, low + k), as BasisConversion has it.
    private void convert(int low, int k, boolean inverse) {
        if (k <= 1) {
            return;
        }
        if (low == 0 && k == 4) {
            run("levels_in_words", product, m - 5, inverse ? 1 : 0);
            return;
        }
        if (k == 4 && low >= 5) {
            run("levels16", product, m - 9, low, inverse ? 1 : 0);
            return;
        }
        int t = Integer.highestOneBit(k - 1);
        if (inverse) {
            convert(low + t, k - t, true);
            convert(low, t, true);
            for (int j = 0; j < k - t; j++) {
                level(low + t + j, low + j, true);
            }
        } else {
            for (int j = k - t - 1; j >= 0; j--) {
                level(low + t + j, low + j, false);
            }
            convert(low, t, false);
            convert(low + t, k - t, false);
        }
    }

    private void level(int p, int q, boolean inverse) {
        // Level (4, 0) is one of levels_in_words.
        if (p >= 5) {
            run("level", product, m - 6, p, q, inverse ? 1 : 0);
        }
    }

    // One work-item for each of 2^log parts.
    private void run(String name, Buffer f, int log, Object... more) {
        Kernel kernel = kernels.computeIfAbsent(name, program::kernel);
        Object[] arguments = new Object[more.length + 1];
        arguments[0] = f;
        System.arraycopy(more, 0, arguments, 1, more.length);
        queue.launch(kernel, 1L << log, 0, arguments);
    }

    /** Wipes and frees the memory; never throws. */
    @Override
    public void close() {
        factor.close();
        product.close();
        host.close();
        kernels.values().forEach(Kernel::close);
        kernels.clear();
        queue.close();
    }
}
