package dev.qdistill.ldpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.accel.Backend;
import dev.qdistill.bits.BitString;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class AdaptedCodeTest {
    private final SplittableRandom random = new SplittableRandom(20260303);

    private static QuasiCyclicCode parent(int frameBits, double leakage) {
        CodeFamily family = CodeFamily.shipped();
        return family.codes(frameBits).stream()
                .filter(e -> 1 - e.rate() >= leakage)
                .findFirst()
                .map(e -> family.code(e.name()))
                .orElseThrow();
    }

    private static BitString syndrome(AdaptedCode code, BitString frame) {
        BitString syndrome = BitString.allocate(code.code().syndromeBits());
        SyndromeEncoder.create(code.code(), Backend.AUTO).encode(frame, 0, syndrome, 0);
        return syndrome;
    }

    @ParameterizedTest
    @CsvSource({"4096, .2, 64", "16384, .3, 256", "16384, .3, 180", "65536, .1, 256", "65536, .5, 400"})
    void aSyndromeAndTheSecondHalvesMakeTheSyndromeWithMoreSplits(int frameBits, double leakage, int columns) {
        QuasiCyclicCode parent = parent(frameBits, leakage);
        int most = AdaptedCode.of(parent, columns, 0).maximumSplits();
        int[] levels = {0, 1, most / 5, most / 2, most};
        for (int i = 0; i < levels.length; i++) {
            AdaptedCode fewer = AdaptedCode.of(parent, columns, levels[i]);
            BitString frame = BitString.random(fewer.code().frameBits(), random);
            BitString sent = syndrome(fewer, frame);
            for (int j = i; j < levels.length; j++) {
                AdaptedCode more = AdaptedCode.of(parent, columns, levels[j]);
                assertEquals(
                        fewer.code().syndromeBits() + more.extraBits(fewer),
                        more.code().syndromeBits());
                BitString expected = syndrome(more, frame);
                BitString extra = BitString.allocate(more.extraBits(fewer));
                BitString extended = BitString.allocate(more.code().syndromeBits());
                more.extra(fewer, expected, extra);
                more.extend(fewer, sent, extra, extended);
                assertTrue(extended.contentEquals(expected), levels[i] + " to " + levels[j] + " splits");
            }
        }
    }

    @Test
    void splittingKeepsTheEdgesAndTheDegreesOfTheColumns() {
        QuasiCyclicCode parent = parent(16384, .25);
        AdaptedCode half = AdaptedCode.of(parent, parent.columns(), parent.rows() / 2);
        assertEquals(parent.edges(), half.code().edges());
        assertEquals(parent.columnDegrees(), half.code().columnDegrees());
        assertEquals(parent.rows() + parent.rows() / 2, half.code().rows());
    }

    @Test
    void splitRowsAreSpreadOverTheMatrix() {
        QuasiCyclicCode parent = parent(1 << 20, .3);
        int tenth = parent.rows() / 10;
        QuasiCyclicCode code = AdaptedCode.of(parent, parent.columns(), tenth).code();
        int light = 0;
        int run = 0;
        for (int r = 0; r < code.rows(); r++) {
            boolean split = code.rowStart(r + 1) - code.rowStart(r) <= (parent.edges() / parent.rows()) * 3 / 5;
            light += split ? 1 : 0;
            run = split ? 0 : run + 1;
            assertTrue(run < 25, "no long stretch without a split row");
        }
        assertEquals(2 * tenth, light, 2);
    }

    @ParameterizedTest
    @ValueSource(ints = {200, 150, 128})
    void shorteningKeepsTheDegreesInProportion(int columns) {
        QuasiCyclicCode parent = parent(16384, .25);
        QuasiCyclicCode code = AdaptedCode.of(parent, columns, 0).code();
        assertEquals(columns, code.columns());
        assertEquals(parent.syndromeBits(), code.syndromeBits());
        parent.columnDegrees().forEach((d, n) -> {
            double expected = (double) n * columns / parent.columns();
            assertEquals(expected, code.columnDegrees().getOrDefault(d, 0), 1, "columns of degree " + d);
        });
        assertTrue(
                code.rowDegrees().lastKey() - code.rowDegrees().firstKey() <= 4,
                code.rowDegrees().toString());
        assertEquals(0, code.fourCycles());
    }

    @ParameterizedTest
    @CsvSource({"256, 0", "256, 4", "256, 20", "256, 64", "160, 0", "160, 10"})
    void everyLevelAndLengthDecodes(int columns, int splits) {
        QuasiCyclicCode parent = parent(16384, .28);
        QuasiCyclicCode code = AdaptedCode.of(parent, columns, splits).code();
        double qber = QuasiCyclicCode.inverseBinaryEntropy((1 - code.rate()) / 1.35);
        CodeMeasurement m = CodeMeasurement.measure(code, Backend.AUTO, UpdateRule.PHI, qber, 60, 40, 40, 1, 7);
        assertTrue(m.failures() <= 1, m.failures() + " of 40 frames failed");
    }

    @Test
    void whatDoesNotFitIsRefused() {
        QuasiCyclicCode parent = parent(4096, .3);
        AdaptedCode whole = AdaptedCode.of(parent, 64, 3);
        assertThrows(IllegalArgumentException.class, () -> AdaptedCode.of(parent, 65, 0));
        assertThrows(IllegalArgumentException.class, () -> AdaptedCode.of(parent, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> AdaptedCode.of(parent, 64, -1));
        assertThrows(IllegalArgumentException.class, () -> AdaptedCode.of(parent, 64, whole.maximumSplits() + 1));
        assertThrows(
                IllegalArgumentException.class,
                () -> AdaptedCode.of(parent, 64, 2).extraBits(whole));
        assertThrows(IllegalArgumentException.class, () -> whole.extraBits(AdaptedCode.of(parent, 63, 2)));
        assertFalse(AdaptedCode.possible(parent, 65));
        assertFalse(AdaptedCode.possible(parent, parent.rows()));
        assertTrue(AdaptedCode.possible(parent, 50));
    }

    @Test
    void theWeightOfTheSyndromeTellsTheErrorRateWithTheDeviationStated() {
        QuasiCyclicCode code = parent(16384, .15);
        double qber = .02;
        double squares = 0;
        int frames = 200;
        BitString error = BitString.allocate(code.frameBits());
        BitString syndrome = BitString.allocate(code.syndromeBits());
        SyndromeEncoder encoder = SyndromeEncoder.create(code, Backend.AUTO);
        for (int i = 0; i < frames; i++) {
            CodeMeasurement.drawErrors(error, qber, random);
            encoder.encode(error, 0, syndrome, 0);
            double off = code.estimateQber(syndrome.bitCount()) - (double) error.bitCount() / code.frameBits();
            squares += off * off;
        }
        double ratio = Math.sqrt(squares / frames) / code.estimateDeviation(qber);
        assertTrue(ratio > .5 && ratio < 1.3, "deviation seen against the one stated: " + ratio);
    }
}
