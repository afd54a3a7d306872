package dev.qdistill.cluster;

import dev.qdistill.accel.Backend;
import dev.qdistill.cli.BatchManifest;
import dev.qdistill.cli.SettingsOptions;
import dev.qdistill.dump.BadInputException;
import dev.qdistill.dump.DumpReader;
import dev.qdistill.keystore.Site;
import dev.qdistill.link.Settings;
import dev.qdistill.link.Stage;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.channels.SeekableByteChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.stream.LongStream;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaFutureAction;
import org.apache.spark.api.java.JavaSparkContext;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A batch on Apache Spark: the pairs of dumps of a manifest to keys, a task for each block. Spark hands out work; what distils is
 * the library. A pair's keys appear when all its blocks are done, from one attempt of each.
 */
@Command(
        name = "DistillJob",
        description =
                "Distils the pairs of dumps of a manifest (docs/formats.md) on a Spark cluster, a task for each block.",
        sortOptions = false,
        mixinStandardHelpOptions = true)
public final class DistillJob implements Callable<Integer> {
    private static final int BAD_INPUT = 3;
    private static final int STORAGE = 6;
    private static final int FAILURES = 7;
    private static final int INTERNAL = 70;

    @Option(
            names = "--batch",
            required = true,
            paramLabel = "URI",
            description = "the manifest, or its directory, on a Hadoop file system")
    private String manifest;

    @Option(names = "--out", required = true, paramLabel = "URI", description = "directory for the keys")
    private String out;

    @Option(
            names = "--digest",
            description = "add SHA-256 digests of both sides' keys to the lines; they are key material")
    private boolean digest;

    @Option(
            names = "--backend",
            paramLabel = "NAME",
            description = "what the kernels run on: auto, scalar, vector or native; default: auto")
    private Backend backend = Backend.AUTO;

    @Option(
            names = "--test-seed",
            paramLabel = "N",
            description =
                    "random bits from a seed, so that two runs make the same keys, which anybody can: for tests only")
    private Long testSeed;

    @Option(
            names = "--take-over",
            description = "go on although the directory is locked: the job that has locked it has died")
    private boolean takeOver;

    @Mixin
    private SettingsOptions settings = new SettingsOptions();

    /** A pair to be distilled, and the tasks for it. */
    private record Pending(String name, ObjectNode input, List<BlockTask> blocks) {}

    /** Pairs under way together, in one job of Spark's: a job for each would cost each pair 20 ms. */
    private record Window(List<Pending> pairs, int tasks, JavaFutureAction<List<BlockResult>> results) {}

    /** Ends the process with 0, 3 if the manifest or the directory is bad, 6 if a file system fails, or 7 if a pair has failed. */
    public static void main(String[] args) {
        System.exit(new CommandLine(new DistillJob())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .execute(args));
    }

    @Override
    public Integer call() throws InterruptedException {
        long start = System.nanoTime();
        if (testSeed != null) {
            System.err.println("qdistill: --test-seed: the keys are NOT secret");
        }
        SparkConf conf = new SparkConf().setIfMissing("spark.app.name", "qdistill");
        try (JavaSparkContext context = new JavaSparkContext(conf);
                Store store = new Store(out, context.sc().applicationId(), takeOver)) {
            Batch batch = new Batch(context, store, context.getConf().getInt("spark.task.cpus", 1));
            batch.run(lines());
            double seconds = (System.nanoTime() - start) * 1e-9;
            System.err.printf(
                    Locale.ROOT,
                    "qdistill: %d pairs, %d failed; %,d key-basis bits distilled in %.1f s: %.1f Mb/s%n",
                    batch.rows.size() + batch.failures,
                    batch.failures,
                    batch.keyBasisBits,
                    seconds,
                    batch.keyBasisBits / seconds * 1e-6);
            return batch.failures == 0 ? 0 : FAILURES;
        } catch (BadInputException | FileNotFoundException e) {
            System.err.println("qdistill: " + e.getMessage());
            return BAD_INPUT;
        } catch (IOException e) {
            System.err.println("qdistill: " + (e.getMessage() == null ? e : e.getMessage()));
            return STORAGE;
        }
    }

    /** The pairs of a manifest, on their way to keys. */
    private final class Batch {
        private final JavaSparkContext context;
        private final Store store;
        private final int threads;
        private final List<Pending> waiting = new ArrayList<>();
        private final Deque<Window> running = new ArrayDeque<>();
        private final List<ObjectNode> rows = new ArrayList<>();
        /** Two keys from one block, under two hash functions, would tell more together than ε allows. */
        private final Map<String, String> sessions = new HashMap<>();

