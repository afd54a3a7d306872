package dev.qdistill.amplify;

import dev.qdistill.bits.BitString;
import dev.qdistill.gf2.Gf2Multiplier;
import dev.qdistill.gf2.MiddleProduct;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * y = T x with the m×n Toeplitz matrix {@code T[i][j] = s[i - j + n - 1]}: bits [n - 1, n - 1 + m) of the product of the
 * polynomials s and x.
 *
 * <p>If that product needs more memory than allowed, T is cut into square blocks. The block of rows i_0 … i_0 + b - 1 and columns
 * j_0 … j_0 + b - 1 is a Toeplitz matrix with the seed {@code s'[k] = s[k + i_0 - j_0 + n - b]}, and y is the sum of its products; s
 * and x count as zero beyond their ends. All blocks of a diagonal have the same seed, which is transformed once for them. With
 * b = n/c the products of one block of input take about c times as long as the one.
 */
final class ToeplitzProduct implements AutoCloseable {
    /** The smallest blocks. */
    private static final long MIN_BLOCK = 1 << 12;

    private final long columns;
    private final long rows;
    private final long block;
    private final MiddleProduct product;
    private final List<Tile> tiles;
    private final @Nullable BitString seed;
    private final @Nullable BitString tileSeed;
    private final @Nullable BitString tileInput;
    private final @Nullable BitString tileOutput;

    private record Tile(long row, long column) {
        long diagonal() {
            return row - column;
        }
    }

    /**
     * In the largest blocks that fit.
     *
     * @param columns n
     * @param rows m
     * @param memory bytes that this may allocate
     * @throws MemoryLimitException if that is too little for the smallest blocks
     */
    static ToeplitzProduct within(long memory, Gf2Multiplier multiplier, long columns, long rows, int threads) {
        int useful = multiplier.worthwhileThreads(2 * columns + rows, threads);
        long block = wholeBytes(multiplier, columns, rows, useful) <= memory
                ? 0
                : block(multiplier, columns, rows, useful, memory);
        return new ToeplitzProduct(multiplier, columns, rows, useful, block);
    }

    /**
     * @param block b, a multiple of 64; 0 for T as a whole
     */
    ToeplitzProduct(Gf2Multiplier multiplier, long columns, long rows, int threads, long block) {
        this.columns = columns;
        this.rows = rows;
        this.block = block;
        if (block == 0) {
            product = multiplier.middleProduct(columns + rows - 1, columns, columns - 1, rows, threads);
            tiles = List.of();
            seed = null;
            tileSeed = null;
            tileInput = null;
            tileOutput = null;
            return;
        }
        product = multiplier.middleProduct(2 * block - 1, block, block - 1, block, threads);
        tiles = new ArrayList<>();
        for (long row = 0; row < rows; row += block) {
            for (long column = 0; column < columns; column += block) {
                tiles.add(new Tile(row, column));
            }
        }
        tiles.sort(Comparator.comparingLong(Tile::diagonal));
        seed = BitString.allocate(columns + rows - 1);
        tileSeed = BitString.allocate(2 * block - 1);
        tileInput = BitString.allocate(block);
        tileOutput = BitString.allocate(block);
    }

    private static long wholeBytes(Gf2Multiplier multiplier, long columns, long rows, int threads) {
        return multiplier.memoryBytes(columns + rows - 1, columns, columns - 1, rows, threads);
    }

    private static long splitBytes(Gf2Multiplier multiplier, long columns, long rows, long block, int threads) {
        return BitString.paddedBytes(columns + rows - 1)
                + BitString.paddedBytes(2 * block - 1)
                + 2 * BitString.paddedBytes(block)
                + multiplier.memoryBytes(2 * block - 1, block, block - 1, block, threads);
    }

    // The largest that fits, of those that cut the longer side into 2, 3, 4 … parts.
    private static long block(Gf2Multiplier multiplier, long columns, long rows, int threads, long memory) {
        long longer = Math.max(columns, rows);
        for (long parts = 2; ; parts++) {
            long block = Math.max(MIN_BLOCK, (longer + parts - 1) / parts + 63 & ~63L);
            long needed = splitBytes(multiplier, columns, rows, block, threads);
            if (needed <= memory) {
                return block;
            }
            if (block == MIN_BLOCK) {
                throw new MemoryLimitException(needed, memory);
            }
        }
    }

    /** b; 0 if T is taken as a whole. */
    long block() {
        return block;
    }

    /** Whether the matrix is cut into blocks. */
    boolean isSplit() {
        return block > 0;
    }

    /** Fixes T; the seed may change or be closed afterwards. */
    void seed(BitString s) {
        if (seed == null) {
            product.setFirst(s);
        } else {
            seed.copyFrom(s, 0, 0, s.length());
        }
    }

    /** {@code y = T x}; bits of x beyond the columns do not count. */
    void multiply(BitString x, BitString y) {
        if (seed == null || tileSeed == null || tileInput == null || tileOutput == null) {
            product.multiply(x, y);
            return;
        }
        y.wipe();
        long diagonal = Long.MAX_VALUE;
        for (Tile t : tiles) {
            if (t.diagonal() != diagonal) {
                diagonal = t.diagonal();
                cut(seed, seed.length(), diagonal + columns - block, tileSeed);
                product.setFirst(tileSeed);
            }
            cut(x, columns, t.column, tileInput);
            product.multiply(tileInput, tileOutput);
            y.xor(tileOutput, t.row, Math.min(block, rows - t.row));
        }
    }

    // Of the first `length` bits of s those from `from` up, which may lie before its start; zeros where it has none.
    private static void cut(BitString s, long length, long from, BitString to) {
        long first = Math.max(0, from);
        long end = Math.min(length, from + to.length());
        if (end - first < to.length()) {
            to.wipe();
        }
        to.copyFrom(s, first, first - from, end - first);
    }

    /** Wipes and frees the memory. A second call does nothing. */
    @Override
    public void close() {
        product.close();
        for (BitString s : new @Nullable BitString[] {seed, tileSeed, tileInput, tileOutput}) {
            if (s != null) {
                s.close();
            }
        }
    }
}
