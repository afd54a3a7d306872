package dev.qdistill.gf2;

import java.util.function.IntUnaryOperator;

/** The inner loops of {@link AdditiveFft} and {@link BasisConversion} by the Vector API, on absolute addresses (see {@link Memory}). */
final class VectorKernels {
    static int tableBytes(boolean wide) {
        return wide ? LookupTables.BYTES32 : LookupTables.BYTES16;
    }

    static long betaTables(boolean wide) {
        return wide ? LookupTables.BETA32 : LookupTables.BETA16;
    }

    static byte[] tables8(IntUnaryOperator map) {
        return LookupTables.map8(map);
    }

    static void xor(long to, long from, long bytes) {
        CopyKernel.xor(to, from, bytes);
    }

    static void xorTaking(long to, long from, long bytes, long own) {
        CopyKernel.xorTaking(to, from, bytes, own);
    }

    static void bytes(long lo, long hi, int vectors, long mask, long table, byte pre, byte post) {
        ButterflyKernel.bytes(lo, hi, vectors, mask, table, pre, post);
    }

    static void map(long data, int vectors, long table) {
        ButterflyKernel.map(data, vectors, table);
    }

    static void shorts(
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
            byte post) {
        ButterflyKernel.shorts(data, from, to, blockMask, vectors, mask, stride, plane, table, deltas, pre, post);
    }

    static void add(long to, long from, long p, long q, int vectors, long mask) {
        ButterflyKernel.add(to, from, p, q, vectors, mask);
    }

    static void ints(long lo, long hi, long p, long q, int vectors, long mask, long table) {
        ButterflyKernel.ints(lo, hi, p, q, vectors, mask, table);
    }

    static void lanes(
            long data,
            int blocks,
            long blockMask,
            int vectors,
            long mask,
            long stride,
            long plane,
            long constants,
            byte pre,
            byte post) {
        LaneKernel.shorts(data, blocks, blockMask, vectors, mask, stride, plane, constants, pre, post);
    }

    static void pointwise(long x, long y, long p, long q, long from, long to, long mask, long scratch) {
        PointwiseKernel.multiply(x, y, p, q, from, to, mask, scratch);
    }

    static void exchangeLanes(long data, int groups, long mask, long d0, long d1, long d2, int firstBit) {
        ExchangeKernel.lanes(data, groups, mask, d0, d1, d2, firstBit);
    }

    static void exchangeBits(
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
            int groups) {
        ExchangeKernel.bits(from, fromMask, s0, s1, s2, to, toMask, t0, t1, t2, groups);
    }

    static void blocks(long address, long blocks, boolean inverse) {
        for (long b = 0; b < blocks; b++) {
            if (inverse) {
                BlockConversion.inverse(address + (b << 13));
            } else {
                BlockConversion.forward(address + (b << 13));
            }
        }
    }

    static void rows16(long address, long stride, int columns, boolean inverse) {
        if (inverse) {
            RowConversion.inverse16(address, stride, columns);
        } else {
            RowConversion.forward16(address, stride, columns);
        }
    }

    static void shift(long lo, long hi, long bytes, int bits) {
        BlockConversion.shift(lo, hi, bytes, bits);
    }
}
