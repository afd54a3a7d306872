package dev.qdistill.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.accel.Backend;
import dev.qdistill.amplify.SeededHash;
import dev.qdistill.bits.BitString;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HashCommandTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path dir;

    @Test
    void hashesEveryBlockOfAFileInEitherBitOrder() throws IOException {
        var random = new SplittableRandom(1);
        for (String order : List.of("lsb", "msb")) {
            for (String family : List.of("toeplitz", "modified")) {
                for (int[] shape : new int[][] {{1000, 333, 8}, {1001, 500, 8}, {1024, 512, 1}, {5, 2, 8}, {7, 7, 9}}) {
                    int n = shape[0];
                    int m = shape[1];
                    int blocks = shape[2];
                    byte[] in = new byte[(n * blocks + 7) / 8];
                    random.nextBytes(in);
                    var hash = SeededHash.create(
                            SeededHash.Family.valueOf(family.toUpperCase(java.util.Locale.ROOT)), Backend.SCALAR);
                    byte[] seed = new byte[(int) (hash.seedBits(n, m) + 7) / 8];
                    random.nextBytes(seed);
                    Path out = dir.resolve("out");
                    assertEquals(ExitCode.OK, run(n, m, write("in", in), write("seed", seed), out, order, family));
                    BitString bits = bits(in, order);
                    BitString s = bits(seed, order).slice(0, hash.seedBits(n, m));
                    BitString expected = BitString.allocate((long) m * blocks);
                    BitString y = BitString.allocate(m);
                    for (int i = 0; i < blocks; i++) {
                        hash.hash(s, bits.slice((long) n * i, n), y);
                        expected.copyFrom(y, 0, (long) m * i, m);
                    }
                    BitString found = bits(Files.readAllBytes(out), order);
                    assertEquals(expected.byteCount() * 8, found.length());
                    assertTrue(
                            expected.contentEquals(found.slice(0, expected.length())), order + " " + family + " " + n);
                    assertEquals(0, found.bitCount() - expected.bitCount());
                }
            }
        }
    }

    @Test
    void writesADrawnSeedBesideTheOutputAndBothPrivate() throws IOException {
        byte[] in = new byte[125];
        new SplittableRandom(2).nextBytes(in);
        byte[] entropy = new byte[200];
        new SplittableRandom(3).nextBytes(entropy);
        Path out = dir.resolve("out");
        assertEquals(
                ExitCode.OK,
                Main.execute(
                        "hash",
                        "--in",
                        write("in", in).toString(),
                        "--out",
                        out.toString(),
                        "--input-bits",
                        "1000",
                        "--output-bits",
                        "100",
                        "--entropy",
                        write("entropy", entropy).toString()));
        Path seed = dir.resolve("out.seed");
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(out)));
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(seed)));
        assertEquals((1099 + 7) / 8, Files.size(seed));
        byte[] first = Files.readAllBytes(out);
        assertEquals(ExitCode.OK, run(1000, 100, dir.resolve("in"), seed, out, "lsb", "toeplitz"));
        assertArrayEquals(first, Files.readAllBytes(out));
        // From the operating system: another seed each time.
        List<String> args = List.of(
                "hash",
                "--in",
                dir.resolve("in").toString(),
                "--out",
                out.toString(),
                "--input-bits",
                "1000",
                "--output-bits",
                "100");
        assertEquals(ExitCode.OK, Main.execute(args.toArray(String[]::new)));
        assertFalse(java.util.Arrays.equals(first, Files.readAllBytes(out)));
    }

    @Test
    void neitherTheInputNorTheSeedIsOverwritten() throws IOException {
        Path in = write("in", new byte[130]);
        Path seed = write("seed", new byte[200]);
        assertEquals(ExitCode.USAGE, run(1040, 100, in, seed, in, "lsb", "toeplitz"));
        assertEquals(ExitCode.USAGE, run(1040, 100, in, seed, seed, "lsb", "toeplitz"));
        Path link = Files.createSymbolicLink(dir.resolve("link"), in);
        for (Path seedOut : List.of(in, link, dir.resolve("./new"))) {
            CommandRun run = CommandRun.of(
                    "hash",
                    "--in",
                    in.toString(),
                    "--out",
                    dir.resolve("new").toString(),
                    "--seed-out",
                    seedOut.toString(),
                    "--input-bits",
                    "1040",
                    "--output-bits",
                    "100");
            assertEquals(ExitCode.USAGE, run.code(), run.err());
        }
        assertEquals(130, Files.size(in));
        assertEquals(200, Files.size(seed));
    }

    @Test
    void whatIsNoFileIsNotReplacedByOne() throws Exception {
        Path pipe = dir.resolve("pipe");
        Assumptions.assumeTrue(
                new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor() == 0, "no mkfifo");
        Path in = write("in", new byte[130]);
        Path seed = write("seed", new byte[200]);
        assertEquals(ExitCode.STORAGE, run(1040, 100, in, seed, pipe, "lsb", "toeplitz"));
        assertEquals(ExitCode.STORAGE, run(1040, 100, in, seed, dir, "lsb", "toeplitz"));
        assertTrue(Files.exists(pipe) && !Files.isRegularFile(pipe));
    }

    @Test
    void aStoppedProgramLeavesNothing() throws Exception {
        Assumptions.assumeTrue(Files.exists(Path.of("/dev/zero")), "there is no /dev/zero");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        "dev.qdistill.cli.Main",
                        "hash",
                        "--in",
                        "/dev/zero",
                        "--out",
                        dir.resolve("out").toString(),
                        "--input-bits",
                        "4096",
                        "--output-bits",
                        "64",
                        "--backend",
                        "scalar")
                .redirectErrorStream(true)
                .start();
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (dir.toFile().list().length < 2 && System.nanoTime() < end) {
            Thread.sleep(20);
        }
        assertEquals(2, dir.toFile().list().length, "the output and the seed are being written");
        process.destroy();
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        assertEquals(0, dir.toFile().list().length);
    }

    @Test
    void badInputIsRefusedAndLeavesNothing() throws IOException {
        Path in = write("in", new byte[130]);
        Path seed = write("seed", new byte[200]);
        Path out = dir.resolve("out");
        assertEquals(ExitCode.BAD_INPUT, run(1000, 100, in, seed, out, "lsb", "toeplitz"));
        assertEquals(ExitCode.BAD_INPUT, run(1000, 100, write("empty", new byte[0]), seed, out, "lsb", "toeplitz"));
        assertEquals(ExitCode.BAD_INPUT, run(1000, 100, dir, seed, out, "lsb", "toeplitz"));
        assertEquals(ExitCode.BAD_INPUT, run(1000, 100, dir.resolve("none"), seed, out, "lsb", "toeplitz"));
        assertEquals(ExitCode.BAD_INPUT, run(1040, 1000, in, write("short", new byte[10]), out, "lsb", "toeplitz"));
        assertEquals(ExitCode.USAGE, run(0, 100, in, seed, out, "lsb", "toeplitz"));
        assertEquals(ExitCode.USAGE, run(100, 101, in, seed, out, "lsb", "modified"));
        assertEquals(
                ExitCode.STORAGE, run(1040, 100, in, seed, dir.resolve("none").resolve("out"), "lsb", "toeplitz"));
        try (var files = Files.list(dir)) {
            assertTrue(files.noneMatch(f -> f.getFileName().toString().contains("out")));
        }
    }

    @Test
    void memoryLimitsChangeNothingButTheTime() throws IOException {
        byte[] in = new byte[250_000];
        new SplittableRandom(5).nextBytes(in);
        byte[] seed = new byte[400_000];
        new SplittableRandom(6).nextBytes(seed);
        Path out = dir.resolve("out");
        for (String family : List.of("toeplitz", "modified")) {
            assertEquals(
                    ExitCode.OK, run(2_000_000, 1_000_001, write("in", in), write("seed", seed), out, "lsb", family));
            byte[] whole = Files.readAllBytes(out);
            var parts = hash(
                    "--input-bits",
                    "2000000",
                    "--output-bits",
                    "1000001",
                    "--hash",
                    family,
                    "--memory",
                    "1500K",
                    "--json");
            assertEquals(ExitCode.OK, parts.code(), parts.err());
            assertTrue(parts.out().contains("\"split\":true"), parts.out());
            assertArrayEquals(whole, Files.readAllBytes(out));
        }
        var none = hash("--input-bits", "2000000", "--output-bits", "1000001", "--memory", "1M");
        assertEquals(ExitCode.USAGE, none.code());
        assertTrue(none.err().contains("--memory"), none.err());
        for (String wrong : List.of("0", "-1", "12X", "G", "9999999999G")) {
            assertEquals(
                    ExitCode.USAGE,
                    hash("--input-bits", "2000000", "--output-bits", "1000001", "--memory", wrong)
                            .code());
        }
    }

    @Test
    void lengthFollowsFromMinEntropyByTheLeftoverHashLemma() throws IOException {
        write("in", new byte[125]);
        write("seed", new byte[300]);
        // 500 - 2 log2(1/(2·2^-31)) = 440.
        var run = hash("--input-bits", "1000", "--min-entropy", "0.5", "--epsilon", "4.656612873077393e-10", "--json");
        assertEquals(ExitCode.OK, run.code(), run.err());
        assertTrue(run.out().contains("\"outputBits\":439") || run.out().contains("\"outputBits\":440"), run.out());
        assertEquals(
                ExitCode.USAGE,
                hash("--input-bits", "100", "--min-entropy", "0.5", "--epsilon", "1e-10")
                        .code());
        assertEquals(
                ExitCode.USAGE,
                hash("--input-bits", "100", "--min-entropy", "2", "--epsilon", "0.1")
                        .code());
        assertEquals(
                ExitCode.USAGE,
                hash("--input-bits", "100", "--min-entropy", "1").code());
        assertEquals(ExitCode.USAGE, hash("--input-bits", "100").code());
    }

    @Test
    void stopsAfterSomeBlocksAndDropsATailOnlyWhenTold() throws IOException {
        write("in", new byte[130]);
        write("seed", new byte[300]);
        var cut = hash("--input-bits", "320", "--output-bits", "100");
        assertEquals(ExitCode.BAD_INPUT, cut.code());
        assertTrue(cut.err().contains("at byte 130: ends in block 4, 30 bytes before its end"), cut.err());
        var dropped = hash("--input-bits", "320", "--output-bits", "100", "--drop-tail", "--json");
        assertEquals(ExitCode.OK, dropped.code(), dropped.err());
        assertTrue(dropped.out().contains("\"blocks\":3,\"unusedBits\":80"), dropped.out());
        var two = hash("--input-bits", "320", "--output-bits", "100", "--blocks", "2", "--json");
        assertEquals(ExitCode.OK, two.code(), two.err());
        assertEquals(25, Files.size(dir.resolve("out")));
        var little = hash("--input-bits", "2000", "--output-bits", "100", "--drop-tail");
        assertEquals(ExitCode.BAD_INPUT, little.code());
        write("in", new byte[0]);
        var empty = hash("--input-bits", "2000", "--output-bits", "100");
        assertTrue(empty.err().contains("is empty"), empty.err());
    }

    // From in, with seed, to out.
    private CommandRun hash(String... more) {
        List<String> args =
                new ArrayList<>(List.of("hash", "--in", dir.resolve("in").toString()));
        args.addAll(List.of("--out", dir.resolve("out").toString()));
        args.addAll(List.of("--seed-file", dir.resolve("seed").toString(), "--threads", "1"));
        args.addAll(List.of(more));
        return CommandRun.of(args.toArray(String[]::new));
    }

    private static int run(int n, int m, Path in, Path seed, Path out, String order, String family) {
        List<String> args = new ArrayList<>(List.of("hash", "--in", in.toString(), "--out", out.toString()));
        args.addAll(List.of("--input-bits", "" + n, "--output-bits", "" + m, "--seed-file", seed.toString()));
        args.addAll(List.of("--bit-order", order, "--hash", family, "--threads", "1"));
        return Main.execute(args.toArray(String[]::new));
    }

    private Path write(String name, byte[] content) throws IOException {
        return Files.write(dir.resolve(name), content);
    }

    private static BitString bits(byte[] bytes, String order) {
        BitString s = BitString.allocate(8L * bytes.length);
        for (int i = 0; i < 8 * bytes.length; i++) {
            int bit = order.equals("lsb") ? i & 7 : 7 - (i & 7);
            s.set(i, (bytes[i / 8] >>> bit & 1) != 0);
        }
        return s;
    }
}
