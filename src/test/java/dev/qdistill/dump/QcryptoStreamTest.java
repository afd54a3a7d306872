package dev.qdistill.dump;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.bits.BitString;
import dev.qdistill.dump.QcryptoStream.Header;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files made by hand, word by word, as docs/formats.md describes them. */
class QcryptoStreamTest {
    private static final int EPOCH = 0xb4159fa2;

    @TempDir
    Path directory;

    private Path file(String name, int... words) throws IOException {
        ByteBuffer b = ByteBuffer.allocate(4 * words.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int w : words) {
            b.putInt(w);
        }
        return Files.write(directory.resolve(name), b.array());
    }

    private static List<String> entries(Path file) {
        List<String> found = new ArrayList<>();
        try (QcryptoStream stream = QcryptoStream.open(file)) {
            stream.forEach((value, pattern) -> found.add(value + ":" + pattern));
        }
        return found;
    }

    @Test
    void readsEventsOfType1() throws IOException {
        // Time 2^17 + 1 is 1 in bit 32 of the event and 1 in bit 15; detector 4. Then time 2^48 + 3, detectors 1 and 2.
        int[] events = {1, 1 << 15 | 4, 1 << 31, 3 << 15 | 3};
        Path file = file("t1", 0x101, EPOCH, 2, 49, 4, events[0], events[1], events[2], events[3], 0, 0);
        assertEquals(List.of((1L << 17) + 1 + ":4", (1L << 48) + 3 + ":3"), entries(file));
        try (QcryptoStream stream = QcryptoStream.open(file)) {
            assertEquals(new Header(QcryptoStream.Type.EVENTS, true, 0xb4159fa2L, 2, 49, 4, 0), stream.header());
        }
        assertEquals(
                2,
                entries(file("t1", 1, 0, 0, 49, 4, 0, 1 << 15, 0, 2 << 15, 0, 0))
                        .size(),
                "no length");
    }

    @Test
    void readsTimesAndBasesOfType2() throws IOException {
        // 6 bits of difference and one of basis: 000101 1 | 000010 0 | 000000, 32 bits of 1000, basis 1 | 000001 0: the
        // end.
        String bits = "0001011" + "0000100" + "000000" + binary(1000, 32) + "1" + "0000010";
        Path file = file("t2", concat(new int[] {0x102, EPOCH, 3, 6, 1, 1}, words(bits)));
        assertEquals(List.of("5:1", "7:0", "1007:1"), entries(file));
        try (QcryptoStream stream = QcryptoStream.open(file)) {
            assertEquals(1, stream.header().protocol());
        }
    }

    @Test
    void readsIndicesOfType4() throws IOException {
        // 4 bits, less 2: index 0, then 3 on, then 100 on (in 32 bits), the end.
        String bits = "0010" + "0101" + "0000" + binary(102, 32) + "0001";
        Path file = file("t4", concat(new int[] {4, 7, 0, 4, 0}, words(bits)));
        assertEquals(List.of("0:0", "3:0", "103:0"), entries(file));
    }

    @Test
    void readsBitsOfType3And7() throws IOException {
        try (QcryptoStream t3 = QcryptoStream.open(file("t3", 3, 7, 35, 1, 0x80000001, 0xa0000000));
                BitString bits = t3.bits()) {
            assertEquals("1" + "0".repeat(30) + "1" + "101", string(bits));
        }
        try (QcryptoStream t7 = QcryptoStream.open(file("t7", 0x107, EPOCH, 5, 3, 0xc0000000));
                BitString bits = t7.bits()) {
            assertEquals("110", string(bits));
            assertEquals(5, t7.header().length());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 31, 32, 33, 1000})
    void writesType3And7AsTheyAreRead(int length) throws IOException {
        try (BitString bits = BitString.random(length, new SplittableRandom(length))) {
            for (QcryptoStream.Type type : List.of(QcryptoStream.Type.BITS, QcryptoStream.Type.KEY)) {
                Path file = directory.resolve(type.id());
                QcryptoStream.write(file, new Header(type, true, 0xb4159fa2L, 9, 0, 0, 0), bits);
                assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
                try (QcryptoStream stream = QcryptoStream.open(file);
                        BitString read = stream.bits()) {
                    assertTrue(bits.contentEquals(read));
                    assertEquals(
                            type == QcryptoStream.Type.BITS ? length : 9,
                            stream.header().length());
                    assertTrue(stream.header().extendedEpoch());
                }
            }
            try (DumpReader reader = DumpReader.open(directory.resolve(QcryptoStream.Type.BITS.id()))) {
                long n = 0;
                while (reader.next()) {
                    n += reader.batch().count();
                }
                assertEquals(length, n);
            }
        }
    }

