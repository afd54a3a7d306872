package dev.qdistill.gf2;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.ComputeDevice;
import dev.qdistill.accel.DeviceException;
import dev.qdistill.accel.Offload;
import dev.qdistill.bits.BitString;
import org.jspecify.annotations.Nullable;

/**
 * Products by the additive Fourier transform on an OpenCL device; short ones, and all of them once the device has failed,
 * on the CPU.
 */
final class OpenClGf2Multiplier implements Gf2Multiplier {
    private final Offload offload;
    private final Gf2Multiplier cpu = Gf2Multiplier.create(Backend.AUTO);
    // A program compiled before may be for the decoder only.
    private final boolean hasKernels;

    OpenClGf2Multiplier(Offload offload) {
        this.offload = offload;
        boolean has = false;
        try {
            has = offload.device().map(OpenClTransform::hasKernels).orElse(false);
        } catch (DeviceException e) {
            offload.failed(e);
        }
        hasKernels = has;
    }

    @Override
    public Backend backend() {
        return hasKernels && offload.device().isPresent() ? Backend.OPENCL : cpu.backend();
    }

    @Override
    public MiddleProduct middleProduct(long aBits, long bBits, long offset, long length, int threads) {
        Shape shape = new Shape(aBits, bBits, offset, length, threads);
        if (suits(shape)) {
            var device = offload.device();
            if (device.isPresent()) {
                try {
                    return new Prepared(shape, device.get());
                } catch (DeviceException e) {
                    offload.failed(e);
                }
            }
        }
        return cpu.middleProduct(aBits, bBits, offset, length, threads);
    }

    private boolean suits(Shape shape) {
        return hasKernels && shape.productBits() >= offload.plan().multiplyFrom() && OpenClTransform.suits(shape);
    }

    /** As much as the CPU would need, which may have to step in. */
    @Override
    public long memoryBytes(long aBits, long bBits, long offset, long length, int threads) {
        return BitString.paddedBytes(aBits) + cpu.memoryBytes(aBits, bBits, offset, length, threads);
    }

    /** A product with what the CPU needs to go on. */
    private final class Prepared implements MiddleProduct {
        private final Shape shape;
        private final BitString first;
        private @Nullable OpenClTransform transform;
        private @Nullable MiddleProduct fallback;
        private boolean hasFirst;

        Prepared(Shape shape, ComputeDevice device) {
            this.shape = shape;
            transform = new OpenClTransform(shape, device);
            first = BitString.allocate(shape.aBits());
        }

        @Override
        public void setFirst(BitString a) {
            shape.requireFirst(a);
            first.copyFrom(a, 0, 0, a.length());
            hasFirst = true;
            OpenClTransform t = transform();
            if (t != null) {
                try {
                    t.setFirst(first);
                    return;
                } catch (DeviceException e) {
                    offload.failed(e);
                }
            }
            fallback().setFirst(first);
        }

        @Override
        public void multiply(BitString b, BitString result) {
            shape.requireSecond(b, result);
            if (!hasFirst) {
                throw new IllegalStateException("multiply before setFirst");
            }
            OpenClTransform t = transform();
            if (t != null) {
                try {
                    t.multiply(b, result);
                    return;
                } catch (DeviceException e) {
                    offload.failed(e);
                }
            }
            fallback().multiply(b, result);
        }

        private @Nullable OpenClTransform transform() {
            if (transform != null && offload.device().isEmpty()) {
                transform.close();
                transform = null;
            }
            return transform;
        }

        private MiddleProduct fallback() {
            MiddleProduct f = fallback;
            if (f == null) {
                f = cpu.middleProduct(shape.aBits(), shape.bBits(), shape.offset(), shape.length(), shape.threads());
                f.setFirst(first);
                fallback = f;
            }
            return f;
        }

        @Override
        public void close() {
            if (transform != null) {
                transform.close();
                transform = null;
            }
            if (fallback != null) {
                fallback.close();
            }
            first.close();
        }
    }
}
