package dev.qdistill.accel;

import dev.qdistill.accel.ComputeDevice.Buffer;
import dev.qdistill.accel.ComputeDevice.HostMemory;
import dev.qdistill.accel.ComputeDevice.Kernel;
import dev.qdistill.accel.ComputeDevice.Queue;

/**
 * How fast a device moves bytes, measured in about a third of a second.
 *
 * @param memory bytes a second that a kernel reads and writes together, copying in the device's memory
 * @param toDevice bytes a second from the host
 * @param fromDevice bytes a second to the host
 */
public record DeviceRates(double memory, double toDevice, double fromDevice) {
    private static final long BYTES = 1L << 26;
    private static final long NANOS = 100_000_000;

    /** Measures them; {@link DeviceException} if the device fails. */
    public static DeviceRates measure(ComputeDevice device) {
        try (Queue queue = device.queue();
                Kernel copy = device.program(KernelSources.rates(), "").kernel("copy");
                Buffer from = device.allocate(BYTES);
                Buffer to = device.allocate(BYTES);
                HostMemory host = device.allocateHost(BYTES)) {
            queue.clear(from, 0, BYTES);
            return new DeviceRates(
                    2 * rate(queue, () -> queue.launch(copy, BYTES / 16, 0, from, to)),
                    rate(queue, () -> queue.write(host, 0, to, 0, BYTES)),
                    rate(queue, () -> queue.read(to, 0, host, 0, BYTES)));
        }
    }

    // Bytes a second: the best of several.
    private static double rate(Queue queue, Runnable work) {
        double best = 0;
        long begin = System.nanoTime();
        for (int i = 0; i < 3 || System.nanoTime() - begin < NANOS; i++) {
            long start = System.nanoTime();
            for (int k = 0; k < 4; k++) {
                work.run();
            }
            queue.finish();
            if (i > 0) {
                best = Math.max(best, 4e9 * BYTES / (System.nanoTime() - start));
            }
        }
        return best;
    }
}
