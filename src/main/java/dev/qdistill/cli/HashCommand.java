package dev.qdistill.cli;

import dev.qdistill.Calibration;
import dev.qdistill.accel.Offload;
import dev.qdistill.amplify.EntropySource;
import dev.qdistill.amplify.PreparedHash;
import dev.qdistill.amplify.SeededHash;
import dev.qdistill.bits.BitString;
import dev.qdistill.gf2.Gf2Multiplier;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/** {@code hash}: Toeplitz hashing of a file, block by block, with one seed. */
@Command(
        name = "hash",
        description = {
            "Toeplitz hashing of a file; a randomness extractor for the raw bits of a generator.",
            "",
            "Cuts the input into blocks of N bits and writes M bits for each, one after the other, all with the same seed."
                    + " The seed must be uniform and independent of the input; it may be public, and may serve again:"
                    + " distances of blocks from uniform add up.",
            "",
            "As an extractor: raw bits that have 0.8 bits of min-entropy each, given all before them, with a distance of at most"
                    + " 2^-64 a block:",
            "  hash --in raw --out random --input-bits 10000000 --min-entropy 0.8 --epsilon 5.4e-20"
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class HashCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Option(
            names = "--in",
            required = true,
            paramLabel = "FILE",
            description = "the input: a file, a device, or - for standard input")
    @SuppressWarnings("NullAway.Init")
    private Path in;

    @Option(
            names = "--out",
            required = true,
            paramLabel = "FILE",
            description = "the output: appears only when complete, readable by the owner only; - for standard output")
    @SuppressWarnings("NullAway.Init")
    private Path out;

    @Option(names = "--input-bits", required = true, paramLabel = "N", description = "bits of a block, 1 to 2^30")
    private long inputBits;

    @ArgGroup(multiplicity = "1")
    @SuppressWarnings("NullAway.Init")
    private Length length;

    /** How long the hash of a block is. */
    static final class Length {
        @Option(
                names = "--output-bits",
                required = true,
                paramLabel = "M",
                description = "bits of a block's hash, 1 to 2^30")
        private @Nullable Long outputBits;

        @ArgGroup(exclusive = false)
        private @Nullable Extraction extraction;
    }

    /** The leftover hash lemma's parameters. */
    static final class Extraction {
        @Option(
                names = "--min-entropy",
                required = true,
                paramLabel = "H",
                description = "min-entropy of an input bit, above 0 to 1: M = N·H - 2·log2(1/(2E))")
        private double minEntropy;

        @Option(
                names = "--epsilon",
                required = true,
                paramLabel = "E",
                description = "distance of a block's hash from uniform, given the seed, at most")
        private double epsilon;
    }

    @Option(
            names = "--hash",
            defaultValue = "TOEPLITZ",
            description = "toeplitz (seed of N+M-1 bits) or modified (N-1 bits). Default: toeplitz")
    @SuppressWarnings("NullAway.Init")
    private SeededHash.Family family;

    @Option(
            names = "--seed-file",
            paramLabel = "FILE",
            description = "the seed: the first bits of this file; without it one is drawn")
    private @Nullable Path seedFile;

    @Option(names = "--seed-out", paramLabel = "FILE", description = "where a drawn seed is written. Default: OUT.seed")
    private @Nullable Path seedOut;

    @Option(
            names = "--entropy",
            paramLabel = "FILE",
            description =
                    "file or device of random bytes for a drawn seed. Default: the operating system's, through a DRBG")
    private @Nullable Path entropy;

    @Option(
            names = "--bit-order",
            defaultValue = "LSB",
            description = "which bit of a byte comes first, in all files: lsb or msb. Default: lsb")
    @SuppressWarnings("NullAway.Init")
    private BitOrder bitOrder;

    @Option(names = "--blocks", paramLabel = "K", description = "stop after K blocks. Default: at the end of the input")
    private long maximumBlocks = Long.MAX_VALUE;

    @Option(
            names = "--drop-tail",
            description = "leave out an incomplete block at the end; without this it is an error")
    private boolean dropTail;

    @Mixin
    private OffloadOptions offload = new OffloadOptions();

    @Option(
            names = "--threads",
            paramLabel = "T",
            converter = ThreadCount.class,
            description = "threads for a block. Default: all cores")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Mixin
    private MemoryOption memory = new MemoryOption();

    @Option(
            names = "--json",
            description = "print a report as JSON: on standard error if the output goes to standard output")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        long outputBits = outputBits();
        if (maximumBlocks < 1) {
            throw usage("At least one block, not " + maximumBlocks);
        }
        if (seedFile != null && (entropy != null || seedOut != null)) {
            throw usage("--seed-file excludes --entropy and --seed-out");
        }
        boolean piped = out.toString().equals("-");
        if (piped && seedFile == null && seedOut == null) {
            throw usage("with --out - a seed needs a place: --seed-file or --seed-out");
        }
        try (Offload device = offload.open(
                threads,
                Calibration.hashSeconds(bitsToHash()),
                spec.commandLine().getErr())) {
            return hash(
                    outputBits,
                    piped,
                    device.device().isPresent()
                            ? SeededHash.create(family, Gf2Multiplier.create(device))
                            : SeededHash.create(family, offload.backend().onCpu()));
        }
    }

    private int hash(long outputBits, boolean piped, SeededHash hash) throws IOException {
        long seedBits;
        try {
            seedBits = hash.seedBits(inputBits, outputBits);
        } catch (IllegalArgumentException e) {
            throw usage(String.valueOf(e.getMessage()));
        }
        Path seedPath = seedFile != null
                ? seedFile
                : seedOut != null ? seedOut : out.resolveSibling(out.getFileName() + ".seed");
        requireDifferent(seedPath);
        long buffers = BitString.paddedBytes(seedBits)
                + BitString.paddedBytes(inputBits)
                + BitString.paddedBytes(outputBits)
                + BlockReader.bytes(inputBits)
                + BlockWriter.bytes(outputBits);
        long start = System.nanoTime();
        Map<String, Object> report = new LinkedHashMap<>();
        report.put("hash", family.name().toLowerCase(Locale.ROOT));
        report.put("backend", hash.backend().id());
        report.put("threads", threads);
        report.put("inputBits", inputBits);
        report.put("outputBits", outputBits);
        report.put("seedBits", seedBits);
        report.put("seedFile", seedPath.toString());
        try (BlockReader source = new BlockReader(in, bitOrder, inputBits);
                BitString seed = BitString.allocate(seedBits);
                ByteTarget target = ByteTarget.open(out);
                ByteTarget seedTarget = seedFile == null ? new AtomicFile(seedPath) : null) {
            if (seedFile != null) {
                BlockReader.fill(seedFile, bitOrder, seed, "the seed");
            } else {
                drawSeed(seed);
            }
            try (PreparedHash prepared = hash.prepare(inputBits, outputBits, threads, memory.bytes() - buffers);
                    BlockWriter writer = new BlockWriter(target, bitOrder, outputBits)) {
                prepared.seed(seed);
                if (seedTarget != null) {
                    bitOrder.apply(seed.bytes());
                    seedTarget.write(seed.bytes());
                    if (piped) {
                        seedTarget.commit();
                    }
                }
                hashBlocks(source, prepared, writer, outputBits);
                report.put("split", prepared.isSplit());
            }
            if (seedTarget != null && !piped) {
                seedTarget.commit();
            }
            target.commit();
            report.put("blocks", source.blocks());
            report.put("unusedBits", source.unusedBits());
            double seconds = (System.nanoTime() - start) * 1e-9;
            report.put("seconds", seconds);
            report.put("mbps", (double) inputBits * source.blocks() / seconds * 1e-6);
            if (length.extraction != null) {
                report.put("epsilon", length.extraction.epsilon * source.blocks());
            }
        }
        print(report, piped);
        return ExitCode.OK;
    }

    // At most; infinite for a device or a pipe that is read to its end.
    private double bitsToHash() throws IOException {
        double available = Files.isRegularFile(in) ? 8.0 * Files.size(in) : Double.POSITIVE_INFINITY;
        return Math.min(available, (double) maximumBlocks * inputBits);
    }

    /** Neither what is read nor the other file is to be overwritten. */
    private void requireDifferent(Path seedPath) throws IOException {
        boolean seedIsNew = seedFile == null;
        if (same(out, in) || same(out, seedPath) || seedIsNew && same(seedPath, in)) {
            throw usage("--in, --out and the seed's file must be different files");
        }
    }

    private static boolean same(Path one, Path other) throws IOException {
        return one.toAbsolutePath().normalize().equals(other.toAbsolutePath().normalize())
                        && !one.toString().equals("-")
                || Files.exists(one) && Files.exists(other) && Files.isSameFile(one, other);
    }

    private long outputBits() {
        Extraction e = length.extraction;
        if (e == null) {
            return length.outputBits == null ? 0 : length.outputBits;
        }
        if (!(e.minEntropy > 0 && e.minEntropy <= 1)) {
            throw usage("--min-entropy is " + e.minEntropy + "; above 0 to 1 bit a bit is possible");
        }
        if (!(e.epsilon > 0 && e.epsilon < 0.5)) {
            throw usage("--epsilon is " + e.epsilon + "; above 0, below 1/2 is needed");
        }
        // Leftover hash lemma: distance sqrt(2^(M - H_min)) / 2. Rounding in the product may not give a bit away.
        double bits =
                Math.floor(inputBits * e.minEntropy * (1 - 1e-15) - 2 * (Math.log(1 / (2 * e.epsilon)) / Math.log(2)));
        if (bits < 1) {
            throw usage(
                    "Blocks of " + inputBits + " bits have too little min-entropy for this --epsilon: no bit is left");
        }
        return (long) bits;
    }

    private void hashBlocks(BlockReader source, PreparedHash prepared, BlockWriter writer, long outputBits)
            throws IOException {
        try (BitString input = BitString.allocate(inputBits);
                BitString hashed = BitString.allocate(outputBits)) {
            while (source.blocks() < maximumBlocks && source.next(input, dropTail)) {
                prepared.hash(input, hashed);
                writer.write(hashed);
            }
            writer.finish();
        }
    }

    private void drawSeed(BitString seed) {
        try (EntropySource source = entropy == null ? EntropySource.system() : EntropySource.file(entropy)) {
            source.fill(seed);
        }
    }

    private void print(Map<String, Object> report, boolean piped) {
        var to = json && !piped
                ? spec.commandLine().getOut()
                : spec.commandLine().getErr();
        if (json) {
            to.println(JsonMapper.shared().writeValueAsString(report));
        } else {
            to.printf(
                    Locale.ROOT,
                    "%s blocks of %d bits to %s bits each in %.2f s (%s, %d threads); seed in %s%n",
                    report.get("blocks"),
                    inputBits,
                    report.get("outputBits"),
                    (double) report.getOrDefault("seconds", 0.0),
                    report.get("backend"),
                    threads,
                    report.get("seedFile"));
        }
        to.flush();
    }

    private ParameterException usage(String problem) {
        return new ParameterException(spec.commandLine(), problem);
    }
}
