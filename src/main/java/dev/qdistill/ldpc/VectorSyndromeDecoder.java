package dev.qdistill.ldpc;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static jdk.incubator.vector.VectorOperators.LT;

import dev.qdistill.accel.Backend;
import dev.qdistill.bits.BitString;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * 64 checks of a layer at a time, for 512-bit vectors.
 *
 * <p>Layout. Element i of a circulant of Z = 64k bits lies in vector ("chunk") i mod k at lane i div k, so that any cyclic shift
 * is an aligned load of another chunk and a rotation of its lanes. The posteriors of a column are not rotated back after a
 * layer: they stay aligned to the layer that wrote them, and the next layer rotates by the difference of the two shifts only.
 * For that a layer writes to another buffer than it reads: each column has two, and a third one if its degree is odd, so that
 * an iteration ends in the buffer in which it began and one table of addresses serves all iterations. Layers of odd degree
 * are padded with an edge to a constant +127, which no rule notices.
 */
final class VectorSyndromeDecoder extends SyndromeDecoder {
    private static final VectorSpecies<Byte> SPECIES = ByteVector.SPECIES_512;
    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
    private static final int LANES = 64;
    // A few lines between arrays of power-of-two sizes, so that their beginnings do not share cache sets.
    private static final int SKEW = 5 * 64;

    private final int circulant;
    private final int chunks;
    private final long[] table;
    private final int[] tableStart;
    private final int[] degree;
    private final long[] layerMessages;
    // By column: the shift to which its posteriors are aligned at the end of an iteration.
    private final int[] alignment;
    private final long rotations;
    private final long scratch;
    private final long phi;
    private final long psi;
    private final long minSum;
    private final long posteriors;
    private final long syndromes;
    private final MemorySegment posteriorMemory;
    private final MemorySegment messageMemory;
    private final MemorySegment padding;
    // For each chunk the bits of a circulant's words that lie in it.
    private final boolean powerOfTwo;

    VectorSyndromeDecoder(QuasiCyclicCode code) {
        super(code, new VectorSyndromeEncoder(code));
        circulant = code.circulant();
        chunks = circulant / LANES;
        powerOfTwo = Integer.bitCount(chunks) == 1 && chunks <= LANES;
        int rows = code.rows();
        degree = new int[rows];
        tableStart = new int[rows];
        layerMessages = new long[rows];
        int entries = 0;
        int edges = 0;
        int largest = 0;
        for (int r = 0; r < rows; r++) {
            degree[r] = code.rowStart(r + 1) - code.rowStart(r) + 1 & ~1;
            tableStart[r] = entries;
            entries += (chunks + 1) * degree[r] * 2;
            edges += degree[r];
            largest = Math.max(largest, degree[r]);
        }
        table = new long[entries];
        alignment = new int[code.columns()];

        long buffer = (long) code.columns() * circulant + SKEW;
        long fixed =
                LANES * LANES + (largest + 1L) * LANES + DecoderTables.SIZE * (1 + 2L * DecoderTables.STATES) + 128;
        long size = fixed + 3 * buffer + (long) edges * circulant + SKEW + (long) rows * circulant;
        MemorySegment all = arena.allocate(size, 4096);
        long at = all.address();
        rotations = at;
        at += LANES * LANES;
        scratch = at;
        at += (largest + 1L) * LANES;
        phi = at;
        at += DecoderTables.SIZE;
        psi = at;
        at += DecoderTables.SIZE * DecoderTables.STATES;
        minSum = at;
        at += DecoderTables.SIZE * DecoderTables.STATES;
        long pad = at;
        at += 128;
        posteriors = at;
        at += 3 * buffer;
        long messages = at;
        at += (long) edges * circulant + SKEW;
        syndromes = at;
        posteriorMemory = all.asSlice(posteriors - all.address(), (long) code.columns() * circulant);
        messageMemory = all.asSlice(messages - all.address(), (long) edges * circulant);
        padding = all.asSlice(pad - all.address(), LANES);

        for (int r = 0; r < rows; r++) {
            layerMessages[r] = messages;
            messages += (long) degree[r] * circulant;
        }
        fillAddresses(buffer, pad);
        verifyAddresses(all.address(), size);
        fillTables(all);
    }

