package dev.qdistill.reconcile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class FiniteLengthBoundTest {
    @ParameterizedTest
    @CsvSource({
        "65536, 0.01, 1.073",
        "65536, 0.02, 1.050",
        "65536, 0.03, 1.039",
        "65536, 0.05, 1.029",
        "65536, 0.08, 1.021",
        "65536, 0.11, 1.017",
        "262144, 0.01, 1.037",
        "262144, 0.02, 1.025",
        "262144, 0.03, 1.020",
        "262144, 0.05, 1.015",
        "262144, 0.08, 1.011",
        "262144, 0.11, 1.009",
        "1048576, 0.01, 1.018",
        "1048576, 0.02, 1.013",
        "1048576, 0.03, 1.010",
        "1048576, 0.05, 1.007",
        "1048576, 0.08, 1.005",
        "1048576, 0.11, 1.004"
    })
    void isTheTabulatedOneAtAFrameErrorRateOfOnePercent(int bits, double qber, double efficiency) {
        assertEquals(efficiency, FiniteLengthBound.efficiency(bits, qber, 0.01), 0.0006);
    }

    @Test
    void quantilesAreThoseOfTheNormalDistribution() {
        assertEquals(0, FiniteLengthBound.quantile(0.5), 1e-9);
        assertEquals(2.326347874, FiniteLengthBound.quantile(0.01), 1e-8);
        assertEquals(-1.281551566, FiniteLengthBound.quantile(0.9), 1e-8);
        assertEquals(4.753424309, FiniteLengthBound.quantile(1e-6), 1e-7);
    }

    @Test
    void nonsenseIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> FiniteLengthBound.efficiency(0, 0.1, 0.1));
        assertThrows(IllegalArgumentException.class, () -> FiniteLengthBound.efficiency(10, 0.5, 0.1));
        assertThrows(IllegalArgumentException.class, () -> FiniteLengthBound.efficiency(10, 0.1, 1));
    }
}
