package dev.qdistill.link;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.accel.Backend;
import dev.qdistill.ldpc.Profile;
import org.junit.jupiter.api.Test;

final class CodeChoiceTest {
    @Test
    void aFasterLinkNeverGetsAMoreEfficientChoice() {
        for (Backend decoder : new Backend[] {Backend.SCALAR, Backend.VECTOR, Backend.NATIVE}) {
            int before = Integer.MAX_VALUE;
            for (double rate = 0; rate < 1e9; rate = rate * 1.1 + 1e3) {
                CodeChoice choice = CodeChoice.keepingUpWith(rate, 2, decoder);
                assertTrue(choice.frameBits() <= before);
                before = choice.frameBits();
            }
            assertEquals(CodeChoice.FAST, CodeChoice.keepingUpWith(1e9, 2, decoder));
        }
    }

    @Test
    void withNothingToKeepUpWithTheMostEfficientIsChosen() {
        assertEquals(CodeChoice.EFFICIENT, CodeChoice.keepingUpWith(0, 1, Backend.SCALAR));
        assertEquals(CodeChoice.EFFICIENT, CodeChoice.of(Profile.EFFICIENT));
    }

    @Test
    void threadsAndKernelsCount() {
        double rate = 30e6;
        assertEquals(CodeChoice.FAST, CodeChoice.keepingUpWith(rate, 1, Backend.NATIVE));
        assertEquals(CodeChoice.EFFICIENT, CodeChoice.keepingUpWith(rate, 4, Backend.NATIVE));
        assertEquals(CodeChoice.FAST, CodeChoice.keepingUpWith(rate, 4, Backend.SCALAR));
    }
}
