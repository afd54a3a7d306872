package dev.qdistill.ldpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class CodeConstructionTest {
    private static final DegreeDistribution DEGREES = DegreeDistribution.parse("2:.1,3:.3,6:.2,12:.4");

    private static QuasiCyclicCode build(int window, long seed) {
        return new CodeConstruction(128, 60, 160, DEGREES, window, window == 0 ? 0 : 2, seed)
                .build("x", DecoderTables.generic());
    }

    @Test
    void isDeterministicFromTheSeed() {
        assertEquals(build(0, 1), build(0, 1));
        assertEquals(build(24, 1), build(24, 1));
        assertNotEquals(build(0, 1), build(0, 2));
    }

    @Test
    void hasNoFourCyclesAndTheDegreesAskedFor() {
        for (int window : new int[] {0, 24}) {
            QuasiCyclicCode code = build(window, 1);
            assertEquals(0, code.fourCycles());
            assertEquals(DEGREES.averageDegree() * 160, code.edges(), 5);
            assertTrue(code.columnDegrees().keySet().stream().allMatch(d -> d == 2 || d == 3 || d == 6 || d == 12));
        }
    }

    @Test
    void rowsOfAnUncoupledCodeAreNearlyRegular() {
        var degrees = build(0, 1).rowDegrees();
        assertTrue(degrees.lastKey() - degrees.firstKey() <= 2, degrees.toString());
    }

    @Test
    void coupledColumnsStayInTheirWindow() {
        QuasiCyclicCode code = build(24, 1);
        for (int[] column : code.columnEntries()) {
            assertTrue(column[column.length - 2] - column[0] <= 24);
        }
    }

    @Test
    void refusesWhatCannotBeFreeOfFourCycles() {
        assertThrows(
                IllegalArgumentException.class,
                () -> new CodeConstruction(64, 2, 140, DegreeDistribution.parse("2:1"), 0, 0, 1)
                        .build("x", DecoderTables.generic()));
    }

    @Test
    void distributionsKeepTheirNodeCounts() {
        DegreeDistribution d = DegreeDistribution.parse(" 2:.1, 3:.3,6:.2,12:.4");
        assertEquals("2:0.1000,3:0.3000,6:0.2000,12:0.4000", d.toString());
        assertEquals(1000, d.nodes(1000).length);
        assertEquals(.05 * d.averageDegree(), d.degreeTwoNodes(), 1e-12);
        assertEquals(.1, d.withDegreeTwoAtMost(.1).degreeTwoNodes(), 1e-12);
        assertEquals(6, d.capped(6).maxDegree());
        assertThrows(IllegalArgumentException.class, () -> DegreeDistribution.parse("2:.1,x:3"));
    }
}
