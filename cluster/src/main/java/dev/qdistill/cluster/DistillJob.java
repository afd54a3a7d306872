package dev.qdistill.cluster;

import dev.qdistill.cli.BatchManifest;
import dev.qdistill.cli.SettingsOptions;
import dev.qdistill.accel.Backend;
import dev.qdistill.dump.BadInputException;
import dev.qdistill.dump.DumpReader;
import dev.qdistill.keystore.Site;
import dev.qdistill.link.Settings;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaFutureAction;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
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
        description = "Distils the pairs of dumps of a manifest (docs/formats.md) on a Spark cluster, a task for each block.",
        sortOptions = false,
        mixinStandardHelpOptions = true)
public final class DistillJob implements Callable<Integer> {
    private static final int FAILURES = 7;

    @Option(names = "--batch", required = true, paramLabel = "URI", description = "the manifest, on a Hadoop file system")
    private String manifest;

    @Option(names = "--out", required = true, paramLabel = "URI", description = "directory for the keys")
    private String out;

    @Option(names = "--digest", description = "add SHA-256 digests of both sides' keys to the lines; they are key material")
    private boolean digest;

    @Option(
            names = "--backend",
            paramLabel = "NAME",
            description = "what the kernels run on: auto, scalar, vector or native; default: auto")
    private Backend backend = Backend.AUTO;

    @Option(
            names = "--test-seed",
            paramLabel = "N",
            description = "random bits from a seed, so that two runs make the same keys, which anybody can: for tests only")
    private Long testSeed;

    @Mixin
    private SettingsOptions settings = new SettingsOptions();

    /** A pair under way. */
    private record Running(String name, ObjectNode input, JavaFutureAction<List<BlockResult>> blocks) {}

    /** Ends the process with 0, or 7 if a pair has failed. */
    public static void main(String[] args) {
        System.exit(new CommandLine(new DistillJob())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .execute(args));
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        long start = System.nanoTime();
        try (SparkSession spark =
                        SparkSession.builder().appName("qdistill").getOrCreate();
                JavaSparkContext context = new JavaSparkContext(spark.sparkContext())) {
            int failures = run(spark, context);
            System.err.printf("qdistill: %.1f s%n", (System.nanoTime() - start) * 1e-9);
            return failures == 0 ? 0 : FAILURES;
        }
    }