        private long waitingTasks;
        private long runningTasks;
        private long keyBasisBits;
        private int failures;

        Batch(JavaSparkContext context, Store store, int threads) {
            this.context = context;
            this.store = store;
            this.threads = threads;
        }

        void run(List<BatchManifest.Line> lines) throws IOException, InterruptedException {
            for (BatchManifest.Line line : lines) {
                try {
                    prepare(line);
                } catch (BadInputException | IllegalArgumentException e) {
                    failed(line.name(), e, BAD_INPUT);
                }
                if (waitingTasks >= 2L * context.defaultParallelism()) {
                    submit(List.copyOf(waiting));
                    waiting.clear();
                    waitingTasks = 0;
                }
                // Enough that no executor waits; what is done is taken at once, so that a driver that dies loses
                // little.
                while (runningTasks > 4L * context.defaultParallelism()
                        || !running.isEmpty() && running.getFirst().results.isDone()) {
                    finish();
                }
            }
            if (!waiting.isEmpty()) {
                submit(List.copyOf(waiting));
            }
            while (!running.isEmpty()) {
                finish();
            }
            BlockTable.write(new Path(out, "blocks.parquet"), rows);
        }

        private void prepare(BatchManifest.Line line) throws IOException {
            if (line.entropy() != null) {
                throw new BadInputException(
                        manifest, line.name() + " names a file of random bytes; executors draw their own");
            }
            Settings own = settings.settings(line, backend, threads);
            Pair pair = pair(line, own);
            String other = sessions.putIfAbsent(pair.session, pair.name);
            if (other != null && !pair.session.isEmpty()) {
                throw new BadInputException(
                        pair.bob,
                        "session " + pair.session + " is that of pair " + other
                                + ", too; a block may be distilled once only");
            }
            Optional<ObjectNode> before = store.finished(pair.name);
            if (before.isPresent()) {
                if (!pair.input.equals(before.get().get("batch"))) {
                    throw new BadInputException(
                            out, "there are keys of other dumps or with other settings in " + pair.name);
                }
                rows.add(before.get());
                print(pair.name, before.get(), "finished before");
                return;
            }
            List<BlockTask> blocks = LongStream.range(0, pair.blocks)
                    .mapToObj(block -> new BlockTask(
                            pair.name, pair.alice, pair.bob, block, own, backend, threads, testSeed, store.attempts()))
                    .toList();
            waiting.add(new Pending(pair.name, pair.input, blocks));
            waitingTasks += blocks.size();
        }

        private void submit(List<Pending> pairs) {
            List<BlockTask> tasks =
                    pairs.stream().flatMap(p -> p.blocks.stream()).toList();
            runningTasks += tasks.size();
            running.add(new Window(
                    pairs,
                    tasks.size(),
                    context.parallelize(tasks, tasks.size())
                            .map(new BlockWork())
                            .collectAsync()));
        }

        /** Waits for the first window of those under way and takes its keys. */
        private void finish() throws IOException, InterruptedException {
            Window window = running.removeFirst();
            runningTasks -= window.tasks;
            try {
                List<BlockResult> results = window.results.get();
                int from = 0;
                for (Pending pair : window.pairs) {
                    finish(pair, results.subList(from, from + pair.blocks.size()));
                    from += pair.blocks.size();
                }
            } catch (ExecutionException e) {
                if (window.pairs.size() == 1) {
                    failed(window.pairs.getFirst().name, e.getCause() == null ? e : e.getCause(), INTERNAL);
                } else { // of one of them; the others are not to suffer for it
                    window.pairs.forEach(pair -> submit(List.of(pair)));
                }
            }
        }

        private void finish(Pending pair, List<BlockResult> results) throws IOException {
            try {
                ObjectNode summary = take(store, pair, results);
                rows.add(summary);
                keyBasisBits += summary.path("keyBasisBits").asLong();
            } catch (BadInputException e) {
                failed(pair.name, e, BAD_INPUT);
            }
        }

        private void failed(String name, Throwable problem, int exitCode) {
            failures++;
            ObjectNode line = JsonMapper.shared().createObjectNode();
            line.put("name", name)
                    .put("state", "failed")
                    .put("exitCode", exitCode)
                    .put("problem", String.valueOf(problem.getMessage()));
            System.out.println(line);
        }
    }

    private record Pair(String name, String alice, String bob, String session, long blocks, ObjectNode input) {}

