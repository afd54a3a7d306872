package dev.qdistill.dump;

/** The file formats that {@link DumpReader} reads. */
public enum DumpFormat {
    /** The project's own container. */
    QRAW("qraw"),
    /** Lines of {@code index,basis,bit} below that header line. */
    TEXT("text"),
    /** Sifted bits of the qcrypto stack, stream type 3. */
    QCRYPTO_T3("qcrypto-t3");

    private final String id;

    DumpFormat(String id) {
        this.id = id;
    }

    /** The name in reports. */
    public String id() {
        return id;
    }
}
