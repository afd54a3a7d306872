package dev.qdistill.security;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

final class BinaryEntropyTest {
    @Test
    void hasTheTabulatedValues() {
        assertEquals(0, BinaryEntropy.of(0));
        assertEquals(0, BinaryEntropy.of(1));
        assertEquals(1, BinaryEntropy.of(0.5));
        assertEquals(0.499915958164528, BinaryEntropy.of(0.11), 1e-14);
        assertEquals(0.141440542541821, BinaryEntropy.of(0.02), 1e-14);
    }

    @Test
    void isAccurateForTinyProbabilities() {
        // h(p) = p (log2(1/p) + 1/ln 2) to first order.
        for (double p : new double[] {1e-12, 1e-100, 1e-300, Double.MIN_VALUE}) {
            double expected = p * (-Math.log(p) / Math.log(2) + 1 / Math.log(2));
            assertEquals(expected, BinaryEntropy.of(p), Math.max(expected * 1e-11, Double.MIN_VALUE));
        }
    }

    @Test
    void isSymmetricAndNeverAboveOne() {
        for (int i = 0; i <= 1000; i++) {
            double p = i / 1000.0;
            assertEquals(BinaryEntropy.of(p), BinaryEntropy.of(1 - p), 1e-14);
            assertTrue(BinaryEntropy.of(p) <= 1);
        }
    }

    @Test
    void inverseUndoesIt() {
        for (double h : new double[] {1e-300, 1e-20, 1e-6, 0.01, 0.1, 0.5, 0.9, 0.999}) {
            assertEquals(h, BinaryEntropy.of(BinaryEntropy.inverse(h)), h * 1e-14);
        }
        assertEquals(0, BinaryEntropy.inverse(0));
        assertEquals(0.5, BinaryEntropy.inverse(1), 1e-8);
        assertEquals(0.11002786443836, BinaryEntropy.inverse(0.5), 1e-13);
    }

    @Test
    void ofABoundIsOneFromOneHalfUp() {
        assertEquals(1, BinaryEntropy.ofErrorBound(0.5));
        assertEquals(1, BinaryEntropy.ofErrorBound(0.9));
        assertEquals(1, BinaryEntropy.ofErrorBound(Double.POSITIVE_INFINITY));
        assertEquals(1, BinaryEntropy.ofErrorBound(Double.NaN));
        assertEquals(BinaryEntropy.of(0.2), BinaryEntropy.ofErrorBound(0.2));
    }

    @Test
    void refusesWhatIsNoProbability() {
        for (double p : new double[] {-1e-300, 1.0000001, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertThrows(IllegalArgumentException.class, () -> BinaryEntropy.of(p));
            assertThrows(IllegalArgumentException.class, () -> BinaryEntropy.inverse(p));
        }
    }
}
