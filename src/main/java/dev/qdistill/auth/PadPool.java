package dev.qdistill.auth;

import dev.qdistill.amplify.EntropySource;
import dev.qdistill.bits.BitString;
import dev.qdistill.keystore.Durable;
import dev.qdistill.keystore.Site;
import dev.qdistill.keystore.WriterLock;
import dev.qdistill.verify.PolynomialHash;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * The authentication key of one link at one site: a directory with the hash key and supplies of one-time pads. Each
 * direction has its own pads; a pad is named by its supply and number, so the two sites cannot take different ones for the same.
 *
 * <p>The pool begins with a pre-shared supply, whose hash key is kept, and is refilled with supplies cut from keys made. A
 * pad's use is on the disk before the pad is given out, and the pad is overwritten then.
 *
 * <p>Safe for use by many threads; one process at a time has it open.
 */
public final class PadPool implements AutoCloseable {
    /** Bits of a pad, and of the hash key. */
    public static final int KEY_BITS = PolynomialHash.FIELD_BITS;

    /** Pads that one block takes: one tag of Alice's, two of Bob's. */
    public static final int PADS_OF_BLOCK = 3;

    /** The longest name of a link, in bytes of UTF-8. */
    public static final int MAX_LINK_BYTES = Supply.MAX_LINK_BYTES;

    /** For how many blocks a pre-shared key can be, at most. */
    public static final int MAX_BLOCKS = Supply.MAX_PADS / (PADS_OF_BLOCK - 1);

    /** Pads marked as used at a time when this site sends: a crash loses at most these, and the disk is asked less often. */
    private static final int RESERVED = 4;

    /** How far the peer's pads may run ahead of those seen: what crashes of the peer may have lost. */
    private static final int AHEAD = 256;

    /** How far behind the last one seen a pad may still come: more than there are tags on the way. */
    private static final int BEHIND = 128;

    private static final String TEMPORARY = ".tmp";

    private final Path directory;
    private final WriterLock lock;
    private final List<Supply> supplies = new ArrayList<>();
    private final List<ArrayDeque<Pad>> reserved = List.of(new ArrayDeque<>(), new ArrayDeque<>());
    private long created = System.currentTimeMillis();

    private PadPool(Path directory, WriterLock lock) {
        this.directory = directory;
        this.lock = lock;
    }

    /** A pad, to be used once. Closing it wipes it. */
    static final class Pad implements AutoCloseable {
        private final PadId id;
        private final long[] value;

        Pad(PadId id, long[] value) {
            this.id = id;
            this.value = value;
        }

        PadId id() {
            return id;
        }

        /** {low 64 bits, high 63 bits}. */
        long[] value() {
            return value;
        }

        @Override
        public void close() {
            Arrays.fill(value, 0);
        }
    }

    /**
     * Makes the first authentication key of a link: two files with the same bits, one for each site.
     *
     * @param alice Alice's file
     * @param bob Bob's file
     * @param link the link's name
     * @param blocks for how many blocks it is enough
     * @param entropy where the bits come from
     * @throws PoolException if one of the files exists or cannot be written; neither is left then
     */
    public static void makePreShared(Path alice, Path bob, String link, int blocks, EntropySource entropy) {
        if (blocks < 1 || blocks > MAX_BLOCKS) {
            throw new IllegalArgumentException(
                    "A pre-shared key for " + blocks + " blocks; 1 to " + MAX_BLOCKS + " are possible");
        }
        try (BitString bits = BitString.allocate(KEY_BITS + (long) blocks * PADS_OF_BLOCK * KEY_BITS);
                BitString name = BitString.allocate(128)) {
            entropy.fill(bits);
            entropy.fill(name);
            UUID id = new UUID(
                    name.word(0) & 0xffff_ffff_ffff_0fffL | 0x4000L,
                    name.word(1) & 0x3fff_ffff_ffff_ffffL | 0x8000_0000_0000_0000L);
            long now = System.currentTimeMillis();
            writePreShared(alice, new Supply.Head(id, link, Site.ALICE, true, blocks, 2 * blocks, now), bits);
            boolean done = false;
            try {
                writePreShared(bob, new Supply.Head(id, link, Site.BOB, true, blocks, 2 * blocks, now), bits);
                done = true;
            } finally {
                if (!done) {
                    Supply.open(alice).destroy();
                }
            }
        }
    }

