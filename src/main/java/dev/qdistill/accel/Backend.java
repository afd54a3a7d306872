package dev.qdistill.accel;

import java.util.Locale;

/** What a kernel runs on. */
public enum Backend {
    /** The fastest of the others that works on this machine. */
    AUTO,
    /** Plain Java: the reference. */
    SCALAR,
    /** The Vector API. */
    VECTOR,
    /** C through the foreign function interface. */
    NATIVE,
    /** An OpenCL device. */
    OPENCL;

    /** What the CPU's part runs on, beside a device or without one. */
    public Backend onCpu() {
        return this == OPENCL ? AUTO : this;
    }

    /** The name on the command line and in reports. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }
}
