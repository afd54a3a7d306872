package dev.qdistill.accel;

import java.lang.foreign.MemorySegment;

/**
 * A device that computes beside the CPU: memory, programs, queues. {@link OpenClDevice} is the one there is; tests wrap it to
 * let it fail.
 *
 * <p>Every method may throw {@link DeviceException}: the device is gone, broken, full or too slow. Sizes and offsets are bytes.
 * Safe for use by many threads; what it makes is for one thread at a time.
 *
 * <p>Security guarantee: the memory of a {@link Buffer} and of {@link HostMemory} is overwritten before it is given back, as
 * long as the device answers.
 */
public interface ComputeDevice extends AutoCloseable {
    /** What it is. */
    DeviceDescription description();

    /** {@code bytes} of the device's memory; contents undefined. */
    Buffer allocate(long bytes);

    /** {@code bytes} of zeros in the host's memory, 64-byte aligned, from which the device copies fast. */
    HostMemory allocateHost(long bytes);

    /**
     * The program of a source, compiled once; or the one that the device was opened with, whatever the source. It lives as long
     * as the device.
     *
     * @param source OpenCL C 1.2
     * @param options of the compiler, such as {@code -D WIDTH=4}
     */
    Program program(String source, String options);

    /** A queue that does one thing after another. */
    Queue queue();

    /** Frees it; a second call does nothing. Never throws. */
    @Override
    void close();

    /** Memory of the device. */
    interface Buffer extends AutoCloseable {
        long bytes();

        /** Overwrites and frees it; a second call does nothing. Never throws. */
        @Override
        void close();
    }

    /** Memory of the host for copies from and to the device. */
    interface HostMemory extends AutoCloseable {
        MemorySegment segment();

        /** Overwrites and frees it; a second call does nothing. Never throws. */
        @Override
        void close();
    }

    /** Compiled kernels. */
    interface Program {
        /** Whether it has a kernel; one compiled before may hold only some. */
        boolean has(String name);

        /** One of its kernels, by name, for one thread at a time. */
        Kernel kernel(String name);

        /** What the device can be opened with instead of compiling the source, with the same driver. */
        byte[] binary();
    }

    /** A function that runs on the device. */
    interface Kernel extends AutoCloseable {
        String name();

        /** The largest work-group that it can run in. */
        int groupSize();

        /** Frees it; a second call does nothing. Never throws. */
        @Override
        void close();
    }

    /** Work for the device, done in order. Calls return before the work is done. */
    interface Queue extends AutoCloseable {
        /** Copies {@code bytes} from the host; they must stay as they are until {@link #finish}. */
        void write(HostMemory from, long fromOffset, Buffer to, long toOffset, long bytes);

        /** Copies {@code bytes} to the host. */
        void read(Buffer from, long fromOffset, HostMemory to, long toOffset, long bytes);

        /** Copies on the device. */
        void copy(Buffer from, long fromOffset, Buffer to, long toOffset, long bytes);

        /** Sets {@code bytes}, a multiple of 4, to zero. */
        void clear(Buffer buffer, long offset, long bytes);

        /**
         * Runs a kernel.
         *
         * @param items work-items, a multiple of {@code groupSize}
         * @param groupSize work-items of a group; 0 leaves it to the device
         * @param arguments {@link Buffer}, {@link Integer}
         */
        void launch(Kernel kernel, long items, int groupSize, Object... arguments);

        /** Hands the work to the device; it begins now at the latest. */
        void flush();

        /** Waits until all of it is done. */
        void finish();

        /** Frees it; a second call does nothing. Never throws. */
        @Override
        void close();
    }
}
