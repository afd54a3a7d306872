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
    void aConfigurationIsCheckedWithoutStartingAnything() {
        CommandRun run = CommandRun.of("agent", "--role", "alice", "--config", "docs/agent-example.yaml", "--check");
        assertEquals(ExitCode.OK, run.code(), run.err());
        assertTrue(Files.notExists(Path.of("docs/state")));
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
