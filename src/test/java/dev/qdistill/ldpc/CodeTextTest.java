package dev.qdistill.ldpc;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class CodeTextTest {
    @Test
    void readsWhatItExports() {
        for (QuasiCyclicCode code : Codes.small()) {
            for (String text : new String[] {CodeText.qc(code), CodeText.alist(code)}) {
                CodeText.Imported i = CodeText.read("x", text.getBytes(US_ASCII));
                assertEquals(code.frameBits(), i.columns());
                assertEquals(code.syndromeBits(), i.rows());
                assertEquals(code.circulant(), i.circulant());
                assertArrayEquals(code.entries(), i.code().orElseThrow().entries());
            }
        }
    }

    @Test
    void readsAlistsWithoutZeroPadding() {
        String text = CodeText.alist(Codes.code(64, 20, 64));
        String head = text.lines().limit(4).reduce("", (a, b) -> a + b + "\n");
        String lists = text.lines().skip(4).map(l -> l.replaceAll("( 0)+$", "")).reduce("", (a, b) -> a + b + "\n");
        assertEquals(64, CodeText.read("x", (head + lists).getBytes(US_ASCII)).circulant());
    }

    @Test
    void namesTheOffsetOfDamage() {
        String qc = "3 2 64\n\n1 2 3\n4 x 6\n";
        CodeFormatException e =
                assertThrows(CodeFormatException.class, () -> CodeText.read("x", qc.getBytes(US_ASCII)));
        assertEquals(qc.indexOf('x'), e.offset());
        for (String bad : new String[] {
            "", "  \n", "hello", "{", "{}", "3 2 64\n\n1 2 3\n4 5", "3 2 64\n\n1 2 3\n4 64 6\n", "4 2\n2 2\n1 1"
        }) {
            assertThrows(CodeFormatException.class, () -> CodeText.read("x", bad.getBytes(US_ASCII)), bad);
        }
    }

    @Test
    void refusesSizesThatTheFileCannotHold() {
        for (String bad : new String[] {
            // 2^17 columns of circulants of 2^15 bits; four million entries announced in a few bytes.
            "131072 1 32768\n" + "0 ".repeat(131072), "4 4\n4 4\n4 4 4 4\n4 4 4 4\n1 2 3 4"
        }) {
            assertThrows(CodeFormatException.class, () -> CodeText.read("x", bad.getBytes(US_ASCII)));
        }
    }

    @Test
    void anyNameIsMadeOneOfACode() {
        byte[] qc = CodeText.qc(Codes.code(64, 20, 64)).getBytes(US_ASCII);
        for (String name : new String[] {"", "a b", "\ud83d\ude00", "x".repeat(62) + "\ud83d\ude00", "x".repeat(99)}) {
            assertTrue(CodeText.read(name, qc).code().isPresent(), name);
        }
    }

    @Test
    void saysWhyAValidCodeCannotBeUsed() {
        CodeText.Imported i = CodeText.read("x", "3 2 24\n\n1 2 3\n4 5 6\n".getBytes(US_ASCII));
        assertTrue(i.code().isEmpty());
        assertTrue(i.problem().contains("24"), i.problem());
    }

    @Test
    void readsTheFormatsOfOthers() throws IOException {
        Path data = Stream.of("../shared/data", "../../shared/data")
                .map(Path::of)
                .filter(Files::isDirectory)
                .findFirst()
                .orElse(Path.of("absent"));
        assumeTrue(Files.isDirectory(data), "no ../shared/data here");
        assertImported(data, "wimax_480_576.alist", "alist", 576, 96, 24);
        assertImported(data, "ar4ja_4096_8192.qc", "qc", 10240, 6144, 512);
        assertImported(data, "ldpc4qkd_leak0.50_n16384.qccsc.json", "qccsc.json", 16384, 8192, 64);
        assertImported(data, "ldpc4qkd_leak0.30_n819200.qccsc.json", "qccsc.json", 819200, 245760, 1024);
    }

    private static void assertImported(Path data, String file, String format, int columns, int rows, int circulant)
            throws IOException {
        CodeText.Imported i = CodeText.read(file, Files.readAllBytes(data.resolve(file)));
        assertEquals(format, i.format());
        assertEquals(columns, i.columns());
        assertEquals(rows, i.rows());
        assertEquals(circulant, i.circulant());
    }
}
