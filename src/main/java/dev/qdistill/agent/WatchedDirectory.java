package dev.qdistill.agent;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.qdistill.dump.BadInputException;
import dev.qdistill.dump.DumpHeader;
import dev.qdistill.dump.DumpReader;
import dev.qdistill.keystore.Durable;
import dev.qdistill.link.BlockSummary;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;
import java.util.regex.Pattern;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A directory that a link takes dumps from. A dump stays there until its session is over; then it is moved to {@code done/} or
 * {@code failed/} in it, beside a small JSON file that says what came of it. So a crash loses no dump: after a restart it is found
 * again, and what was begun is not begun anew.
 */
final class WatchedDirectory implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(WatchedDirectory.class.getName());
    private static final Duration INTERVAL = Duration.ofSeconds(1);

    /** A file that did not change for so long is complete. */
    private static final Duration SETTLED = Duration.ofSeconds(3);

    /** What is not there yet, by the usual names; and results. */
    private static final Pattern LEFT_ALONE = Pattern.compile("\\..*|.*(\\.tmp|\\.part|\\.json|~)");

    private final Path directory;
    private final LinkService link;
    private final Thread thread;
    private final Map<Path, Seen> seen = new HashMap<>();
    /** Those that the link has, and those that could not be moved away. */
    private final Set<Path> taken = new HashSet<>();

    private final CountDownLatch closed = new CountDownLatch(1);

    /** What a file was when it was looked at first. */
    private record Seen(long size, FileTime modified, long nanos) {}

    private WatchedDirectory(Path directory, LinkService link) {
        this.directory = directory;
        this.link = link;
        this.thread = Thread.ofPlatform().name("watch-" + link.name()).daemon().unstarted(this::watch);
    }

    /**
     * Begins to look.
     *
     * @param directory made if it is not there
     * @throws ConfigurationException if it cannot be made or read
     */
    static WatchedDirectory start(Path directory, LinkService link) {
        WatchedDirectory watch = new WatchedDirectory(directory, link);
        try {
            if (!Files.isDirectory(directory)) {
                Files.createDirectories(Durable.directory(directory));
                Files.createDirectory(directory, Durable.ownerOnly(directory, "rwx------"));
            }
            watch.look(true);
        } catch (IOException | UncheckedIOException e) {
            throw new ConfigurationException(
                    "link " + link.name() + ": the directory " + directory + " cannot be watched: " + e.getMessage());
        }
        watch.thread.start();
        return watch;
    }

    private void watch() {
        Optional<String> trouble = Optional.empty();
        while (await()) {
            try {
                look(false);
                trouble = Optional.empty();
            } catch (IOException | RuntimeException e) {
                if (!trouble.equals(Optional.of(e.toString()))) {
                    LOG.log(Level.ERROR, "The directory {0} cannot be watched: {1}", directory, e.toString());
                }
                trouble = Optional.of(e.toString());
            }
        }
    }

    private boolean await() {
        try {
            return !closed.await(INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** One look: what is complete is offered to the link, in the order in which it was written. */
    private void look(boolean first) throws IOException {
        List<Path> complete = new ArrayList<>();
        Map<Path, Seen> now = new HashMap<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                if (LEFT_ALONE.matcher(String.valueOf(file.getFileName())).matches() || isTaken(file)) {
                    continue;
                }
                Optional<Seen> found = attributes(file);
                if (found.isPresent()) {
                    Seen before = seen.get(file);
                    boolean same = before != null
                            && before.size() == found.get().size()
                            && before.modified().equals(found.get().modified());
                    now.put(file, same ? Objects.requireNonNull(before) : found.get());
                    if (isSettled(now.get(file), found.get().nanos())) {
                        complete.add(file);
                    }
                }
            }
        }
        seen.clear();
        seen.putAll(now);
        complete.sort(Comparator.comparing(
                        (Path f) -> Objects.requireNonNull(now.get(f)).modified())
                .thenComparing(f -> f));
        for (Path file : complete) {
            if (!offer(file, first)) {
                return;
            }
        }
    }

    /** What was moved here when it was complete is taken at once. */
    private static boolean isSettled(Seen file, long nanos) {
        Duration age = Duration.between(file.modified().toInstant(), Instant.now());
        return age.compareTo(SETTLED) >= 0 || nanos - file.nanos() >= SETTLED.toNanos();
    }

    private static Optional<Seen> attributes(Path file) throws IOException {
        try {
            BasicFileAttributes a = Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            return a.isRegularFile()
                    ? Optional.of(new Seen(a.size(), a.lastModifiedTime(), System.nanoTime()))
                    : Optional.empty();
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private synchronized boolean isTaken(Path file) {
        return taken.contains(file);
    }

    private synchronized void take(Path file) {
        taken.add(file);
    }

    private synchronized void release(Path file) {
        taken.remove(file);
    }

    /** Returns whether the link could take more. */
    private boolean offer(Path file, boolean first) {
        DumpHeader header;
        try (DumpReader reader = DumpReader.open(file)) {
            header = reader.header();
        } catch (BadInputException e) {
            reject(file, Optional.empty(), e.getMessage());
            return true;
        }
        FileFeed feed = new FileFeed(file, header);
        take(file);
        try {
            link.offer(feed);
        } catch (FeedException e) {
            switch (e.reason()) {
                case BUSY, STOPPING -> {
                    release(file);
                    return false;
                }
                // It ended, and the agent before it could move the file.
                case OVER, FAILED -> {
                    if (first) {
                        feed.finish(e.reason() == FeedException.Reason.OVER ? Optional.empty() : problem(e));
                    } else {
                        reject(file, Optional.of(header), String.valueOf(e.getMessage()));
                    }
                }
                default -> reject(file, Optional.of(header), String.valueOf(e.getMessage()));
            }
        }
        return true;
    }

    private static Optional<String> problem(FeedException e) {
        return Optional.of(String.valueOf(e.getMessage()));
    }

    private void reject(Path file, Optional<DumpHeader> header, String problem) {
        String text = problem.startsWith(file.toString()) ? problem : file + ": " + problem;
        LOG.log(Level.ERROR, "Link {0}: {1}", link.name(), text);
        take(file);
        ObjectNode result = result(file, header);
        result.put("problem", problem);
        moveAway(file, "failed", result);
    }

    private ObjectNode result(Path file, Optional<DumpHeader> header) {
        ObjectNode node = JsonMapper.shared().createObjectNode();
        node.put("file", String.valueOf(file.getFileName()));
        node.put("link", link.name());
        header.flatMap(DumpHeader::session).ifPresent(s -> node.put("session", s.toString()));
        header.flatMap(DumpHeader::role).ifPresent(r -> node.put("role", r.toString()));
        node.put("time", Instant.now().toString());
        return node;
    }

    /** First the result, then the dump: a dump that is not in its place any more has a result. */
    private void moveAway(Path file, String where, ObjectNode result) {
        try {
            Path to = directory.resolve(where);
            if (!Files.isDirectory(to)) {
                Files.createDirectory(to, Durable.ownerOnly(to, "rwx------"));
            }
            String name = freeName(to, String.valueOf(file.getFileName()));
            Path temporary = to.resolve("." + name + ".json");
            ByteBuffer text = ByteBuffer.wrap(
                    (JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(result) + "\n")
                            .getBytes(UTF_8));
            Files.deleteIfExists(temporary);
            Durable.write(temporary, channel -> {
                while (text.hasRemaining()) {
                    channel.write(text);
                }
            });
            Durable.rename(temporary, to.resolve(name + ".json"));
            Durable.rename(file, to.resolve(name));
            Durable.force(directory);
            release(file);
        } catch (IOException e) {
            LOG.log(Level.ERROR, "{0} cannot be moved to {1}: {2}", file, where, e.toString());
        }
    }

    /** A result without its dump is one that a crash left; it is written anew. */
    private static String freeName(Path directory, String name) {
        String free = name;
        for (int n = 2; Files.exists(directory.resolve(free)); n++) {
            free = name + "-" + n;
        }
        return free;
    }

    @Override
    public void close() {
        closed.countDown();
        try {
            thread.join(Duration.ofSeconds(10));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** One dump. */
    private final class FileFeed implements Feed {
        private final Path file;
        private final DumpHeader header;
        private final long firstBlock;
        private final List<BlockSummary> blocks = new ArrayList<>();

        FileFeed(Path file, DumpHeader header) {
            this.file = file;
            this.header = header;
            this.firstBlock =
                    header.session().map(s -> link.nextBlock(s.toString())).orElse(0L);
        }

        @Override
        public DumpHeader header() {
            return header;
        }

        @Override
        public DumpReader open() {
            return DumpReader.open(file);
        }

        @Override
        public void block(BlockSummary summary) {
            blocks.add(summary);
        }

        @Override
        public void ended(Optional<String> problem) {
            finish(problem);
        }

        void finish(Optional<String> problem) {
            ObjectNode result = result(file, Optional.of(header));
            result.put("firstBlock", firstBlock);
            result.put(
                    "begunBlocks",
                    header.session().map(s -> link.nextBlock(s.toString())).orElse(0L) - firstBlock);
            result.put("blocks", blocks.size());
            result.put("keys", blocks.stream().filter(b -> b.secretBits() > 0).count());
            result.put("siftedBits", sum(blocks, BlockSummary::siftedBits));
            result.put("keyBasisBits", sum(blocks, b -> b.counts().keyDetections()));
            result.put("keyBasisErrors", sum(blocks, b -> b.counts().keyErrors()));
            result.put("leakedBits", sum(blocks, BlockSummary::leakedBits));
            result.put("secretBits", sum(blocks, BlockSummary::secretBits));
            blocks.stream()
                    .flatMap(b -> b.abort().stream())
                    .findFirst()
                    .ifPresentOrElse(a -> result.put("abort", a), () -> result.putNull("abort"));
            problem.ifPresentOrElse(p -> result.put("problem", p), () -> result.putNull("problem"));
            moveAway(file, problem.isPresent() ? "failed" : "done", result);
        }

        @Override
        public void close() {}
    }

    private static long sum(List<BlockSummary> blocks, ToLongFunction<BlockSummary> what) {
        return blocks.stream().mapToLong(what).sum();
    }
}