    private int run(SparkSession spark, JavaSparkContext context) throws IOException, InterruptedException {
        if (testSeed != null) {
            System.err.println("qdistill: --test-seed: the keys are NOT secret");
        }
        int threads = context.getConf().getInt("spark.task.cpus", 1);
        Store store = new Store(out);
        List<Running> running = new ArrayList<>();
        List<ObjectNode> rows = new ArrayList<>();
        int failures = 0;
        // Two keys from one block, under two hash functions, would tell more together than ε allows.
        Map<String, String> sessions = new HashMap<>();
        for (BatchManifest.Line line : lines()) {
            try {
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
                    continue;
                }
                List<BlockTask> tasks = new ArrayList<>();
                for (long block = 0; block < pair.blocks; block++) {
                    tasks.add(new BlockTask(
                            pair.name,
                            pair.alice,
                            pair.bob,
                            block,
                            own,
                            backend,
                            threads,
                            testSeed,
                            store.attempts()));
                }
                running.add(new Running(
                        pair.name,
                        pair.input,
                        context.parallelize(tasks, tasks.size())
                                .map(new BlockWork())
                                .collectAsync()));
            } catch (BadInputException | IllegalArgumentException e) {
                failures++;
                failed(line.name(), String.valueOf(e.getMessage()), 3);
            }
        }
        for (Running pair : running) {
            try {
                rows.add(finish(store, pair));
            } catch (BadInputException e) {
                failures++;
                failed(pair.name, String.valueOf(e.getMessage()), 3);
            } catch (ExecutionException e) {
                failures++;
                failed(pair.name, String.valueOf(e.getCause() == null ? e : e.getCause().getMessage()), 70);
            }
        }
        store.clean();
        metadata(spark, rows);
        return failures;
    }

    private record Pair(String name, String alice, String bob, String session, long blocks, ObjectNode input) {}

    private List<BatchManifest.Line> lines() throws IOException {
        FileSystem fs = Files.system(manifest);
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
        try (HadoopChannel a = new HadoopChannel(Files.system(alice.toString()), alice);
                HadoopChannel b = new HadoopChannel(Files.system(bob.toString()), bob)) {
            long pulses = DumpReader.pulsesAtEnd(bob.toString(), b);
            String session;
            b.position(0);
            try (DumpReader dump = DumpReader.open(bob.toString(), b)) {
                session = dump.header().session().map(Object::toString).orElse("");
            }
            long blocks = own.blockPulses() == Long.MAX_VALUE
                    ? 1
                    : Math.max(1, Math.ceilDiv(pulses, own.blockPulses()));
            ObjectNode input = JsonMapper.shared().createObjectNode();
            input.put("session", session);
            input.put("aliceBytes", a.size());
            input.put("bobBytes", b.size());
            input.put("pulses", pulses);
            input.put("settings", own.toString());
            ObjectNode read = (ObjectNode) JsonMapper.shared().readTree(input.toString());
            return new Pair(line.name(), alice.toString(), bob.toString(), session, blocks, read);
        }
    }

    private ObjectNode finish(Store store, Running pair) throws IOException, InterruptedException, ExecutionException {
        List<BlockResult> results = pair.blocks.get().stream()
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
            for (String name : NUMBERS) {
                row.put(name, report.path(name).asDouble());
            }
            row.put("link", report.path("link").asString(""));
            row.put("session", report.path("session").asString(""));
            row.put("seconds", r.seconds());
            row.put("host", r.host());
            secret += report.path("secretBits").asLong();
            key += report.path("siftedBits").asLong();
        }
        summary.put("siftedBits", key);
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

    private static final List<String> NUMBERS =
            List.of("detections", "siftedBits", "keyBasisQber", "testBasisQber", "leakedBits", "efficiency", "secretBits");

    private static void print(String name, ObjectNode summary, String state) {
        ObjectNode line = JsonMapper.shared().createObjectNode();
        line.put("name", name).put("state", state);
        line.put("blocks", summary.path("blocks").size());
        line.put("siftedBits", summary.path("siftedBits").asLong());
        line.put("secretBits", summary.path("secretBits").asLong());
        for (String digest : List.of("aliceKeyDigest", "bobKeyDigest")) {
            if (summary.has(digest)) {
                line.set(digest, summary.get(digest));
            }
        }
        System.out.println(line);
    }

    private static void failed(String name, String problem, int exitCode) {
        ObjectNode line = JsonMapper.shared().createObjectNode();
        line.put("name", name).put("state", "failed").put("exitCode", exitCode).put("problem", problem);
        System.out.println(line);
    }

    /** What is known of all blocks, without secrets, as Parquet. */
    private void metadata(SparkSession spark, List<ObjectNode> pairs) {
        StructType type = new StructType()
                .add("pair", DataTypes.StringType)
                .add("link", DataTypes.StringType)
                .add("session", DataTypes.StringType)
                .add("block", DataTypes.LongType)
                .add("keyId", DataTypes.StringType)
                .add("problem", DataTypes.StringType)
                .add("host", DataTypes.StringType)
                .add("seconds", DataTypes.DoubleType);
        for (String name : NUMBERS) {
            type = type.add(name, DataTypes.DoubleType);
        }
        List<Row> rows = new ArrayList<>();
        for (ObjectNode pair : pairs) {
            for (JsonNode b : pair.path("blocks")) {
                List<Object> values = new ArrayList<>(List.of(
                        pair.path("name").asString(""),
                        b.path("link").asString(""),
                        b.path("session").asString(""),
                        b.path("block").asLong(),
                        b.path("keyId").asString(""),
                        b.path("problem").asString(""),
                        b.path("host").asString(""),
                        b.path("seconds").asDouble()));
                NUMBERS.forEach(name -> values.add(b.path(name).asDouble()));
                rows.add(RowFactory.create(values.toArray()));
            }
        }
        spark.createDataFrame(rows, type)
                .coalesce(1)
                .write()
                .mode(SaveMode.Overwrite)
                .parquet(new Path(out, "blocks.parquet").toString());
    }
}
