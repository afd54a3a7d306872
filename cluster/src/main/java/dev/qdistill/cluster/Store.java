package dev.qdistill.cluster;

import dev.qdistill.dump.BadInputException;
import dev.qdistill.keystore.KeyStore;
import dev.qdistill.keystore.Site;
import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.util.ShutdownHookManager;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Where the keys of a batch go, on a Hadoop file system: {@code OUT/PAIR/alice} and {@code OUT/PAIR/bob}, key stores both, and
 * {@code OUT/PAIR/summary.json}, without secrets.
 *
 * <p>Attempts leave keys below {@code OUT/.attempts}. When a pair's blocks are all done, a record of which attempts count is
 * written in one step, then the keys are moved, then the summary is written, then the record goes. A driver that died in between
 * leaves a record; the next one goes on from there. So a block has the key of one attempt, however many there were.
 */
final class Store implements Closeable {
    /** Of a key file (docs/formats.md), little-endian: where the length of the header stands, and that of the key in bits. */
    private static final int AT_HEADER_BYTES = 12;

    private static final int AT_BITS = 56;

    private final FileSystem fs;
    private final Path out;
    private final Path attempts;
    private final Path commits;
    private final Path lock;
    private boolean closed;

    /**
     * Opens or makes it, and finishes what a driver before this one has begun.
     *
     * @param owner this job, for whoever finds it locked
     * @param takeOver whether a lock that is there does not count
     * @throws BadInputException if another job has locked it
     */
    Store(String out, String owner, boolean takeOver) throws IOException {
        this.fs = Files.system(out);
        this.out = fs.makeQualified(new Path(out));
        this.attempts = new Path(this.out, ".attempts");
        this.commits = new Path(this.out, ".commits");
        this.lock = new Path(this.out, ".lock");
        if (!fs.exists(this.out)) {
            Files.makePrivate(fs, this.out);
        }
        if (takeOver) {
            fs.delete(lock, false);
        }
        if (!Files.createNew(fs, lock, owner)) {
            throw new BadInputException(
                    lock.toString(),
                    "job " + new String(bytes(lock), StandardCharsets.UTF_8)
                            + " is at work on this directory; if it has died, --take-over goes on where it was");
        }
        ShutdownHookManager.get().addShutdownHook(this::close, FileSystem.SHUTDOWN_HOOK_PRIORITY + 1);
        Files.makePrivate(fs, commits);
        for (FileStatus status : fs.listStatus(commits)) {
            if (status.getPath().getName().endsWith(".json")) {
                move(status.getPath(), read(status.getPath()));
            }
        }
        Files.remove(fs, attempts);
        Files.makePrivate(fs, attempts);
    }

    /** Where attempts leave their keys. */
    String attempts() {
        return attempts.toString();
    }

    /** What was stored of a pair; empty if it is not finished. */
    Optional<ObjectNode> finished(String pair) throws IOException {
        Path summary = new Path(new Path(out, pair), "summary.json");
        return fs.exists(summary) ? Optional.of(read(summary)) : Optional.empty();
    }

    /**
     * Takes the keys of a pair.
     *
     * @param summary the pair's report, without secrets
     * @param results one for each block that there is
     */
    void commit(String pair, ObjectNode summary, List<BlockResult> results) throws IOException {
        ObjectNode record = JsonMapper.shared().createObjectNode();
        record.put("pair", pair);
        ArrayNode keys = record.putArray("keys");
        for (BlockResult r : results) {
            if (!r.keyId().isEmpty()) {
                keys.addObject().put("id", r.keyId()).put("attempt", r.attempt());
            }
        }
        record.set("summary", summary);
        Path file = new Path(commits, pair + ".json");
        write(file, record);
        move(file, record);
    }

    private void move(Path file, ObjectNode record) throws IOException {
        Path place = new Path(out, record.path("pair").asString());
        Files.makePrivate(fs, place);
        for (Site site : Site.values()) {
            Path store = new Path(place, site.id());
            Files.makePrivate(fs, store);
            for (JsonNode key : record.path("keys")) {
                Path from = new Path(key.path("attempt").asString(), site.id() + KeyStore.SUFFIX);
                Path to = new Path(store, key.path("id").asString() + KeyStore.SUFFIX);
                if (!fs.exists(to) && !fs.rename(from, to)) {
                    throw new IOException(from + " cannot be moved to " + to);
                }
            }
        }
        write(new Path(place, "summary.json"), (ObjectNode) record.path("summary"));
        fs.delete(file, false);
    }

    /** Removes what attempts have left that do not count, and the lock. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            if (fs.listStatus(commits).length == 0) { // else the next job moves the keys that they name
                fs.delete(commits, false);
                Files.remove(fs, attempts);
            }
            fs.delete(lock, false);
        } catch (IOException e) {
            System.err.println("qdistill: " + attempts + " and " + lock + " remain: " + e.getMessage());
        }
    }

    /** SHA-256 over the keys of a pair at one site, in the order of the blocks; key material. */
    String digest(List<BlockResult> results, String pair, Site site) throws IOException {
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            byte[] piece = new byte[1 << 16];
            for (BlockResult r : new ArrayList<>(results)) {
                if (r.keyId().isEmpty()) {
                    continue;
                }
                Path file = new Path(new Path(new Path(out, pair), site.id()), r.keyId() + KeyStore.SUFFIX);
                try (FSDataInputStream in = fs.open(file)) {
                    in.seek(AT_BITS);
                    long left = Long.reverseBytes(in.readLong()) + 7 >>> 3;
                    in.seek(AT_HEADER_BYTES);
                    in.seek(Integer.reverseBytes(in.readInt()));
                    while (left > 0) {
                        int n = (int) Math.min(left, piece.length);
                        in.readFully(piece, 0, n);
                        sha.update(piece, 0, n);
                        left -= n;
                    }
                }
            }
            java.util.Arrays.fill(piece, (byte) 0);
            return HexFormat.of().formatHex(sha.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** In one step, whatever was there before. */
    private void write(Path file, ObjectNode json) throws IOException {
        Path temporary = new Path(file.getParent(), "." + file.getName() + ".tmp");
        try (FSDataOutputStream to = Files.createPrivate(fs, temporary)) {
            to.write(JsonMapper.shared()
                    .writerWithDefaultPrettyPrinter()
                    .writeValueAsString(json)
                    .getBytes(StandardCharsets.UTF_8));
            to.hsync();
        }
        fs.delete(file, false);
        if (!fs.rename(temporary, file)) {
            throw new IOException(temporary + " cannot be renamed to " + file);
        }
    }

    private ObjectNode read(Path file) throws IOException {
        return (ObjectNode) JsonMapper.shared().readTree(bytes(file));
    }

    private byte[] bytes(Path file) throws IOException {
        try (FSDataInputStream in = fs.open(file)) {
            return in.readAllBytes();
        }
    }
}
