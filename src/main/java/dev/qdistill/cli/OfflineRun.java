package dev.qdistill.cli;

import dev.qdistill.DistilledKey;
import dev.qdistill.Distiller;
import dev.qdistill.accel.Offload;
import dev.qdistill.amplify.EntropySource;
import dev.qdistill.bits.BitString;
import dev.qdistill.dump.BadInputException;
import dev.qdistill.dump.DumpReader;
import dev.qdistill.keystore.KeyRecord;
import dev.qdistill.keystore.KeyStore;
import dev.qdistill.keystore.KeyStoreException;
import dev.qdistill.keystore.Site;
import dev.qdistill.link.BlockSummary;
import dev.qdistill.link.Parameters;
import dev.qdistill.link.Progress;
import dev.qdistill.link.Settings;
import dev.qdistill.report.RunReport;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Both dumps of a session to keys in two stores, one for each site, under one directory. The keys of all blocks are
 * stored together at the end, after both dumps were read and checked to their ends: a damaged dump leaves nothing.
 */
final class OfflineRun {
    private final Path alice;
    private final Path bob;
    private final Optional<Path> out;
    private final Settings settings;
    private final boolean digest;

    /**
     * @param out the directory for the keys; empty to store none
     * @param digest whether to compute digests of the keys
     */
    OfflineRun(Path alice, Path bob, Optional<Path> out, Settings settings, boolean digest) {
        this.alice = alice;
        this.bob = bob;
        this.out = out;
        this.settings = settings;
        this.digest = digest;
    }

    /** Runs with kernels of its own. */
    RunReport run(KernelOptions kernels, boolean bars, PrintWriter err) {
        long start = System.nanoTime();
        try (EntropySource entropy = kernels.entropy();
                Offload offload = kernels.offload(records(bob), err);
                Distiller.Resources resources = new Distiller.Resources(
                        kernels.backend(), kernels.threads, entropy, kernels.memory.bytes(), offload)) {
            return run(resources, bars, start);
        }
    }

    private static double records(Path dump) {
        if (!Files.isRegularFile(dump)) {
            return Double.POSITIVE_INFINITY;
        }
        try (DumpReader reader = DumpReader.open(dump)) {
            return reader.estimatedRecords();
        } catch (BadInputException e) {
            return 0; // Both dumps are opened in their order soon, and then it is told.
        }
    }

    /**
     * Runs.
     *
     * @param start {@link System#nanoTime} at which the run counts as begun
     */
    RunReport run(Distiller.Resources resources, boolean bars, long start) {
        try (Distilled distilled = distill(resources, bars)) {
            Optional<RunReport.Digests> digests = digest ? distilled.digests() : Optional.empty();
            long stored = System.nanoTime();
            Optional<Path> place = distilled.hasKeys() ? out : Optional.empty();
            place.ifPresent(distilled::store);
            long end = System.nanoTime();
            RunReport report = new RunReport(
                    distilled.blocks(),
                    resources.backends(),
                    (end - stored) * 1e-9,
                    (end - start) * 1e-9,
                    place.map(Path::toString),
                    digests);
            place.ifPresent(
                    directory -> writeSummary(directory, report.withoutDigests().json()));
            return report;
        }
    }

    private Distilled distill(Distiller.Resources resources, boolean bars) {
        try (StageBars progress = new StageBars(bars)) {
            return distill(resources, progress);
        }
    }

    /**
     * Runs both roles to the end of the dumps.
     *
     * @return the keys, in memory, which the caller stores and closes
     */
    Distilled distill(Distiller.Resources resources, Progress progress) {
        requireDifferentContents();
        Distilled distilled = new Distilled(new ArrayList<>());
        boolean done = false;
        try {
            Distiller.distillBoth(alice, bob, settings, resources, progress, distilled.pairs::add);
            done = true;
            return distilled;
        } finally {
            if (!done) {
                distilled.close();
            }
        }
    }

    /** What came of a session, in memory. */
    record Distilled(List<Distiller.Pair> pairs) implements AutoCloseable {
        List<BlockSummary> blocks() {
            return pairs.stream().map(p -> p.bob().summary()).toList();
        }

        private List<Distiller.Pair> keys() {
            return pairs.stream().filter(p -> p.bob().isPresent()).toList();
        }

        boolean hasKeys() {
            return !keys().isEmpty();
        }

        /** Of the keys, if there are any. */
        Optional<RunReport.Digests> digests() {
            List<Distiller.Pair> keys = keys();
            return keys.isEmpty()
                    ? Optional.empty()
                    : Optional.of(new RunReport.Digests(
                            digest(keys.stream().map(Distiller.Pair::alice).toList()),
                            digest(keys.stream().map(Distiller.Pair::bob).toList())));
        }

        /** Adds the keys to the stores of both sites in a directory. */
        void store(Path directory) {
            OfflineRun.store(directory, keys());
        }

        @Override
        public void close() {
            pairs.forEach(Distiller.Pair::close);
        }
    }

    /** A copy of the same file on both sides would show no errors at all. */
    private void requireDifferentContents() {
        try {
            if (Files.isRegularFile(alice) && Files.isRegularFile(bob) && Files.mismatch(alice, bob) < 0) {
                throw new BadInputException(
                        bob, "has the same contents as " + alice + ": the same dump was given twice");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void store(Path directory, List<Distiller.Pair> keys) {
        Instant now = Instant.now();
        try (KeyStore aliceStore = KeyStore.create(directory.resolve(Site.ALICE.id()));
                KeyStore bobStore = KeyStore.create(directory.resolve(Site.BOB.id()))) {
            requireNew(aliceStore, directory, keys);
            for (Distiller.Pair pair : keys) {
                KeyRecord record = pair.alice().record(Site.ALICE, now);
                KeyStore.addPair(
                        aliceStore,
                        record,
                        pair.alice().key(),
                        bobStore,
                        record.at(Site.BOB),
                        pair.bob().key());
            }
        }
    }

    /** Writes the report beside the stores, in one step; digests must not be in it. */
    static void writeSummary(Path directory, ObjectNode report) {
        Path file = directory.resolve("summary.json");
        try (AtomicFile to = new AtomicFile(file)) {
            byte[] text = JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsBytes(report);
            to.write(MemorySegment.ofArray(text));
            to.commit();
        } catch (IOException e) {
            throw new KeyStoreException(
                    file, "the keys are stored, but the report cannot be written: " + Main.message(e));
        }
    }

    /** Two keys from one block, under two hash functions, would tell more together than ε allows. */
    private static void requireNew(KeyStore store, Path directory, List<Distiller.Pair> keys) {
        Set<String> stored = new HashSet<>();
        for (KeyRecord r : store.scan().keys()) {
            stored.add(r.session() + " " + r.block());
        }
        for (Distiller.Pair pair : keys) {
            Parameters p = pair.alice().summary().parameters();
            UUID session = p.sessionId();
            if (session.getMostSignificantBits() != 0 && stored.contains(session + " " + p.block())) {
                throw new KeyStoreException(
                        directory,
                        "there is a key of block " + p.block() + " of session " + p.session()
                                + " already; a block may be distilled once only");
            }
        }
    }

    private static String digest(List<DistilledKey> keys) {
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            for (DistilledKey key : keys) {
                BitString bits = key.key();
                MemorySegment bytes = bits.bytes();
                for (long at = 0; at < bytes.byteSize(); at += 1 << 20) {
                    sha.update(bytes.asSlice(at, Math.min(1 << 20, bytes.byteSize() - at))
                            .asByteBuffer());
                }
            }
            return HexFormat.of().formatHex(sha.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
