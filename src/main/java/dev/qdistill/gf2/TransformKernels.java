package dev.qdistill.gf2;

import java.util.function.IntUnaryOperator;

/**
 * The inner loops of {@link AdditiveFft} and {@link BasisConversion}, on absolute addresses of 64-byte aligned memory (see {@link
 * Memory}). The classes of the Vector API implementation say what each does.
 */
sealed interface TransformKernels permits VectorKernels, NativeKernels {
    /** Bytes of the tables of a constant of GF(2^16), or GF(2^32) if wide: a multiple of 64. They are linear in the constant. */
    int tableBytes(boolean wide);

    /** The address of the tables of β_0 … β_15, or β_31 if wide, one after the other. */
    long betaTables(boolean wide);

    /** The tables of a linear map of GF(2^8), {@value LookupTables#BYTES8} bytes. */
    byte[] tables8(IntUnaryOperator map);

    /** {@code to ^= from}, a multiple of 64 bytes. */
    void xor(long to, long from, long bytes);

    /** {@link ButterflyKernel#bytes}. */
    void bytes(long lo, long hi, int vectors, long mask, long table, byte pre, byte post);

    /** {@link ButterflyKernel#map}. */
    void map(long data, int vectors, long table);

    /** {@link ButterflyKernel#shorts}. */
    void shorts(
            long data,
            long from,
            long to,
            long blockMask,
            int vectors,
            long mask,
            long stride,
            long plane,
            long table,
            long deltas,
            byte pre,
            byte post);

    /** {@link ButterflyKernel#add}. */
    void add(long to, long from, long p, long q, int vectors, long mask);

    /** {@link ButterflyKernel#ints}. */
    void ints(long lo, long hi, long p, long q, int vectors, long mask, long table);

    /** {@link LaneKernel#shorts}. */
    void lanes(
            long data,
            int blocks,
            long blockMask,
            int vectors,
            long mask,
            long stride,
            long plane,
            long constants,
            byte pre,
            byte post);

    /** {@link PointwiseKernel#multiply}. */
    void pointwise(long x, long y, long p, long q, long from, long to, long mask, long scratch);

    /** {@link ExchangeKernel#lanes}. */
    void exchangeLanes(long data, int groups, long mask, long d0, long d1, long d2, int firstBit);

    /** {@link ExchangeKernel#bits}. */
    void exchangeBits(
            long from,
            long fromMask,
            long s0,
            long s1,
            long s2,
            long to,
            long toMask,
            long t0,
            long t1,
            long t2,
            int groups);

    /** {@link BlockConversion}: {@code blocks} blocks of 2^16 bits. */
    void blocks(long address, long blocks, boolean inverse);

    /** {@link RowConversion#forward16} or its inverse. */
    void rows16(long address, long stride, int columns, boolean inverse);

    /** {@code lo ^= hi << bits}, 1, 2, 4 … 32 bits, with what is below hi at the start; a multiple of 64 bytes. */
    void shift(long lo, long hi, long bytes, int bits);
}
