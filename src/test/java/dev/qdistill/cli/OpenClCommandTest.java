package dev.qdistill.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.accel.TestDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class OpenClCommandTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    static Path dumps;

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    private static JsonNode expected = JsonMapper.shared().nullNode();

    @BeforeAll
    static void simulate() throws IOException {
        TestDevice.require();
        assertEquals(
                0,
                CommandRun.of("simulate", "--seed", "4", "--out", dumps.toString(), "--key-bits", "400000")
                        .code());
        byte[] bytes = new byte[1 << 20];
        new SplittableRandom(6).nextBytes(bytes);
        Files.write(dumps.resolve("entropy"), bytes);
        // The reference: on the CPU.
        CommandRun run = distill(dumps.resolve("keys"), "--backend", "auto");
        assertEquals(0, run.code(), run.err());
        expected = json(run);
    }

    private static CommandRun distill(Path out, String... more) {
        List<String> args = new ArrayList<>(List.of(
                "distill",
                "--alice",
                dumps.resolve("alice.qraw").toString(),
                "--bob",
                dumps.resolve("bob.qraw").toString(),
                "--out",
                out.toString(),
                "--entropy",
                dumps.resolve("entropy").toString(),
                // Short frames: many of them, and quick on a CPU that plays a device.
                "--frame-bits",
                "4096",
                "--json",
                "--digest"));
        args.addAll(List.of(more));
        return CommandRun.of(args.toArray(String[]::new));
    }

    private static JsonNode json(CommandRun run) {
        return JsonMapper.shared().readTree(run.out());
    }

    private void assertSameKey(JsonNode report) {
        for (String name : List.of("aliceKeyDigest", "bobKeyDigest", "leakedBits", "secretBits", "failedFrames")) {
            assertEquals(expected.get(name), report.get(name), name);
        }
    }

    @Test
    void aDeviceGivesTheKeyThatTheCpuGives() {
        CommandRun run = distill(dir.resolve("keys"), "--backend", "opencl");
        assertEquals(0, run.code(), run.err());
        JsonNode report = json(run);
        assertSameKey(report);
        assertEquals("opencl", report.get("backends").get("reconcile").asString());
        assertEquals("opencl", report.get("backends").get("amplify").asString());
        assertFalse(run.err().contains("warning"), run.err());
    }

    @Test
    void aDeviceThatIsNotThereCostsAWarning() {
        CommandRun run = distill(dir.resolve("keys"), "--backend", "opencl:99");
        assertEquals(0, run.code(), run.err());
        assertSameKey(json(run));
        assertEquals(1, run.err().lines().filter(l -> l.contains("warning")).count(), run.err());
        assertTrue(run.err().contains("there is no OpenCL device 99"), run.err());
    }

    @Test
    void aBinaryThatWasSavedIsLoaded() throws IOException {
        Path binary = dir.resolve("kernels.bin");
        assertEquals(
                0,
                CommandRun.of("devices", "--save-cl-binary", binary.toString()).code());
        assertTrue(Files.size(binary) > 1000);
        CommandRun run = distill(dir.resolve("keys"), "--backend", "opencl", "--cl-binary", binary.toString());
        assertEquals(0, run.code(), run.err());
        assertSameKey(json(run));
        assertEquals("opencl", json(run).get("backends").get("reconcile").asString());
        assertFalse(run.err().contains("warning"), run.err());
    }

    @Test
    void aBinaryThatIsNoneCostsAWarning() throws IOException {
        Path binary = dir.resolve("kernels.bin");
        Files.writeString(binary, "not a binary");
        CommandRun run = distill(dir.resolve("keys"), "--backend", "opencl", "--cl-binary", binary.toString());
        assertEquals(0, run.code(), run.err());
        assertSameKey(json(run));
        assertEquals(1, run.err().lines().filter(l -> l.contains("warning")).count(), run.err());
    }

    @Test
    void devicesListsThemWithRates() {
        JsonNode devices = json(CommandRun.of("devices", "--json")).get("openCl");
        assertTrue(devices.get(0).get("memoryGBps").asDouble() > 0, devices.toString());
        assertTrue(devices.get(0).has("driver"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"cuda", "opencl:", "opencl:x", "vector:1", "opencl:-1"})
    void whatIsNoBackendIsUsage(String name) {
        assertEquals(2, distill(dir.resolve("keys"), "--backend", name).code());
    }

    @ParameterizedTest
    @CsvSource({"4194304, toeplitz", "5000000, modified"})
    void hashesAreThoseOfTheCpu(int bits, String family) throws IOException {
        byte[] input = new byte[bits / 8];
        new SplittableRandom(7).nextBytes(input);
        Files.write(dir.resolve("in"), input);
        byte[] seed = new byte[bits / 8 * 2];
        new SplittableRandom(8).nextBytes(seed);
        Files.write(dir.resolve("seed"), seed);
        for (String backend : List.of("auto", "opencl")) {
            CommandRun run = CommandRun.of(
                    "hash",
                    "--hash",
                    family,
                    "--in",
                    dir.resolve("in").toString(),
                    "--input-bits",
                    Integer.toString(bits),
                    "--output-bits",
                    Integer.toString(bits / 2),
                    "--seed-file",
                    dir.resolve("seed").toString(),
                    "--out",
                    dir.resolve(backend).toString(),
                    "--backend",
                    backend);
            assertEquals(0, run.code(), run.err());
        }
        assertEquals(-1, Files.mismatch(dir.resolve("auto"), dir.resolve("opencl")));
    }
}
