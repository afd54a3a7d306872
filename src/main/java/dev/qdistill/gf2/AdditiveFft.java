package dev.qdistill.gf2;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The additive Fourier transform of polynomials over GF(2) modulo s_m + 1, degree 2^m, m from {@value #MIN} to
 * {@value #MAX}; 2^m bits to 2^m bits, products become products of GF(2^32) element by element.
 *
 * <p>The zeros of s_m + 1 are β_m + V_m. They fall into Frobenius orbits of 32, and a polynomial over GF(2) is known on an
 * orbit by its value at one point; the points β_m + v, v in V_m without β_{m-1}, β_{m-2}, β_{m-4}, β_{m-8}, β_{m-16}, are one of
 * each (Chen, Cheng, Kuo, Li, Yang 2018). The transform (Lin, Chung, Han 2014) has a stage for each bit i of the index, from m -
 * 1 down: {@code lo += w hi; hi += lo} with w = s_i of the point = β_{m-i} + Σ β_{k-i} over the set bits k &gt; i. At the five
 * left out, half of the points are dropped, lo + w hi = (lo + (w - β_{m-i}) hi) + β_{m-i} hi is one element of a field of twice
 * the degree, and hi stays where it is, as its high half.
 *
 * <p>So a bit of the index is one of three things. m - 1, m - 2, m - 4 become the bits of a byte: a byte plane has 2^(m-3)
 * bytes. m - 8 and m - 16 select the byte of an element of GF(2^32). All others number the elements: bits 0–5 are the lanes of
 * a vector at first; before the last six stages they change places with six other bits.
 */
final class AdditiveFft implements Transform {
    static final int MIN = 17;
    static final int MAX = 31;

    /** Bytes of scratch memory of a worker: a strip, tables, a few strips on their way back to memory. */
    static final int SCRATCH_BYTES = (1 << 15) + (1 << 17);

    private static final int STRIP = 1 << 14;
    private static final int BUFFER = 1 << 15;
    private static final int BUFFER_ROW = 512;
    private static final int TABLE = STRIP;
    private static final int TILE_TABLES = TABLE + 2048;

    /** Units that stay in a core's second-level cache together with those of the other factor. */
    private static final int UNIT_BYTES_LOG2 = 18;

    private static final byte NO = 0;
    private static final byte YES = -1;

    private final int m;
    private final long plane;
    private final long highPlane;
    private final List<Stage> stages = new ArrayList<>();
    private final List<TileStage> tileStages = new ArrayList<>();
    private final long[] stripTables = new long[6];
    private final int[] tileBits;
    private final long tileMask;
    private final long tilesMask;
    private final int tileCountBits;
    private final long elementMask;
    private final int unitBits;
    private final boolean tilesInUnits;

    /** A stage above the tiles: constant over the lanes. */
    private record Stage(int bit, boolean wide, boolean truncated, long blockMask, int blockBits, Twiddles twiddles) {}

    /** A stage within the tiles: one constant of the tile, one of each lane. */
    private record TileStage(
            boolean wide,
            boolean truncated,
            long stride,
            int pairs,
            long pairMask,
            Twiddles twiddles,
            int blocks,
            long blockMask,
            int lanePairs,
            long laneMask,
            long laneConstants) {}

    /**
     * @param arena for the tables: a few hundred KB
     */
    AdditiveFft(int m, Arena arena) {
        if (m < MIN || m > MAX) {
            throw new IllegalArgumentException("Transform of 2^" + m + " bits");
        }
        this.m = m;
        plane = 1L << m - 8;
        unitBits = Math.max(4, m - UNIT_BYTES_LOG2 - 3);
        tilesInUnits = m >= 20;
        stripTables(arena);
        // Bits that number elements, and are above the lanes, from low to high.
        List<Integer> numbers = new ArrayList<>();
        for (int i = 6; i < m; i++) {
            int fromTop = m - i;
            if (fromTop != 1 && fromTop != 2 && fromTop != 4 && fromTop != 8 && fromTop != 16) {
                numbers.add(i);
            }
        }
        tileBits = numbers.subList(0, 6).stream().mapToInt(i -> i).toArray();
        tileMask = addresses(numbers.subList(0, 6));
        tilesMask = addresses(numbers.subList(6, numbers.size()));
        tileCountBits = numbers.size() - 6;
        highPlane = m - 16 >= 6 ? 1L << m - 16 : 1L << tileBits[m - 16];
        elementMask = (addresses(numbers) & ~highPlane);
        for (int i = m - 9; i >= 6; i--) {
            int bit = i;
            List<Integer> above = numbers.stream().filter(k -> k > bit).toList();
            List<Integer> exponents = above.stream().map(k -> k - bit).toList();
            boolean truncated = i == m - 16;
            boolean wide = i < m - 16;
            Twiddles t = new Twiddles(arena, wide, truncated ? -1 : m - i, exponents);
            stages.add(new Stage(i, wide, truncated, addresses(above), above.size(), t));
        }
        for (int i = 5; i >= 0; i--) {
            tileStages.add(tileStage(i, numbers.subList(6, numbers.size()), arena));
        }
    }

    @Override
    public long bytes() {
        return 1L << m - 3;
    }

    @Override
    public void forward(long coefficients, long values, long scratch, Team.Part part) {
        stripsForward(coefficients, values, scratch, part);
        while (part.next()) {
            if (tilesInUnits) {
                long own = scratch + (long) SCRATCH_BYTES * part.index;
                for (long top = part.from(16); top < part.to(16); top++) {
                    upperStages(values, top, own);
                    for (long u = top << unitBits - 4; u < top + 1 << unitBits - 4; u++) {
                        lowerStages(values, u, own);
                        tilesForward(values, u, unitBits, own);
                    }
                }
            } else if (part.index == 0) {
                stages(values, scratch);
                tilesForward(values, 0, 0, scratch);
            }
        }
    }

    @Override
    public void multiply(long coefficients, long factor, long values, long product, long scratch, Team.Part part) {
        stripsForward(coefficients, values, scratch, part);
        while (part.next()) {
            multiplyValues(values, factor, scratch, part);
        }
        stripsInverse(values, product, scratch, part);
    }

    private void multiplyValues(long values, long factor, long scratch, Team.Part part) {
        if (tilesInUnits) {
            long own = scratch + (long) SCRATCH_BYTES * part.index;
            for (long top = part.from(16); top < part.to(16); top++) {
                upperStages(values, top, own);
                for (long u = top << unitBits - 4; u < top + 1 << unitBits - 4; u++) {
                    lowerStages(values, u, own);
                    tilesForward(values, u, unitBits, own);
                    pointwise(values, factor, u, unitBits, own);
                    tilesInverse(values, u, unitBits, own);
                    lowerStagesInverse(values, u, own);
                }
                upperStagesInverse(values, top, own);
            }
        } else if (part.index == 0) {
            stages(values, scratch);
            tilesForward(values, 0, 0, scratch);
            pointwise(values, factor, 0, 0, scratch);
            tilesInverse(values, 0, 0, scratch);
            stagesInverse(values, scratch);
        }
    }

    private void stripsForward(long coefficients, long values, long scratch, Team.Part part) {
        long n = 1L << m - 17;
        while (part.next()) {
            long own = scratch + (long) SCRATCH_BYTES * part.index;
            for (long s = part.from(n); s < part.to(n); s++) {
                stripForward(coefficients + 64 * s, values + 512 * s, own);
            }
        }
    }

    private void stripsInverse(long values, long coefficients, long scratch, Team.Part part) {
        while (part.next()) {
            partOfStripsInverse(values, coefficients, scratch + (long) SCRATCH_BYTES * part.index, part);
        }
    }

    // Rows share one set of the first-level cache: lines written one by one would throw each other out. So strips go to
    // memory by
    // eights.
    private void partOfStripsInverse(long values, long coefficients, long own, Team.Part part) {
        long strips = 1L << m - 17;
        long eights = strips + 7 >>> 3;
        for (long s0 = part.from(eights) << 3; s0 < part.to(eights) << 3; s0 += 8) {
            int n = (int) Math.min(8, strips - s0);
            for (int k = 0; k < n; k++) {
                stripInverse(values + 512 * (s0 + k), own + BUFFER + 64L * k, own);
            }
            for (int r = 0; r < 256; r++) {
                MemorySegment.copy(
                        Memory.ALL,
                        own + BUFFER + (long) BUFFER_ROW * r,
                        Memory.ALL,
                        coefficients + ((long) r << m - 11) + 64 * s0,
                        64L * n);
            }
        }
    }

    // The values fall into 16 parts by the four highest bits that number elements, and into 2^unitBits units by more of
    // them.
    // Stages below those bits do not mix parts or units.

    private void upperStages(long values, long part, long scratch) {
        for (int s = 0; s < unitBits - 4; s++) {
            runStage(stages.get(s), values, part, 4, scratch + TABLE, NO, YES);
        }
    }

    private void upperStagesInverse(long values, long part, long scratch) {
        for (int s = unitBits - 5; s >= 0; s--) {
            runStage(stages.get(s), values, part, 4, scratch + TABLE, YES, NO);
        }
    }

    private void lowerStages(long values, long unit, long scratch) {
        for (int s = unitBits - 4; s < stages.size(); s++) {
            runStage(stages.get(s), values, unit, unitBits, scratch + TABLE, NO, YES);
        }
    }

    private void lowerStagesInverse(long values, long unit, long scratch) {
        for (int s = stages.size() - 1; s >= unitBits - 4; s--) {
            runStage(stages.get(s), values, unit, unitBits, scratch + TABLE, YES, NO);
        }
    }

    // All above the tiles, where the whole stays in a core's first-level cache.
    private void stages(long values, long scratch) {
        for (int s = 0; s < stages.size(); s++) {
            runStage(stages.get(s), values, 0, 0, scratch + TABLE, NO, YES);
        }
    }

    private void stagesInverse(long values, long scratch) {
        for (int s = stages.size() - 1; s >= 0; s--) {
            runStage(stages.get(s), values, 0, 0, scratch + TABLE, YES, NO);
        }
    }

    private void pointwise(long values, long factor, long unit, int bits, long scratch) {
        int inner = m - 11 - bits;
        PointwiseKernel.multiply(
                values, factor, plane, highPlane, unit << inner, unit + 1 << inner, elementMask, scratch);
    }

    private void runStage(Stage s, long values, long unit, int unitBits, long table, byte pre, byte post) {
        int inner = s.blockBits - unitBits;
        long from = unit << inner;
        long to = unit + 1 << inner;
        long stride = 1L << s.bit;
        // Up to the next plane or block, vectors follow each other.
        int vectors = 1 << s.bit - 6;
        long mask = stride - 64;
        if (s.wide) {
            s.twiddles.start(from, table);
            for (long b = from; b < to; b++) {
                long lo = values + Long.expand(b, s.blockMask);
                if (pre != NO) {
                    ButterflyKernel.add(lo + stride, lo, plane, highPlane, vectors, mask);
                }
                ButterflyKernel.ints(lo, lo + stride, plane, highPlane, vectors, mask, table);
                if (post != NO) {
                    ButterflyKernel.add(lo + stride, lo, plane, highPlane, vectors, mask);
                }
                if (b + 1 < to) {
                    s.twiddles.step(b, table);
                }
            }
        } else {
            s.twiddles.start(from, table);
            byte before = s.truncated ? NO : pre;
            byte after = s.truncated ? NO : post;
            ButterflyKernel.shorts(
                    values,
                    from,
                    to,
                    s.blockMask,
                    vectors,
                    mask,
                    stride,
                    plane,
                    table,
                    s.twiddles.deltas(),
                    before,
                    after);
        }
    }

    private void stripTables(Arena arena) {
        // Bits m - 3, m - 5, m - 6, m - 7 of the point, as distances from m.
        int[] tops = {3, 5, 6, 7};
        for (int s = 0; s < 6; s++) {
            int bit = 3 + s;
            int blocks = s == 0 || s == 1 ? 1 : 1 << s - 1;
            long at = arena.allocate((long) LookupTables.BYTES8 * blocks, 64).address();
            stripTables[s] = at;
            for (int b = 0; b < blocks; b++) {
                int w = bit == 8 ? 0 : CantorTower.beta(bit);
                for (int t = 0; t < s - 1; t++) {
                    // The highest bit of b is bit m - 3 of the point.
                    if ((b >>> s - 2 - t & 1) != 0) {
                        w ^= CantorTower.beta(bit - tops[t]);
                    }
                }
                int constant = w;
                byte[] tables = bit == 4
                        ? LookupTables.map8(x -> x ^ CantorTower.multiply(CantorTower.beta(1), x >>> 4))
                        : LookupTables.map8(x -> CantorTower.multiply(constant, x));
                Memory.put(at + (long) LookupTables.BYTES8 * b, tables);
            }
        }
    }

    // 512 coefficients of each of 256 rows to 512 elements of each of 32 byte rows; bits m - 1 to m - 8.
    private void stripForward(long coefficients, long values, long strip) {
        long row = 1L << m - 11;
        // Rows by bits m - 8, m - 7, m - 6, m - 5, m - 3.
        long rowMask = 15 * row | 32 * row;
        ExchangeKernel.bits(coefficients, rowMask, 128 * row, 64 * row, 16 * row, strip, 31 << 9, 64, 128, 256, 32);
        ExchangeKernel.lanes(strip, 32, 31 << 9, 64, 128, 256, 3);
        ButterflyKernel.bytes(strip, strip + (16 << 9), 128, 127 << 6, stripTables[0], NO, YES);
        ButterflyKernel.map(strip + (16 << 9), 128, stripTables[1]);
        for (int s = 2; s < 6; s++) {
            int half = 1 << 5 - s;
            for (int b = 0; b < 1 << s - 1; b++) {
                long lo = strip + ((long) b * 2 * half << 9);
                ButterflyKernel.bytes(
                        lo,
                        lo + ((long) half << 9),
                        8 * half,
                        8L * half - 1 << 6,
                        stripTables[s] + (long) LookupTables.BYTES8 * b,
                        NO,
                        s == 5 ? NO : YES);
            }
        }
        for (int r = 0; r < 32; r++) {
            copy(strip + (r << 9), values + r * plane);
        }
    }

    // To 256 rows, BUFFER_ROW apart.
    private void stripInverse(long values, long coefficients, long strip) {
        for (int r = 0; r < 32; r++) {
            copy(values + r * plane, strip + (r << 9));
        }
        for (int s = 5; s >= 2; s--) {
            int half = 1 << 5 - s;
            for (int b = 0; b < 1 << s - 1; b++) {
                long lo = strip + ((long) b * 2 * half << 9);
                ButterflyKernel.bytes(
                        lo,
                        lo + ((long) half << 9),
                        8 * half,
                        8L * half - 1 << 6,
                        stripTables[s] + (long) LookupTables.BYTES8 * b,
                        s == 5 ? NO : YES,
                        NO);
            }
        }
        ButterflyKernel.map(strip + (16 << 9), 128, stripTables[1]);
        ButterflyKernel.bytes(strip, strip + (16 << 9), 128, 127 << 6, stripTables[0], YES, NO);
        ExchangeKernel.lanes(strip, 32, 31 << 9, 64, 128, 256, 3);
        long row = BUFFER_ROW;
        long rowMask = 15 * row | 32 * row;
        ExchangeKernel.bits(strip, 31 << 9, 64, 128, 256, coefficients, rowMask, 128 * row, 64 * row, 16 * row, 32);
    }

    // Eight vectors.
    private static void copy(long from, long to) {
        MemorySegment.copy(Memory.ALL, from, Memory.ALL, to, 512);
    }

    private TileStage tileStage(int i, List<Integer> tileNumbers, Arena arena) {
        // In a tile the vectors are numbered by bits 0–5, at the addresses of tileBits.
        int high = m - 16;
        boolean truncated = i == high;
        boolean wide = high > 5 || i < high;
        List<Integer> exponents = tileNumbers.stream().map(k -> k - i).toList();
        Twiddles t = new Twiddles(arena, wide, truncated ? -1 : m - i, exponents);
        long pairMask = tileMask & ~(1L << tileBits[i]);
        List<Integer> aboveBits = new ArrayList<>();
        long laneMask = 0;
        long blockMask = 0;
        for (int k = 0; k < 6; k++) {
            long address = 1L << tileBits[k];
            if (k < i) {
                laneMask |= address;
            } else if (k > i && !(wide && k == high)) {
                blockMask |= address;
                aboveBits.add(k);
            }
        }
        if (wide) {
            pairMask &= ~highPlane;
            // Lane constants are of GF(2^16): both halves of an element go the same way.
            laneMask |= highPlane;
        }
        int blocks = 1 << aboveBits.size();
        long constants =
                arena.allocate((long) NibbleLogs.CONSTANT_BYTES * blocks, 64).address();
        for (int b = 0; b < blocks; b++) {
            int common = 0;
            for (int k = 0; k < aboveBits.size(); k++) {
                common ^= (b >>> k & 1) == 0 ? 0 : CantorTower.beta(aboveBits.get(k) - i);
            }
            int[] c = new int[64];
            for (int lane = 0; lane < 64; lane++) {
                c[lane] = common;
                for (int k = 0; k < 6; k++) {
                    // Lane bit (k + 3) mod 6 held bit k, and now holds bit tileBits[k].
                    c[lane] ^= (lane >>> (k + 3) % 6 & 1) == 0 ? 0 : CantorTower.beta(tileBits[k] - i);
                }
            }
            Memory.put(constants + (long) NibbleLogs.CONSTANT_BYTES * b, NibbleLogs.constants(c));
        }
        return new TileStage(
                wide,
                truncated,
                1L << tileBits[i],
                1 << Long.bitCount(pairMask),
                pairMask,
                t,
                blocks,
                blockMask,
                1 << Long.bitCount(laneMask),
                laneMask,
                constants);
    }

    private void tilesForward(long values, long unit, int bits, long scratch) {
        long from = unit << tileCountBits - bits;
        long to = unit + 1 << tileCountBits - bits;
        long tables = scratch + TILE_TABLES;
        startTiles(from, tables);
        for (long tile = from; tile < to; tile++) {
            long base = values + Long.expand(tile, tilesMask);
            transpose(base);
            for (int s = 0; s < 6; s++) {
                TileStage stage = tileStages.get(s);
                byte post = stage.truncated ? NO : YES;
                constantPart(stage, base, tables + 2048L * s);
                LaneKernel.shorts(
                        base,
                        stage.blocks,
                        stage.blockMask,
                        stage.lanePairs,
                        stage.laneMask,
                        stage.stride,
                        plane,
                        stage.laneConstants,
                        NO,
                        post);
            }
            stepTiles(tile, to, tables);
        }
    }

    private void tilesInverse(long values, long unit, int bits, long scratch) {
        long from = unit << tileCountBits - bits;
        long to = unit + 1 << tileCountBits - bits;
        long tables = scratch + TILE_TABLES;
        startTiles(from, tables);
        for (long tile = from; tile < to; tile++) {
            long base = values + Long.expand(tile, tilesMask);
            for (int s = 5; s >= 0; s--) {
                TileStage stage = tileStages.get(s);
                byte pre = stage.truncated ? NO : YES;
                LaneKernel.shorts(
                        base,
                        stage.blocks,
                        stage.blockMask,
                        stage.lanePairs,
                        stage.laneMask,
                        stage.stride,
                        plane,
                        stage.laneConstants,
                        pre,
                        NO);
                constantPart(stage, base, tables + 2048L * s);
            }
            transpose(base);
            stepTiles(tile, to, tables);
        }
    }

    private void constantPart(TileStage s, long base, long table) {
        if (s.wide) {
            ButterflyKernel.ints(base, base + s.stride, plane, highPlane, s.pairs, s.pairMask, table);
        } else {
            ButterflyKernel.shorts(base, 0, 1, 0, s.pairs, s.pairMask, s.stride, plane, table, table, NO, NO);
        }
    }

    private void startTiles(long from, long tables) {
        for (int s = 0; s < 6; s++) {
            tileStages.get(s).twiddles.start(from, tables + 2048L * s);
        }
    }

    private void stepTiles(long tile, long to, long tables) {
        if (tile + 1 < to) {
            for (int s = 0; s < 6; s++) {
                tileStages.get(s).twiddles.step(tile, tables + 2048L * s);
            }
        }
    }

    // Bit k of the vector's number, at address bit tileBits[k], changes places with lane bit (k + 3) mod 6, in all
    // planes.
    private void transpose(long base) {
        long t0 = 1L << tileBits[0];
        long t1 = 1L << tileBits[1];
        long t2 = 1L << tileBits[2];
        long t3 = 1L << tileBits[3];
        long t4 = 1L << tileBits[4];
        long t5 = 1L << tileBits[5];
        long planes = m - 16 >= 6 ? plane | highPlane : plane;
        int groups = 8 << Long.bitCount(planes);
        ExchangeKernel.lanes(base, groups, t3 | t4 | t5 | planes, t0, t1, t2, 3);
        ExchangeKernel.lanes(base, groups, t0 | t1 | t2 | planes, t3, t4, t5, 0);
    }

    // Where bits of the index are in an address: all below m - 4 in their place, m - 3 one lower.
    private long addresses(List<Integer> bits) {
        long mask = 0;
        for (int i : bits) {
            mask |= 1L << (i == m - 3 ? i - 1 : i);
        }
        return mask;
    }
}
