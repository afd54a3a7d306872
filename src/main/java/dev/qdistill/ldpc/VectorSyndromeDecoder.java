package dev.qdistill.ldpc;

import static jdk.incubator.vector.VectorOperators.LT;

import dev.qdistill.accel.Backend;
import dev.qdistill.bits.BitString;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** With kernels of the Vector API, for 512-bit vectors. */
final class VectorSyndromeDecoder extends LanedSyndromeDecoder {
    private static final VectorSpecies<Byte> SPECIES = ByteVector.SPECIES_512;
    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

    private final MemorySegment messageMemory;
    private final LaneBits bits;
    private final long[] trace;

    VectorSyndromeDecoder(QuasiCyclicCode code) {
        super(code, new VectorSyndromeEncoder(code));
        messageMemory = memory.asSlice(messages - base, (long) code.edges() * circulant);
        bits = new LaneBits(chunks, arena);
        trace = new long[table.length];
        fillTrace();
    }

    // As the kernels go: pass 2 of a step's first edges, then both passes in turn, then pass 1 of the last edges of the
    // next step.
    private void fillTrace() {
        long first = posteriors - base;
        int t = 0;
        int next = 0;
        int before = 0;
        for (int step = 0; step <= degree.length * chunks; step++) {
            int edges = step == degree.length * chunks ? 0 : degree[step / chunks];
            int both = Math.min(before, edges) & -2;
            int present = next - 2 * before;
            for (; present < next - 2 * both; present += 2) {
                trace[t++] = first + table[present + 1];
            }
            for (int i = 0; i < edges; i++) {
                if (i < both) {
                    trace[t++] = first + table[present + 2 * i + 1];
                }
                trace[t++] = first + table[next + 2 * i];
            }
            next += 2 * edges;
            before = edges;
        }
    }

    @Override
    void load() {
        for (int r = 0; r < code.rows(); r++) {
            for (int chunk = 0; chunk < chunks; chunk++) {
                VectorMask<Byte> ones = VectorMask.fromLong(SPECIES, bits.gather(syndrome, r * chunks, chunk));
                ByteVector.zero(SPECIES)
                        .blend((byte) -1, ones)
                        .intoMemorySegment(memory, syndromes - base + (long) (r * chunks + chunk) * LANES, ORDER);
            }
        }
    }

    @Override
    void clearMessages() {
        messageMemory.fill((byte) 0);
    }

    @Override
    long iterate(UpdateRule rule, int state) {
        long magnitudes = magnitudes(rule, state);
        return rule == UpdateRule.PHI ? iteratePhi(magnitudes) : iterateMinSum(magnitudes);
    }

    private long iteratePhi(long psi) {
        long unsatisfied = 0;
        int entry = 0;
        int at = 0;
        int before = 0;
        for (int r = 0; r < degree.length; r++) {
            unsatisfied += VectorPhiKernel.layer(
                    memory,
                    scratch - base,
                    phi - base,
                    psi - base,
                    trace,
                    at,
                    degree[r],
                    before,
                    messages - base + LANES / 2 * (long) entry,
                    syndromes - base + (long) r * circulant,
                    chunks);
            entry += 2 * chunks * degree[r];
            at += before + (2 * chunks - 1) * degree[r];
            before = degree[r];
        }
        VectorPhiKernel.layer(
                memory,
                scratch - base,
                phi - base,
                psi - base,
                trace,
                at,
                0,
                before,
                messages - base + LANES / 2 * (long) entry,
                syndromes - base,
                1);
        return unsatisfied;
    }

    private long iterateMinSum(long minSum) {
        long unsatisfied = 0;
        int entry = 0;
        int at = 0;
        int before = 0;
        for (int r = 0; r < degree.length; r++) {
            unsatisfied += VectorMinSumKernel.layer(
                    memory,
                    scratch - base,
                    minSum - base,
                    trace,
                    at,
                    degree[r],
                    before,
                    messages - base + LANES / 2 * (long) entry,
                    syndromes - base + (long) r * circulant,
                    chunks);
            entry += 2 * chunks * degree[r];
            at += before + (2 * chunks - 1) * degree[r];
            before = degree[r];
        }
        VectorMinSumKernel.layer(
                memory,
                scratch - base,
                minSum - base,
                trace,
                at,
                0,
                before,
                messages - base + LANES / 2 * (long) entry,
                syndromes - base,
                1);
        return unsatisfied;
    }

    @Override
    void decide(BitString decision) {
        for (int c = 0; c < code.columns(); c++) {
            bits.clear();
            for (int chunk = 0; chunk < chunks; chunk++) {
                bits.scatter(signs(c, chunk), chunk);
            }
            bits.rotateInto(decision, c * chunks, alignment[c]);
        }
    }

    private long signs(int c, int chunk) {
        return ByteVector.fromMemorySegment(
                        SPECIES, memory, posteriors - base + (long) c * circulant + (long) chunk * LANES, ORDER)
                .compare(LT, (byte) 0)
                .toLong();
    }

    @Override
    public Backend backend() {
        return Backend.VECTOR;
    }
}
