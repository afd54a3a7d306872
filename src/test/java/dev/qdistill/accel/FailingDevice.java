package dev.qdistill.accel;

import java.util.concurrent.atomic.AtomicInteger;

/** A device that breaks in the middle, in one of several ways. */
public final class FailingDevice implements ComputeDevice {
    /** What happens. */
    public enum Fault {
        /** The compiler is given something that is not OpenCL C. */
        BROKEN_SOURCE,
        /** More memory is asked for than there is: by a factor of a million. */
        ABSURD_ALLOCATION,
        /** No launch succeeds any more. */
        LAUNCH,
        /** Waiting for results fails. */
        RESULTS,
        /** The decoder's kernel takes very long. */
        SLOW_KERNEL
    }

    private final ComputeDevice device;
    private final Fault fault;
    private final AtomicInteger left;

    /**
     * @param after calls of that kind that succeed before
     */
    public FailingDevice(ComputeDevice device, Fault fault, int after) {
        this.device = device;
        this.fault = fault;
        left = new AtomicInteger(after);
    }

    private boolean now(Fault f) {
        return fault == f && left.getAndDecrement() <= 0;
    }

    @Override
    public DeviceDescription description() {
        return device.description();
    }

    @Override
    public Buffer allocate(long bytes) {
        return device.allocate(now(Fault.ABSURD_ALLOCATION) ? bytes * 1_000_000_000L : bytes);
    }

    @Override
    public HostMemory allocateHost(long bytes) {
        return device.allocateHost(bytes);
    }

    @Override
    public Program program(String source, String options) {
        if (now(Fault.BROKEN_SOURCE)) {
            return device.program("__kernel void decode(__global int *x) { x[0] = nothing; }", options);
        }
        if (now(Fault.SLOW_KERNEL)) {
            // About two seconds, of one work-item.
            String slow = "    if (get_global_id(0) == 0) for (volatile int spin = 0; spin < 1000000000; spin++) {}\n";
            return device.program(
                    source.replace("    __local int running;\n", "    __local int running;\n" + slow), options);
        }
        return device.program(source, options);
    }

    @Override
    public Queue queue() {
        Queue queue = device.queue();
        return new Queue() {
            @Override
            public void write(HostMemory from, long fromOffset, Buffer to, long toOffset, long bytes) {
                queue.write(from, fromOffset, to, toOffset, bytes);
            }

            @Override
            public void read(Buffer from, long fromOffset, HostMemory to, long toOffset, long bytes) {
                queue.read(from, fromOffset, to, toOffset, bytes);
            }

            @Override
            public void copy(Buffer from, long fromOffset, Buffer to, long toOffset, long bytes) {
                queue.copy(from, fromOffset, to, toOffset, bytes);
            }

            @Override
            public void clear(Buffer buffer, long offset, long bytes) {
                queue.clear(buffer, offset, bytes);
            }

            @Override
            public void launch(Kernel kernel, long items, int groupSize, Object... arguments) {
                if (now(Fault.LAUNCH)) {
                    throw new DeviceException("the device is gone");
                }
                queue.launch(kernel, items, groupSize, arguments);
            }

            @Override
            public void flush() {
                queue.flush();
            }

            @Override
            public void finish() {
                queue.finish();
                if (now(Fault.RESULTS)) {
                    throw new DeviceException("the device lost its work");
                }
            }

            @Override
            public void close() {
                queue.close();
            }
        };
    }

    @Override
    public void close() {
        device.close();
    }
}