    private void fillAddresses(long buffer, long pad) {
        for (int r = 0; r < code.rows(); r++) {
            for (int chunk = 0; chunk <= chunks; chunk++) {
                for (int j = 0; j < degree[r]; j++) {
                    int entry = tableStart[r] + (chunk * degree[r] + j) * 2;
                    table[entry] = pad;
                    table[entry + 1] = pad + LANES;
                }
            }
        }
        int[][] columns = code.columnEntries();
        int[] seen = new int[code.columns()];
        for (int c = 0; c < code.columns(); c++) {
            alignment[c] = columns[c][columns[c].length - 1];
        }
        int[] present = alignment.clone();
        for (int r = 0; r < code.rows(); r++) {
            for (int e = code.rowStart(r); e < code.rowStart(r + 1); e++) {
                int c = code.column(e);
                int d = columns[c].length / 2;
                int nth = seen[c]++;
                int rotation = Math.floorMod(code.shift(e) - present[c], circulant);
                present[c] = code.shift(e);
                boolean odd = d % 2 == 1;
                int source = odd && nth == d - 1 && d > 1 ? 2 : nth % 2;
                int target = nth == d - 1 ? 0 : odd && nth == d - 2 ? 2 : (nth + 1) % 2;
                long column = posteriors + (long) c * circulant;
                for (int chunk = 0; chunk < chunks; chunk++) {
                    int from = chunk + rotation % chunks;
                    int lanes = rotation / chunks;
                    if (from >= chunks) {
                        from -= chunks;
                        lanes = lanes + 1 & LANES - 1;
                    }
                    int entry = tableStart[r] + (chunk * degree[r] + e - code.rowStart(r)) * 2;
                    table[entry] = column + source * buffer + (long) from * LANES | lanes;
                    table[entry + 2 * degree[r] + 1] = column + target * buffer + (long) chunk * LANES;
                }
            }
        }
    }

    // The kernels access memory at these addresses without a check.
    private void verifyAddresses(long start, long size) {
        long end = start + size - LANES;
        for (int i = 0; i < table.length; i++) {
            long address = i % 2 == 0 ? table[i] & -LANES : table[i];
            if (address < posteriors - 128 || address > end || address % LANES != 0) {
                throw new AssertionError("Address " + i + " of " + code.name() + " is out of range");
            }
        }
        for (int r = 0; r < degree.length; r++) {
            boolean tableFits = tableStart[r] + (chunks + 1) * degree[r] * 2 <= table.length;
            boolean messagesFit = layerMessages[r] >= start
                    && layerMessages[r] + (long) degree[r] * circulant <= end + LANES
                    && layerMessages[r] % LANES == 0;
            if (!tableFits || !messagesFit) {
                throw new AssertionError("Layer " + r + " of " + code.name() + " is out of range");
            }
        }
        if (syndromes % LANES != 0 || syndromes + (long) degree.length * circulant > start + size) {
            throw new AssertionError("Syndrome of " + code.name() + " is out of range");
        }
    }

    private void fillTables(MemorySegment all) {
        for (int r = 0; r < LANES; r++) {
            for (int l = 0; l < LANES; l++) {
                all.set(JAVA_BYTE, rotations - all.address() + (long) r * LANES + l, (byte) (l + r & LANES - 1));
            }
        }
        DecoderTables t = code.tables();
        MemorySegment.copy(t.phi(), 0, all, JAVA_BYTE, phi - all.address(), DecoderTables.SIZE);
        for (int s = 0; s < DecoderTables.STATES; s++) {
            long offset = (long) s * DecoderTables.SIZE - all.address();
            MemorySegment.copy(t.psi()[s], 0, all, JAVA_BYTE, psi + offset, DecoderTables.SIZE);
            MemorySegment.copy(t.minSum()[s], 0, all, JAVA_BYTE, minSum + offset, DecoderTables.SIZE);
        }
    }

    @Override
    void load() {
        for (int r = 0; r < code.rows(); r++) {
            for (int chunk = 0; chunk < chunks; chunk++) {
                spread(gather(r, chunk), syndromes + (long) r * circulant + (long) chunk * LANES);
            }
        }
    }

    // The syndrome bits chunk, chunk + k, chunk + 2k, ... of a layer.
    private long gather(int row, int chunk) {
        long bits = 0;
        long at = (long) row * circulant;
        if (powerOfTwo) {
            int perWord = LANES / chunks;
            long mask = stride(chunk);
            for (int w = 0; w < chunks; w++) {
                bits |= Long.compress(syndrome.word((at >>> 6) + w), mask) << (w * perWord);
            }
        } else {
            for (int l = 0; l < LANES; l++) {
                bits |= syndrome.bits(at + (long) l * chunks + chunk, 1) << l;
            }
        }
        return bits;
    }

