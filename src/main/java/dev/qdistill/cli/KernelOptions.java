package dev.qdistill.cli;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.Offload;
import dev.qdistill.amplify.EntropySource;
import java.io.PrintWriter;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What to compute with: the options that {@code distill} and {@code demo} share. */
final class KernelOptions {
    @Mixin
    private OffloadOptions offload = new OffloadOptions();

    @Option(names = "--threads", paramLabel = "N", description = "threads for parallel work; default: all cores")
    int threads = Runtime.getRuntime().availableProcessors();

    @Option(
            names = "--entropy",
            paramLabel = "FILE",
            description = "file or device of true random bytes, read from its start, for hash functions and key ids;"
                    + " default: the operating system's generator, which makes the claim computational there")
    private @Nullable Path entropy;

    @Mixin
    MemoryOption memory = new MemoryOption();

    /** @throws IllegalArgumentException if there is no thread */
    void requireValid() {
        if (threads < 1) {
            throw new IllegalArgumentException("--threads is " + threads + "; 1 or more is needed");
        }
    }

    Backend backend() {
        return offload.backend();
    }

    /** Opens the device that takes work off the CPU, if there is one; warnings go to {@code err}. */
    Offload offload(PrintWriter err) {
        return offload.open(threads, err);
    }

    /** Opens the source of random bits. */
    EntropySource entropy() {
        return entropy == null ? EntropySource.system() : EntropySource.file(entropy);
    }
}