    private static void writePreShared(Path file, Supply.Head head, BitString bits) {
        try {
            Supply.write(file, head, Supply.State.ACTIVE, bits);
            Durable.force(Durable.directory(file));
        } catch (IOException e) {
            throw new PoolException(file, "write the pre-shared key", e);
        }
    }

    /**
     * Moves a pre-shared key into a site's pool, which is made if it is not there. The file is overwritten and deleted.
     *
     * @throws PoolException if it is not one, or of another link or site, or was installed before
     */
    public static void install(Path file, Path directory) {
        UUID id;
        try (Supply supply = Supply.open(file)) {
            id = supply.id();
            if (!supply.hasKey() || supply.state() != Supply.State.ACTIVE) {
                throw new PoolException(file, "is no pre-shared key, but a part of a pool");
            }
            try {
                Files.createDirectories(Durable.directory(directory));
                if (!Files.exists(directory)) {
                    Files.createDirectory(directory, Durable.ownerOnly(directory, "rwx------"));
                }
            } catch (IOException e) {
                throw new PoolException(directory, "make the pool", e);
            }
            try (PadPool pool = openAny(directory)) {
                for (Supply s : pool.supplies) {
                    if (!s.link().equals(supply.link()) || s.site() != supply.site()) {
                        throw new PoolException(
                                file,
                                "is of link " + supply.link() + " at "
                                        + supply.site().id() + "; this pool is of " + s.link() + " at "
                                        + s.site().id());
                    }
                    if (s.id().equals(id)) {
                        throw new PoolException(
                                file, "is in this pool already; no copy may stay outside, delete this one");
                    }
                }
                Path inside = pool.directory.resolve(id + Supply.SUFFIX);
                Path temporary = pool.directory.resolve(id + TEMPORARY);
                try {
                    Files.copy(file, temporary, java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
                    try (var channel =
                            java.nio.channels.FileChannel.open(temporary, java.nio.file.StandardOpenOption.WRITE)) {
                        channel.force(true);
                    }
                    Durable.rename(temporary, inside);
                } catch (IOException e) {
                    throw new PoolException(inside, "write the pre-shared key", e);
                }
            }
        }
        Supply.open(file).destroy();
    }

    /**
     * Opens a site's pool.
     *
     * @param link the link's name
     * @param site whose
     * @throws PoolException if there is none, it is another link's or site's, or somebody has it open
     */
    public static PadPool open(Path directory, String link, Site site) {
        PadPool pool = openAny(directory);
        try {
            Supply first = pool.supplies.stream()
                    .filter(Supply::hasKey)
                    .findFirst()
                    .orElseThrow(() -> new PoolException(
                            directory, "there is no pre-shared key in it; 'keys psk' makes and installs one"));
            if (!first.link().equals(link) || first.site() != site) {
                throw new PoolException(
                        directory,
                        "is the pool of link " + first.link() + " at "
                                + first.site().id() + "; that of " + link + " at " + site.id() + " is expected");
            }
            return pool;
        } catch (Throwable t) {
            pool.close();
            throw t;
        }
    }

    private static PadPool openAny(Path directory) {
        if (!Files.isDirectory(directory)) {
            throw new PoolException(directory, "no such directory; 'keys psk' makes and installs a pool");
        }
        try {
            Path real = directory.toRealPath();
            if (Durable.isOpenToOthers(real)) {
                throw new PoolException(directory, "others than its owner have access; mode 0700 is expected");
            }
            WriterLock lock = WriterLock.take(real)
                    .orElseThrow(() -> new PoolException(directory, "another process has this pool open"));
            PadPool pool = new PadPool(real, lock);
            try {
                pool.load();
                return pool;
            } catch (Throwable t) {
                pool.close();
                throw t;
            }
        } catch (IOException e) {
            throw new PoolException(directory, "open the pool", e);
        }
    }

    private void load() throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                String name = String.valueOf(file.getFileName());
                if (name.endsWith(TEMPORARY)) {
                    Files.delete(file);
                } else if (name.endsWith(Supply.SUFFIX)) {
                    Supply supply = Supply.open(file);
                    supplies.add(supply);
                    if (!name.equals(supply.id() + Supply.SUFFIX)) {
                        throw new PoolException(file, "holds the supply " + supply.id() + ", which is not its name");
                    }
                }
            }
        }
        sort();
    }

    private void sort() {
        supplies.sort(Comparator.comparingLong(Supply::order).thenComparing(Supply::id));
    }

    /**
     * What is left in a pool.
     *
     * @param link the link's name
     * @param site whose
     * @param padsToBob pads for what Alice sends, those that this site does not send with yet included
     * @param padsToAlice pads for what Bob sends
     */
    public record Level(String link, Site site, int padsToBob, int padsToAlice) {
        /** For how many blocks it is enough. */
        public int blocks() {
            return Math.min(padsToBob, padsToAlice / (PADS_OF_BLOCK - 1));
        }
    }

    /** What is left in a pool, which another process may have open. */
    public static Level level(Path directory) {
        List<Supply.Level> levels = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*" + Supply.SUFFIX)) {
            for (Path file : files) {
                levels.add(Supply.level(file));
            }
        } catch (IOException e) {
            throw new PoolException(directory, "read the pool", e);
        }
        if (levels.isEmpty()) {
            throw new PoolException(directory, "is no pool of authentication key; 'keys psk' makes and installs one");
        }
        return new Level(
                levels.getFirst().link(),
                levels.getFirst().site(),
                levels.stream().mapToInt(Supply.Level::toBob).sum(),
                levels.stream().mapToInt(Supply.Level::toAlice).sum());
    }

    /** The link's name. */
    public synchronized String link() {
        return supplies.getFirst().link();
    }

    /** Whose it is. */
    public synchronized Site site() {
        return supplies.getFirst().site();
    }

    /** A hash of nothing under the hash key. */
    synchronized PolynomialHash hash() {
        for (Supply s : supplies) {
            if (s.hasKey()) {
                long[] key = s.key();
                return new PolynomialHash(key[0], key[1]);
            }
        }
        throw new PoolException(directory, "there is no hash key");
    }

    /** The pads left for what this direction sends, in supplies that may be used for it. */
    public synchronized int remaining(Direction direction) {
        int n = reserved.get(direction.code()).size();
        for (Supply s : supplies) {
            n += s.state() == Supply.State.ACTIVE ? s.remaining(direction) : 0;
        }
        return n;
    }

    /** How many blocks can still be authenticated. */
    public int blocks() {
        return Math.min(remaining(Direction.ALICE_TO_BOB), remaining(Direction.BOB_TO_ALICE) / 2);
    }

    /**
     * The next pad for sending.
     *
     * @throws AuthenticationException if there is none
     */
    synchronized Pad take(Direction direction) {
        ArrayDeque<Pad> ready = reserved.get(direction.code());
        if (ready.isEmpty()) {
            reserve(direction, ready);
        }
        return ready.remove();
    }

    private void reserve(Direction direction, ArrayDeque<Pad> ready) {
        for (Supply s : supplies) {
            int from = s.firstFree(direction);
            if (s.state() != Supply.State.ACTIVE || from == s.count(direction)) {
                continue;
            }
            int to = from;
            while (to < s.count(direction) && to - from < RESERVED && !s.isUsed(direction, to)) {
                to++;
            }
            s.markUsed(direction, from, to);
            for (int i = from; i < to; i++) {
                ready.add(new Pad(new PadId(s.id(), i), s.takeMarked(direction, i)));
            }
            return;
        }
        throw AuthenticationException.dry("the authentication key of link " + link() + " from " + direction.text()
                + " is used up; the link stops until both sites install a new pre-shared key ('keys psk')");
    }

    /**
     * The pad that the peer says it used. Whatever comes of it, it is spent.
     *
     * @throws AuthenticationException if there is no such pad, or it was used
     */
    synchronized Pad claim(Direction direction, PadId id) {
        Supply s = find(id.supply())
                .filter(x -> x.state() != Supply.State.STAGED)
                .orElseThrow(() -> AuthenticationException.refused(
                        "the peer's tag names a supply of pads that this site does not have: " + id.supply()));
        int after = s.afterLastUsed(direction);
        if (id.index() < 0 || id.index() >= s.count(direction)) {
            throw AuthenticationException.refused("the peer's tag names pad " + id.index() + " of " + s.count(direction)
                    + " from " + direction.text());
        }
        if (s.isUsed(direction, id.index())) {
            throw AuthenticationException.refused("the peer's tag names pad " + id.index() + " from " + direction.text()
                    + ", which is spent: the tag was repeated, or comes too late");
        }
        if (id.index() > after + AHEAD) {
            throw AuthenticationException.refused(
                    "the peer's tag names pad " + id.index() + ", but the last one seen was " + (after - 1));
        }
        s.markUsed(direction, id.index(), id.index() + 1);
        Pad pad = new Pad(id, s.takeMarked(direction, id.index()));
        // What the peer lost in a crash is not kept for ever.
        int first = s.firstFree(direction);
        if (first < id.index() - BEHIND) {
            s.markUsed(direction, first, id.index() - BEHIND);
            s.wipeMarked(direction, first, id.index() - BEHIND);
        }
        return pad;
    }

    // ---- Supplies cut from keys --------------------------------------------------------------------------------

    /**
     * Adds pads for {@code blocks} blocks that nobody may use yet. When this returns they are on the disk.
     *
     * @param id the same at both sites: the id of the key that they are cut from
     * @param bits {@code blocks · PADS_OF_BLOCK · KEY_BITS}
     */
    public synchronized void stage(UUID id, BitString bits) {
        int blocks = Math.toIntExact(bits.length() / (PADS_OF_BLOCK * KEY_BITS));
        Path file = directory.resolve(id + Supply.SUFFIX);
        Path temporary = directory.resolve(id + TEMPORARY);
        if (Files.exists(file)) {
            throw new PoolException(file, "there is a supply with this id already");
        }
        // Strictly later than all others, so that those are used up first.
        created = Math.max(
                created + 1,
                Math.max(System.currentTimeMillis(), supplies.getLast().order() + 1));
        try {
            Supply.write(
                    temporary,
                    new Supply.Head(id, link(), site(), false, blocks, 2 * blocks, created),
                    Supply.State.STAGED,
                    bits);
            Durable.rename(temporary, file);
        } catch (IOException e) {
            throw new PoolException(file, "write a supply of pads", e);
        }
        supplies.add(Supply.open(file));
        sort();
    }

    /** The peer may use this supply from now on; this site waits until it knows that the peer has it. */
    public synchronized void receive(UUID id) {
        find(id).filter(s -> s.state() == Supply.State.STAGED).ifPresent(s -> s.state(Supply.State.RECEIVING));
    }

    /** Both sites have this supply: it may be used. Does nothing if there is none with this id. */
    public synchronized void activate(UUID id) {
        find(id).filter(s -> s.state() != Supply.State.ACTIVE).ifPresent(s -> s.state(Supply.State.ACTIVE));
    }

    /** The peer uses this supply: this site may too, if it may receive with it. A staged one stays staged. */
    public synchronized void confirm(UUID id) {
        find(id).filter(s -> s.state() == Supply.State.RECEIVING).ifPresent(s -> s.state(Supply.State.ACTIVE));
    }

    /** Destroys a supply that was staged. Does nothing if there is none with this id. */
    public synchronized void discard(UUID id) {
        find(id).filter(s -> s.state() == Supply.State.STAGED).ifPresent(s -> {
            supplies.remove(s);
            s.destroy();
        });
    }

    /** The supplies that nobody may use yet. */
    public synchronized List<UUID> staged() {
        return ids(Supply.State.STAGED);
    }

    /** The supplies that this site uses. */
    public synchronized List<UUID> active() {
        return ids(Supply.State.ACTIVE);
    }

    /** Deletes supplies without pads, except for those with a hash key. */
    public synchronized void clean() {
        for (Supply s : List.copyOf(supplies)) {
            if (!s.hasKey() && s.remaining(Direction.ALICE_TO_BOB) == 0 && s.remaining(Direction.BOB_TO_ALICE) == 0) {
                supplies.remove(s);
                s.destroy();
            }
        }
    }

    private List<UUID> ids(Supply.State state) {
        return supplies.stream().filter(s -> s.state() == state).map(Supply::id).toList();
    }

    private Optional<Supply> find(UUID id) {
        return supplies.stream().filter(s -> s.id().equals(id)).findFirst();
    }

    /** Pads that were marked as used and not given out are lost. */
    @Override
    public synchronized void close() {
        reserved.forEach(pads -> {
            pads.forEach(Pad::close);
            pads.clear();
        });
        supplies.forEach(Supply::close);
        supplies.clear();
        try {
            lock.close();
        } catch (IOException e) {
            throw new PoolException(directory, "close the pool", e);
        }
    }
}
