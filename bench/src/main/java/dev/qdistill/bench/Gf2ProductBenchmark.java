package dev.qdistill.bench;

import dev.qdistill.accel.Backend;
import dev.qdistill.bits.BitString;
import dev.qdistill.gf2.Gf2Multiplier;
import dev.qdistill.gf2.MiddleProduct;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Full products of two polynomials of n bits, both transformed afresh, on each back end and by libgf2x (if it is installed):
 * {@code scripts/bench Gf2ProductBenchmark}. With {@code -prof gc} the allocation per product must be next to nothing.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 3)
@Measurement(iterations = 5, time = 1)
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC"
        })
public class Gf2ProductBenchmark {
    /** A back end, or gf2x. */
    @Param({"scalar", "vector", "native", "gf2x"})
    public String by = "vector";

    @Param({"65536", "262144", "1048576", "1153434"})
    public long bits;

    @Param("1")
    public int threads;

    private BitString a;
    private BitString b;
    private BitString product;
    private MiddleProduct plan;
    private LibGf2x gf2x;

    @Setup(Level.Trial)
    public void setUp() {
        var random = new SplittableRandom(1);
        a = BitString.random(bits, random);
        b = BitString.random(bits, random);
        product = BitString.allocate(2 * bits + 128);
        if (by.equals("gf2x")) {
            gf2x = LibGf2x.load();
        } else {
            product = BitString.allocate(2 * bits - 1);
            plan = Gf2Multiplier.create(Backend.valueOf(by.toUpperCase(java.util.Locale.ROOT)))
                    .middleProduct(bits, bits, 0, 2 * bits - 1, threads);
        }
    }

    @TearDown(Level.Trial)
    public void tearDown() {
        if (plan != null) {
            plan.close();
        }
    }

    @Benchmark
    public void product() {
        if (gf2x != null) {
            gf2x.multiply(product, a, b);
        } else {
            plan.setFirst(a);
            plan.multiply(b, product);
        }
    }
}
