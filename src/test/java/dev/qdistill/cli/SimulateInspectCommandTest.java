package dev.qdistill.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class SimulateInspectCommandTest {
    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"lab", "metro", "backbone", "satellite"})
    void inspectsWhatItSimulated(String link) {
        Path out = directory.resolve("new").resolve("dir");
        JsonNode s = json(
                "simulate", "--link", link, "--key-bits", "10000", "--seed", "9", "--out", out.toString(), "--json");
        JsonNode alice = json("inspect", out.resolve("alice.qraw").toString(), "--json");
        JsonNode bob = json("inspect", out.resolve("bob.qraw").toString(), "--json");
        assertEquals("alice", alice.get("role").asString());
        assertEquals("bob", bob.get("role").asString());
        for (JsonNode side : List.of(alice, bob)) {
            assertEquals(link, side.get("link").asString());
            assertEquals("one-decoy", side.get("protocol").asString());
            assertEquals(s.get("session"), side.get("session"));
            assertEquals(s.get("sentPulses"), side.get("sentPulses"));
            assertEquals(s.get("detections"), side.get("records"));
            assertEquals(
                    s.get("detections").asLong(),
                    side.get("keyBasisRecords").asLong()
                            + side.get("testBasisRecords").asLong());
        }
        assertEquals(
                alice.get("testBasisRecords").asLong(),
                alice.get("testBasisRecordsByIntensity").get(0).asLong()
                        + alice.get("testBasisRecordsByIntensity").get(1).asLong());
        assertTrue(s.get("expectedKeyBasisBits").asDouble() >= 10_000);
        assertEquals(
                2, s.get("expectedCounts").get("keyBasis").get("detections").size());
    }

    @Test
    void simulatesOtherParameters() {
        String out = directory.toString();
        JsonNode s = json(
                "simulate",
                "--protocol",
                "two-decoy",
                "--mu",
                "0.5,0.1,0",
                "--probabilities",
                "0.5,0.3,0.2",
                "--distance-km",
                "10",
                "--rate-hz",
                "1e8",
                "--misalignment",
                "0.15",
                "--key-basis-probability",
                "0.7",
                "--efficiency",
                "0.9",
                "--dark",
                "1e-7",
                "--dead-time-ns",
                "30",
                "--receiver-loss-db",
                "1",
                "--duration",
                "0.05",
                "--out",
                out,
                "--json");
        assertEquals(5_000_000, s.get("sentPulses").asLong());
        assertEquals(.15, s.get("expectedKeyBasisQber").asDouble(), .001);
        JsonNode alice = json("inspect", directory.resolve("alice.qraw").toString(), "--json");
        assertEquals(3, alice.get("keyBasisSentByIntensity").size());
        assertEquals(.7, alice.get("bobKeyBasisProbability").asDouble());
        json("simulate", "--protocol", "single-photon", "--pulses", "100000", "--loss-db", "1", "--out", out, "--json");
        json("simulate", "--pulses", "100000", "--full-pulse", "--out", out, "--json");
        alice = json("inspect", directory.resolve("alice.qraw").toString(), "--json");
        assertEquals("full-pulse", alice.get("kind").asString());
        assertEquals(100_000, alice.get("records").asLong());
    }

    @Test
    void refusesParametersOutOfRange() throws IOException {
        String out = directory.resolve("out").toString();
        for (String[] wrong : new String[][] {
            {"--link", "mars"},
            {"--misalignment", "0.6"},
            {"--duration", "-1"},
            {"--duration", "NaN"},
            {"--pulses", "0"},
            {"--key-bits", "0"},
            {"--mu", "0.1,0.5"},
            {"--mu", "0.5,0.1,0.01"},
            {"--probabilities", "0.5,0.6"},
            {"--efficiency", "1.5"},
            {"--dark", "-1"},
            {"--rate-hz", "0"},
            {"--distance-km", "-3"},
            {"--distance-km", "3", "--loss-db", "3"},
            {"--pulses", "3", "--duration", "3"},
            {"--network", "trunk", "--key-bits", "1000"},
            {"--network", "trunk", "--link", "lab"},
            {"--network", "trunk", "--full-pulse"},
            {"--scale", "2"},
            {"--threads", "1"},
            {"--db-per-km", "0.3"},
            {"--db-per-km", "0.3", "--loss-db", "3"},
        }) {
            String[] args = Stream.concat(Stream.of("simulate", "--out", out), Stream.of(wrong))
                    .toArray(String[]::new);
            CommandRun run = CommandRun.of(args);
            assertEquals(ExitCode.USAGE, run.code(), String.join(" ", args) + run.err());
            assertEquals("", run.out());
        }
        CommandRun tooLong = CommandRun.of("simulate", "--link", "satellite", "--key-bits", "9000000", "--out", out);
        assertEquals(ExitCode.USAGE, tooLong.code());
        assertTrue(tooLong.err().contains("key-basis bits in all"), tooLong.err());
        assertFalse(Files.exists(Path.of(out)));
    }

    @Test
    void whatIsNoFileIsNotReplacedByADump() throws Exception {
        Path pipe = directory.resolve("bob.qraw");
        Assumptions.assumeTrue(
                new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor() == 0, "no mkfifo");
        CommandRun run = CommandRun.of("simulate", "--pulses", "1000", "--out", directory.toString());
        assertEquals(ExitCode.STORAGE, run.code());
        assertTrue(run.err().contains("is no regular file"), run.err());
        assertFalse(Files.exists(directory.resolve("alice.qraw")));
        assertFalse(Files.isRegularFile(pipe));
    }

    @Test
    void refusesBadDumpsInOneLine() throws IOException {
        CommandRun none = CommandRun.of("inspect", directory.resolve("none").toString());
        assertEquals(ExitCode.BAD_INPUT, none.code());
        assertTrue(none.err().strip().endsWith("no such file"), none.err());
        Path empty = Files.createFile(directory.resolve("empty"));
        CommandRun run = CommandRun.of("inspect", "--json", empty.toString());
        assertEquals(ExitCode.BAD_INPUT, run.code());
        assertEquals("", run.out());
        assertEquals(1, run.err().strip().lines().count(), run.err());
    }

    @Test
    void showsTextForPeople() {
        String out = directory.toString();
        CommandRun simulated = CommandRun.of("simulate", "--key-bits", "10000", "--out", out);
        assertEquals(ExitCode.OK, simulated.code(), simulated.err());
        assertTrue(simulated.out().contains("expected"), simulated.out());
        CommandRun inspected = CommandRun.of("inspect", out + "/bob.qraw");
        assertTrue(inspected.out().contains("doubleClicks"), inspected.out());
    }

    private static JsonNode json(String... args) {
        CommandRun run = CommandRun.of(args);
        assertEquals(ExitCode.OK, run.code(), run.err());
        return JsonMapper.shared().readTree(run.out());
    }
}
