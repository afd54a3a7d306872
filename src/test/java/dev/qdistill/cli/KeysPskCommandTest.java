package dev.qdistill.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code keys psk} and {@code keys pool}. */
final class KeysPskCommandTest {
    @TempDir
    Path dir;

    @Test
    void aPreSharedKeyIsMadeInstalledAndShown() {
        CommandRun made = CommandRun.of("keys", "psk", "--link", "lab", "--blocks", "7", "--out", dir.toString());
        assertEquals(ExitCode.OK, made.code(), made.err());
        Path file = dir.resolve("lab.bob.qpad");
        Path pool = dir.resolve("bob/auth");
        CommandRun installed = CommandRun.of("keys", "psk", "--install", file.toString(), "--pool", pool.toString());
        assertEquals(ExitCode.OK, installed.code(), installed.err());
        assertFalse(Files.exists(file));
        assertTrue(Files.exists(dir.resolve("lab.alice.qpad")));
        CommandRun shown = CommandRun.of("keys", "pool", pool.toString(), "--json");
        JsonNode json = JsonMapper.shared().readTree(shown.out());
        assertEquals("lab", json.get("link").asString());
        assertEquals("bob", json.get("site").asString());
        assertEquals(7, json.get("blocks").asInt());
        assertEquals(14, json.get("padsBobToAlice").asInt());
        assertEquals(0, json.get("epsilon").asDouble());
    }

    @Test
    void whereOneFileCannotBeMadeNeitherIs() throws IOException {
        Path bob = Files.createFile(dir.resolve("lab.bob.qpad"));
        CommandRun run = CommandRun.of("keys", "psk", "--link", "lab", "--blocks", "7", "--out", dir.toString());
        assertEquals(ExitCode.STORAGE, run.code());
        assertEquals("qdistill: " + bob + ": cannot write the pre-shared key: it exists already\n", run.err());
        assertFalse(Files.exists(dir.resolve("lab.alice.qpad")));
        assertEquals(0, Files.size(bob));
    }

    @Test
    void theOtherSitesFileIsNoCopyOfOnesOwn() {
        CommandRun.of("keys", "psk", "--link", "lab", "--blocks", "7", "--out", dir.toString());
        String pool = dir.resolve("alice/auth").toString();
        CommandRun.of("keys", "psk", "--install", dir.resolve("lab.alice.qpad").toString(), "--pool", pool);
        CommandRun run = CommandRun.of(
                "keys", "psk", "--install", dir.resolve("lab.bob.qpad").toString(), "--pool", pool);
        assertEquals(ExitCode.STORAGE, run.code());
        assertTrue(run.err().contains("is of link lab at bob; this pool is of lab at alice"), run.err());
    }

    @Test
    void aNameThatNoFileCanHoldIsRefused() {
        for (String name : List.of(" ", "a\nb", "x".repeat(201))) {
            CommandRun run = CommandRun.of("keys", "psk", "--link", name, "--out", dir.toString());
            assertEquals(ExitCode.USAGE, run.code(), run.err());
        }
    }

    @Test
    void mistakesAreNamed() {
        assertEquals(ExitCode.USAGE, CommandRun.of("keys", "psk").code());
        assertEquals(
                ExitCode.USAGE,
                CommandRun.of("keys", "psk", "--link", "a/b", "--out", dir.toString())
                        .code());
        CommandRun run = CommandRun.of("keys", "pool", dir.toString());
        assertEquals(ExitCode.STORAGE, run.code());
        assertTrue(run.err().contains("keys psk"), run.err());
    }
}
