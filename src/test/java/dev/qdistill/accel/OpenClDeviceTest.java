package dev.qdistill.accel;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.accel.ComputeDevice.Buffer;
import dev.qdistill.accel.ComputeDevice.HostMemory;
import dev.qdistill.accel.ComputeDevice.Kernel;
import dev.qdistill.accel.ComputeDevice.Queue;
import org.junit.jupiter.api.Test;

class OpenClDeviceTest {
    @Test
    void bytesGoToTheDeviceAndComeBack() {
        try (ComputeDevice device = TestDevice.open();
                Queue queue = device.queue();
                HostMemory host = device.allocateHost(256);
                Buffer buffer = device.allocate(256);
                Buffer other = device.allocate(256)) {
            for (int i = 0; i < 256; i++) {
                host.segment().set(JAVA_BYTE, i, (byte) i);
            }
            queue.write(host, 0, buffer, 0, 256);
            try (Kernel copy = device.program(KernelSources.rates(), "").kernel("copy")) {
                queue.launch(copy, 16, 0, buffer, other);
            }
            queue.clear(other, 16, 32);
            queue.read(other, 0, host, 0, 256);
            queue.finish();
            for (int i = 0; i < 256; i++) {
                assertEquals((byte) (i >= 16 && i < 48 ? 0 : i), host.segment().get(JAVA_BYTE, i));
            }
        }
    }

    @Test
    void everythingIsRefusedInASentence() {
        try (ComputeDevice device = TestDevice.open()) {
            DeviceException e = assertThrows(DeviceException.class, () -> device.allocate(1L << 50));
            assertTrue(String.valueOf(e.getMessage()).contains("clCreateBuffer"), e.getMessage());
            e = assertThrows(DeviceException.class, () -> device.program("no kernel at all", ""));
            assertTrue(String.valueOf(e.getMessage()).contains("cannot be built"), e.getMessage());
            assertFalse(device.program(KernelSources.rates(), "").has("nothing"));
            assertThrows(
                    DeviceException.class,
                    () -> device.program(KernelSources.rates(), "").kernel("nothing"));
            DeviceRates rates = DeviceRates.measure(device);
            assertTrue(rates.memory() > 0 && rates.toDevice() > 0 && rates.fromDevice() > 0);
        }
    }

    @Test
    void aChoiceIsANameAndANumber() {
        assertEquals(new BackendChoice(Backend.OPENCL, 3), BackendChoice.parse("opencl:3"));
        assertEquals(new BackendChoice(Backend.OPENCL, 0), BackendChoice.parse("OpenCL"));
        assertEquals(BackendChoice.AUTO, BackendChoice.parse("auto"));
        assertThrows(IllegalArgumentException.class, () -> BackendChoice.parse("opencl:one"));
        assertThrows(IllegalArgumentException.class, () -> BackendChoice.parse("native:1"));
    }
}
