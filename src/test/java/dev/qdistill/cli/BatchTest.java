package dev.qdistill.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class BatchTest {
    @TempDir
    static Path dumps;

    @TempDir
    Path dir;

    @BeforeAll
    static void simulate() {
        for (int seed = 1; seed <= 3; seed++) {
            simulate("good" + seed, "--seed", Integer.toString(seed), "--key-bits", "300000");
        }
        simulate("noisy", "--key-bits", "100000", "--misalignment", "0.15");
    }

    private static void simulate(String name, String... more) {
        String[] args = {"simulate", "--out", dumps.resolve(name).toString()};
        assertEquals(
                0,
                CommandRun.of(Stream.concat(Arrays.stream(args), Arrays.stream(more))
                                .toArray(String[]::new))
                        .code());
    }

    private Path manifest(String... lines) throws IOException {
        return Files.writeString(dir.resolve("manifest.jsonl"), String.join("\n", lines) + "\n");
    }

    private static String line(String name, String directory, String more) {
        return "{\"name\":\"" + name + "\",\"alice\":\"" + dumps.resolve(directory) + "/alice.qraw\",\"bob\":\""
                + dumps.resolve(directory) + "/bob.qraw\"" + more + "}";
    }

    private CommandRun batch(Path from, String... more) {
        String[] args = {
            "distill", "--batch", from.toString(), "--out", dir.resolve("keys").toString()
        };
        return CommandRun.of(
                Stream.concat(Arrays.stream(args), Arrays.stream(more)).toArray(String[]::new));
    }

    private static Map<String, JsonNode> states(CommandRun run) {
        Map<String, JsonNode> lines = new HashMap<>();
        run.out()
                .lines()
                .map(JsonMapper.shared()::readTree)
                .forEach(l -> lines.put(l.path("name").asString("batch"), l));
        return lines;
    }

    private static JsonNode outcome(CommandRun run, String name) {
        return states(run).getOrDefault(name, JsonMapper.shared().missingNode());
    }

    private static String state(CommandRun run, String name) {
        return outcome(run, name).path("state").asString();
    }

    private static Map<Path, byte[]> files(Path directory) throws IOException {
        Map<Path, byte[]> all = new HashMap<>();
        try (Stream<Path> walk = Files.walk(directory)) {
            for (Path file : walk.filter(Files::isRegularFile).toList()) {
                all.put(directory.relativize(file), Files.readAllBytes(file));
            }
        }
        return all;
    }

    @Test
    void oneBadPairNeverStopsTheRest() throws IOException {
        Path cut = dir.resolve("cut");
        Files.createDirectories(cut);
        byte[] bytes = Files.readAllBytes(dumps.resolve("good2/bob.qraw"));
        Files.write(cut.resolve("bob.qraw"), Arrays.copyOf(bytes, bytes.length - 200));
        Files.copy(dumps.resolve("good2/alice.qraw"), cut.resolve("alice.qraw"));
        Path list = manifest(
                line("one", "good1", ""),
                "{\"name\":\"cut\",\"alice\":\"cut/alice.qraw\",\"bob\":\"cut/bob.qraw\"}",
                line("missing", "nowhere", ""),
                line("noisy", "noisy", ",\"group\":\"loud\""),
                line("one-again", "good1", ""),
                line("three", "good3", ""));
        CommandRun run = batch(list, "--json");
        assertEquals(7, run.code(), run.err());
        assertEquals("distilled", state(run, "one"));
        assertEquals("distilled", state(run, "three"));
        assertEquals("failed", state(run, "cut"));
        assertEquals("failed", state(run, "missing"));
        assertEquals("no-key", state(run, "noisy"));
        assertEquals(4, outcome(run, "noisy").path("exitCode").asInt());
        assertEquals("failed", state(run, "one-again"), "two keys from one block");
        assertTrue(run.err().contains("once only"), run.err());
        JsonNode sums = outcome(run, "batch").path("batch");
        assertEquals(6, sums.path("pairs").asInt());
        assertEquals(2, sums.path("distilled").asInt());
        assertEquals(2e-9, sums.path("epsilonSecrecy").asDouble(), 1e-15);
        assertEquals(4, run.err().lines().count(), run.err());
        Path keys = dir.resolve("keys");
        assertFalse(Files.exists(keys.resolve("cut")));
        assertFalse(Files.exists(keys.resolve("noisy/alice")));
        for (String pair : List.of("one", "three")) {
            assertEquals(
                    0,
                    CommandRun.of("keys", "verify", keys.resolve(pair).toString())
                            .code());
        }
        assertTrue(Files.readString(keys.resolve("batch.jsonl")).contains("\"name\":\"cut\""));
        for (Path file : files(keys).keySet()) {
            assertFalse(file.toString().contains(".half"), file.toString());
        }
    }

    @Test
    void finishedPairsStayAndFailedOnesAreTriedAgain() throws IOException {
        Path late = dir.resolve("late");
        Path list = manifest(
                line("one", "good1", ""),
                "{\"name\":\"late\",\"alice\":\"late/alice.qraw\",\"bob\":\"late/bob.qraw\"}");
        assertEquals(7, batch(list).code());
        Map<Path, byte[]> before = files(dir.resolve("keys/one"));
        Files.createDirectories(late);
        for (String side : List.of("alice", "bob")) {
            Files.copy(dumps.resolve("good2/" + side + ".qraw"), late.resolve(side + ".qraw"));
        }
        // What a killed run leaves.
        Path half = Files.createDirectories(dir.resolve("keys/.late.half/alice"));
        Files.writeString(half.resolve("x.qkey"), "half a key");
        Files.writeString(dir.resolve("keys/.batch.jsonl.0.part"), "half a journal");
        CommandRun run = batch(list, "--json");
        assertEquals(0, run.code(), run.err());
        assertEquals("finished", state(run, "one"));
        assertEquals("distilled", state(run, "late"));
        assertFalse(Files.exists(dir.resolve("keys/.late.half")));
        assertFalse(Files.exists(dir.resolve("keys/.batch.jsonl.0.part")));
        Map<Path, byte[]> after = files(dir.resolve("keys/one"));
        assertEquals(before.keySet(), after.keySet());
        before.forEach((file, bytes) -> assertArrayEquals(bytes, after.get(file), file.toString()));
        CommandRun table = batch(list);
        assertEquals(0, table.code());
        assertTrue(table.out().contains("2 finished before"), table.out());
    }

    @Test
    void otherSettingsGiveNoSecondKey() throws IOException {
        assertEquals(0, batch(manifest(line("one", "good1", ""))).code());
        CommandRun run = batch(manifest(line("one", "good1", ",\"epsilonSecrecy\":1e-8")), "--json");
        assertEquals(7, run.code());
        assertEquals(6, outcome(run, "one").path("exitCode").asInt());
        assertTrue(run.err().contains("other settings"), run.err());
        run = batch(manifest(line("renamed", "good1", "")), "--json");
        assertEquals("failed", state(run, "renamed"), run.err());
    }

    @Test
    void keysFollowFromEachPairsEntropyWhateverTheOrder() throws IOException {
        for (int i = 1; i <= 2; i++) {
            byte[] bytes = new byte[200_000];
            new SplittableRandom(i).nextBytes(bytes);
            Files.write(dir.resolve("random" + i), bytes);
        }
        String one = line("one", "good1", ",\"entropy\":\"random1\"");
        String two = line("two", "good2", ",\"entropy\":\"random2\"");
        CommandRun first = batch(manifest(one, two), "--json", "--digest", "--threads", "2");
        assertEquals(0, first.code(), first.err());
        Files.move(dir.resolve("keys"), dir.resolve("before"));
        CommandRun second = batch(manifest(two, one), "--json", "--digest", "--threads", "1");
        for (String name : List.of("one", "two")) {
            String digest = outcome(first, name).path("aliceKeyDigest").asString();
            assertEquals(64, digest.length());
            assertEquals(digest, outcome(second, name).path("bobKeyDigest").asString());
        }
        assertNotEquals(
                outcome(first, "one").path("aliceKeyDigest"),
                outcome(first, "two").path("aliceKeyDigest"));
        assertFalse(Files.readString(dir.resolve("keys/batch.jsonl")).contains("Digest"), "a digest is key material");
        assertEquals(
                3,
                batch(manifest(one), "--entropy", dir.resolve("random1").toString())
                        .code(),
                "one file for all pairs would be used twice");
    }

    @Test
    void pairsOfADirectoryAreThoseNamedForAliceAndBob() throws IOException {
        Path from = dir.resolve("day");
        Files.createDirectories(from.resolve("city"));
        for (String side : List.of("alice", "bob")) {
            Files.copy(dumps.resolve("good1/" + side + ".qraw"), from.resolve("city/" + side + ".qraw"));
            Files.copy(dumps.resolve("good2/" + side + ".qraw"), from.resolve("pass-1." + side + ".dump"));
        }
        CommandRun run = batch(from, "--json");
        assertEquals(0, run.code(), run.err());
        assertEquals("distilled", state(run, "city"));
        assertEquals("distilled", state(run, "pass-1"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"name\":\"a\"}|line 1: name, alice and bob",
                "{\"name\":\"a\",\"alice\":\"x\",\"bob\":\"y\",\"qber\":1}|unknown field \"qber\"",
                "{\"name\":\"../a\",\"alice\":\"x\",\"bob\":\"y\"}|none for a directory",
                "{\"name\":\".a\",\"alice\":\"x\",\"bob\":\"y\"}|none for a directory",
                "{\"name\":\"a\",\"alice\":\"x\",\"bob\":\"y\",\"epsilonSecrecy\":2}|epsilonSecrecy is 2.0",
                "{\"name\":\"a\",\"alice\":\"x\\u0000\",\"bob\":\"y\"}|line 1: Nul character not allowed",
                "{\"name\":\"a\",\"alice\":\"x\",\"bob\":\"y\",\"frameBits\":65536.5}|line 1: the field frameBits is not what",
                "{\"name\":\"a\",\"alice\":\"x\",\"bob\":\"y\",\"profile\":\"best\"}|line 1: the field profile is not what",
                "not json|line 1: no JSON",
                "{|line 1: no JSON: Unexpected end-of-input: expected close marker for Object",
                "[]|line 1: an object is expected",
                "{\"name\":\"a\",\"alice\":\"x\",\"bob\":\"y\"};{\"name\":\"A\",\"alice\":\"x\",\"bob\":\"y\"}|line 2",
                "''|names no pair",
            })
    void namesTheLineOfABadManifest(String lines, String problem) throws IOException {
        CommandRun run = batch(manifest(lines.split(";")));
        assertEquals(3, run.code(), run.err());
        assertTrue(run.err().contains(problem), run.err());
        assertFalse(run.err().contains("dev.qdistill") || run.err().contains("REDACTED"), run.err());
        assertFalse(Files.exists(dir.resolve("keys")));
    }

    @Test
    void aNetworkFollowsFromItsSeed() throws IOException {
        Path first = dir.resolve("first");
        Path second = dir.resolve("second");
        for (Path out : List.of(first, second)) {
            CommandRun run = CommandRun.of(
                    "simulate",
                    "--network",
                    "national",
                    "--scale",
                    "0.0002",
                    "--seed",
                    "5",
                    "--threads",
                    out.equals(first) ? "1" : "2",
                    "--json",
                    "--out",
                    out.toString());
            assertEquals(0, run.code(), run.err());
            JsonNode result = JsonMapper.shared().readTree(run.out());
            assertEquals(144, result.path("groups").path("trunk").asInt());
            assertEquals(60, result.path("groups").path("metro").asInt());
            assertEquals(6, result.path("groups").path("satellite").asInt());
            assertEquals(10_103, result.path("km").asDouble(), 10);
        }
        Map<Path, byte[]> a = files(first);
        Map<Path, byte[]> b = files(second);
        assertEquals(a.keySet(), b.keySet());
        a.forEach((file, bytes) -> assertArrayEquals(bytes, b.get(file), file.toString()));
        assertEquals(210, Files.readAllLines(first.resolve("manifest.jsonl")).size());
    }
}
