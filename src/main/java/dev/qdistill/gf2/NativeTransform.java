package dev.qdistill.gf2;

import dev.qdistill.accel.Workers;
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
    public void forward(long coefficients, long values, long scratch, Workers workers) {
        strips(coefficients, values, scratch, workers);
        workers.split(16, 1, (from, to, worker) -> kernels.units(plan, values, 0, from, to));
    }

    @Override
    public void multiply(long coefficients, long factor, long values, long product, long scratch, Workers workers) {
        strips(coefficients, values, scratch, workers);
        workers.split(16, 1, (from, to, worker) -> kernels.units(plan, values, factor, from, to));
        // Strips go by eights.
        workers.split(1L << m - 17, 8, (from, to, worker) -> {
            kernels.stripsBack(plan, values, product, from, to, scratch + (long) NativePlan.SCRATCH_BYTES * worker);
        });
    }

    private void strips(long coefficients, long values, long scratch, Workers workers) {
        workers.split(1L << m - 17, 1, (from, to, worker) -> {
            kernels.strips(
                    plan, coefficients, bytes(), values, from, to, scratch + (long) NativePlan.SCRATCH_BYTES * worker);
        });
    }
}
