package dev.qdistill.dump;

/** A column that a dump may or may not have; the bits are always there. */
public enum Column {
    /** The index of the pulse (raw), or of the sifted position (sifted). */
    PULSE,
    /** The basis. */
    BASIS,
    /** The intensity: Alice's, with decoys. */
    INTENSITY,
    /** Whether both detectors of the basis clicked: Bob's. */
    DOUBLE_CLICK
}
