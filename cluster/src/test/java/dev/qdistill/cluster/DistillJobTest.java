package dev.qdistill.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class DistillJobTest {
    @TempDir
    Path dir;

    @BeforeEach
    void local() {
        System.setProperty("spark.master", "local[2]");
        System.setProperty("spark.ui.enabled", "false");
    }

    @Test
    void blocksOnSparkGiveTheKeysOfOneMachine() throws Exception {
        Path dumps = dir.resolve("dumps");
        for (int i = 0; i < 2; i++) {
            run(
                    "simulate",
                    "--link",
                    "metro",
                    "--key-bits",
                    i == 0 ? "1500000" : "400000",
                    "--seed",
                    "" + (5 + i),
                    "--out",
                    dumps.resolve("p" + i).toString());
        }
        Files.writeString(dumps.resolve("manifest.jsonl"), """
                {"name":"long","alice":"p0/alice.qraw","bob":"p0/bob.qraw","blockPulses":90000000}
                {"name":"short","alice":"p1/alice.qraw","bob":"p1/bob.qraw"}
                {"name":"missing","alice":"p2/alice.qraw","bob":"p2/bob.qraw"}
                """);
        Path twice = dumps.resolve("twice.jsonl");
        Files.writeString(twice, """
                {"name":"one","alice":"p1/alice.qraw","bob":"p1/bob.qraw"}
                {"name":"two","alice":"p1/alice.qraw","bob":"p1/bob.qraw"}
                {"name":"random","alice":"p0/alice.qraw","bob":"p0/bob.qraw","entropy":"random.bin"}
                """);
        String refused = job(
                7, "--batch", twice.toString(), "--out", dir.resolve("twice").toString());
        assertTrue(refused.contains("is that of pair one, too"), refused);
        assertTrue(refused.contains("executors draw their own"), refused);
        assertFalse(Files.exists(dir.resolve("twice/two")));
        String one = run(
                "distill",
                "--batch",
                dumps.toString(),
                "--out",
                dir.resolve("one").toString(),
                "--json",
                "--digest",
                "--test-seed",
                "3");
        Map<String, String> expected = digests(one);
        assertEquals(2, expected.size(), one);

        String[] job = {
            "--batch",
            dumps.resolve("manifest.jsonl").toString(),
            "--out",
            dir.resolve("spark").toString(),
            "--digest",
            "--test-seed",
            "3"
        };
        String first = job(7, job);
        assertEquals(expected, digests(first), first);
        assertTrue(first.contains("p2/alice.qraw: no such file"), first);
        // Stores as the command line's.
        run("keys", "verify", dir.resolve("spark/long/alice").toString());
        run("keys", "verify", dir.resolve("spark/short/bob").toString());
        assertFalse(Files.exists(dir.resolve("spark/.attempts")));
        List<String> ids;
        try (Stream<Path> keys = Files.list(dir.resolve("spark/long/alice"));
                Stream<Path> others = Files.list(dir.resolve("spark/long/bob"))) {
            ids = keys.map(p -> p.getFileName().toString())
                    .filter(n -> n.endsWith(".qkey"))
                    .sorted()
                    .toList();
            assertTrue(ids.size() >= 2, ids.toString());
            assertEquals(
                    ids,
                    others.map(p -> p.getFileName().toString())
                            .filter(n -> n.endsWith(".qkey"))
                            .sorted()
                            .toList());
        }

        // A second run finds it done, and makes no key again.
        String second = job(7, job);
        assertTrue(second.contains("finished before"), second);
        Map<String, Long> blocks = new TreeMap<>();
        try (ParquetReader<Group> rows = ParquetReader.builder(
                        new GroupReadSupport(),
                        new org.apache.hadoop.fs.Path(
                                dir.resolve("spark/blocks.parquet").toString()))
                .build()) {
            for (Group row = rows.read(); row != null; row = rows.read()) {
                assertEquals(
                        row.getLong("secretBits", 0) > 0,
                        !row.getString("keyId", 0).isEmpty(),
                        row.toString());
                if (!row.getString("keyId", 0).isEmpty()) {
                    blocks.merge(row.getString("pair", 0), 1L, Long::sum);
                }
            }
        }
        assertEquals(Set.of("long", "short"), blocks.keySet());
        assertEquals((long) ids.size(), blocks.get("long"));
    }

    private static Map<String, String> digests(String lines) {
        Map<String, String> all = new TreeMap<>();
        for (String line : lines.split("\n")) {
            if (line.startsWith("{")) {
                JsonNode node = JsonMapper.shared().readTree(line);
                if (node.has("aliceKeyDigest")) {
                    assertEquals(
                            node.path("aliceKeyDigest").asString(),
                            node.path("bobKeyDigest").asString());
                    all.put(
                            node.path("name").asString(),
                            node.path("aliceKeyDigest").asString());
                }
            }
        }
        return all;
    }

    private static String job(int code, String... args) {
        PrintStream before = System.out;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        try {
            int found = new CommandLine(new DistillJob())
                    .setCaseInsensitiveEnumValuesAllowed(true)
                    .execute(args);
            assertEquals(code, found, out.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(before);
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    /** The command line, in a process of its own: Spark's class path has not all that it needs. */
    private static String run(String... args) throws Exception {
        List<String> command = new ArrayList<>(List.of("../scripts/qdistill"));
        command.addAll(List.of(args));
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return out;
    }
}
