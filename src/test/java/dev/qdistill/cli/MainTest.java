package dev.qdistill.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class MainTest {
    @TempDir
    Path dir;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "distill --out x",
                "demo --key-bits 0",
                "demo --threads 0",
                "bench pipeline --threads 0",
                "bench reconcile --threads 1000000",
                "codes measure n4096-m192 --threads -1",
                "simulate --out x --network trunk --threads 0",
                "keys export nowhere not-an-id --out x",
                "distill --alice a --bob b --out x --epsilon-correctness 1e-300",
                "keys psk --link a --out x --blocks 0",
                "bench pipeline --sifted-rate NaN",
                "bench sift --detections -1",
                "bench sift --key-basis-probability NaN",
                "bench verify --input-bits 0",
                "bench verify --offset -1",
                "codes check nope",
                "codes check n4096-m192 --frame-bits 16384",
                "codes list --frame-bits 5",
                "codes table --every 0",
                "codes choose --qber NaN",
                "codes design --frame-bits 5 --out x",
                "codes measure n4096-m192 --qber 0.7",
                "codes measure n4096-m192 --qber NaN",
                "codes measure n4096-m192 --frames 0"
            })
    void usageErrorsAreOneLineAndWhereThereIsMore(String line) {
        CommandRun run = CommandRun.of(line.split(" "));
        assertEquals(ExitCode.USAGE, run.code(), run.err());
        List<String> lines = run.err().lines().toList();
        assertTrue(lines.getFirst().startsWith("qdistill: "), run.err());
        assertTrue(lines.getLast().startsWith("See qdistill " + line.substring(0, line.indexOf(' '))), run.err());
        assertTrue(lines.size() <= 3, run.err());
        assertFalse(Files.exists(Path.of("x")));
    }

    @Test
    void aCommandThatNeedsAnotherShowsWhichThereAre() {
        CommandRun run = CommandRun.of("keys");
        assertEquals(ExitCode.USAGE, run.code());
        assertTrue(run.err().contains("export"), run.err());
    }

    @Test
    void failuresOfFilesNameTheFileAndTheReasonInWords() {
        assertEquals("a/b: no such file or directory", Main.message(new NoSuchFileException("a/b")));
        assertEquals(
                "a/b: permission denied", Main.message(new UncheckedIOException(new AccessDeniedException("a/b"))));
        assertEquals(
                "Cannot write c: No space left on device",
                Main.message(new UncheckedIOException("Cannot write c", new IOException("No space left on device"))));
        assertEquals(
                "cannot listen on x: in use",
                Main.message(new UncheckedIOException("cannot listen on x: in use", new IOException("in use"))));
    }

    @Test
    void aFileInTheWayOfADirectoryIsSaid() throws IOException {
        Path file = Files.createFile(dir.resolve("file"));
        CommandRun run = CommandRun.of("simulate", "--pulses", "10", "--out", file.toString());
        assertEquals(ExitCode.STORAGE, run.code());
        assertEquals("qdistill: " + file + ": it exists already\n", run.err());
    }

    @Test
    void whatIsPrintedToAFullDiskIsAFailure() throws Exception {
        Path full = Path.of("/dev/full");
        Assumptions.assumeTrue(Files.exists(full) && !Files.isRegularFile(full), "there is no /dev/full");
        Process process = main().redirectOutput(full.toFile()).start();
        String said = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(ExitCode.STORAGE, process.waitFor(), said);
        assertTrue(said.contains("standard output cannot be written: No space left on device"), said);
    }

    @Test
    void tooLittleMemoryIsOneLineAndItsExitCode() throws Exception {
        List<String> command = main().command();
        Process process = new ProcessBuilder(Stream.concat(
                                command.subList(0, command.indexOf("codes")).stream(),
                                Stream.of("bench", "sift", "--detections", Long.toString(1L << 55)))
                        .toList())
                .start();
        String said = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(ExitCode.INTERNAL, process.waitFor(), said);
        assertTrue(said.startsWith("qdistill: not enough memory: "), said);
        assertEquals(1, said.lines().count(), said);
    }

    @Test
    void aReaderWhoHasSeenEnoughIsNoFailure() throws Exception {
        Process process = main().start();
        process.getInputStream().close();
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        assertEquals(ExitCode.OK, process.exitValue());
        assertEquals(0, process.getErrorStream().readAllBytes().length);
    }

    private static ProcessBuilder main() {
        return new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.qdistill.cli.Main",
                "codes",
                "list",
                "--json");
    }
}
