package dev.qdistill.dump;

import java.util.Locale;

/** What the source sends, which decides the finite-key bound. */
public enum Protocol {
    /** Weak coherent pulses of two mean photon numbers: signal and decoy. */
    ONE_DECOY(1, 2),
    /** Weak coherent pulses of three mean photon numbers: signal, decoy, and a weaker one or vacuum. */
    TWO_DECOY(2, 3),
    /** Single photons (BB84) or entangled pairs (BBM92). */
    SINGLE_PHOTON(3, 1);

    private final int code;
    private final int intensities;

    Protocol(int code, int intensities) {
        this.code = code;
        this.intensities = intensities;
    }

    /** The number in a QRAW file. */
    int code() {
        return code;
    }

    /** The number of intensities, 1 to 3. */
    public int intensities() {
        return intensities;
    }

    /** The name on the command line and in reports, such as {@code one-decoy}. */
    public String id() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
