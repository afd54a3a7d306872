package dev.qdistill.cli;

import dev.qdistill.Distiller;
import dev.qdistill.accel.Offload;
import dev.qdistill.amplify.EntropySource;
import dev.qdistill.cli.BatchOutcome.State;
import dev.qdistill.dump.BadInputException;
import dev.qdistill.dump.DumpReader;
import dev.qdistill.keystore.Durable;
import dev.qdistill.keystore.KeyStoreException;
import dev.qdistill.link.Stage;
import dev.qdistill.report.RunReport;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Many pairs of dumps to keys, on all cores. Pairs of like size run side by side, one to a core, the largest first; one that
 * is more than a core's share of the work runs alone, on all cores. A pair becomes visible in one step, as a directory with both
 * sites' stores and the report; whatever stops the run, a pair is there as a whole or not at all, and a finished one is not
 * distilled again.
 */
final class Batch {
    /** What a batch writes as it goes: a line for each pair, as with {@code --json}. */
    static final String JOURNAL = "batch.jsonl";

    private static final String HALF = ".half";
    private static final String LOCK = ".lock";
    /** Memory that a pair takes for each detection, measured as the peak of large blocks; and whatever its size. */
    private static final long BYTES_PER_RECORD = 6;

    private static final long BYTES_PER_PAIR = 32L << 20;
    private static final int MIB = 20;

    private final List<BatchPair> pairs;
    private final Path out;
    private final KernelOptions kernels;
    private final boolean digest;
    private final Consumer<ObjectNode> lines;
    private final PrintWriter errors;
    private final Map<String, BatchOutcome> outcomes = new TreeMap<>();

    /**
     * A pair that is to be distilled.
     *
     * @param input what its report says of the dumps, so that a later run recognises them
     * @param records about how many Bob has
     */
    private record Task(BatchPair pair, ObjectNode input, long records) {
        long memory() {
            return BYTES_PER_PAIR + BYTES_PER_RECORD * records;
        }
    }

    /**
     * @param lines takes a line for each pair, as it ends
     * @param errors for what is no pair's fault
     */
    Batch(
            List<BatchPair> pairs,
            Path out,
            KernelOptions kernels,
            boolean digest,
            Consumer<ObjectNode> lines,
            PrintWriter errors) {
        this.pairs = pairs;
        this.out = out;
        this.kernels = kernels;
        this.digest = digest;
        this.lines = lines;
        this.errors = errors;
    }

    /**
     * Runs, until each pair has keys or has failed.
     *
     * @throws KeyStoreException if another batch is at work in the directory
     */
    BatchReport run() throws IOException {
        requireSharedEntropy();
        long start = System.nanoTime();
        if (!Files.exists(out)) {
            Files.createDirectories(out.toAbsolutePath().getParent());
            Files.createDirectory(out, Durable.ownerOnly(out, "rwx------"));
        }
        try (FileChannel channel = FileChannel.open(
                out.resolve(LOCK),
                Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
                Durable.ownerOnly(out, "rw-------"))) {
            lock(channel);
            removeHalves();
            return run(out.resolve(JOURNAL), start);
        }
    }

    private BatchReport report(long start) {
        List<BatchOutcome> ordered = pairs.stream()
                .map(p -> java.util.Objects.requireNonNull(outcomes.get(p.name())))
                .toList();
        return new BatchReport(ordered, (System.nanoTime() - start) * 1e-9, kernels.threads, out);
    }

    private BatchReport run(Path journalFile, long start) throws IOException {
        try (AtomicFile journal = new AtomicFile(journalFile)) {
            Consumer<BatchOutcome> note = o -> {
                ObjectNode line = o.json();
                lines.accept(line);
                line.remove(List.of("aliceKeyDigest", "bobKeyDigest"));
                write(journal, line);
            };
            List<Task> tasks = prepare(note);
            try (BatchProgress progress =
                    new BatchProgress(tasks.stream().mapToLong(Task::records).sum())) {
                work(tasks, progress, note);
            }
            BatchReport report = report(start);
            write(journal, report.json());
            journal.commit();
            return report;
        }
    }

