package dev.qdistill.cli;

import dev.qdistill.accel.Backend;
import dev.qdistill.amplify.EntropySource;
import dev.qdistill.amplify.PreparedHash;
import dev.qdistill.amplify.SeededHash;
import dev.qdistill.bits.BitString;
import dev.qdistill.dump.BadInputException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/** {@code hash}: Toeplitz hashing of a file, block by block, with one seed. */
@Command(
        name = "hash",
        description = {
            "Toeplitz hashing of a file, also a randomness extractor.",
            "Cuts the input into blocks of N bits and writes M bits for each, all with the same seed."
        },
        mixinStandardHelpOptions = true)
final class HashCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Option(
            names = "--hash",
            defaultValue = "TOEPLITZ",
            description = "toeplitz (seed of N+M-1 bits) or modified (N-1 bits). Default: toeplitz")
    @SuppressWarnings("NullAway.Init")
    private SeededHash.Family family;

    @Option(names = "--in", required = true, paramLabel = "FILE", description = "the input")
    @SuppressWarnings("NullAway.Init")
    private Path in;

    @Option(
            names = "--out",
            required = true,
            paramLabel = "FILE",
            description = "the output: appears only when complete, readable by the owner only")
    @SuppressWarnings("NullAway.Init")
    private Path out;

    @Option(names = "--input-bits", required = true, paramLabel = "N", description = "bits of a block, 1 to 2^30")
    private long inputBits;

    @Option(
            names = "--output-bits",
            required = true,
            paramLabel = "M",
            description = "bits of a block's hash, 1 to 2^30")
    private long outputBits;

    @Option(
            names = "--seed-file",
            paramLabel = "FILE",
            description = "the seed; without it one is drawn and written to OUT.seed")
    private @Nullable Path seedFile;

    @Option(
            names = "--entropy",
            paramLabel = "FILE|DEVICE",
            description = "source of random bytes for a drawn seed. Default: the operating system's, through a DRBG")
    private @Nullable Path entropy;

    @Option(
            names = "--bit-order",
            defaultValue = "LSB",
            description = "which bit of a byte comes first, in all files: lsb or msb. Default: lsb")
    @SuppressWarnings("NullAway.Init")
    private BitOrder bitOrder;

    @Option(names = "--backend", defaultValue = "AUTO", description = "auto, scalar, vector or native. Default: auto")
    @SuppressWarnings("NullAway.Init")
    private Backend backend;

    @Option(names = "--threads", paramLabel = "T", description = "threads for a block. Default: all cores")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Option(names = "--json", description = "print a report as JSON")
    private boolean json;

    /** Which bit of a byte comes first. */
    enum BitOrder {
        LSB,
        MSB
    }

    @Override
    public Integer call() throws IOException {
        try {
            return run();
        } catch (StorageException e) {
            spec.commandLine().getErr().println("qdistill: " + e.getMessage());
            return ExitCode.STORAGE;
        }
    }

    private int run() throws IOException {
        SeededHash hash = SeededHash.create(family, backend);
        long seedBits;
        try {
            seedBits = hash.seedBits(inputBits, outputBits);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage());
        }
        if (threads < 1) {
            throw new ParameterException(spec.commandLine(), "At least one thread, not " + threads);
        }
        if (seedFile != null && entropy != null) {
            throw new ParameterException(spec.commandLine(), "--seed-file and --entropy exclude each other");
        }
        long start = System.nanoTime();
        Path seedPath = seedFile != null ? seedFile : out.resolveSibling(out.getFileName() + ".seed");
        long blocks;
        try (FileChannel source = open(in);
                BitString seed = BitString.allocate(seedBits);
                AtomicFile target = new AtomicFile(out)) {
            if (seedFile != null) {
                readSeed(seedFile, seed);
            } else {
                drawSeed(seed);
            }
            try (PreparedHash prepared = hash.prepare(inputBits, outputBits, threads)) {
                prepared.seed(seed);
                blocks = hashBlocks(source, prepared, target);
            }
            if (seedFile == null) {
                try (AtomicFile seedTarget = new AtomicFile(seedPath)) {
                    order(seed.bytes());
                    seedTarget.write(seed.bytes());
                    order(seed.bytes());
                    seedTarget.commit();
                }
            }
            target.commit();
        }
        double seconds = (System.nanoTime() - start) * 1e-9;
        Map<String, Object> report = new LinkedHashMap<>();
        report.put("hash", family.name().toLowerCase(Locale.ROOT));
        report.put("backend", hash.backend().id());
        report.put("threads", threads);
        report.put("inputBits", inputBits);
        report.put("outputBits", outputBits);
        report.put("blocks", blocks);
        report.put("seedBits", seedBits);
        report.put("seedFile", seedPath.toString());
        report.put("seconds", seconds);
        report.put("mbps", (double) inputBits * blocks / seconds * 1e-6);
        if (json) {
            spec.commandLine().getOut().println(JsonMapper.shared().writeValueAsString(report));
        } else {
            spec.commandLine()
                    .getErr()
                    .printf(
                            "%d blocks of %d bits to %d bits each in %.2f s (%s, %d threads); seed in %s%n",
                            blocks,
                            inputBits,
                            outputBits,
                            seconds,
                            hash.backend().id(),
                            threads,
                            seedPath);
        }
        return ExitCode.OK;
    }

    // The input as one string of bits: block i is bits [iN, (i+1)N). Fewer than eight bits may be left, as padding.
    private long hashBlocks(FileChannel source, PreparedHash prepared, AtomicFile target) throws IOException {
        long blocks = 0;
        long fileBytes = 0;
        int carriedBits = 0;
        int pendingBits = 0;
        try (BitString raw = BitString.allocate(inputBits + 16);
                BitString input = BitString.allocate(inputBits);
                BitString hashed = BitString.allocate(outputBits);
                BitString pending = BitString.allocate(outputBits + 8)) {
            while (true) {
                // raw holds one byte with `carriedBits` unread bits at its top, if any, then fresh bytes.
                int carriedBytes = carriedBits > 0 ? 1 : 0;
                long wanted = (inputBits - carriedBits + 7) / 8;
                long got = read(source, raw.segment().asSlice(carriedBytes, wanted));
                fileBytes += got;
                if (got < wanted) {
                    if (got == 0 && blocks > 0) {
                        break;
                    }
                    throw new BadInputException(
                            in,
                            fileBytes,
                            "ends in block " + blocks + ", " + (wanted - got) + " bytes before its end; blocks have "
                                    + inputBits + " bits");
                }
                int skipped = carriedBytes * 8 - carriedBits;
                input.copyFrom(raw, skipped, 0, inputBits);
                prepared.hash(input, hashed);
                blocks++;
                long used = skipped + inputBits;
                carriedBits = (int) (-used & 7);
                byte last = raw.segment().get(ValueLayout.JAVA_BYTE, used - 1 >> 3);
                raw.segment().set(ValueLayout.JAVA_BYTE, 0, last);

                pending.copyFrom(hashed, 0, pendingBits, outputBits);
                long ready = pendingBits + outputBits;
                writeOrdered(target, pending, ready >>> 3);
                int left = (int) (ready & 7);
                long leftBits = pending.bits(ready - left, left);
                pending.setBits(0, left, leftBits);
                pendingBits = left;
            }
            if (pendingBits > 0) {
                pending.setBits(pendingBits, 8 - pendingBits, 0);
                writeOrdered(target, pending, 1);
            }
        }
        return blocks;
    }

    private void writeOrdered(AtomicFile target, BitString s, long bytes) throws IOException {
        MemorySegment part = s.segment().asSlice(0, bytes);
        order(part);
        target.write(part);
        order(part);
    }

    private long read(FileChannel source, MemorySegment to) throws IOException {
        ByteBuffer buffer = to.asByteBuffer();
        while (buffer.hasRemaining() && source.read(buffer) >= 0) {
            // again
        }
        long got = buffer.position();
        order(to.asSlice(0, got));
        return got;
    }

    private void readSeed(Path file, BitString seed) throws IOException {
        try (FileChannel source = open(file)) {
            long got = read(source, seed.bytes());
            if (got < seed.byteCount()) {
                throw new BadInputException(file, got, "the seed ends here; " + seed.byteCount() + " bytes are needed");
            }
        }
        seed.clearPadding();
    }

    private void drawSeed(BitString seed) {
        if (entropy == null) {
            try (EntropySource source = EntropySource.system()) {
                source.fill(seed);
            }
            return;
        }
        try (EntropySource source = EntropySource.file(entropy)) {
            source.fill(seed);
        }
    }

    // From the file's bit order to the program's, or back.
    private void order(MemorySegment bytes) {
        if (bitOrder == BitOrder.LSB) {
            return;
        }
        for (long i = 0; i < bytes.byteSize(); i++) {
            int b = bytes.get(ValueLayout.JAVA_BYTE, i);
            bytes.set(ValueLayout.JAVA_BYTE, i, (byte) (Integer.reverse(b) >>> 24));
        }
    }

    private static FileChannel open(Path file) throws IOException {
        if (Files.isDirectory(file)) {
            throw new BadInputException(file, "is a directory");
        }
        try {
            return FileChannel.open(file, StandardOpenOption.READ);
        } catch (NoSuchFileException e) {
            throw new BadInputException(file, "there is no such file");
        } catch (IOException e) {
            throw new BadInputException(file, "cannot be read: " + e.getMessage());
        }
    }

    /** A file, mode 0600, that appears under its name by {@link #commit} or not at all. */
    private static final class AtomicFile implements AutoCloseable {
        private final Path path;
        private final Path temporary;
        private final FileChannel channel;

        AtomicFile(Path path) throws IOException {
            this.path = path;
            temporary = path.resolveSibling("." + path.getFileName() + "." + UUID.randomUUID() + ".part");
            if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
                throw new BadInputException(path, "is a directory");
            }
            try {
                channel = FileChannel.open(
                        temporary,
                        Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            } catch (IOException e) {
                throw new StorageException(path, e);
            }
        }

        void write(MemorySegment bytes) throws StorageException {
            ByteBuffer buffer = bytes.asByteBuffer();
            try {
                while (buffer.hasRemaining()) {
                    channel.write(buffer);
                }
            } catch (IOException e) {
                throw new StorageException(path, e);
            }
        }

        void commit() throws StorageException {
            try {
                channel.force(true);
                channel.close();
                Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } catch (IOException e) {
                throw new StorageException(path, e);
            }
        }

        @Override
        public void close() throws IOException {
            channel.close();
            Files.deleteIfExists(temporary);
        }
    }

    /** The output cannot be written. */
    private static final class StorageException extends IOException {
        private static final long serialVersionUID = 1L;

        StorageException(Path path, IOException cause) {
            super(path + " cannot be written: " + cause, cause);
        }
    }
}
