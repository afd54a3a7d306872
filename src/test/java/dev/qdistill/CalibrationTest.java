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
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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

    @ParameterizedTest
    @CsvSource({"auto, false, false", "auto, true, true", "opencl, false, true"})
    void autoLooksForNoDeviceWhereTheCpuIsDoneBefore(String backend, boolean pipe, boolean looks)
            throws IOException, InterruptedException {
        Path in = dir.resolve("in");
        Files.write(in, new byte[1_250_000]);
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        "--enable-native-access=ALL-UNNAMED",
                        "--add-modules",
                        "jdk.incubator.vector",
                        "-Xlog:class+load:file=" + dir.resolve("classes"),
                        // As if a driver was installed.
                        "-Dqdistill.opencl=/no/such/library.so",
                        "dev.qdistill.cli.Main",
                        "hash",
                        "--in",
                        pipe ? "-" : in.toString(),
                        "--out",
                        dir.resolve("out").toString(),
                        "--input-bits",
                        "10000000",
                        "--output-bits",
                        "5000000",
                        "--backend",
                        backend)
                .redirectInput(in.toFile())
                .redirectErrorStream(true)
                .redirectOutput(dir.resolve("log").toFile())
                .start();
        assertEquals(0, process.waitFor(), () -> read(dir.resolve("log")));
        assertEquals(looks, read(dir.resolve("classes")).contains("org.lwjgl."));
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void autoLeavesTheCpuToTheKernelsForIt() {
        TestDevice.require();
        List<String> warnings = new ArrayList<>();
        try (Offload offload =
                Calibration.open(BackendChoice.AUTO, Optional.empty(), 1, Double.POSITIVE_INFINITY, warnings::add)) {
            offload.device().ifPresent(d -> assertFalse(d.description().isCpu()));
        }
        try (Offload offload = Calibration.open(
                new BackendChoice(Backend.SCALAR, 0), Optional.empty(), 1, Double.POSITIVE_INFINITY, warnings::add)) {
            assertTrue(offload.device().isEmpty());
        }
        assertEquals(List.of(), warnings);
    }
}
