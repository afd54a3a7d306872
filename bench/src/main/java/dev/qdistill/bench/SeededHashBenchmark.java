package dev.qdistill.bench;

import dev.qdistill.accel.Backend;
import dev.qdistill.amplify.PreparedHash;
import dev.qdistill.amplify.SeededHash;
import dev.qdistill.bits.BitString;
import java.util.Locale;
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
 * Hashes of n bits to n/2 on each back end, with a fresh seed each time and with one whose transform is kept:
 * {@code scripts/bench SeededHashBenchmark -prof gc}. The allocation per hash must be next to nothing.
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
public class SeededHashBenchmark {
    @Param({"scalar", "vector", "native"})
    public String by = "vector";

    @Param({"modified", "toeplitz"})
    public String family = "modified";

    @Param({"65536", "1048576"})
    public long bits;

    private BitString seed;
    private BitString input;
    private BitString output;
    private PreparedHash prepared;

    @Setup(Level.Trial)
    public void setUp() {
        var random = new SplittableRandom(1);
        SeededHash hash = SeededHash.create(
                SeededHash.Family.valueOf(family.toUpperCase(Locale.ROOT)),
                Backend.valueOf(by.toUpperCase(Locale.ROOT)));
        seed = BitString.random(hash.seedBits(bits, bits / 2), random);
        input = BitString.random(bits, random);
        output = BitString.allocate(bits / 2);
        prepared = hash.prepare(bits, bits / 2, 1);
        prepared.seed(seed);
    }

    @TearDown(Level.Trial)
    public void tearDown() {
        prepared.close();
    }

    @Benchmark
    public void freshSeed() {
        prepared.seed(seed);
        prepared.hash(input, output);
    }

    @Benchmark
    public void keptSeed() {
        prepared.hash(input, output);
    }
}
