package dev.qdistill.gf2;

import java.lang.foreign.Arena;

/** The transform of one size in C. */
final class NativeTransform implements Transform {
    private final int m;
    private final NativeTransforms kernels;
    private final NativePlan tables;
    private final long plan;

    NativeTransform(int m, NativeTransforms kernels, Arena arena) {
        this.m = m;
        this.kernels = kernels;
        // Kept, since it keeps the memory that the address is of.
        tables = new NativePlan(m, arena);
        plan = tables.address();
    }

    @Override
    public long bytes() {
        return 1L << m - 3;
    }

    @Override
    public void forward(long coefficients, long values, long scratch, Team.Part part) {
        strips(coefficients, values, scratch, part);
        while (part.next()) {
            kernels.units(plan, values, 0, part.from(16), part.to(16));
        }
    }

    @Override
    public void multiply(long coefficients, long factor, long values, long product, long scratch, Team.Part part) {
        strips(coefficients, values, scratch, part);
        while (part.next()) {
            kernels.units(plan, values, factor, part.from(16), part.to(16));
        }
        // Strips go by eights.
        long eights = (1L << m - 17) + 7 >>> 3;
        while (part.next()) {
            long to = Math.min(1L << m - 17, part.to(eights) << 3);
            kernels.stripsBack(plan, values, product, part.from(eights) << 3, to, own(scratch, part));
        }
    }

    private void strips(long coefficients, long values, long scratch, Team.Part part) {
        long n = 1L << m - 17;
        while (part.next()) {
            kernels.strips(plan, coefficients, bytes(), values, part.from(n), part.to(n), own(scratch, part));
        }
    }

    private static long own(long scratch, Team.Part part) {
        return scratch + (long) NativePlan.SCRATCH_BYTES * part.index;
    }
}
