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
    private final long[] addresses;

    VectorSyndromeDecoder(QuasiCyclicCode code) {
        super(code, new VectorSyndromeEncoder(code));
        messageMemory = Memory.ALL.asSlice(messages, (long) code.edges() * circulant);
        bits = new LaneBits(chunks, arena);
        addresses = new long[table.length];
        for (int i = 0; i < table.length; i++) {
            addresses[i] = posteriors + table[i];
        }
    }

    @Override
    void load() {
        for (int r = 0; r < code.rows(); r++) {
            for (int chunk = 0; chunk < chunks; chunk++) {
                VectorMask<Byte> ones = VectorMask.fromLong(SPECIES, bits.gather(syndrome, r * chunks, chunk));
                ByteVector.zero(SPECIES)
                        .blend((byte) -1, ones)
                        .intoMemorySegment(Memory.ALL, syndromes + (long) (r * chunks + chunk) * LANES, ORDER);
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
        int before = 0;
        for (int r = 0; r < degree.length; r++) {
            unsatisfied += VectorPhiKernel.layer(
                    rotations,
                    scratch,
                    phi,
                    psi,
                    addresses,
                    entry,
                    degree[r],
                    before,
                    messages + LANES / 2 * (long) entry,
                    syndromes + (long) r * circulant,
                    chunks);
            entry += 2 * chunks * degree[r];
            before = degree[r];
        }
        VectorPhiKernel.layer(
                rotations,
                scratch,
                phi,
                psi,
                addresses,
                entry,
                0,
                before,
                messages + LANES / 2 * (long) entry,
                syndromes,
                1);
        return unsatisfied;
    }

    private long iterateMinSum(long minSum) {
        long unsatisfied = 0;
        int entry = 0;
        int before = 0;
        for (int r = 0; r < degree.length; r++) {
            unsatisfied += VectorMinSumKernel.layer(
                    rotations,
                    scratch,
                    minSum,
                    addresses,
                    entry,
                    degree[r],
                    before,
                    messages + LANES / 2 * (long) entry,
                    syndromes + (long) r * circulant,
                    chunks);
            entry += 2 * chunks * degree[r];
            before = degree[r];
        }
        VectorMinSumKernel.layer(
                rotations,
                scratch,
                minSum,
                addresses,
                entry,
                0,
                before,
                messages + LANES / 2 * (long) entry,
                syndromes,
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
                        SPECIES, Memory.ALL, posteriors + (long) c * circulant + (long) chunk * LANES, ORDER)
                .compare(LT, (byte) 0)
                .toLong();
    }

    @Override
    public Backend backend() {
        return Backend.VECTOR;
    }
}
