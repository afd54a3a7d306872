package dev.qdistill.dump;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.security.Protocol;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every way of being no good dump is noticed and named. */
class BadDumpTest {
    private static final LinkParameters LINK =
            new LinkParameters("lab", 1e9, Instant.EPOCH, List.of(.5, .1), List.of(.5, .5), .9, .9);

    @TempDir
    Path directory;

    private Path alice;
    private Path bob;
    private byte[] good;

    @BeforeEach
    void writeGoodDumps() throws IOException {
        alice = directory.resolve("alice");
        bob = directory.resolve("bob");
        writeAlice(alice, new SessionId(1, 2), LINK);
        writeBob(bob, new SessionId(1, 2), LINK);
        good = Files.readAllBytes(alice);
    }

    @Test
    void readsTheGoodDump() throws IOException {
        assertEquals(100, read(good).records());
    }

    @Test
    void noticesEveryFlippedByte() throws IOException {
        for (byte[] file : List.of(good, Files.readAllBytes(bob))) {
            for (int at = 0; at < file.length; at++) {
                byte[] damaged = file.clone();
                damaged[at] ^= (byte) (1 << at % 8);
                BadInputException e = assertThrows(BadInputException.class, () -> read(damaged), "byte " + at);
                assertTrue(e.getMessage().contains(" at byte "), e.getMessage());
            }
        }
    }

    @Test
    void noticesEveryCut() {
        for (int length = 0; length < good.length; length++) {
            byte[] cut = Arrays.copyOf(good, length);
            BadInputException e = assertThrows(BadInputException.class, () -> read(cut));
            String expected = length == 0 ? "empty" : length < 4 ? "no raw key dump" : "the file is cut";
            assertTrue(e.getMessage().contains(expected), e.getMessage());
        }
    }

    @Test
    void noticesTrailingGarbage() {
        assertProblem(Arrays.copyOf(good, good.length + 1), good.length, "1 bytes follow the end");
    }

    @Test
    void namesTheOffsetOfADamagedChunk() {
        byte[] damaged = good.clone();
        damaged[256 + 48 + 3] ^= 4;
        assertProblem(damaged, 256 + 48, "chunk 0 is damaged: its checksum does not fit its");
    }

    @Test
    void namesAnUnknownVersion() {
        byte[] newer = good.clone();
        newer[8] = 2;
        assertProblem(newer, 8, "QRAW version 2 is unknown; this program reads version 1");
    }

    @Test
    void namesDamageOfTextMode() {
        byte[] damaged = good.clone();
        damaged[4] = '\n';
        assertProblem(damaged, 4, "text mode");
    }

    @Test
    void namesMissingFilesAndDirectories() {
        assertMessage("no such file", () -> DumpReader.open(directory.resolve("nothing")));
        assertMessage("is a directory", () -> DumpReader.open(directory));
    }

