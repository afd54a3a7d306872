package dev.qdistill.cli;

import dev.qdistill.Calibration;
import dev.qdistill.accel.Backend;
import dev.qdistill.accel.Offload;
import dev.qdistill.amplify.EntropySource;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What to compute with: the options that {@code distill} and {@code demo} share. */
final class KernelOptions {
    @Mixin
    private OffloadOptions offload = new OffloadOptions();

    @Option(
            names = "--threads",
            paramLabel = "N",
            converter = ThreadCount.class,
            description = "threads for parallel work; default: all cores")
    int threads = Runtime.getRuntime().availableProcessors();

    @Option(
            names = "--entropy",
            paramLabel = "FILE",
            description = "file or device of true random bytes, read from its start, for hash functions and key ids;"
                    + " default: the operating system's generator, which makes the claim computational there")
    private @Nullable Path entropy;

    @Option(
            names = "--test-seed",
            paramLabel = "N",
            description =
                    "random bits from a seed, so that two runs make the same keys, which anybody can: for tests only")
    private @Nullable Long testSeed;

    @Mixin
    MemoryOption memory = new MemoryOption();

    /** @throws IllegalArgumentException if there are two sources of random bits */
    void requireValid() {
        if (testSeed != null && entropy != null) {
            throw new IllegalArgumentException("--entropy and --test-seed exclude each other");
        }
    }

    /** What {@code --entropy} names. */
    Optional<Path> entropyFile() {
        return Optional.ofNullable(entropy);
    }

    /** Whether the random bits are the operating system's. */
    boolean entropyIsSystem() {
        return entropy == null && testSeed == null;
    }

    Backend backend() {
        return offload.backend();
    }

    /** Opens the device that takes work off the CPU, if there is one; warnings go to {@code err}. */
    Offload offload(PrintWriter err) {
        return offload.open(threads, Double.POSITIVE_INFINITY, err);
    }

    /** The same for the distillation of so many detections at most, which the CPU may have done before a device is found. */
    Offload offload(double detections, PrintWriter err) {
        return offload.open(threads, Calibration.reconcileSeconds(detections), err);
    }

    /** Opens the source of random bits. */
    EntropySource entropy() {
        if (testSeed != null) {
            System.err.println("qdistill: --test-seed: the keys are NOT secret");
            return EntropySource.seeded(testSeed);
        }
        return entropy == null ? EntropySource.system() : EntropySource.file(entropy);
    }
}
