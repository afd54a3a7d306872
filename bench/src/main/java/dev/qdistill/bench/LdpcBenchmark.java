package dev.qdistill.bench;

import dev.qdistill.accel.Backend;
import dev.qdistill.bits.BitString;
import dev.qdistill.ldpc.CodeFamily;
import dev.qdistill.ldpc.Profile;
import dev.qdistill.ldpc.QuasiCyclicCode;
import dev.qdistill.ldpc.SyndromeDecoder;
import dev.qdistill.ldpc.SyndromeEncoder;
import dev.qdistill.ldpc.UpdateRule;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
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
 * Decoding and encoding of syndromes, scalar, vector and native: key bits a microsecond (Mb/s) and, for the decoder alone, edge updates of
 * 64 checks a microsecond (1000 over it is nanoseconds per 64 edges).
 *
 * <p>Run with {@code -prof gc}: anything but 0 B/op from the decoder is a boxed vector.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 1)
@Fork(
        value = 3,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
public class LdpcBenchmark {
    private static final int FRAMES = 16;
    private static final int ITERATIONS = 10;

    @Param({"65536", "262144", "1048576"})
    int frameBits;

    @Param({"0.02", "0.05"})
    double qber;

    @Param({"NATIVE", "VECTOR", "SCALAR"})
    Backend backend;

    @Param({"PHI", "MIN_SUM"})
    UpdateRule rule;

    private QuasiCyclicCode code;
    private SyndromeDecoder decoder;
    private SyndromeEncoder encoder;
    private final BitString[] errors = new BitString[FRAMES];
    private final BitString[] syndromes = new BitString[FRAMES];
    private BitString noise;
    private BitString found;
    private BitString syndrome;
    private int next;

    /** Work done, so that throughput is in the units of interest. */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.OPERATIONS)
    public static class Work {
        public long keyBits;
        public long edgeVectors;

        @Setup(Level.Iteration)
        public void reset() {
            keyBits = 0;
            edgeVectors = 0;
        }
    }

    @Setup
    public void setUp() {
        code = CodeFamily.shipped().select(frameBits, qber, Profile.FAST).orElseThrow();
        decoder = SyndromeDecoder.create(code, backend);
        encoder = SyndromeEncoder.create(code, backend);
        found = BitString.allocate(frameBits);
        syndrome = BitString.allocate(code.syndromeBits());
        noise = BitString.random(code.syndromeBits(), new SplittableRandom(1));
        SplittableRandom random = new SplittableRandom(2);
        for (int f = 0; f < FRAMES; f++) {
            errors[f] = BitString.allocate(frameBits);
            for (int i = 0; i < frameBits; i++) {
                errors[f].set(i, random.nextDouble() < qber);
            }
            syndromes[f] = BitString.allocate(code.syndromeBits());
            encoder.encode(errors[f], 0, syndromes[f], 0);
        }
    }

    @TearDown
    public void tearDown() {
        decoder.close();
    }

    /** Frames as they come: begin, iterate until the syndrome fits, read the errors. */
    @Benchmark
    public boolean frame(Work work) {
        int f = next++ & FRAMES - 1;
        decoder.begin(syndromes[f], 0, qber);
        boolean converged = decoder.run(rule, 60);
        decoder.error(found, 0);
        work.keyBits += frameBits;
        work.edgeVectors += (long) decoder.iterations() * code.edges() * (code.circulant() / 64);
        return converged;
    }

    /** The kernel: iterations on a random syndrome, which no error pattern near zero has. */
    @Benchmark
    public boolean iterations(Work work) {
        decoder.begin(noise, 0, qber);
        boolean converged = decoder.run(rule, ITERATIONS);
        work.keyBits += frameBits;
        work.edgeVectors += (long) ITERATIONS * code.edges() * (code.circulant() / 64);
        return converged;
    }

    /** The syndrome of a frame. */
    @Benchmark
    public void syndrome(Work work) {
        encoder.encode(errors[next++ & FRAMES - 1], 0, syndrome, 0);
        work.keyBits += frameBits;
    }
}
