package dev.qdistill.security;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** What the source sends, and so which bound applies. The bases are Z (key) and X (test) in all of them. */
public enum Protocol {
    /** BB84 with single photons, or BBM92: one row of counts. */
    SINGLE_PHOTON(1),
    /** BB84 with phase-randomised weak coherent pulses, a signal and one decoy intensity. */
    ONE_DECOY(2),
    /** BB84 with phase-randomised weak coherent pulses, a signal and two decoy intensities. */
    TWO_DECOY(3);

    private final int intensities;

    Protocol(int intensities) {
        this.intensities = intensities;
    }

    /** The number of intensities: 1, 2 or 3. */
    public int intensities() {
        return intensities;
    }

    /** The name in files and reports: {@code single-photon}, {@code one-decoy}, {@code two-decoy}. */
    public String id() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The protocol with this {@link #id()}, if there is one. */
    public static Optional<Protocol> of(String id) {
        return Arrays.stream(values()).filter(p -> p.id().equals(id)).findFirst();
    }
}
