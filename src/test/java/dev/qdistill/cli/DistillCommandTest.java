package dev.qdistill.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class DistillCommandTest {
    private static final List<String> CONTRACT = List.of(
            "protocol",
            "sentPulses",
            "siftedBits",
            "keyBasisBits",
            "keyBasisErrors",
            "keyBasisQber",
            "testBasisBits",
            "testBasisErrors",
            "testBasisQber",
            "frames",
            "failedFrames",
            "leakedBits",
            "efficiency",
            "verified",
            "secretBits",
            "epsilonCorrectness",
            "epsilonSecrecy",
            "bound",
            "seconds",
            "siftedMbps",
            "secretMbps",
            "backends",
            "abort");

    @TempDir
    static Path dumps;

    @TempDir
    Path dir;

    private static Path alice = Path.of("");
    private static Path bob = Path.of("");
    private static Path otherBob = Path.of("");
    private Path out = Path.of("");

    @BeforeAll
    static void simulate() {
        alice = dumps.resolve("1/alice.qraw");
        bob = dumps.resolve("1/bob.qraw");
        otherBob = dumps.resolve("2/bob.qraw");
        simulate("1", "--key-bits", "1000000");
        simulate("2", "--key-bits", "300000");
        simulate("3", "--key-bits", "300000", "--misalignment", "0.15");
    }

    private static void simulate(String seed, String... more) {
        List<String> args = Stream.concat(
                        Stream.of(
                                "simulate",
                                "--seed",
                                seed,
                                "--out",
                                dumps.resolve(seed).toString()),
                        Arrays.stream(more))
                .toList();
        assertEquals(0, CommandRun.of(args.toArray(String[]::new)).code());
    }

    @BeforeEach
    void setUp() {
        out = dir.resolve("keys");
    }

    private CommandRun distill(Path a, Path b, String... more) {
        String[] args = {"distill", "--alice", a.toString(), "--bob", b.toString(), "--out", out.toString()};
        return CommandRun.of(
                Stream.concat(Arrays.stream(args), Arrays.stream(more)).toArray(String[]::new));
    }

    private static JsonNode json(CommandRun run) {
        return JsonMapper.shared().readTree(run.out());
    }

    @Test
    void aPageThatCannotComeIsSaidBeforeTheWork() {
        for (Path page : List.of(dir, dir.resolve("none/page.html"))) {
            CommandRun run = distill(alice, bob, "--report", page.toString());
            assertEquals(ExitCode.STORAGE, run.code(), run.err());
            assertTrue(run.err().startsWith("qdistill: " + page + ": "), run.err());
            assertFalse(Files.exists(out));
        }
    }

    @Test
    void distilsTheSameKeyForBothSitesAndReportsTheContract() throws IOException {
        CommandRun run = distill(alice, bob, "--json", "--digest");
        assertEquals(0, run.code(), run.err());
        JsonNode report = json(run);
        for (String name : CONTRACT) {
            assertTrue(report.has(name), name);
        }
        assertTrue(report.get("verified").asBoolean());
        assertTrue(report.get("abort").isNull());
        assertTrue(report.get("secretBits").asLong() > 50_000);
        assertEquals(report.get("aliceKeyDigest"), report.get("bobKeyDigest"));
        assertEquals(
                report.get("siftedBits").asLong(),
                report.get("keyBasisBits").asLong()
                        + report.get("testBasisBits").asLong());
        assertFalse(Files.readString(out.resolve("summary.json")).contains("Digest"), "a digest is key material");
        for (String site : List.of("alice", "bob")) {
            JsonNode keys = json(CommandRun.of("keys", "list", out.resolve(site).toString(), "--json"));
            assertTrue(keys.toString().contains(report.get("secretBits").asString()), keys.toString());
            assertEquals(
                    0,
                    CommandRun.of("keys", "verify", out.resolve(site).toString())
                            .code());
        }
        try (Stream<Path> files = Files.walk(out)) {
            for (Path f : files.filter(Files::isRegularFile).toList()) {
                assertEquals(
                        "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(f)), f.toString());
            }
        }
    }

    @Test
    void aBlockIsDistilledOnceOnly() {
        assertEquals(0, distill(alice, bob).code());
        CommandRun again = distill(alice, bob);
        assertEquals(6, again.code());
        assertTrue(again.err().contains("once only"), again.err());
    }

    @Test
    void theKeyFollowsFromTheEntropyFileWhateverTheThreads() throws IOException {
        Path entropy = dir.resolve("entropy");
        byte[] bytes = new byte[1 << 20];
        new SplittableRandom(5).nextBytes(bytes);
        Files.write(entropy, bytes);
        JsonNode one =
                json(distill(alice, bob, "--json", "--digest", "--entropy", entropy.toString(), "--threads", "1"));
        out = dir.resolve("again");
        JsonNode two =
                json(distill(alice, bob, "--json", "--digest", "--entropy", entropy.toString(), "--threads", "2"));
        assertEquals(one.get("aliceKeyDigest"), two.get("aliceKeyDigest"));
        assertEquals(one.get("leakedBits"), two.get("leakedBits"));
    }

    @Test
    void tooLittleEntropyIsBadInput() throws IOException {
        Path entropy = dir.resolve("entropy");
        Files.write(entropy, new byte[100]);
        assertNothing(distill(alice, bob, "--entropy", entropy.toString()), 3, "run out");
        assertNothing(distill(alice, bob, "--entropy", dir.resolve("none").toString()), 3, "no such file");
    }

    @Test
    void severalBlocksAddUp() {
        JsonNode whole = json(distill(alice, bob, "--json"));
        out = dir.resolve("blocks");
        long pulses = whole.get("sentPulses").asLong();
        JsonNode cut = json(distill(alice, bob, "--json", "--block-pulses", Long.toString(pulses / 2 + 1)));
        assertEquals(2, cut.get("blocks").size());
        assertEquals(whole.get("keyBasisBits"), cut.get("keyBasisBits"));
        long more =
                cut.get("keyBasisErrors").asLong() - whole.get("keyBasisErrors").asLong();
        // Double clicks are assigned anew, a coin toss each; all other errors stay.
        double doubleClicks = json(CommandRun.of("inspect", bob.toString(), "--json"))
                .get("doubleClicks")
                .asDouble();
        assertTrue(
                Math.abs(more) < 8 * Math.sqrt(doubleClicks / 2),
                more + " errors more, with " + doubleClicks + " double clicks");
        assertEquals(whole.get("sentPulses"), cut.get("sentPulses"));
        assertEquals(2e-9, cut.get("epsilonSecrecy").asDouble(), 1e-15);
    }

    @Test
    void aCutFileGivesNothing() throws IOException {
        byte[] bytes = Files.readAllBytes(bob);
        Path cut = dir.resolve("cut");
        for (int length : new int[] {bytes.length - 1, bytes.length / 2, 100, 3}) {
            Files.write(cut, Arrays.copyOf(bytes, length));
            assertNothing(distill(alice, cut), 3, "cut");
        }
        byte[] of = Files.readAllBytes(alice);
        Files.write(cut, Arrays.copyOf(of, of.length - 7));
        assertNothing(distill(cut, bob), 3, "cut");
    }

    @Test
    void aFlippedByteGivesNothing() throws IOException {
        for (Path file : List.of(alice, bob)) {
            byte[] bytes = Files.readAllBytes(file);
            for (int at : new int[] {5, 40, bytes.length / 3, bytes.length - 10}) {
                byte[] changed = bytes.clone();
                changed[at] ^= 0x10;
                Path flipped = dir.resolve("flipped");
                Files.write(flipped, changed);
                CommandRun run = file.equals(alice) ? distill(flipped, bob) : distill(alice, flipped);
                assertNothing(run, 3, "flipped");
            }
        }
    }

    @Test
    void dumpsThatDoNotBelongTogetherGiveNothing() throws IOException {
        assertNothing(distill(alice, otherBob), 3, "session");
        assertNothing(distill(bob, alice), 3, "swapped");
        assertNothing(distill(alice, alice), 3, "same");
        Path copy = dir.resolve("copy");
        Files.copy(alice, copy);
        assertNothing(distill(alice, copy), 3, "twice");
    }

    @ParameterizedTest
    @ValueSource(strings = {"noise", "empty", "directory", "missing", "version"})
    void whatIsNoDumpGivesNothing(String kind) throws IOException {
        Path file = dir.resolve(kind);
        byte[] bytes = Files.readAllBytes(bob);
        switch (kind) {
            case "noise" -> new SplittableRandom(1).nextBytes(bytes);
            case "empty" -> bytes = new byte[0];
            case "version" -> bytes[4] = 99;
            default -> {}
        }
        if (kind.equals("directory")) {
            Files.createDirectory(file);
        } else if (!kind.equals("missing")) {
            Files.write(file, bytes);
        }
        assertNothing(distill(alice, file), 3, file.getFileName().toString());
        assertNothing(distill(file, bob), 3, file.getFileName().toString());
    }

    @Test
    void fifteenPerCentErrorsGiveNoKey() {
        CommandRun run = distill(dumps.resolve("3/alice.qraw"), dumps.resolve("3/bob.qraw"), "--json");
        assertNothing(run, 4, "QBER");
        JsonNode report = json(run);
        assertTrue(
                report.get("abort").asString().contains("QBER"),
                report.get("abort").asString());
        assertEquals(0.15, report.get("testBasisQber").asDouble(), 0.01);
        assertEquals(0, report.get("secretBits").asLong());
    }

    @Test
    void aTooSmallBlockGivesNoKeyForAReason() {
        CommandRun run = distill(alice, bob, "--epsilon-secrecy", "1e-12", "--json");
        assertEquals(0, run.code());
        CommandRun tiny = CommandRun.of(
                "simulate", "--key-bits", "2000", "--out", dir.resolve("t").toString());
        assertEquals(0, tiny.code());
        out = dir.resolve("tiny");
        run = distill(dir.resolve("t/alice.qraw"), dir.resolve("t/bob.qraw"), "--json");
        assertNothing(run, 4, "no key");
        assertTrue(json(run).get("verified").asBoolean());
        assertEquals(json(run).get("abort").asString().isEmpty(), false);
    }

    @Test
    void wrongOptionsAreUsage() {
        assertEquals(2, distill(alice, bob, "--threads", "0").code());
        assertEquals(2, distill(alice, bob, "--epsilon-secrecy", "2").code());
        assertEquals(2, distill(alice, bob, "--block-pulses", "0").code());
        assertEquals(2, distill(alice, bob, "--frame-bits", "12").code());
        assertEquals(2, distill(alice, bob, "--backend", "none").code());
        assertEquals(2, CommandRun.of("distill").code());
        assertFalse(Files.exists(out));
    }

    @Test
    void realCoincidencesOfAnEntanglementSourceAreCorrectedAndRefused() {
        Path data = Stream.of("../shared/data", "../../shared/data")
                .map(Path::of)
                .filter(Files::isDirectory)
                .findFirst()
                .orElse(Path.of("../shared/data"));
        Path a = data.resolve("kwiat-darpa-alice.csv");
        Assumptions.assumeTrue(Files.exists(a), "the measured coincidences are not at hand: " + a);
        CommandRun run = distill(a, data.resolve("kwiat-darpa-bob.csv"), "--json");
        assertNothing(run, 4, "unequal-basis");
        JsonNode report = json(run);
        assertEquals(10002, report.get("siftedBits").asLong());
        assertEquals(7972, report.get("keyBasisBits").asLong());
        assertEquals(211, report.get("keyBasisErrors").asLong());
        assertEquals(2030, report.get("testBasisBits").asLong());
        assertEquals(36, report.get("testBasisErrors").asLong());
        assertTrue(report.get("verified").asBoolean());
    }

    private void assertNothing(CommandRun run, int code, String word) {
        assertEquals(code, run.code(), run.err());
        assertTrue(run.err().contains(word), run.err());
        assertFalse(run.err().contains("\tat "), "a stack trace: " + run.err());
        assertEquals(1, run.err().strip().lines().count(), run.err());
        assertFalse(Files.exists(out), "something was left in " + out);
    }
}
