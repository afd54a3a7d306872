package dev.qdistill.accel;

import java.util.Locale;

/** The instruction sets that the C kernels come in, the fastest first. */
public enum NativeIsa {
    /** AVX-512 F, BW, DQ, VL, VBMI and VBMI2 with GFNI and VPCLMULQDQ: Ice Lake, Zen 4 and later. */
    AVX512(2),
    /** AVX2 with GFNI: desktop processors of 2021 and later. */
    AVX2_GFNI(1),
    /** AVX2 with BMI2 and PCLMULQDQ: nearly every x86-64 processor since 2013. */
    AVX2(0);

    /** What a CPU must have for any of them, in words. */
    public static final String LEAST = "AVX2 with BMI2 and PCLMULQDQ";

    private final int bit;

    NativeIsa(int bit) {
        this.bit = bit;
    }

    /** The name in the system property {@code qdistill.native.isa} and in reports: avx512, avx2-gfni, avx2. */
    public String id() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Whether {@code qd_isas} of native/cpu.c found it. */
    boolean isIn(int found) {
        return (found >>> bit & 1) != 0;
    }
}
