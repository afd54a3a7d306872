package dev.qdistill.ldpc;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The memory of decoders that update 64 checks of a layer at a time.
 *
 * <p>Element i of a circulant of Z = 64k bits lies in vector ("chunk") i mod k at lane i div k, so that any cyclic shift is an
 * aligned load of another chunk and a rotation of its lanes. The posteriors of a column are not rotated back after a layer: they
 * stay aligned to the layer that wrote them, and the next layer rotates by the difference of the two shifts only. For that a
 * layer writes to another buffer than it reads: each column has two, and a third one if its degree is odd, so that an iteration
 * ends in the buffer in which it began and one table of addresses serves all iterations.
 *
 * <p>A step is one chunk of one layer. Kernels do pass 2 of each step (new posteriors and messages) together with pass 1 of the
 * next (what the checks gather), because the latency of the reductions would bound them otherwise. Within a layer the two touch
 * different memory; from a layer to the next one they may not: pass 2 of edge number j + max(0, d - d') of a step with d edges
 * comes before pass 1 of edge number j of the next, with d'. So edges are numbered within their layer in an order in which
 * each column is written before it is read. Sums and minima do not depend on it.
 */
abstract sealed class LanedSyndromeDecoder extends SyndromeDecoder
        permits VectorSyndromeDecoder, NativeSyndromeDecoder {
    static final int LANES = 64;
    // A few lines between arrays of power-of-two sizes, so that their beginnings do not share cache sets.
    private static final int SKEW = 5 * 64;
    // Before the scratch vectors: what one layer leaves to the next.
    static final int PENDING = 3 * LANES;

    final int circulant;
    final int chunks;
    final int[] degree;
    // By step and edge: source | rotation of lanes, target; both as offsets from the posteriors.
    final int[] table;
    // By column: the shift to which its posteriors are aligned at the end of an iteration.
    final int[] alignment;
    // All the addresses that follow are in it.
    final MemorySegment memory;
    final long base;
    final long scratch;
    final long phi;
    final long posteriors;
    final long messages;
    final long syndromes;
    private final long psi;
    private final long minSum;
    private final MemorySegment posteriorMemory;

    LanedSyndromeDecoder(QuasiCyclicCode code, SyndromeEncoder encoder) {
        super(code, encoder);
        circulant = code.circulant();
        chunks = circulant / LANES;
        int rows = code.rows();
        degree = new int[rows];
        for (int r = 0; r < rows; r++) {
            degree[r] = code.rowStart(r + 1) - code.rowStart(r);
        }
        table = new int[2 * code.edges() * chunks];
        alignment = new int[code.columns()];
        int largest = Arrays.stream(degree).max().orElse(0);
        long buffer = (long) code.columns() * circulant + SKEW;

        long size = PENDING
                + (long) largest * LANES
                + DecoderTables.SIZE * (1 + 2L * DecoderTables.STATES)
                + 3 * buffer
                + (long) code.edges() * circulant
                + SKEW
                + (long) rows * circulant;
        memory = arena.allocate(size, 4096);
        base = memory.address();
        scratch = base + PENDING;
        long at = scratch + (long) largest * LANES;
        phi = at;
        at += DecoderTables.SIZE;
        psi = at;
        at += DecoderTables.SIZE * DecoderTables.STATES;
        minSum = at;
        at += DecoderTables.SIZE * DecoderTables.STATES;
        posteriors = at;
        at += 3 * buffer;
        messages = at;
        at += (long) code.edges() * circulant + SKEW;
        syndromes = at;
        posteriorMemory = memory.asSlice(posteriors - base, (long) code.columns() * circulant);

        fillAddresses(buffer);
        verifyAddresses(3 * buffer - LANES);
        fillTables();
    }

    private void fillAddresses(long buffer) {
        int[][] columns = code.columnEntries();
        int[] seen = new int[code.columns()];
        for (int c = 0; c < code.columns(); c++) {
            alignment[c] = columns[c][columns[c].length - 1];
        }
        int[] present = alignment.clone();
        int[] number = new int[code.edges()];
        int entry = 0;
        for (int r = 0; r < code.rows(); r++) {
            numberEdges(r, number);
            for (int e = code.rowStart(r); e < code.rowStart(r + 1); e++) {
                int c = code.column(e);
                int d = columns[c].length / 2;
                int nth = seen[c]++;
                int rotation = Math.floorMod(code.shift(e) - present[c], circulant);
                present[c] = code.shift(e);
                boolean odd = d % 2 == 1;
                int source = odd && nth == d - 1 && d > 1 ? 2 : nth % 2;
                int target = nth == d - 1 ? 0 : odd && nth == d - 2 ? 2 : (nth + 1) % 2;
                long column = (long) c * circulant;
                for (int chunk = 0; chunk < chunks; chunk++) {
                    int i = entry + 2 * (chunk * degree[r] + number[e]);
                    table[i] = Math.toIntExact(column + source * buffer) + rotated(chunk, rotation);
                    table[i + 1] = Math.toIntExact(column + target * buffer + (long) chunk * LANES);
                }
            }
            entry += 2 * chunks * degree[r];
        }
    }

    // Where a chunk of a column lies that has to be rotated: the offset of another chunk | the rotation of its lanes.
    final int rotated(int chunk, int rotation) {
        int from = chunk + rotation % chunks;
        int lanes = rotation / chunks;
        if (from >= chunks) {
            from -= chunks;
            lanes = lanes + 1 & LANES - 1;
        }
        return from * LANES | lanes;
    }

    // A column that the layer before has too keeps its place in the common loop; the others fill the gaps.
    private void numberEdges(int r, int[] number) {
        int begin = code.rowStart(r);
        int end = code.rowStart(r + 1);
        int lead = r == 0 ? 0 : Math.max(0, degree[r - 1] - degree[r]);
        boolean[] taken = new boolean[degree[r]];
        Arrays.fill(number, begin, end, -1);
        for (int before = r == 0 ? begin : code.rowStart(r - 1); before < begin; before++) {
            for (int e = begin; e < end; e++) {
                int place = number[before] - lead;
                if (code.column(e) == code.column(before) && place >= 0) {
                    number[e] = place;
                    taken[place] = true;
                }
            }
        }
        int free = 0;
        for (int e = begin; e < end; e++) {
            if (number[e] < 0) {
                while (taken[free]) {
                    free++;
                }
                number[e] = free++;
            }
        }
    }

    // The kernels in C access memory at these addresses without a check.
    private void verifyAddresses(long last) {
        for (int i = 0; i < table.length; i++) {
            int offset = i % 2 == 0 ? table[i] & -LANES : table[i];
            if (offset < 0 || offset > last || offset % LANES != 0) {
                throw new AssertionError("Address " + i + " of " + code.name() + " is out of range");
            }
        }
        if (Arrays.stream(degree).sum() * chunks * 2 != table.length
                || (posteriors | messages | syndromes | scratch | phi) % LANES != 0) {
            throw new AssertionError("Layers of " + code.name() + " are out of range");
        }
    }

    private void fillTables() {
        DecoderTables t = code.tables();
        MemorySegment.copy(t.phi(), 0, memory, JAVA_BYTE, phi - base, DecoderTables.SIZE);
        for (int s = 0; s < DecoderTables.STATES; s++) {
            long offset = (long) s * DecoderTables.SIZE - base;
            MemorySegment.copy(t.psi()[s], 0, memory, JAVA_BYTE, psi + offset, DecoderTables.SIZE);
            MemorySegment.copy(t.minSum()[s], 0, memory, JAVA_BYTE, minSum + offset, DecoderTables.SIZE);
        }
    }

    /** Address of the 128 message magnitudes of a state. */
    final long magnitudes(UpdateRule rule, int state) {
        return (rule == UpdateRule.PHI ? psi : minSum) + (long) state * DecoderTables.SIZE;
    }

    @Override
    final void reset(int prior) {
        posteriorMemory.fill((byte) prior);
        clearMessages();
    }

    /** Makes all messages count as zero. */
    abstract void clearMessages();

    @Override
    final void pin() {
        for (int w = 0; w < code.frameBits() / 64; w++) {
            long k = known.word(w);
            while (k != 0) {
                int bit = w * 64 + Long.numberOfTrailingZeros(k);
                memory.set(JAVA_BYTE, offset(bit), (byte) (knownErrors.get(bit) ? -127 : 127));
                k &= k - 1;
            }
        }
    }

    // Of the posterior of a bit between iterations, in the memory.
    private long offset(int bit) {
        int c = bit / circulant;
        int element = Math.floorMod(bit % circulant - alignment[c], circulant);
        return posteriors - base + (long) c * circulant + (long) (element % chunks) * LANES + element / chunks;
    }

    @Override
    final int posterior(int bit) {
        return memory.get(JAVA_BYTE, offset(bit));
    }
}
