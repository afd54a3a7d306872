package dev.qdistill.cluster;

import dev.qdistill.DistilledKey;
import dev.qdistill.Distiller;
import dev.qdistill.amplify.EntropySource;
import dev.qdistill.dump.BadInputException;
import dev.qdistill.dump.DumpReader;
import dev.qdistill.keystore.KeyRecord;
import dev.qdistill.keystore.KeyStore;
import dev.qdistill.keystore.Site;
import dev.qdistill.link.BlockSummary;
import dev.qdistill.report.RunReport;
import java.io.IOException;
import java.net.URI;
import java.nio.channels.Channels;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.Function;

/** What an executor does with a block: the library's work, between files of a Hadoop file system. */
final class BlockWork implements Function<BlockTask, BlockResult> {
    /** Kernels are made once a task slot, not once a block; an executor's process has no other place to keep them. */
    private static final Map<String, Queue<Distiller.Resources>> IDLE = new ConcurrentHashMap<>();

    @Override
    public BlockResult call(BlockTask task) throws IOException {
        long start = System.nanoTime();
        String kind = task.backend() + " " + task.threads() + " " + task.testSeed();
        Queue<Distiller.Resources> idle = IDLE.computeIfAbsent(kind, k -> new ConcurrentLinkedQueue<>());
        Distiller.Resources resources = idle.poll();
        if (resources == null) {
            resources = new Distiller.Resources(
                    task.backend(),
                    task.threads(),
                    task.testSeed() == null ? EntropySource.system() : EntropySource.seeded(task.testSeed()));
        }
        boolean usable = false; // after a failure nobody knows what state they are in
        try {
            BlockResult result = distil(task, resources, start);
            usable = true;
            return result;
        } catch (BadInputException e) {
            usable = true;
            // The same for every attempt: not Spark's to try again.
            return new BlockResult(
                    task.block(), "", "", String.valueOf(e.getMessage()), 3, "", Map.of(), seconds(start), executor());
        } finally {
            if (usable) {
                idle.add(resources);
            } else {
                resources.close();
            }
        }
    }

    private static BlockResult distil(BlockTask task, Distiller.Resources resources, long start) throws IOException {
        try (DumpReader alice = open(task.alice());
                DumpReader bob = open(task.bob())) {
            DumpReader.requirePair(alice, bob);
            Optional<Distiller.Pair> keys =
                    Distiller.distillBlock(alice, bob, task.block(), task.settings(), resources);
            try {
                return keys.isEmpty()
                        ? new BlockResult(task.block(), "", "", "", 0, "", Map.of(), seconds(start), executor())
                        : result(task, keys.get(), resources, start);
            } finally {
                keys.ifPresent(Distiller.Pair::close);
            }
        }
    }

    private static DumpReader open(String uri) throws IOException {
        FileSystem fs = Files.system(uri);
        Path path = new Path(URI.create(uri));
        if (!fs.exists(path)) {
            throw new BadInputException(uri, "no such file");
        }
        return DumpReader.open(uri, HadoopChannel.open(fs, path));
    }

    private static BlockResult result(BlockTask task, Distiller.Pair keys, Distiller.Resources resources, long start)
            throws IOException {
        BlockSummary summary = keys.bob().summary();
        String row = new RunReport(
                        List.of(summary),
                        resources.backends(),
                        0,
                        Math.max(seconds(start), 1e-9),
                        Optional.empty(),
                        Optional.empty())
                .json()
                .toString();
        Map<String, Double> stages = new LinkedHashMap<>();
        summary.times().seconds().forEach((stage, s) -> stages.put(stage.id(), s));
        if (!keys.bob().isPresent()) {
            return new BlockResult(
                    task.block(), "", "", summary.abort().orElse(""), 4, row, stages, seconds(start), executor());
        }
        TaskContext context = TaskContext.get();
        Path attempt = new Path(
                task.attempts(),
                task.name() + "-" + task.block() + "-" + (context == null ? 0 : context.taskAttemptId()));
        FileSystem fs = Files.system(task.attempts());
        Files.makePrivate(fs, attempt);
        Instant now = Instant.now();
        write(fs, attempt, keys.alice(), Site.ALICE, now);
        write(fs, attempt, keys.bob(), Site.BOB, now);
        return new BlockResult(
                task.block(),
                attempt.toString(),
                keys.bob().id().toString(),
                "",
                0,
                row,
                stages,
                seconds(start),
                executor());
    }

    private static void write(FileSystem fs, Path attempt, DistilledKey key, Site site, Instant now)
            throws IOException {
        KeyRecord record = key.record(site, now);
        try (FSDataOutputStream out = Files.createPrivate(fs, new Path(attempt, site.id() + KeyStore.SUFFIX))) {
            KeyStore.write(Channels.newChannel(out), record, key.key());
            out.hsync();
        }
    }

    private static double seconds(long start) {
        return (System.nanoTime() - start) * 1e-9;
    }

    private static String executor() {
        SparkEnv env = SparkEnv.get();
        return env == null
                ? ""
                : env.executorId() + "@" + env.blockManager().blockManagerId().host();
    }
}