    private List<BatchManifest.Line> lines() throws IOException {
        FileSystem fs = Files.system(manifest);
        if (fs.getFileStatus(new Path(manifest)).isDirectory()) {
            manifest = new Path(manifest, BatchManifest.FILE_NAME).toString();
        }
        try (FSDataInputStream in = fs.open(new Path(manifest))) {
            return BatchManifest.parse(manifest, in.readAllBytes());
        }
    }

    private Pair pair(BatchManifest.Line line, Settings own) throws IOException {
        Path base = new Path(manifest).getParent();
        FileSystem fs = Files.system(manifest);
        Path alice = fs.makeQualified(new Path(base, line.alice()));
        Path bob = fs.makeQualified(new Path(base, line.bob()));
        for (Path file : List.of(alice, bob)) {
            if (!Files.system(file.toString()).exists(file)) {
                throw new BadInputException(file.toString(), "no such file");
            }
        }
        try (SeekableByteChannel a = HadoopChannel.open(Files.system(alice.toString()), alice);
                SeekableByteChannel b = HadoopChannel.open(Files.system(bob.toString()), bob)) {
            long aliceBytes = a.size();
            long bobBytes = b.size();
            long pulses = DumpReader.pulsesAtEnd(bob.toString(), b);
            String session;
            b.position(0);
            try (DumpReader dump = DumpReader.open(bob.toString(), b)) {
                session = dump.header().session().map(Object::toString).orElse("");
            }
            long blocks =
                    own.blockPulses() == Long.MAX_VALUE ? 1 : Math.max(1, Math.ceilDiv(pulses, own.blockPulses()));
            ObjectNode input = JsonMapper.shared().createObjectNode();
            input.put("session", session);
            input.put("aliceBytes", aliceBytes);
            input.put("bobBytes", bobBytes);
            input.put("pulses", pulses);
            input.put("settings", own.toString());
            ObjectNode read = (ObjectNode) JsonMapper.shared().readTree(input.toString());
            return new Pair(line.name(), alice.toString(), bob.toString(), session, blocks, read);
        }
    }

    /** Stores the keys of a pair whose blocks are all done. */
    private ObjectNode take(Store store, Pending pair, List<BlockResult> attempts) throws IOException {
        List<BlockResult> results = attempts.stream()
                .filter(r -> !r.beyondTheEnd())
                .sorted(Comparator.comparingLong(BlockResult::block))
                .toList();
        for (BlockResult r : results) {
            if (r.bad()) {
                throw new BadInputException(pair.name, r.problem());
            }
        }
        ObjectNode summary = JsonMapper.shared().createObjectNode();
        summary.set("batch", pair.input);
        summary.put("name", pair.name);
        long secret = 0;
        long key = 0;
        ArrayNode blocks = summary.putArray("blocks");
        for (BlockResult r : results) {
            ObjectNode row = blocks.addObject();
            JsonNode report = JsonMapper.shared().readTree(r.row());
            row.put("block", r.block());
            row.put("keyId", r.keyId());
            row.put("problem", r.problem());
            BlockTable.COUNTS.forEach(name -> row.put(name, report.path(name).asLong()));
            BlockTable.RATIOS.forEach(name -> row.put(name, report.path(name).asDouble()));
            row.put("link", report.path("link").asString(""));
            row.put("session", report.path("session").asString(""));
            row.put("seconds", r.seconds());
            for (Stage stage : Stage.values()) {
                row.put(BlockTable.seconds(stage), r.stages().getOrDefault(stage.id(), 0.0));
            }
            row.put("executor", r.executor());
            secret += report.path("secretBits").asLong();
            key += report.path("keyBasisBits").asLong();
        }
        summary.put("keyBasisBits", key);
        summary.put("secretBits", secret);
        store.commit(pair.name, summary, results);
        ObjectNode shown = summary.deepCopy();
        if (digest && secret > 0) {
            shown.put("aliceKeyDigest", store.digest(results, pair.name, Site.ALICE));
            shown.put("bobKeyDigest", store.digest(results, pair.name, Site.BOB));
        }
        print(pair.name, shown, secret > 0 ? "keys" : "no key");
        return summary;
    }

    private static void print(String name, ObjectNode summary, String state) {
        ObjectNode line = JsonMapper.shared().createObjectNode();
        line.put("name", name).put("state", state);
        line.put("blocks", summary.path("blocks").size());
        line.put("keyBasisBits", summary.path("keyBasisBits").asLong());
        line.put("secretBits", summary.path("secretBits").asLong());
        for (String digest : List.of("aliceKeyDigest", "bobKeyDigest")) {
            if (summary.has(digest)) {
                line.set(digest, summary.get(digest));
            }
        }
        System.out.println(line);
    }
}
