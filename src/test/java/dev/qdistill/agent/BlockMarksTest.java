package dev.qdistill.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.agent.BlockMarks.End;
import dev.qdistill.keystore.KeyStoreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is on the disk about the blocks that were begun. */
final class BlockMarksTest {
    private static final int BLOCKS = 3000;

    @TempDir
    Path dir;

    private Path file() {
        return dir.resolve(BlockMarks.FILE);
    }

    private long lines() throws IOException {
        return Files.readString(file()).lines().count();
    }

    @Test
    void theFileStaysShortHoweverManyBlocksAreBegun() throws IOException {
        try (BlockMarks marks = new BlockMarks(dir)) {
            marks.live("measuring");
            long longest = 0;
            for (int block = 0; block < BLOCKS; block++) {
                marks.begin("session", block);
                longest = Math.max(longest, lines());
            }
            marks.end("over", End.IN_ORDER);
            marks.end("broken", End.FAILED);
            assertTrue(longest < 1100, "lines: " + longest);
            assertEquals(BLOCKS, marks.next("session"));
            assertFalse(Files.exists(dir.resolve("." + BlockMarks.FILE)));
        }
        try (BlockMarks marks = new BlockMarks(dir)) {
            assertEquals(BLOCKS, marks.next("session"));
            assertEquals(Optional.of(End.FAILED), marks.end("measuring"));
            assertEquals(Optional.of(End.IN_ORDER), marks.end("over"));
            assertEquals(Optional.of(End.FAILED), marks.end("broken"));
            assertEquals(Optional.empty(), marks.end("session"));
            assertThrows(KeyStoreException.class, () -> marks.begin("session", BLOCKS - 1));
        }
        assertEquals(4, lines());
    }

    @Test
    void aCrashAtAnyMomentForgetsNoBlockThatWasBegun() throws IOException {
        Path crashed = Files.createDirectory(dir.resolve("crashed"));
        try (BlockMarks marks = new BlockMarks(dir)) {
            for (int block = 0; block < 1100; block++) {
                marks.begin("session", block);
                if (block > 1000) {
                    // What a crash leaves: the file as it is, and perhaps the beginning of a new one.
                    Files.copy(file(), crashed.resolve(BlockMarks.FILE), StandardCopyOption.REPLACE_EXISTING);
                    Files.writeString(crashed.resolve("." + BlockMarks.FILE), "session 1");
                    try (BlockMarks again = new BlockMarks(crashed)) {
                        assertEquals(block + 1L, again.next("session"));
                    }
                }
            }
            // A line that was cut off was never relied upon.
            assertTrue(lines() < 100, "it was not written anew");
        }
        Files.writeString(file(), Files.readString(file()) + "session 12");
        try (BlockMarks marks = new BlockMarks(dir)) {
            assertEquals(1100, marks.next("session"));
        }
    }

    @Test
    void aFileThatCannotBeWrittenAnewGoesOn() throws IOException {
        try (BlockMarks marks = new BlockMarks(dir)) {
            // In the place of the new file there is something that cannot be removed.
            Files.createDirectories(dir.resolve("." + BlockMarks.FILE).resolve("full"));
            for (int block = 0; block < 1200; block++) {
                marks.begin("session", block);
            }
            assertEquals(1200, lines());
            Files.delete(dir.resolve("." + BlockMarks.FILE).resolve("full"));
        }
        try (BlockMarks marks = new BlockMarks(dir)) {
            assertEquals(1200, marks.next("session"));
        }
    }
}
