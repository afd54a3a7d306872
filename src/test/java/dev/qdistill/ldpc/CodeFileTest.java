package dev.qdistill.ldpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class CodeFileTest {
    @Test
    void readsWhatItWrote() {
        for (QuasiCyclicCode code : Codes.small()) {
            assertEquals(code, CodeFile.read(CodeFile.write(code)));
        }
    }

    @Test
    void rejectsEveryFlippedByteThatChangesTheCode() {
        QuasiCyclicCode code = Codes.code(64, 20, 64);
        byte[] file = CodeFile.write(code);
        int harmless = 0;
        for (int i = 0; i < file.length; i++) {
            byte[] damaged = file.clone();
            damaged[i] ^= 0x24;
            try {
                // Deflated data may say the same in two ways.
                assertEquals(code, CodeFile.read(damaged), "byte " + i);
                harmless++;
            } catch (CodeFormatException e) {
                assertTrue(e.getMessage() != null);
            }
        }
        assertTrue(harmless < 8, harmless + " flipped bytes went unnoticed");
    }

    @Test
    void rejectsEveryCutAndExtension() {
        byte[] file = CodeFile.write(Codes.code(64, 20, 64));
        for (int length = 0; length <= file.length + 1; length++) {
            if (length != file.length) {
                byte[] cut = Arrays.copyOf(file, length);
                assertThrows(CodeFormatException.class, () -> CodeFile.read(cut), length + " bytes");
            }
        }
    }
}
