package dev.qdistill.gf2;

/** The additive Fourier transform modulo s_m + 1 (docs/additive-fft.md). Values lie in memory as the implementation likes. */
sealed interface Transform permits AdditiveFft, NativeTransform {
    /** Bytes of the coefficients, and of the values. */
    long bytes();

    /**
     * The values of a polynomial.
     *
     * @param coefficients {@link #bytes} bytes, in the basis of {@link BasisConversion}
     * @param values {@link #bytes} bytes, overwritten
     * @param scratch for each part {@link TransformKernels#scratchBytes}
     */
    void forward(long coefficients, long values, long scratch, Team.Part part);

    /**
     * The polynomial whose values are those of another times {@code factor}.
     *
     * @param coefficients of the other
     * @param factor the values of the one
     * @param values {@link #bytes} bytes, overwritten
     * @param product receives the coefficients of the product; may be {@code coefficients}
     */
    void multiply(long coefficients, long factor, long values, long product, long scratch, Team.Part part);
}
