package dev.qdistill.keystore;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.bits.BitString;
import dev.qdistill.dump.QcryptoStream;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HexFormat;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class KeyExportTest {
    @TempDir
    Path dir;

    @Test
    void everyFormatHoldsTheBytes() throws IOException {
        for (long bits : new long[] {1, 8, 9, 16, 17, 24, 25, 1001, 3_000_001}) {
            try (BitString key = Keys.bits(bits, bits)) {
                byte[] bytes = key.bytes().toArray(ValueLayout.JAVA_BYTE);
                KeyExport.RAW.writeFile(key, dir.resolve("raw" + bits));
                KeyExport.HEX.writeFile(key, dir.resolve("hex" + bits));
                KeyExport.BASE64.writeFile(key, dir.resolve("base64" + bits));
                assertArrayEquals(bytes, Files.readAllBytes(dir.resolve("raw" + bits)));
                assertEquals(HexFormat.of().formatHex(bytes) + "\n", Files.readString(dir.resolve("hex" + bits)));
                assertEquals(
                        Base64.getEncoder().encodeToString(bytes) + "\n",
                        Files.readString(dir.resolve("base64" + bits)));
            }
        }
    }

    @Test
    void theFileIsPrivateAndNothingIsOverwritten() throws IOException {
        Path file = dir.resolve("key");
        try (BitString key = Keys.bits(1, 100)) {
            KeyExport.RAW.writeFile(key, file);
            if (Durable.isPosix(file)) {
                assertFalse(Durable.isOpenToOthers(file));
            }
            assertThrows(KeyStoreException.class, () -> KeyExport.HEX.writeFile(key, file));
            assertThrows(KeyStoreException.class, () -> KeyExport.HEX.writeFile(key, dir.resolve("no/such")));
        }
        assertEquals(13, Files.size(file));
        try (Stream<Path> files = Files.list(dir)) {
            assertEquals(1, files.count());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 31, 32, 33, 1_600_001})
    void qcryptoReadsItsFormat(int bits) {
        try (BitString key = BitString.random(bits, new SplittableRandom(bits))) {
            Path file = dir.resolve("t7");
            KeyExport.QCRYPTO_T7.writeFile(key, file);
            try (QcryptoStream stream = QcryptoStream.open(file);
                    BitString read = stream.bits()) {
                assertEquals(1, stream.header().length());
                assertTrue(key.contentEquals(read));
            }
        }
    }
}
