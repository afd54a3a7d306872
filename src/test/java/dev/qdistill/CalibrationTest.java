package dev.qdistill;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.BackendChoice;
import dev.qdistill.accel.ComputeDevice;
import dev.qdistill.accel.DeviceException;
import dev.qdistill.accel.FailingDevice;
import dev.qdistill.accel.FailingDevice.Fault;
import dev.qdistill.accel.Offload;
import dev.qdistill.accel.TestDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CalibrationTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    @Test
    void aCalibrationIsMeasuredOnceAndKept() throws IOException {
        Path cache = dir.resolve("cache").resolve("qdistill");
        try (ComputeDevice device = TestDevice.open()) {
            Calibration measured = Calibration.cached(device, 1, cache);
            assertTrue(measured.decoderMbps() > 0 && measured.cpuDecoderMbps() > 0);
            Path file;
            try (var files = Files.list(cache)) {
                file = files.toList().getFirst();
            }
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
            assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(cache)));
            // A device that computes nothing any more: what it gives comes from the cache.
            ComputeDevice broken = new FailingDevice(device, Fault.LAUNCH, 0);
            assertEquals(measured, Calibration.cached(broken, 1, cache));
            // Another number of threads, another file of the same name, a damaged file: measured again.
            Assertions.assertThrows(DeviceException.class, () -> Calibration.cached(broken, 2, cache));
            Files.writeString(file, Files.readString(file).replace("1 threads", "5 threads"));
            Assertions.assertThrows(DeviceException.class, () -> Calibration.cached(broken, 1, cache));
            Files.writeString(file, "decoderMbps=x");
            Assertions.assertThrows(DeviceException.class, () -> Calibration.cached(broken, 1, cache));
        }
    }

    @Test
    void aDeviceIsTakenForWhatItDoesFasterOnly() {
        assertEquals(new Offload.Plan(false, true, Long.MAX_VALUE), new Calibration(99, 100, Long.MAX_VALUE).plan());
        assertEquals(new Offload.Plan(true, true, 1000), new Calibration(300, 100, 1000).plan());
        assertEquals(new Offload.Plan(true, false, 0), new Calibration(5000, 100, 0).plan());
    }

    @Test
    void autoLeavesTheCpuToTheKernelsForIt() {
        TestDevice.require();
        List<String> warnings = new ArrayList<>();
        try (Offload offload = Calibration.open(BackendChoice.AUTO, Optional.empty(), 1, warnings::add)) {
            offload.device().ifPresent(d -> assertFalse(d.description().isCpu()));
        }
        try (Offload offload =
                Calibration.open(new BackendChoice(Backend.SCALAR, 0), Optional.empty(), 1, warnings::add)) {
            assertTrue(offload.device().isEmpty());
        }
        assertEquals(List.of(), warnings);
    }
}
