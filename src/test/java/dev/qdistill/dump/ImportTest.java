package dev.qdistill.dump;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.bits.BitString;
import dev.qdistill.security.Protocol;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ImportTest {
    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 63, 64, 65, 65_536, 70_000})
    void readsTextLines(int lines) throws IOException {
        SplittableRandom random = new SplittableRandom(lines);
        StringBuilder text = new StringBuilder("index,basis,bit\n");
        long[] index = new long[lines];
        int[] flags = new int[lines];
        long at = -1;
        for (int i = 0; i < lines; i++) {
            at += random.nextInt(1, 1000);
            index[i] = at;
            flags[i] = random.nextInt(4);
            text.append(at)
                    .append(flags[i] % 2 == 0 ? ",Z," : ",X,")
                    .append(flags[i] / 2)
                    .append('\n');
        }
        try (DumpReader reader = open(text.toString())) {
            assertEquals(DumpFormat.TEXT, reader.header().format());
            assertEquals(DumpKind.RAW, reader.header().kind());
            assertEquals(Protocol.SINGLE_PHOTON, reader.header().protocol());
            assertEquals(Optional.empty(), reader.header().role());
            assertEquals(Optional.empty(), reader.header().session());
            assertEquals(Optional.empty(), reader.header().link());
            int n = 0;
            while (reader.next()) {
                RecordBatch batch = reader.batch();
                for (int i = 0; i < batch.count(); i++, n++) {
                    assertEquals(index[n], batch.pulses()[i]);
                    assertEquals(flags[n] % 2 != 0, batch.basis().get(i));
                    assertEquals(flags[n] / 2 != 0, batch.bits().get(i));
                }
                assertThrows(IllegalStateException.class, batch::doubleClicks);
                assertThrows(IllegalStateException.class, batch::intensityLow);
            }
            assertEquals(lines, n);
            assertEquals(lines, reader.totals().records());
            assertTrue(reader.totals().pulses().isEmpty());
        }
    }

    @Test
    void readsTextOfOtherProgramsToo() throws IOException {
        try (DumpReader reader = open("\ufeffIndex, Basis ,bit\r\n1,z,1\r\n \"5\",X,0")) {
            assertTrue(reader.next());
            assertEquals(2, reader.batch().count());
            assertEquals(5, reader.batch().pulses()[1]);
            assertTrue(reader.batch().basis().get(1));
            assertTrue(reader.batch().bits().get(0));
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "index,bit,basis|0|the first line is not index,basis,bit",
                "index,basis,bit,more|0|the first line is not index,basis,bit",
                "indexbasisbit|0|the first line is not index,basis,bit",
                "index,basis,bit;1,Z,0;1,Z,1|22|line 3: indices must increase: 1 after 1",
                "index,basis,bit;1,Z,0;0,Z,1|22|line 3: indices must increase: 0 after 1",
                "index,basis,bit;-1,Z,0|16|line 2: the index is not a whole number",
                "index,basis,bit;1e3,Z,0|16|line 2: the index is not a whole number",
                "index,basis,bit;99999999999999999999,Z,0|16|line 2: the index is not a whole number",
                "index,basis,bit;1,Y,0|16|line 2: the basis is neither Z nor X",
                "index,basis,bit;1,Z,0;2,Z,|22|line 3: the bit is neither 0 nor 1",
                "index,basis,bit;1,Z,2|16|line 2: the bit is neither 0 nor 1",
                "index,basis,bit;1,Z,0;2,Z|22|line 3: 2 fields",
                "index,basis,bit;1,Z,0,0|16|line 2: 4 fields",
                "index,basis,bit;1|16|line 2: 1 fields",
            })
    void namesTheLineOfBadText(String lines, long offset, String problem) {
        BadInputException e = assertThrows(BadInputException.class, () -> readAll(lines.replace(';', '\n')));
        assertTrue(e.getMessage().contains(problem), e.getMessage());
        assertTrue(e.getMessage().contains(" at byte " + offset + ":"), e.getMessage());
    }

    @Test
    void readsNoEndlessLine() {
        String endless = "index,basis,bit\n1,Z,\"" + "0".repeat(1_000_000);
        assertThrows(BadInputException.class, () -> readAll(endless));
        assertThrows(BadInputException.class, () -> readAll("index," + "0".repeat(1_000_000)));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 31, 32, 33, 65_535, 65_536, 65_537, 200_000})
    void readsQcryptoSiftedBits(int length) throws IOException {
        SplittableRandom random = new SplittableRandom(length);
        try (BitString bits = BitString.random(length, random);
                DumpReader reader = DumpReader.open(writeT3(0x103, length, 1, bits))) {
            assertEquals(DumpFormat.QCRYPTO_T3, reader.header().format());
            assertEquals(DumpKind.SIFTED, reader.header().kind());
            assertFalse(reader.header().has(Column.BASIS));
            assertEquals(
                    "000000000000000000000000b4159fa2",
                    reader.header().session().orElseThrow().toString());
            long n = 0;
            while (reader.next()) {
                RecordBatch batch = reader.batch();
                assertEquals(n, batch.pulses()[0]);
                try (BitString expected = bits.slice(n, batch.count())) {
                    assertTrue(expected.contentEquals(batch.bits()));
                }
                n += batch.count();
            }
            assertEquals(length, n);
            assertEquals(length, reader.totals().records());
        }
    }

    @Test
    void namesBadQcryptoFiles() throws IOException {
        try (BitString bits = BitString.allocate(100)) {
            assertBad(writeT3(3, 101, 8, bits), "12: qcrypto T3 with 8 bits an entry");
            assertBad(writeT3(3, 150, 1, bits), "32: the file is cut: 150 entries take 36 bytes, the file has 32");
            assertBad(writeT3(3, 20, 1, bits), "20: bytes follow the last entry");
            assertBad(writeT3(3, -1, 1, bits), "the file is cut: 4294967295 entries");
            assertBad(writeT3(1, 100, 1, bits), "0: qcrypto stream of type 1; only type 3 (sifted bits)");
            assertBad(writeT3(0x107, 100, 1, bits), "0: qcrypto stream of type 7; only type 3 (sifted bits)");
        }
        assertBad(Files.write(directory.resolve("t3"), new byte[] {3, 0, 0, 0, 1}), "5: the file is cut");
    }

    @Test
    void readsCoincidencesOfAnEntangledSource() {
        Path data = Stream.of("../shared/data", "../../shared/data")
                .map(Path::of)
                .filter(Files::isDirectory)
                .findFirst()
                .orElse(Path.of("nothing"));
        Path alice = data.resolve("kwiat-darpa-alice.csv");
        Path bob = data.resolve("kwiat-darpa-bob.csv");
        Assumptions.assumeTrue(Files.exists(alice), "the folder shared/data is not there");
        try (DumpReader a = DumpReader.open(alice);
                DumpReader b = DumpReader.open(bob)) {
            DumpReader.requirePair(a, b);
            assertTrue(a.next());
            assertTrue(b.next());
            assertEquals(12_339, a.batch().count());
            assertEquals(12_339, b.batch().count());
            try (BitString equal = a.batch().basis().copy();
                    BitString wrong = a.batch().bits().copy();
                    BitString x = a.batch().basis().copy()) {
                equal.xor(b.batch().basis());
                equal.invert();
                wrong.xor(b.batch().bits());
                wrong.and(equal);
                x.and(equal);
                assertEquals(10_002, equal.bitCount());
                assertEquals(2_030, x.bitCount());
                assertEquals(247, wrong.bitCount());
                assertEquals(36, wrong.bitCountAnd(x));
            }
            assertFalse(a.next());
            assertFalse(b.next());
        }
    }

    private DumpReader open(String text) throws IOException {
        // A name that says something else: only the content counts.
        return DumpReader.open(Files.write(directory.resolve("x.qraw"), text.getBytes(StandardCharsets.UTF_8)));
    }

    private void readAll(String text) throws IOException {
        try (DumpReader reader = open(text)) {
            while (reader.next()) {}
        }
    }

    private void assertBad(Path file, String problem) {
        BadInputException e = assertThrows(BadInputException.class, () -> DumpReader.open(file));
        assertTrue(e.getMessage().contains(problem), e.getMessage());
    }

    // As in the stack's own files: the first bit of an entry is the highest of its 32-bit word.
    private Path writeT3(int tag, int length, int bitsPerEntry, BitString bits) throws IOException {
        int words = (int) ((bits.length() + 31) / 32);
        ByteBuffer b = ByteBuffer.allocate(16 + 4 * words).order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(tag).putInt(0xb4159fa2).putInt(length).putInt(bitsPerEntry);
        for (int w = 0; w < words; w++) {
            int word = 0;
            for (int i = 32 * w; i < 32 * w + 32; i++) {
                word = word << 1 | (i < bits.length() && bits.get(i) ? 1 : 0);
            }
            b.putInt(word);
        }
        return Files.write(directory.resolve("t3"), b.array());
    }
}
