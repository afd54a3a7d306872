package dev.qdistill.accel;

import java.util.Locale;

/** The instruction sets that the C kernels come in, the fastest first. */
public enum NativeIsa {
    /** AVX-512 F, BW, DQ, VL, VBMI and VBMI2 with GFNI and VPCLMULQDQ: Ice Lake, Zen 4 and later. */
    AVX512(2, "AVX-512 with VBMI2 and GFNI"),
    /** AVX2 with GFNI: desktop processors of 2021 and later. */
    AVX2_GFNI(1, "AVX2 with GFNI"),
    /** AVX2 with BMI2 and PCLMULQDQ: nearly every x86-64 processor since 2013. */
    AVX2(0, "AVX2 with BMI2 and PCLMULQDQ");

    private final int bit;
    private final String needs;

    NativeIsa(int bit, String needs) {
        this.bit = bit;
        this.needs = needs;
    }

    /** The name in the system property {@code qdistill.native.isa} and in reports: avx512, avx2-gfni, avx2. */
    public String id() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** What a CPU must have for it, in words. */
    public String needs() {
        return needs;
    }

    /** Whether {@code qd_isas} of native/cpu.c found it. */
    boolean isIn(int found) {
        return (found >>> bit & 1) != 0;
    }
}