    private static void write(AtomicFile journal, ObjectNode line) {
        try {
            journal.write(MemorySegment.ofArray(
                    (JsonMapper.shared().writeValueAsString(line) + "\n").getBytes(StandardCharsets.UTF_8)));
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** A file would give the same bits to a pair after every restart, and its order to whichever pair came first. */
    private void requireSharedEntropy() {
        kernels.entropyFile().filter(Files::isRegularFile).ifPresent(file -> {
            throw new BadInputException(
                    file,
                    "a batch needs a device for --entropy, or a file for each pair in the manifest"
                            + " (\"entropy\"): no random bit may be used twice");
        });
    }

    /** Until the channel is closed. */
    private void lock(FileChannel channel) throws IOException {
        try {
            if (channel.tryLock() != null) {
                return;
            }
        } catch (OverlappingFileLockException e) {
            // told below
        }
        throw new KeyStoreException(out, "another batch is at work here");
    }

    // ---- What is to be done -------------------------------------------------------------------------------------

    private void removeHalves() throws IOException {
        try (DirectoryStream<Path> halves =
                Files.newDirectoryStream(out, ".*{" + HALF + "," + AtomicFile.SUFFIX + "}")) {
            for (Path half : halves) {
                if (Files.isDirectory(half)) {
                    remove(half);
                } else {
                    Files.delete(half);
                }
            }
        }
    }

    private static void remove(Path directory) throws IOException {
        try (Stream<Path> walk = Files.walk(directory)) {
            for (Path path : walk.sorted(Comparator.reverseOrder()).toList()) {
                if (Files.isRegularFile(path)) {
                    Durable.wipe(path, 0);
                } else {
                    Files.delete(path);
                }
            }
        }
    }

    private List<Task> prepare(Consumer<BatchOutcome> note) throws IOException {
        Map<String, ObjectNode> finished = finished();
        // Two keys from one block, under two hash functions, would tell more together than ε allows.
        Map<String, String> sessions = new HashMap<>();
        finished.forEach((name, summary) -> session(summary).ifPresent(s -> sessions.put(s, name)));
        List<Task> tasks = new ArrayList<>();
        for (BatchPair pair : pairs) {
            try {
                Optional<Task> task = prepare(pair, Optional.ofNullable(finished.get(pair.name())), sessions, note);
                task.ifPresent(tasks::add);
            } catch (RuntimeException | IOException e) {
                note(failed(pair, e, 0), note);
            }
        }
        return tasks;
    }

    /** The reports of the pairs that are finished, by name. */
    private Map<String, ObjectNode> finished() throws IOException {
        Map<String, ObjectNode> all = new HashMap<>();
        try (DirectoryStream<Path> directories = Files.newDirectoryStream(out)) {
            for (Path directory : directories) {
                Path summary = directory.resolve("summary.json");
                if (Files.isRegularFile(summary)) {
                    try {
                        if (JsonMapper.shared().readTree(summary) instanceof ObjectNode report) {
                            all.put(String.valueOf(directory.getFileName()), report);
                        }
                    } catch (JacksonException e) {
                        throw new BadInputException(summary, "is no report: " + e.getOriginalMessage());
                    }
                }
            }
        }
        return all;
    }

    private static Optional<String> session(ObjectNode summary) {
        String session = summary.path("session").asString("");
        // The epoch of a qcrypto stream names a session of one link alone.
        return session.length() == 32 && !session.startsWith("0".repeat(16)) ? Optional.of(session) : Optional.empty();
    }

    private Optional<Task> prepare(
            BatchPair pair, Optional<ObjectNode> before, Map<String, String> sessions, Consumer<BatchOutcome> note)
            throws IOException {
        Task task = task(pair);
        Path place = out.resolve(pair.name());
        if (before.isPresent()) {
            ObjectNode report = before.get();
            boolean keys = report.path("secretBits").asLong() > 0;
            if (task.input.equals(report.get("batch"))) {
                note(
                        new BatchOutcome(
                                pair,
                                keys ? State.FINISHED : State.NO_KEY,
                                keys ? ExitCode.OK : ExitCode.NO_KEY,
                                keys
                                        ? Optional.empty()
                                        : Optional.of(report.path("abort").asString("")),
                                Optional.of(report),
                                Optional.empty(),
                                0),
                        note);
                return Optional.empty();
            }
            if (keys) {
                throw new KeyStoreException(
                        place,
                        "there are keys of other dumps or with other settings; take another directory, or another name");
            }
        } else if (Files.exists(place)) {
            throw new KeyStoreException(place, "is in the way: it is not of a batch");
        }
        String session = task.input.path("session").asString("");
        if (!session.isEmpty()) {
            String other = sessions.putIfAbsent(session, pair.name());
            if (other != null && !other.equals(pair.name())) {
                throw new BadInputException(
                        pair.bob(),
                        "session " + session + " is that of pair " + other + ", too; a block may be distilled once"
                                + " only");
            }
        }
        return Optional.of(task);
    }

    private static Task task(BatchPair pair) throws IOException {
        try (DumpReader alice = DumpReader.open(pair.alice());
                DumpReader bob = DumpReader.open(pair.bob())) {
            DumpReader.requirePair(alice, bob);
            ObjectNode input = JsonMapper.shared().createObjectNode();
            // Nothing that follows from key bits: neither a digest nor a checksum.
            Optional<String> session =
                    bob.header().session().filter(s -> s.high() != 0).map(Object::toString);
            session.ifPresentOrElse(
                    s -> input.put("session", s), () -> input.put("modified", modified(pair.alice(), pair.bob())));
            input.put("aliceBytes", alice.size());
            input.put("bobBytes", bob.size());
            input.put("settings", pair.settings().toString());
            // As it will be read again.
            return new Task(
                    pair,
                    (ObjectNode)
                            JsonMapper.shared().readTree(JsonMapper.shared().writeValueAsString(input)),
                    Math.max(1, bob.estimatedRecords()));
        }
    }

    private static String modified(Path alice, Path bob) {
        try {
            return Files.getLastModifiedTime(alice) + " " + Files.getLastModifiedTime(bob);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    // ---- The work -----------------------------------------------------------------------------------------------

    private void work(List<Task> tasks, BatchProgress progress, Consumer<BatchOutcome> note) {
        List<Task> ordered = tasks.stream()
                .sorted(Comparator.comparingLong(Task::records).reversed())
                .toList();
        long budget = kernels.memory.bytes();
        int alone = alone(ordered, kernels.threads, budget);
        try (EntropySource entropy = kernels.entropy();
                Offload offload = kernels.offload(
                        tasks.stream().mapToDouble(Task::records).sum(), errors);
                Storing storing = new Storing()) {
            if (alone > 0) {
                try (Distiller.Resources all =
                        new Distiller.Resources(kernels.backend(), kernels.threads, entropy, budget, offload)) {
                    for (Task task : ordered.subList(0, alone)) {
                        run(task, all, kernels.threads, progress, storing, note);
                    }
                }
            }
            Deque<Task> rest = new ArrayDeque<>(ordered.subList(alone, ordered.size()));
            int slots = Math.min(kernels.threads, rest.size());
            if (slots > 0) {
                sideBySide(rest, slots, budget, entropy, offload, progress, storing, note);
            }
        }
    }

    /**
     * Threads that write keys while others compute: that each file is on the disk before the next step takes longer than a
     * small pair's computing.
     */
    private static final class Storing implements AutoCloseable {
        private static final int THREADS = 8;

        private final ExecutorService threads = Executors.newFixedThreadPool(
                THREADS, Thread.ofPlatform().name("qdistill-store-", 0).factory());
        private final Semaphore waiting = new Semaphore(2 * THREADS, true);

        /** Runs it soon; waits if there is much to do already, so that keys do not pile up in memory. */
        void run(Runnable task) {
            waiting.acquireUninterruptibly();
            threads.execute(() -> {
                try {
                    task.run();
                } finally {
                    waiting.release();
                }
            });
        }

        /** Waits until all is stored. */
        @Override
        public void close() {
            threads.close();
        }
    }

    /** How many of the largest pairs run alone: those that are more than a core's share of what is left, or take all the memory. */
    private static int alone(List<Task> largestFirst, int threads, long memory) {
        double left = largestFirst.stream().mapToLong(Task::records).sum();
        int alone = 0;
        for (Task task : largestFirst) {
            if (task.records <= 1.1 * left / threads && task.memory() <= memory) {
                break;
            }
            left -= task.records;
            alone++;
        }
        return alone;
    }

    private void sideBySide(
            Deque<Task> tasks,
            int slots,
            long memory,
            EntropySource shared,
            Offload offload,
            BatchProgress progress,
            Storing storing,
            Consumer<BatchOutcome> note) {
        int total = (int) Math.max(1, Math.min(Integer.MAX_VALUE, memory >> MIB));
        Semaphore free = new Semaphore(total, true);
        List<Throwable> broken = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (int slot = 0; slot < slots; slot++) {
            int cores = kernels.threads * (slot + 1) / slots - kernels.threads * slot / slots;
            threads.add(Thread.ofPlatform().name("qdistill-batch-" + slot).start(() -> {
                // Generators of the operating system's randomness are not shared, so that nobody waits for another.
                try (EntropySource own = kernels.entropyIsSystem() ? EntropySource.system() : null;
                        Distiller.Resources resources = new Distiller.Resources(
                                kernels.backend(), cores, own == null ? shared : own, memory / slots, offload)) {
                    for (Task task = next(tasks); task != null; task = next(tasks)) {
                        int needed = (int) Math.min(total, (task.memory() >> MIB) + 1);
                        free.acquireUninterruptibly(needed);
                        try {
                            run(task, resources, cores, progress, storing, note);
                        } finally {
                            free.release(needed);
                        }
                    }
                } catch (Throwable e) {
                    synchronized (broken) {
                        broken.add(e);
                    }
                }
            }));
        }
        for (Thread thread : threads) {
            joinFully(thread);
        }
        synchronized (broken) {
            for (Throwable e : broken) {
                switch (e) {
                    case RuntimeException r -> throw r;
                    case Error r -> throw r;
                    default -> throw new IllegalStateException(e);
                }
            }
        }
    }

    private static void joinFully(Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static @Nullable Task next(Deque<Task> tasks) {
        synchronized (tasks) {
            return tasks.poll();
        }
    }

    private synchronized void note(BatchOutcome outcome, Consumer<BatchOutcome> note) {
        outcomes.put(outcome.pair().name(), outcome);
        note.accept(outcome);
    }

    /** Computes here, and has the result stored and noted. */
    private void run(
            Task task,
            Distiller.Resources shared,
            int cores,
            BatchProgress progress,
            Storing storing,
            Consumer<BatchOutcome> note) {
        long start = System.nanoTime();
        try (BatchProgress.Share share = progress.share(task.records)) {
            OfflineRun.Distilled distilled = distill(task, shared, cores, share);
            storing.run(() -> {
                try (distilled) {
                    note(store(task, distilled, shared.backends(), start), note);
                } catch (Exception e) {
                    note(failed(task.pair, e, (System.nanoTime() - start) * 1e-9), note);
                } catch (Error e) {
                    note(failed(task.pair, new IllegalStateException(e), (System.nanoTime() - start) * 1e-9), note);
                }
            });
        } catch (Exception e) {
            note(failed(task.pair, e, (System.nanoTime() - start) * 1e-9), note);
        } catch (OutOfMemoryError e) {
            note(
                    failed(
                            task.pair,
                            new IOException("too large for this machine's memory: " + e.getMessage()),
                            (System.nanoTime() - start) * 1e-9),
                    note);
        }
    }

    private OfflineRun.Distilled distill(
            Task task, Distiller.Resources shared, int cores, dev.qdistill.link.Progress progress) {
        BatchPair pair = task.pair;
        OfflineRun run = new OfflineRun(pair.alice(), pair.bob(), Optional.empty(), pair.settings(), digest);
        if (pair.entropy().isEmpty()) {
            return run.distill(shared, progress);
        }
        try (EntropySource own = EntropySource.file(pair.entropy().get());
                Distiller.Resources resources =
                        new Distiller.Resources(kernels.backend(), cores, own, kernels.memory.bytes())) {
            return run.distill(resources, progress);
        }
    }

    private BatchOutcome failed(BatchPair pair, Exception e, double seconds) {
        int code = Main.exitCode(e);
        if (code == ExitCode.INTERNAL) {
            synchronized (errors) {
                e.printStackTrace(errors);
            }
        }
        return new BatchOutcome(
                pair,
                State.FAILED,
                code,
                Optional.of(code == ExitCode.INTERNAL ? e.toString() : Main.message(e)),
                Optional.empty(),
                Optional.empty(),
                seconds);
    }

    private BatchOutcome store(Task task, OfflineRun.Distilled distilled, Map<String, String> backends, long start)
            throws IOException {
        BatchPair pair = task.pair;
        Optional<RunReport.Digests> digests = digest ? distilled.digests() : Optional.empty();
        Path half = out.resolve("." + pair.name() + HALF);
        boolean done = false;
        try {
            long stored = System.nanoTime();
            Files.createDirectory(half, Durable.ownerOnly(half, "rwx------"));
            if (distilled.hasKeys()) {
                distilled.store(half);
            }
            long end = System.nanoTime();
            RunReport report = new RunReport(
                    distilled.blocks(),
                    backends,
                    (end - stored) * 1e-9,
                    (end - start) * 1e-9,
                    Optional.empty(),
                    Optional.empty());
            ObjectNode summary = report.json();
            summary.put("name", pair.name());
            if (!pair.group().isEmpty()) {
                summary.put("group", pair.group());
            }
            summary.set("batch", task.input);
            OfflineRun.writeSummary(half, summary);
            Path place = out.resolve(pair.name());
            if (Files.exists(place)) {
                remove(place); // a report without keys, made with other settings
            }
            Durable.rename(half, place);
            done = true;
            boolean keys = distilled.hasKeys();
            return new BatchOutcome(
                    pair,
                    keys ? State.DISTILLED : State.NO_KEY,
                    keys ? ExitCode.OK : ExitCode.NO_KEY,
                    report.abort(),
                    Optional.of(summary),
                    digests,
                    (end - start) * 1e-9);
        } finally {
            if (!done && Files.exists(half)) {
                remove(half);
            }
        }
    }

    /** One bar over all pairs, in detections. */
    private static final class BatchProgress implements AutoCloseable {
        /** Where in a pair's work a stage begins, and how long it is, about. */
        private static final Map<Stage, double[]> PARTS = Map.of(
                Stage.SIFT,
                new double[] {0, .45},
                Stage.RECONCILE,
                new double[] {.45, .35},
                Stage.VERIFY,
                new double[] {.8, .02},
                Stage.ESTIMATE,
                new double[] {.82, .03},
                Stage.AMPLIFY,
                new double[] {.85, .15});

        private final Progress bar;
        private double done;

        BatchProgress(long records) {
            bar = new Progress("batch", records, true);
        }

        private synchronized void add(double records) {
            done += records;
            bar.at((long) done);
        }

        Share share(long records) {
            return new Share(this, records);
        }

        @Override
        public void close() {
            bar.close();
        }

        /** A pair's. */
        private static final class Share implements dev.qdistill.link.Progress, AutoCloseable {
            private final BatchProgress all;
            private final long records;
            private double fraction;

            Share(BatchProgress all, long records) {
                this.all = all;
                this.records = records;
            }

            @Override
            public void advanced(Stage stage, long done, long total) {
                double[] part = PARTS.getOrDefault(stage, new double[] {0, 0});
                to(part[0] + part[1] * (total > 0 ? Math.min(1, (double) done / total) : 0));
            }

            // A later block of the same session begins from the start: the bar does not go back.
            private void to(double now) {
                if (now > fraction) {
                    all.add((now - fraction) * records);
                    fraction = now;
                }
            }

            @Override
            public void close() {
                to(1);
            }
        }
    }
}
