package dev.qdistill.ldpc;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.qdistill.accel.Backend;
import dev.qdistill.bits.BitString;
import java.lang.foreign.MemorySegment;

/** The reference: one check after another, as the contract of {@link SyndromeDecoder} reads. */
final class ScalarSyndromeDecoder extends SyndromeDecoder {
    // By frame bit, by edge and check, by check of one edge.
    private final MemorySegment posterior;
    private final MemorySegment message;
    private final byte[] extrinsic;

    ScalarSyndromeDecoder(QuasiCyclicCode code) {
        super(code, new ScalarSyndromeEncoder(code));
        posterior = arena.allocate(code.frameBits(), BitString.ALIGNMENT);
        message = arena.allocate((long) code.edges() * code.circulant(), BitString.ALIGNMENT);
        int degree = 0;
        for (int r = 0; r < code.rows(); r++) {
            degree = Math.max(degree, code.rowStart(r + 1) - code.rowStart(r));
        }
        extrinsic = new byte[degree];
    }

    @Override
    void load() {}

    @Override
    void reset(int prior) {
        posterior.fill((byte) prior);
        message.fill((byte) 0);
    }

    @Override
    void pin() {
        for (int i = 0; i < code.frameBits(); i++) {
            if (known.get(i)) {
                posterior.set(JAVA_BYTE, i, (byte) (knownErrors.get(i) ? -127 : 127));
            }
        }
    }

    @Override
    long iterate(UpdateRule rule, int state) {
        DecoderTables tables = code.tables();
        byte[] table = tables.table(rule)[state];
        long unsatisfied = 0;
        for (int r = 0; r < code.rows(); r++) {
            for (int i = 0; i < code.circulant(); i++) {
                int begin = code.rowStart(r);
                int degree = code.rowStart(r + 1) - begin;
                boolean odd = syndrome.get((long) r * code.circulant() + i);
                for (int j = 0; j < degree; j++) {
                    int t = saturate(
                            posterior.get(JAVA_BYTE, bit(begin + j, i)) - message.get(JAVA_BYTE, index(begin + j, i)));
                    extrinsic[j] = (byte) t;
                    odd ^= t < 0;
                }
                if (odd) {
                    unsatisfied++;
                }
                if (rule == UpdateRule.PHI) {
                    phi(begin, degree, i, odd, tables.phi(), table);
                } else {
                    minSum(begin, degree, i, odd, table);
                }
            }
        }
        return unsatisfied;
    }

    private void phi(int begin, int degree, int i, boolean odd, byte[] phi, byte[] psi) {
        int sum = 0;
        int largest = 0;
        for (int j = 0; j < degree; j++) {
            int p = phi[magnitude(j)] & 255;
            sum = Math.min(255, sum + Math.min(largest, p));
            largest = Math.max(largest, p);
        }
        for (int j = 0; j < degree; j++) {
            int p = phi[magnitude(j)] & 255;
            store(begin, j, i, odd, psi[Math.min(255, sum + largest - p) >> 1]);
        }
    }

    private void minSum(int begin, int degree, int i, boolean odd, byte[] table) {
        int first = 127;
        int second = 127;
        for (int j = 0; j < degree; j++) {
            int a = magnitude(j);
            second = Math.min(second, Math.max(first, a));
            first = Math.min(first, a);
        }
        for (int j = 0; j < degree; j++) {
            store(begin, j, i, odd, table[Math.abs(extrinsic[j]) == first ? second : first]);
        }
    }

    private int magnitude(int j) {
        return Math.min(127, Math.abs(extrinsic[j]));
    }

    private void store(int begin, int j, int i, boolean odd, int magnitude) {
        int m = odd ^ extrinsic[j] < 0 ? -magnitude : magnitude;
        int x = posterior.get(JAVA_BYTE, bit(begin + j, i));
        int c = message.get(JAVA_BYTE, index(begin + j, i));
        int updated = saturate(x + m - c);
        posterior.set(JAVA_BYTE, bit(begin + j, i), (byte) updated);
        message.set(JAVA_BYTE, index(begin + j, i), (byte) (c + updated - x));
    }

    private long index(int edge, int i) {
        return (long) edge * code.circulant() + i;
    }

    private long bit(int edge, int i) {
        return (long) code.column(edge) * code.circulant() + (i + code.shift(edge)) % code.circulant();
    }

    private static int saturate(int v) {
        return Math.max(-128, Math.min(127, v));
    }

    @Override
    void decide(BitString decision) {
        for (int i = 0; i < code.frameBits(); i++) {
            decision.set(i, posterior.get(JAVA_BYTE, i) < 0);
        }
    }

    @Override
    int posterior(int bit) {
        return posterior.get(JAVA_BYTE, bit);
    }

    @Override
    public Backend backend() {
        return Backend.SCALAR;
    }
}
