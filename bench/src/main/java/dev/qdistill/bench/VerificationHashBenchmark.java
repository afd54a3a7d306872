package dev.qdistill.bench;

import dev.qdistill.bits.BitString;
import dev.qdistill.verify.VerificationHash;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** The verification hash of a block of 10^7 bits, at word and at odd offsets. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "-XX:+UseSerialGC")
public class VerificationHashBenchmark {
    private static final int BITS = 10_000_000;

    @Param({"0", "5"})
    public int offset;

    private final VerificationHash hash = VerificationHash.forBound(1e-15, BITS);
    private final BitString key = BitString.random(hash.keyBits(), new SplittableRandom(1));
    private final BitString data = BitString.random(BITS + 64, new SplittableRandom(2));

    @Benchmark
    public void tag() {
        hash.tag(key, data, offset, BITS).close();
    }
}