    // Ones at chunk, chunk + k, chunk + 2k, ... for k a power of two.
    private long stride(int chunk) {
        long mask = 1;
        for (int k = LANES / 2; k >= chunks; k /= 2) {
            mask |= mask << k;
        }
        return mask << chunk;
    }

    private static void spread(long bits, long address) {
        ByteVector.zero(SPECIES)
                .blend((byte) -1, VectorMask.fromLong(SPECIES, bits))
                .intoMemorySegment(Memory.ALL, address, ORDER);
    }

    @Override
    void reset(int prior) {
        posteriorMemory.fill((byte) prior);
        messageMemory.fill((byte) 0);
        padding.fill((byte) 127);
    }

    @Override
    void pin() {
        for (int w = 0; w < code.frameBits() / 64; w++) {
            long k = known.word(w);
            while (k != 0) {
                int bit = w * 64 + Long.numberOfTrailingZeros(k);
                Memory.ALL.set(JAVA_BYTE, address(bit), (byte) (knownErrors.get(bit) ? -127 : 127));
                k &= k - 1;
            }
        }
    }

    // Of the posterior of a bit between iterations.
    private long address(int bit) {
        int c = bit / circulant;
        int element = Math.floorMod(bit % circulant - alignment[c], circulant);
        return posteriors + (long) c * circulant + (long) (element % chunks) * LANES + element / chunks;
    }

    @Override
    int posterior(int bit) {
        return Memory.ALL.get(JAVA_BYTE, address(bit));
    }

    @Override
    long iterate(UpdateRule rule, int state) {
        return rule == UpdateRule.PHI
                ? iteratePhi(psi + (long) state * DecoderTables.SIZE)
                : iterateMinSum(minSum + (long) state * DecoderTables.SIZE);
    }

    private long iteratePhi(long lut) {
        long unsatisfied = 0;
        for (int r = 0; r < degree.length; r++) {
            unsatisfied += VectorPhiKernel.layer(
                    rotations,
                    scratch,
                    phi,
                    lut,
                    table,
                    tableStart[r],
                    degree[r],
                    layerMessages[r],
                    syndromes + (long) r * circulant,
                    chunks);
        }
        return unsatisfied;
    }

    private long iterateMinSum(long lut) {
        long unsatisfied = 0;
        for (int r = 0; r < degree.length; r++) {
            unsatisfied += VectorMinSumKernel.layer(
                    rotations,
                    scratch,
                    lut,
                    table,
                    tableStart[r],
                    degree[r],
                    layerMessages[r],
                    syndromes + (long) r * circulant,
                    chunks);
        }
        return unsatisfied;
    }

    @Override
    void decide(BitString decision) {
        for (int c = 0; c < code.columns(); c++) {
            if (powerOfTwo && alignment[c] == 0) {
                decideColumn(decision, c);
            } else {
                decideByBit(decision, c);
            }
        }
    }

    private void decideColumn(BitString decision, int c) {
        int perWord = LANES / chunks;
        long first = (long) c * chunks;
        for (int w = 0; w < chunks; w++) {
            decision.setWord(first + w, 0);
        }
        for (int chunk = 0; chunk < chunks; chunk++) {
            long signs = signs(c, chunk);
            if (signs == 0) {
                continue;
            }
            long mask = stride(chunk);
            for (int w = 0; w < chunks; w++) {
                decision.setWord(first + w, decision.word(first + w) | Long.expand(signs >>> (w * perWord), mask));
            }
        }
    }

    private void decideByBit(BitString decision, int c) {
        for (int chunk = 0; chunk < chunks; chunk++) {
            long signs = signs(c, chunk);
            for (int l = 0; l < LANES; l++) {
                int element = (l * chunks + chunk + alignment[c]) % circulant;
                decision.set((long) c * circulant + element, (signs >>> l & 1) != 0);
            }
        }
    }

    private long signs(int c, int chunk) {
        return ByteVector.fromMemorySegment(
                        SPECIES, Memory.ALL, posteriors + (long) c * circulant + (long) chunk * LANES, ORDER)
                .compare(LT, (byte) 0)
                .toLong();
    }

    @Override
    public Backend backend() {
        return Backend.VECTOR;
    }
}
