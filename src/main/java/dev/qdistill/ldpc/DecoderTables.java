package dev.qdistill.ldpc;

import java.util.Arrays;

/**
 * The arithmetic of a decoder in 8 bits: scale and clip of the messages, and the tables that turn check node results into
 * messages.
 *
 * <p>A log-likelihood ratio L (in nats) is represented by {@code round(unitsPerNat · L)}. There is one table for each of
 * {@value #STATES} states; the state is the fraction u of checks that the extrinsic signs of the last iteration left
 * unsatisfied: state = floor(31·sqrt(2u)), at most 30; state 31 is the first iteration. The tables come from
 * {@linkplain DensityEvolution density evolution}, where u and the reliability of a message are known together.
 *
 * @param unitsPerNat message units a nat, 1 to 16
 * @param phiResolution units of φ a nat, 8 to 255
 * @param phi {@link UpdateRule#PHI}: for each magnitude 0 to 127 the φ value 0 to 255, φ(x) = -ln tanh(x/2), constant from 63 up
 * @param psi {@link UpdateRule#PHI}: for each state, by half the φ sum, the message magnitude 0 to 63
 * @param minSum {@link UpdateRule#MIN_SUM}: for each state, by the minimum, the message magnitude 0 to 63
 * @param minSumBelow states below this one are left to min-sum also when the rule is φ: with few checks unsatisfied it converges
 *     as fast and costs less; 0 for codes that want φ throughout
 */
@SuppressWarnings("ArrayRecordComponent") // never changed after construction, and copied once into a decoder's memory
record DecoderTables(int unitsPerNat, int phiResolution, byte[] phi, byte[][] psi, byte[][] minSum, int minSumBelow) {
    static final int STATES = 32;
    static final int FIRST = 31;
    static final int SIZE = 128;
    /**
     * Of a message: the difference of two must fit in 8 bits. Tables need all of it: a clip at 44 leaves stray bits on chains of
     * columns of degree 2, whose neighbours cannot outvote two wrong priors.
     */
    static final int LARGEST = 63;

    DecoderTables {
        if (unitsPerNat < 1 || unitsPerNat > 16 || phiResolution < 8 || phiResolution > 255) {
            throw new IllegalArgumentException(
                    "Message scale " + unitsPerNat + " or phi resolution " + phiResolution + " out of range");
        }
        if (minSumBelow < 0 || minSumBelow > STATES) {
            throw new IllegalArgumentException("Decoder state " + minSumBelow + " out of range");
        }
        if (phi.length != SIZE || psi.length != STATES || minSum.length != STATES) {
            throw new IllegalArgumentException("Decoder tables of a wrong size");
        }
        for (int i = 64; i < SIZE; i++) {
            if (phi[i] != phi[63]) {
                throw new IllegalArgumentException("The table of phi is not constant from 63 up");
            }
        }
        for (int s = 0; s < STATES; s++) {
            requireTable(psi[s]);
            requireTable(minSum[s]);
        }
    }

    private static void requireTable(byte[] table) {
        if (table.length != SIZE) {
            throw new IllegalArgumentException("Decoder table of " + table.length + " entries, not " + SIZE);
        }
        for (byte v : table) {
            if (v < 0 || v > LARGEST) {
                throw new IllegalArgumentException("Decoder table entry " + (v & 255) + " above " + LARGEST);
            }
        }
    }

    /** Tables without knowledge of a code: the formulas of belief propagation and a rising scale of min-sum. */
    static DecoderTables generic() {
        return of(6, 96, 44, new byte[0][], new byte[0][]);
    }

    /** Tables with φ computed from the parameters; {@code psi} and {@code minSum} generic where empty. */
    static DecoderTables of(int unitsPerNat, int phiResolution, int clip, byte[][] psi, byte[][] minSum) {
        byte[][] p = psi;
        byte[][] m = minSum;
        if (p.length == 0) {
            p = new byte[STATES][SIZE];
            for (byte[] t : p) {
                for (int i = 0; i < SIZE; i++) {
                    double s = Math.max(2 * i + .5, .3) / phiResolution;
                    t[i] = (byte) Math.min(clip, Math.round(unitsPerNat * phiOf(s)));
                }
            }
        }
        if (m.length == 0) {
            m = new byte[STATES][SIZE];
            for (int s = 0; s < STATES; s++) {
                for (int i = 0; i < SIZE; i++) {
                    m[s][i] = (byte) Math.min(clip, Math.floor(i * (.9 - .6 * s / 31) + .5));
                }
            }
        }
        return new DecoderTables(unitsPerNat, phiResolution, phi(unitsPerNat, phiResolution), p, m, 0);
    }

    /** The same tables with another {@link #minSumBelow}. */
    DecoderTables withMinSumBelow(int state) {
        return new DecoderTables(unitsPerNat, phiResolution, phi, psi, minSum, state);
    }

    /** What a decoder in this state does when asked for {@code rule}. */
    UpdateRule effective(UpdateRule rule, int state) {
        return state < minSumBelow ? UpdateRule.MIN_SUM : rule;
    }

    /** φ of the magnitudes 0 to 127; a magnitude of 0 counts as half a unit, one above 63 as 63. */
    static byte[] phi(int unitsPerNat, int phiResolution) {
        byte[] phi = new byte[SIZE];
        for (int i = 0; i < SIZE; i++) {
            phi[i] = (byte) Math.min(255, Math.round(phiResolution * phiOf(Math.clamp(i, .5, 63) / unitsPerNat)));
        }
        return phi;
    }

    // StrictMath: Alice and Bob need not agree on it, but results should be the same on every machine.
    static double phiOf(double x) {
        return -StrictMath.log(StrictMath.tanh(x / 2));
    }

    /** The state after an iteration that left {@code unsatisfied} of {@code checks} checks unsatisfied. */
    static int state(long unsatisfied, long checks) {
        return (int) Math.min(30, 31 * Math.sqrt(2.0 * unsatisfied / checks));
    }

    /** The magnitude of the prior log-likelihood ratio at error rate {@code qber}. */
    int prior(double qber) {
        return (int) Math.min(120, Math.max(1, Math.round(unitsPerNat * Math.log((1 - qber) / qber))));
    }

    byte[][] table(UpdateRule rule) {
        return rule == UpdateRule.PHI ? psi : minSum;
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof DecoderTables t
                && unitsPerNat == t.unitsPerNat
                && phiResolution == t.phiResolution
                && minSumBelow == t.minSumBelow
                && Arrays.equals(phi, t.phi)
                && Arrays.deepEquals(psi, t.psi)
                && Arrays.deepEquals(minSum, t.minSum);
    }

    @Override
    public int hashCode() {
        return Arrays.deepHashCode(psi) * 31 + Arrays.deepHashCode(minSum);
    }

    @Override
    public String toString() {
        return "DecoderTables[" + unitsPerNat + " units a nat, phi resolution " + phiResolution + "]";
    }
}
