package dev.qdistill.dump;

/** A preparation or measurement basis. */
public enum Basis {
    /** The key basis: its sifted bits become key. */
    Z,
    /** The test basis: its sifted bits are disclosed. */
    X
}
