package dev.qdistill.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class CodesCommandTest {
    @Test
    void checkTellsTheSeedOfACode() {
        CommandRun run = CommandRun.of("codes", "check", "n4096-m896", "--json");
        assertEquals(ExitCode.OK, run.code(), run.err());
        assertTrue(run.out().contains("\"same\" : true"), run.out());
        assertTrue(run.out().contains("\"seed\" : 1"), run.out());
    }

    @Test
    void degreesTellsTheWorkOfADistribution() {
        CommandRun run = CommandRun.of(
                "codes", "degrees", "--rate", "0.8", "--efficiency", "1.2", "--generations", "0", "--profile", "FAST");
        assertEquals(ExitCode.OK, run.code(), run.err());
        assertTrue(run.out().startsWith("degrees            2:"), run.out());
    }

    @Test
    void degreesWantsARateOrALeakage() {
        assertEquals(
                ExitCode.USAGE,
                CommandRun.of("codes", "degrees", "--efficiency", "1.2").code());
    }
}
