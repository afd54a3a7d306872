package dev.qdistill.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AgentCommandTest {
    @TempDir
    Path dir;

    @Test
    void aConfigurationAndItsPoolsAreCheckedWithoutStartingAnything() throws IOException {
        Path file = Files.writeString(dir.resolve("agent.yaml"), """
                name: a
                keyStore: keys
                links:
                  - name: metro
                    peer: {name: b, connect: "localhost:1", authenticationPool: auth}
                    block: {time: 10s}
                """);
        String[] check = {"agent", "--role", "alice", "--config", file.toString(), "--check"};
        CommandRun none = CommandRun.of(check);
        assertEquals(ExitCode.STORAGE, none.code(), none.err());
        assertTrue(none.err().contains(dir.resolve("auth").toString()), none.err());
        CommandRun.of("keys", "psk", "--link", "metro", "--blocks", "5", "--out", dir.toString());
        String psk = dir.resolve("metro.alice.qpad").toString();
        CommandRun.of(
                "keys", "psk", "--install", psk, "--pool", dir.resolve("auth").toString());
        CommandRun run = CommandRun.of(check);
        assertEquals(ExitCode.OK, run.code(), run.err());
        check[2] = "bob";
        CommandRun other = CommandRun.of(check);
        assertEquals(ExitCode.BAD_INPUT, other.code(), other.err());
        assertTrue(other.err().contains("metro at alice's site"), other.err());
        assertTrue(Files.notExists(dir.resolve("keys")));
    }

    @Test
    void whatIsWrongIsSaidInOneLine() throws IOException {
        Path file = Files.writeString(dir.resolve("agent.yaml"), "name: a\nkeyStor: b\n");
        CommandRun run = CommandRun.of("agent", "--role", "bob", "--config", file.toString());
        assertEquals(ExitCode.BAD_INPUT, run.code());
        assertEquals(1, run.err().lines().count(), run.err());
        assertTrue(run.err().startsWith("qdistill: " + file + ":"), run.err());
        assertEquals(
                ExitCode.USAGE,
                CommandRun.of("agent", "--role", "carol", "--config", file.toString())
                        .code());
    }
}
