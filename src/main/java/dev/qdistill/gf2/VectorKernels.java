package dev.qdistill.gf2;

import java.util.function.IntUnaryOperator;

/** By the Vector API, 512 bits. */
final class VectorKernels implements TransformKernels {
    @Override
    public int tableBytes(boolean wide) {
        return wide ? LookupTables.BYTES32 : LookupTables.BYTES16;
    }

    @Override
    public long betaTables(boolean wide) {
        return wide ? LookupTables.BETA32 : LookupTables.BETA16;
    }

    @Override
    public byte[] tables8(IntUnaryOperator map) {
        return LookupTables.map8(map);
    }

    @Override
    public void xor(long to, long from, long bytes) {
        CopyKernel.xor(to, from, bytes);
    }

    @Override
    public void bytes(long lo, long hi, int vectors, long mask, long table, byte pre, byte post) {
        ButterflyKernel.bytes(lo, hi, vectors, mask, table, pre, post);
    }

    @Override
    public void map(long data, int vectors, long table) {
        ButterflyKernel.map(data, vectors, table);
    }

    @Override
    public void shorts(
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

    @Override
    public void add(long to, long from, long p, long q, int vectors, long mask) {
        ButterflyKernel.add(to, from, p, q, vectors, mask);
    }

    @Override
    public void ints(long lo, long hi, long p, long q, int vectors, long mask, long table) {
        ButterflyKernel.ints(lo, hi, p, q, vectors, mask, table);
    }

    @Override
    public void lanes(
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

    @Override
    public void pointwise(long x, long y, long p, long q, long from, long to, long mask, long scratch) {
        PointwiseKernel.multiply(x, y, p, q, from, to, mask, scratch);
    }

    @Override
    public void exchangeLanes(long data, int groups, long mask, long d0, long d1, long d2, int firstBit) {
        ExchangeKernel.lanes(data, groups, mask, d0, d1, d2, firstBit);
    }

    @Override
    public void exchangeBits(
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

    @Override
    public void blocks(long address, long blocks, boolean inverse) {
        for (long b = 0; b < blocks; b++) {
            if (inverse) {
                BlockConversion.inverse(address + (b << 13));
            } else {
                BlockConversion.forward(address + (b << 13));
            }
        }
    }

    @Override
    public void rows16(long address, long stride, int columns, boolean inverse) {
        if (inverse) {
            RowConversion.inverse16(address, stride, columns);
        } else {
            RowConversion.forward16(address, stride, columns);
        }
    }

    @Override
    public void shift(long lo, long hi, long bytes, int bits) {
        BlockConversion.shift(lo, hi, bytes, bits);
    }
}