    @Test
    void recognisesNoise() {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 200; i++) {
            byte[] noise = new byte[random.nextInt(1, 1000)];
            random.nextBytes(noise);
            assertThrows(BadInputException.class, () -> read(noise));
        }
        assertProblem(new byte[1000], 0, "this is no raw key dump: it begins with the bytes 00 00 00 00");
    }

    @Test
    void survivesNoiseBehindAGoodHeader() {
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < 200; i++) {
            byte[] noise = new byte[2000];
            random.nextBytes(noise);
            System.arraycopy(good, 0, noise, 0, i % 2 == 0 ? 256 : 260);
            assertThrows(BadInputException.class, () -> read(noise));
        }
    }

    @Test
    void believesNoHostileCount() {
        for (int count : new int[] {0, -1, 65_537, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
            assertProblem(chunk(4, count), 256 + 4, "1 to 65536 are allowed");
        }
    }

    @Test
    void believesNoHostileLength() {
        for (int length : new int[] {0, -8, 63, 900, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
            assertProblem(chunk(8, length), 256 + 8, "100 records with 2 bits of index take 96");
        }
    }

    @Test
    void believesNoHostileWidth() {
        for (int width : new int[] {-1, 57, 64, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
            assertProblem(chunk(40, width), 256 + 40, "0 to 56 are allowed");
        }
        assertProblem(chunk(40, 0), 256 + 8, "chunk of 96 bytes; 100 records with 0 bits of index take 64");
        assertProblem(chunk(40, 56), 256 + 8, "chunk of 96 bytes; 100 records with 56 bits of index take 760");
    }

    @Test
    void refusesAHostileRange() {
        assertProblem(chunk(16, -5), 256 + 16, "indices must increase");
        assertProblem(chunk(24, 50), 256 + 16, "indices must increase");
        assertProblem(chunk(24, 500), 256 + 48 + 4 * 16, "do not increase");
        assertProblem(chunk(32, 1), 256 + 32, "chunk number 1 where 0 is expected");
        byte[] wrapped = good.clone();
        ByteBuffer.wrap(wrapped)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(256 + 16, Long.MAX_VALUE - 50)
                .putLong(256 + 24, Long.MIN_VALUE + 246);
        seal(wrapped, 256, 44);
        assertProblem(wrapped, 256 + 16, "indices must increase");
    }

    @Test
    void refusesWrongGaps() {
        int from = 256 + 48 + 4 * 16;
        assertProblem(payload(from, 0), from, "do not increase");
        assertProblem(payload(from + 24, 0xff), from, "do not increase");
        byte[] large = good.clone();
        Arrays.fill(large, from, from + 32, (byte) 0xff);
        assertProblem(sealed(large), from, "do not increase");
        assertProblem(payload(from + 31, 0x80), from + 24, "beyond the last index");
    }

    @Test
    void refusesIntensitiesThatAreNotThere() {
        int highPlane = 256 + 48 + 3 * 16;
        assertProblem(payload(highPlane, 1), 256 + 48 + 2 * 16, "intensity index beyond the 2 intensities");
    }

    @Test
    void refusesBitsBeyondTheLastRecord() {
        assertProblem(payload(256 + 48 + 15, 0x80), 256 + 48 + 8, "beyond the last record");
    }

    @Test
    void comparesTheTotals() {
        int end = good.length - 96;
        for (int at : new int[] {8, 16, 24, 32, 40, 48, 56, 64, 72, 80}) {
            byte[] wrong = good.clone();
            wrong[end + at]++;
            seal(wrong, end, 92);
            assertProblem(wrong, -1, "total of ");
        }
    }

    @Test
    void noticesARepeatedAndAMissingChunk() throws IOException {
        byte[] chunk = Arrays.copyOfRange(good, 256, good.length - 96);
        byte[] twice =
                concat(Arrays.copyOf(good, 256), chunk, chunk, Arrays.copyOfRange(good, good.length - 96, good.length));
        assertProblem(twice, 256 + chunk.length + 32, "chunk number 0 where 1 is expected");
        byte[] none = concat(Arrays.copyOf(good, 256), Arrays.copyOfRange(good, good.length - 96, good.length));
        assertProblem(none, 256 + 8, "total of records: the file says 100, but it is 0");
    }

    @Test
    void doesNotReadAPairThatIsNone() throws IOException {
        assertMessage("the same file", () -> pair(alice, alice));
        Path link = Files.createSymbolicLink(directory.resolve("link"), alice);
        assertMessage("the same file", () -> pair(alice, link));
        Path copy = Files.copy(alice, directory.resolve("copy"));
        assertMessage("Alice's dump was given where Bob's is expected", () -> pair(alice, copy));
        assertMessage("the roles are swapped", () -> pair(bob, alice));
        Path other = directory.resolve("other");
        writeBob(other, new SessionId(1, 3), LINK);
        assertMessage(
                "different sessions: this one's session is 00000000000000010000000000000003, the other one's"
                        + " 00000000000000010000000000000002",
                () -> pair(alice, other));
        writeBob(
                other,
                new SessionId(1, 2),
                new LinkParameters("lab", 1e9, Instant.EPOCH, List.of(.5, .1), List.of(.5, .5), .8, .9));
        assertMessage("different sessions: this one's link", () -> pair(alice, other));
        pair(alice, bob);
    }

    private static void pair(Path a, Path b) {
        try (DumpReader ar = DumpReader.open(a);
                DumpReader br = DumpReader.open(b)) {
            DumpReader.requirePair(ar, br);
        }
    }

    private static void writeAlice(Path file, SessionId session, LinkParameters link) {
        DumpHeader header = DumpHeader.qraw(DumpKind.RAW, Role.ALICE, Protocol.ONE_DECOY, session, link);
        try (DumpWriter writer = DumpWriter.create(file, header)) {
            for (int i = 0; i < 100; i++) {
                writer.alice(7 + 3L * i, i % 5 == 0 ? 1 : 0, i & 1, i % 3 == 0 ? 1 : 0);
            }
            writer.finish(new SentPulses(new long[] {100, 200}, new long[] {300, 400}));
        }
    }

    private static void writeBob(Path file, SessionId session, LinkParameters link) {
        DumpHeader header = DumpHeader.qraw(DumpKind.RAW, Role.BOB, Protocol.ONE_DECOY, session, link);
        try (DumpWriter writer = DumpWriter.create(file, header)) {
            for (int i = 0; i < 100; i++) {
                writer.bob(7 + 3L * i, i % 5 == 0 ? 1 : 0, i & 1, i == 50 ? 1 : 0);
            }
            writer.finish(1000);
        }
    }

    private DumpTotals read(byte[] bytes) throws IOException {
        Path file = Files.write(directory.resolve("read"), bytes);
        try (DumpReader reader = DumpReader.open(file)) {
            while (reader.next()) {}
            return reader.totals();
        }
    }

    private void assertProblem(byte[] bytes, long offset, String text) {
        BadInputException e = assertThrows(BadInputException.class, () -> read(bytes));
        assertTrue(e.getMessage().contains(text), e.getMessage());
        assertTrue(offset < 0 || e.getMessage().contains(" at byte " + offset + ":"), e.getMessage());
    }

    private static void assertMessage(String text, org.junit.jupiter.api.function.Executable action) {
        BadInputException e = assertThrows(BadInputException.class, action);
        assertTrue(e.getMessage().contains(text), e.getMessage());
    }

    // The good file with a field of its chunk's header replaced and the checksum right.
    private byte[] chunk(int offset, int value) {
        byte[] b = good.clone();
        ByteBuffer.wrap(b).order(ByteOrder.LITTLE_ENDIAN).putInt(256 + offset, value);
        if ((offset == 16 || offset == 24) && value < 0) {
            ByteBuffer.wrap(b).order(ByteOrder.LITTLE_ENDIAN).putLong(256 + offset, value);
        }
        seal(b, 256, 44);
        return b;
    }

    // The good file with a byte of its chunk replaced and the checksums right.
    private byte[] payload(int at, int value) {
        byte[] b = good.clone();
        b[at] = (byte) value;
        return sealed(b);
    }

    private byte[] sealed(byte[] b) {
        CRC32C crc = new CRC32C();
        crc.update(b, 256 + 48, good.length - 96 - 256 - 48);
        ByteBuffer.wrap(b).order(ByteOrder.LITTLE_ENDIAN).putInt(256 + 12, (int) crc.getValue());
        seal(b, 256, 44);
        return b;
    }

    private static void seal(byte[] b, int from, int length) {
        CRC32C crc = new CRC32C();
        crc.update(b, from, length);
        ByteBuffer.wrap(b).order(ByteOrder.LITTLE_ENDIAN).putInt(from + length, (int) crc.getValue());
    }

    private static byte[] concat(byte[]... parts) throws IOException {
        java.io.ByteArrayOutputStream all = new java.io.ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.write(part);
        }
        return all.toByteArray();
    }
}