    @Test
    void splicesTheBitsThatTheAnswerNames() throws IOException {
        Path own = file("t3", 3, 7, 6, 1, 0b101101 << 26);
        Path answer = file("t4", concat(new int[] {4, 7, 3, 4, 0}, words("0010" + "0100" + "0101" + "0001")));
        try (QcryptoStream t3 = QcryptoStream.open(own);
                QcryptoStream t4 = QcryptoStream.open(answer);
                BitString sifted = QcryptoStream.splice(t3, t4)) {
            assertEquals("111", string(sifted)); // entries 0, 2 and 5
        }
        Path beyond = file("t4b", concat(new int[] {4, 7, 0, 4, 0}, words("1111" + "0001")));
        assertBad("entry 13 is asked for", () -> splice(own, beyond));
        Path other = file("t4c", concat(new int[] {4, 8, 0, 4, 0}, words("0010" + "0001")));
        assertBad("epoch 00000008, not 00000007", () -> splice(own, other));
    }

    private static void splice(Path own, Path answer) {
        try (QcryptoStream t3 = QcryptoStream.open(own);
                QcryptoStream t4 = QcryptoStream.open(answer)) {
            QcryptoStream.splice(t3, t4).close();
        }
    }

    @Test
    void namesWhatIsWrongAndWhere() throws IOException {
        Path t1 = file("a", 1, 0, 0, 49, 4, 0, 1 << 15);
        assertBad(" at byte 28: the file is cut: there is no end of events", () -> entries(t1));
        Path count = file("b", 1, 0, 5, 49, 4, 0, 1 << 15, 0, 0);
        assertBad("5 entries are announced, there are 1", () -> entries(count));
        Path more = file("c", 1, 0, 0, 49, 4, 0, 0, 0, 1);
        assertBad(" at byte 28: bytes follow", () -> entries(more));
        Path bits = file("d", 1, 0, 0, 48, 4, 0, 0);
        assertBad(" at byte 12: qcrypto-t1: times of 48 bits", () -> entries(bits));
        Path cut = file("e", concat(new int[] {2, 0, 0, 6, 1, 1}, words("0001011")));
        assertBad("the file is cut", () -> entries(cut));
        Path wide = file("f", 2, 0, 0, 31, 2, 1, 0);
        assertBad("entries of more than 32 bits", () -> entries(wide));
        Path t7 = file("g", 7, 0, 1, 33, 0);
        assertBad(
                " at byte 20: the file is cut: 33 bits take 24 bytes",
                () -> QcryptoStream.open(t7).close());
        Path head = file("h", 4, 0, 0);
        assertBad(" at byte 12: the file is cut", () -> QcryptoStream.open(head).close());
    }

    private static void assertBad(String problem, org.junit.jupiter.api.function.Executable run) {
        BadInputException e = assertThrows(BadInputException.class, run);
        assertTrue(e.getMessage().contains(problem), e.getMessage());
    }

    private static String string(BitString bits) {
        StringBuilder s = new StringBuilder();
        for (long i = 0; i < bits.length(); i++) {
            s.append(bits.get(i) ? '1' : '0');
        }
        return s.toString();
    }

    private static String binary(int value, int length) {
        String s = Integer.toBinaryString(value);
        return "0".repeat(length - s.length()) + s;
    }

    private static int[] words(String bits) {
        int[] words = new int[(bits.length() + 31) / 32];
        for (int i = 0; i < bits.length(); i++) {
            words[i / 32] |= (bits.charAt(i) - '0') << 31 - i % 32;
        }
        return words;
    }

    private static int[] concat(int[] a, int[] b) {
        int[] all = java.util.Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, all, a.length, b.length);
        return all;
    }
}
