package dev.qdistill.keystore;

import dev.qdistill.bits.BitString;
import dev.qdistill.bits.SecretArena;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The keys of one site with an index: which are confirmed by the other site, which were handed out, how long they live.
 *
 * <p>A {@link KeyStore} with a database beside its files. The bits are in the key files alone, the states in the database
 * alone; every change of state is one transaction, durable before anything else happens because of it. Files that were
 * put into the store without the index, such as {@code distill} does, are taken over when the store is next opened for
 * writing.
 *
 * <p>One process has the store open for writing ({@link #open}), any number beside it ({@link #openBeside}). All of them
 * may hand out keys: a bit of key leaves the store once, whichever of them asks, and whenever they are killed.
 *
 * <p>Each key has two halves. The first, of its whole granules of 64 bits, is for the masters at Alice's site, the second
 * for those at Bob's, so that both sites can hand out at once. 128 bits of each half are kept to make the ids of its
 * pieces. A piece's id names the key and the piece, and holds only at the other site for the pair of applications that
 * it was made for.
 *
 * <p>Security guarantees: those of {@link KeyStore}; bits are overwritten in the file as soon as they are handed out (which
 * need not reach the medium's cells: use an encrypted disk); the database holds checksums of what is left, never bits.
 *
 * <p>May be used by many threads. Every method throws {@link KeyStoreException} if the disk refuses, or a file is not what
 * it should be.
 */
public final class IndexedKeyStore implements AutoCloseable {
    /** Says that the store has had an index, so that a lost one is noticed. */
    private static final String MARKER = ".indexed";

    // A complete key file whose row is not committed yet, or whose renaming is not done yet.
    private static final String HELD = ".held";

    private static final UUID NO_SESSION = new UUID(0, 0);
    private static final Duration MEMORY_OF_IDS = Duration.ofDays(90);
    private static final long TAG_KEY_GRANULES = PieceId.TAG_KEY_BYTES / CutKey.GRANULE_BYTES;

    private final KeyStore files;
    private final boolean writer;
    private final IndexDatabase index;
    private final Map<String, Limits> limits;
    private final InstantSource clock;
    private final Runnable step;
    private final String owner = owner(ProcessHandle.current());
    private final ReentrantLock lock = new ReentrantLock();
    private final Set<UUID> entering = ConcurrentHashMap.newKeySet();
    private final Map<Long, Boolean> settled = new LinkedHashMap<>();
    private final Map<Long, IndexedKey> unforced = new LinkedHashMap<>();
    private final List<KeyStoreException> problems = new ArrayList<>();
    private boolean closed;

    private IndexedKeyStore(
            KeyStore files,
            boolean writer,
            IndexDatabase index,
            Map<String, Limits> limits,
            InstantSource clock,
            Runnable step) {
        this.files = files;
        this.writer = writer;
        this.index = index;
        this.limits = Map.copyOf(limits);
        this.clock = clock;
        this.step = step;
    }

    /** Whether the store in this directory has an index, and so is to be opened by this class. */
    public static boolean isIndexed(Path directory) {
        return Files.exists(directory.resolve(MARKER)) || Files.exists(directory.resolve(IndexDatabase.FILE));
    }

    /**
     * Opens a store for writing; makes it, or the index of a store without one.
     *
     * @param directory one that does not exist, is empty, or is a store
     * @param limits by link; others have none
     * @throws KeyStoreException if it holds other things, another writer has it open, or it has lost its index
     */
    public static IndexedKeyStore open(Path directory, Map<String, Limits> limits) {
        return open(directory, limits, InstantSource.system());
    }

    /** The same with another clock. */
    public static IndexedKeyStore open(Path directory, Map<String, Limits> limits, InstantSource clock) {
        return open(directory, limits, clock, () -> {});
    }

    static IndexedKeyStore open(Path directory, Map<String, Limits> limits, InstantSource clock, Runnable step) {
        KeyStore files = KeyStore.create(directory);
        try {
            IndexDatabase index = openIndex(files.directory());
            try {
                IndexedKeyStore store = new IndexedKeyStore(files, true, index, limits, clock, step);
                store.recover();
                return store;
            } catch (Throwable t) {
                index.close();
                throw t;
            }
        } catch (IOException e) {
            files.close();
            throw new KeyStoreException(directory, "open the key store", e);
        } catch (Throwable t) {
            files.close();
            throw t;
        }
    }

    /**
     * Opens an existing store beside whoever writes to it. Keys can be handed out and looked at, not added.
     *
     * @throws KeyStoreException if there is none, or it has no index
     */
    public static IndexedKeyStore openBeside(Path directory) {
        KeyStore files = KeyStore.openForReading(directory);
        try {
            IndexDatabase index = IndexDatabase.open(files.directory());
            return new IndexedKeyStore(files, false, index, Map.of(), InstantSource.system(), () -> {});
        } catch (Throwable t) {
            files.close();
            throw t;
        }
    }

    private static IndexDatabase openIndex(Path directory) throws IOException {
        Path marker = directory.resolve(MARKER);
        Path database = directory.resolve(IndexDatabase.FILE);
        if (!Files.exists(database)) {
            if (Files.exists(marker)) {
                throw new KeyStoreException(
                        database,
                        "the index of this store is gone, and with it what was handed out already; restore it, or begin"
                                + " a new store");
            }
            IndexDatabase.create(directory);
        }
        if (!Files.exists(marker)) {
            Durable.write(marker, channel -> {});
            Durable.force(directory);
        }
        return IndexDatabase.open(directory);
    }

    /** The store's directory, as a real path. */
    public Path directory() {
        return files.directory();
    }

    /** What was found damaged since the store was opened, and left alone. */
    public List<KeyStoreException> problems() {
        return locked(() -> List.copyOf(problems));
    }

    // ---- Making ------------------------------------------------------------------------------------------------

    /**
     * Adds a key that the other site is known to have, or to get. When this returns it is on the disk and may be handed
     * out.
     *
     * @param key {@code record.bits()} bits; stays the caller's
     * @throws KeyStoreException if the store has or had a key with this id, or of the same block
     */
    public void add(KeyRecord record, BitString key) {
        enter(record, key, KeyState.AVAILABLE);
    }

    /**
     * Adds a key that is not to be handed out before the other site is known to have it. When this returns it is on the
     * disk; {@link #commit} or {@link #discard} must follow, after a crash too: {@link #staged} has what is open.
     *
     * @param key {@code record.bits()} bits; stays the caller's
     * @throws KeyStoreException if the store has or had a key with this id, or of the same block
     */
    public void stage(KeyRecord record, BitString key) {
        enter(record, key, KeyState.STAGED);
    }

    private void enter(KeyRecord record, BitString key, KeyState state) {
        requireWriter();
        if (record.bits() != key.length()) {
            throw new IllegalArgumentException(
                    "The record says " + record.bits() + " bits, the key has " + key.length());
        }
        UUID id = record.id();
        Path temporary = files.hidden(id, KeyStore.TEMPORARY);
        Path held = files.hidden(id, HELD);
        if (!entering.add(id)) {
            throw new KeyStoreException(files.file(id), "a key with this id is being written");
        }
        try {
            requireNew(record);
            // Not under the lock: a long key takes its time, and others may hand out meanwhile.
            KeyFile.write(temporary, record, key);
            step.run();
            Durable.rename(temporary, held);
            step.run();
            try {
                transaction(() -> {
                    requireNew(record);
                    return insert(record, key, state, clock.instant());
                });
            } catch (Throwable t) {
                if (state(id).isEmpty()) {
                    Durable.wipe(held, KeyFile.keyOffset(record));
                }
                throw t;
            }
            step.run();
            publish(id, held);
            step.run();
        } catch (IOException e) {
            throw new KeyStoreException(files.file(id), "write the key", e);
        } finally {
            entering.remove(id);
        }
    }

    private void publish(UUID id, Path held) throws IOException {
        try {
            Durable.rename(held, files.file(id));
        } catch (NoSuchFileException e) {
            // Another process has handed all of it out in the meantime.
            if (state(id).filter(KeyState::isFinal).isEmpty()) {
                throw e;
            }
        }
    }

    private void requireNew(KeyRecord record) {
        UUID id = record.id();
        if (state(id).isPresent() || Files.exists(files.file(id))) {
            throw new KeyStoreException(files.file(id), "there is or was a key with this id already");
        }
        requireNewBlock(record);
    }

    /** Two keys of one block, under two hash functions, would tell more together than ε allows. */
    private void requireNewBlock(KeyRecord record) {
        if (!record.session().equals(NO_SESSION)
                && !query(
                                "WHERE session = ? AND block = ? AND state != ?",
                                record.session(),
                                record.block(),
                                KeyState.DISCARDED.code())
                        .isEmpty()) {
            throw new KeyStoreException(
                    files.file(record.id()),
                    "there is or was a key of block " + record.block() + " of this session already");
        }
    }

    private Long insert(KeyRecord record, BitString key, KeyState state, Instant now) {
        Limits limit = limits.getOrDefault(record.link(), Limits.NONE);
        Instant expires = now.plus(limit.timeToLive());
        Site site = record.site();
        long number = index.insert(
                "INSERT INTO key (id, name, link, site, session, block, bits, epsilon_secrecy, epsilon_correctness,"
                        + " created, state, changed, expires, wiped, touched, first_free, own_left, peer_left)"
                        + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)",
                record.id(),
                PieceId.name(record.id()),
                record.link(),
                site.code(),
                record.session(),
                record.block(),
                record.bits(),
                record.epsilonSecrecy(),
                record.epsilonCorrectness(),
                record.created().toEpochMilli(),
                state.code(),
                now.toEpochMilli(),
                expires.toEpochMilli(),
                expires.plus(limit.grace()).toEpochMilli(),
                start(record, site) + TAG_KEY_GRANULES,
                room(record, site),
                room(record, other(site)));
        step.run();
        CutKey.index(index, number, key);
        step.run();
        if (state == KeyState.AVAILABLE) {
            enterMade(record);
        }
        return number;
    }

    private void enterMade(KeyRecord record) {
        enter(
                record.link(),
                LedgerLine.Entry.MADE,
                1,
                record.bits(),
                record.epsilonSecrecy(),
                record.epsilonCorrectness());
    }

    /**
     * The other site has the staged key: from now on it may be handed out. Does nothing if that was known already.
     *
     * @throws KeyStoreException if there is no such key, or it was discarded
     */
    public void commit(UUID id) {
        requireWriter();
        transaction(() -> {
            IndexedKey key =
                    find(id).orElseThrow(() -> new KeyStoreException(files.file(id), "no key with this id was staged"));
            if (key.state() == KeyState.DISCARDED) {
                throw new KeyStoreException(files.file(id), "this key was discarded and cannot be confirmed");
            }
            if (key.state() == KeyState.STAGED) {
                setState(key, KeyState.AVAILABLE);
                step.run();
                enterMade(key.record());
            }
            return true;
        });
        step.run();
    }

    /**
     * The other site does not have the staged key and will not get it: it is wiped. Does nothing if the id is not known or
     * was discarded already.
     *
     * @throws KeyStoreException if the key was confirmed
     */
    public void discard(UUID id) {
        requireWriter();
        Optional<IndexedKey> discarded = transaction(() -> {
            Optional<IndexedKey> key = find(id).filter(k -> k.state() != KeyState.DISCARDED);
            if (key.isPresent()) {
                if (key.get().state() != KeyState.STAGED) {
                    throw new KeyStoreException(files.file(id), "this key was confirmed and cannot be discarded");
                }
                setState(key.get(), KeyState.DISCARDED);
                enter(
                        key.get().record().link(),
                        LedgerLine.Entry.DISCARDED,
                        1,
                        key.get().record().bits(),
                        0,
                        0);
            }
            return key;
        });
        step.run();
        discarded.ifPresent(this::wipe);
    }

    /** The keys that wait for {@link #commit} or {@link #discard}, the oldest first. */
    public List<KeyRecord> staged() {
        return query("WHERE state = ? ORDER BY number", KeyState.STAGED.code()).stream()
                .map(IndexedKey::record)
                .toList();
    }

    /** What became of a key; empty if the store never had it, or forgot it 90 days after its bits were wiped. */
    public Optional<KeyState> state(UUID id) {
        return locked(() -> find(id).map(IndexedKey::state));
    }

    // ---- Handing out -------------------------------------------------------------------------------------------

    /**
     * Cuts new keys for a master of this site.
     *
     * @param link the link between the two applications' sites
     * @param pair the applications
     * @param count how many, 1 or more
     * @param bytes the length of each, 1 to 16,383
     * @throws HandoutException if there are not enough bits
     */
    public Handout allocate(String link, SaePair pair, int count, int bytes) {
        if (count < 1 || bytes < 1 || bytes > PieceId.MAX_BYTES) {
            throw new IllegalArgumentException(count + " keys of " + bytes + " bytes");
        }
        return handOut(LedgerLine.Entry.MASTER, link, cut -> {
            int granules = granules(bytes);
            List<IndexedKey> keys = index.query(
                    "SELECT " + IndexedKey.COLUMNS + " FROM key WHERE link = ? AND state = ? AND own_left >= ?"
                            + " AND expires > ? ORDER BY created, number LIMIT ?",
                    IndexedKey::read,
                    link,
                    KeyState.AVAILABLE.code(),
                    granules,
                    clock.millis(),
                    count);
            for (IndexedKey key : keys) {
                CutKey from = cut.open(key);
                MemorySegment tagKey = cut.tagKey(from, key.record().site());
                long at = key.firstFree();
                long left = key.ownLeft();
                for (; cut.pieces.size() < count && left >= granules; at += granules, left -= granules) {
                    PieceId id = PieceId.of(key.record().id(), (int) at, bytes, pair, tagKey);
                    cut.take(from, id.toUuid(), at, bytes);
                }
                index.update(
                        "UPDATE key SET first_free = ?, own_left = ?, touched = 1 WHERE number = ?",
                        at,
                        left,
                        key.number());
                step.run();
            }
            if (cut.pieces.size() < count) {
                throw new HandoutException(
                        HandoutException.Reason.NOT_ENOUGH,
                        count + " keys of " + 8L * bytes + " bits are asked for, " + cut.pieces.size()
                                + " can be had at the moment");
            }
        });
    }

    /**
     * Finds keys that a master got at the other site, for the slave at this one: all or none.
     *
     * @param link the link between the two applications' sites
     * @param pair the applications
     * @param ids as the master got them
     * @throws HandoutException if one of them cannot be had
     */
    public Handout redeem(String link, SaePair pair, List<UUID> ids) {
        if (ids.isEmpty()) {
            throw new IllegalArgumentException("No id");
        }
        return handOut(LedgerLine.Entry.SLAVE, link, cut -> {
            for (UUID uuid : ids) {
                PieceId id = PieceId.parse(uuid).orElseThrow(() -> unknown(uuid));
                CutKey from = find(cut, link, pair, id).orElseThrow(() -> unknown(uuid));
                if (from.key().state() == KeyState.STAGED) {
                    throw new HandoutException(
                            HandoutException.Reason.NOT_CONFIRMED,
                            "the key " + uuid + " is not confirmed by the other site yet");
                }
                if (from.isSpent(id.granule(), granules(id.bytes()))) {
                    throw new HandoutException(
                            HandoutException.Reason.HANDED_OUT, "the key " + uuid + " was handed out before");
                }
                cut.take(from, uuid, id.granule(), id.bytes());
                index.update(
                        "UPDATE key SET peer_left = peer_left - ?, touched = 1 WHERE number = ?",
                        granules(id.bytes()),
                        from.key().number());
                step.run();
            }
        });
    }

    private Optional<CutKey> find(Cut cut, String link, SaePair pair, PieceId id) throws IOException {
        List<IndexedKey> candidates = index.query(
                "SELECT " + IndexedKey.COLUMNS + " FROM key WHERE name = ? AND link = ? AND state IN (?, ?)"
                        + " AND wiped > ?",
                IndexedKey::read,
                id.name(),
                link,
                KeyState.STAGED.code(),
                KeyState.AVAILABLE.code(),
                clock.millis());
        for (IndexedKey key : candidates) {
            Site masters = other(key.record().site());
            long from = start(key.record(), masters) + TAG_KEY_GRANULES;
            if (id.granule() >= from && id.granule() + granules(id.bytes()) <= from + room(key.record(), masters)) {
                CutKey open = cut.open(key);
                if (id.isGenuine(key.record().id(), pair, cut.tagKey(open, masters))) {
                    return Optional.of(open);
                }
            }
        }
        return Optional.empty();
    }

    private static HandoutException unknown(UUID id) {
        return new HandoutException(
                HandoutException.Reason.UNKNOWN_ID, "no key has the id " + id + " for these applications");
    }

    /**
     * Takes a whole key that no piece has been handed out of.
     *
     * @throws HandoutException if there is none with this id
     */
    public Handout take(UUID id) {
        lock.lock();
        try {
            IndexedKey key = find(id).orElseThrow(
                            () -> new HandoutException(HandoutException.Reason.UNKNOWN_ID, "no key has the id " + id));
            long number = transaction(() -> {
                requireWhole(find(id).orElse(key));
                setState(key, KeyState.RESERVED);
                step.run();
                return enterHandout(
                        key.record().link(),
                        LedgerLine.Entry.TAKEN,
                        key.number(),
                        1,
                        key.record().bits());
            });
            step.run();
            SecretArena arena = new SecretArena();
            try (BitString bits = KeyFile.readKey(path(key))) {
                BitString copy = BitString.allocate(arena, bits.length());
                copy.copyFrom(bits, 0, 0, bits.length());
                return new Handout(this, number, List.of(new Handout.Piece(id, copy)), arena);
            } catch (Throwable t) {
                arena.close();
                settle(number, false);
                throw t;
            }
        } finally {
            lock.unlock();
        }
    }

    private static void requireWhole(IndexedKey key) {
        UUID id = key.record().id();
        switch (key.state()) {
            case STAGED ->
                throw new HandoutException(
                        HandoutException.Reason.NOT_CONFIRMED,
                        "the key " + id + " is not confirmed by the other site yet");
            case AVAILABLE -> {
                if (key.touched()) {
                    throw new HandoutException(
                            HandoutException.Reason.HANDED_OUT, "pieces of the key " + id + " were handed out before");
                }
            }
            case RESERVED, DELIVERED ->
                throw new HandoutException(
                        HandoutException.Reason.HANDED_OUT, "the key " + id + " was handed out before");
            case DAMAGED, EXPIRED, DISCARDED ->
                throw new HandoutException(
                        HandoutException.Reason.UNKNOWN_ID,
                        "the key " + id + " is " + key.state().id());
        }
    }

    /** What a handout is made of. */
    private interface Cutting {
        void cut(Cut cut) throws IOException;
    }

    /** The pieces that are cut in one transaction, and the keys they are cut from. */
    private final class Cut {
        final SecretArena arena = new SecretArena();
        final List<Handout.Piece> pieces = new ArrayList<>();
        final Map<Long, CutKey> keys = new LinkedHashMap<>();
        final Map<Long, MemorySegment> tagKeys = new LinkedHashMap<>();
        final Set<Long> finished = new LinkedHashSet<>();
        long bits;

        CutKey open(IndexedKey key) throws IOException {
            CutKey open = keys.get(key.number());
            if (open == null) {
                open = cutKey(key);
                keys.put(key.number(), open);
            }
            return open;
        }

        MemorySegment tagKey(CutKey key, Site masters) throws IOException {
            MemorySegment tagKey = tagKeys.get(key.key().number());
            if (tagKey == null) {
                tagKey = arena.allocate(PieceId.TAG_KEY_BYTES, CutKey.GRANULE_BYTES);
                key.copy(start(key.key().record(), masters), tagKey);
                tagKeys.put(key.key().number(), tagKey);
            }
            return tagKey;
        }

        void take(CutKey from, UUID id, long granule, int bytes) throws IOException {
            BitString piece = BitString.allocate(arena, 8L * bytes);
            from.copy(granule, piece.bytes());
            from.spend(granule, granules(bytes));
            pieces.add(new Handout.Piece(id, piece));
            bits += 8L * bytes;
        }

        /** The last part of the transaction. */
        long save(LedgerLine.Entry entry, String link) {
            for (CutKey key : keys.values()) {
                key.save();
                step.run();
                long number = key.key().number();
                if (index.one("SELECT own_left + peer_left FROM key WHERE number = ?", number) == 0) {
                    setState(key.key(), KeyState.DELIVERED);
                    finished.add(number);
                }
            }
            return enterHandout(link, entry, 0, pieces.size(), bits);
        }

        /** After the transaction. A failure is made good when the store is next opened. */
        void wipe() {
            for (CutKey key : keys.values()) {
                if (finished.contains(key.key().number())) {
                    IndexedKeyStore.this.wipe(key.key());
                } else {
                    try {
                        key.wipe();
                        step.run();
                    } catch (IOException e) {
                        problems.add(new KeyStoreException(path(key.key()), "wipe what was handed out", e));
                    }
                    unforced.put(key.key().number(), key.key());
                }
            }
        }

        void close() throws IOException {
            for (CutKey key : keys.values()) {
                key.close();
            }
        }
    }

    private Handout handOut(LedgerLine.Entry entry, String link, Cutting cutting) {
        lock.lock();
        try {
            while (true) {
                Cut cut = new Cut();
                boolean done = false;
                try {
                    long number = transaction(() -> {
                        cutting.cut(cut);
                        return cut.save(entry, link);
                    });
                    step.run();
                    cut.wipe();
                    done = true;
                    return new Handout(this, number, cut.pieces, cut.arena);
                } catch (CutKey.DamagedException e) {
                    problems.add(e.reason());
                    transaction(() -> {
                        setState(e.key(), KeyState.DAMAGED);
                        return true;
                    });
                    if (entry == LedgerLine.Entry.SLAVE) {
                        throw e.reason();
                    }
                    // A master gets a piece of the next key instead.
                } finally {
                    if (!done) {
                        cut.arena.close();
                    }
                    cut.close();
                }
            }
        } catch (IOException e) {
            throw new KeyStoreException(files.directory(), "close a key file", e);
        } finally {
            lock.unlock();
        }
    }

    private long enterHandout(String link, LedgerLine.Entry entry, long key, long keys, long bits) {
        return index.insert(
                "INSERT INTO handout (owner, link, entry, key, keys, bits) VALUES (?, ?, ?, ?, ?, ?)",
                owner,
                link,
                entry.name(),
                key,
                keys,
                bits);
    }

    /** Notes what became of a handout: at once if it was a whole key, else with the next transaction. */
    void settle(long number, boolean delivered) {
        lock.lock();
        try {
            if (closed) {
                return; // When the store is next opened it counts as unconfirmed.
            }
            settled.put(number, delivered);
            List<IndexedKey> whole = query("WHERE number = (SELECT key FROM handout WHERE number = ?)", number);
            if (!whole.isEmpty()) {
                flush();
                whole.forEach(this::wipe);
            }
        } finally {
            lock.unlock();
        }
    }

    private void flush() {
        transaction(() -> true);
    }

    private void settleNow(long number, boolean delivered) {
        record Pending(String link, LedgerLine.Entry entry, long key, long keys, long bits) {}
        for (Pending p : index.query(
                "SELECT link, entry, key, keys, bits FROM handout WHERE number = ?",
                row -> new Pending(
                        row.getString(1),
                        LedgerLine.Entry.valueOf(row.getString(2)),
                        row.getLong(3),
                        row.getLong(4),
                        row.getLong(5)),
                number)) {
            index.update("DELETE FROM handout WHERE number = ?", number);
            enter(p.link(), delivered ? p.entry() : LedgerLine.Entry.UNCONFIRMED, p.keys(), p.bits(), 0, 0);
            if (p.key() != 0) {
                query("WHERE number = ?", p.key()).forEach(key -> setState(key, KeyState.DELIVERED));
            }
        }
    }

    // ---- Looking -----------------------------------------------------------------------------------------------

    /** The keys that have bits left, in the order of their coming. */
    public List<IndexedKey> list() {
        return query("WHERE state < ? ORDER BY number", KeyState.DELIVERED.code());
    }

    /** All keys that the index knows, in the order of their coming, those whose bits are gone included. */
    public List<IndexedKey> history() {
        return query("ORDER BY number");
    }

    /** The links of all keys that the index knows. */
    public List<String> links() {
        return locked(() -> index.query("SELECT DISTINCT link FROM key ORDER BY link", row -> row.getString(1)));
    }

    /** The keys in files that the index does not know yet; opening the store for writing takes them over. */
    public List<KeyRecord> unindexed() {
        return locked(() -> files.scan().keys().stream()
                .filter(record -> find(record.id()).isEmpty())
                .toList());
    }

    /** How much key a link has. */
    public Level level(String link) {
        record Sums(long keys, long own, long peer) {}
        return locked(() -> {
            Map<KeyState, Sums> sums = new LinkedHashMap<>();
            for (KeyState state : List.of(KeyState.STAGED, KeyState.AVAILABLE)) {
                sums.put(
                        state,
                        index.query(
                                        "SELECT count(*), sum(own_left), sum(peer_left) FROM key"
                                                + " WHERE link = ? AND state = ? AND expires > ?",
                                        row -> new Sums(row.getLong(1), row.getLong(2), row.getLong(3)),
                                        link,
                                        state.code(),
                                        clock.millis())
                                .getFirst());
            }
            Sums staged = sums.getOrDefault(KeyState.STAGED, new Sums(0, 0, 0));
            Sums available = sums.getOrDefault(KeyState.AVAILABLE, new Sums(0, 0, 0));
            long capacity = limits.getOrDefault(link, Limits.NONE).capacityBits();
            return new Level(
                    link,
                    staged.keys(),
                    available.keys(),
                    64 * available.own(),
                    64 * available.peer(),
                    64 * (staged.own() + staged.peer()),
                    capacity);
        });
    }

    /** The sums of all links since the store was made. */
    public List<LedgerLine> ledger() {
        return locked(() -> {
            if (!settled.isEmpty()) {
                flush();
            }
            return index.query(
                    "SELECT link, entry, keys, bits, epsilon_secrecy, epsilon_correctness FROM ledger ORDER BY link,"
                            + " entry",
                    row -> new LedgerLine(
                            row.getString(1),
                            LedgerLine.Entry.valueOf(row.getString(2)),
                            row.getLong(3),
                            row.getLong(4),
                            row.getDouble(5),
                            row.getDouble(6)));
        });
    }

    /** Reads everything that is left of every key and compares it with the index; one line for each problem. */
    public List<KeyStoreException> verify() {
        return locked(() -> {
            List<KeyStoreException> found = new ArrayList<>();
            for (IndexedKey key : query("WHERE state < ? ORDER BY number", KeyState.DELIVERED.code())) {
                try (CutKey cut = cutKey(key)) {
                    if (!KeyFile.readRecord(path(key)).equals(key.record())) {
                        throw new KeyStoreException(path(key), "its header is not what the index says of the key");
                    }
                    cut.verify();
                    KeyStore.requireOwnerOnly(path(key));
                } catch (CutKey.DamagedException e) {
                    found.add(e.reason());
                } catch (KeyStoreException e) {
                    found.add(e);
                } catch (IOException e) {
                    found.add(new KeyStoreException(path(key), "read", e));
                }
            }
            for (Path file : files.files("*" + KeyStore.SUFFIX)) {
                Optional<UUID> id = KeyStore.id(file, KeyStore.SUFFIX);
                if (id.flatMap(this::find).isEmpty()) {
                    try {
                        if (id.isEmpty()) {
                            throw new KeyStoreException(file, "its name is not that of a key");
                        }
                        files.read(id.get()).close();
                    } catch (KeyStoreException e) {
                        found.add(e);
                    }
                }
            }
            try {
                KeyStore.requireOwnerOnly(files.directory());
            } catch (KeyStoreException e) {
                found.add(e);
            }
            return found;
        });
    }

    // ---- Upkeep ------------------------------------------------------------------------------------------------

    /**
     * Wipes what has expired, forces earlier wiping to the disk, and notes what was delivered. To be called every second
     * or so.
     */
    public void maintain() {
        lock.lock();
        try {
            if (!settled.isEmpty()) {
                flush();
            }
            for (IndexedKey key : List.copyOf(unforced.values())) {
                if (Files.exists(path(key))) {
                    try (CutKey cut = cutKey(key)) {
                        cut.force();
                    }
                }
                unforced.remove(key.number());
            }
            if (writer) {
                expire();
            }
        } catch (IOException e) {
            throw new KeyStoreException(files.directory(), "wipe what was handed out", e);
        } finally {
            lock.unlock();
        }
    }

    private void expire() {
        Instant now = clock.instant();
        String over = "WHERE wiped <= ? AND state IN (?, ?)";
        Object[] when = {now.toEpochMilli(), KeyState.AVAILABLE.code(), KeyState.DAMAGED.code()};
        if (query(over, when).isEmpty()) {
            return;
        }
        List<IndexedKey> expired = transaction(() -> {
            List<IndexedKey> keys = query(over, when);
            for (IndexedKey key : keys) {
                setState(key, KeyState.EXPIRED);
                step.run();
                enter(key.record().link(), LedgerLine.Entry.EXPIRED, 1, 64 * (key.ownLeft() + key.peerLeft()), 0, 0);
            }
            index.update(
                    "DELETE FROM key WHERE state >= ? AND changed < ?",
                    KeyState.DELIVERED.code(),
                    now.minus(MEMORY_OF_IDS).toEpochMilli());
            return keys;
        });
        step.run();
        expired.forEach(this::wipe);
    }

    /** Puts right what a crash left, and takes over keys that the index does not know. */
    private void recover() {
        lock.lock();
        try {
            for (Path held : files.files(".*" + HELD)) {
                Optional<IndexedKey> key = KeyStore.id(held, HELD).flatMap(this::find);
                if (key.isPresent() && !key.get().state().isFinal()) {
                    Durable.rename(held, files.file(key.get().record().id()));
                } else {
                    Durable.wipe(held, 0);
                }
                step.run();
            }
            // What this process began before it opened the store is over, too.
            for (String gone : index.query("SELECT DISTINCT owner FROM handout", row -> row.getString(1))) {
                if (gone.equals(owner) || isGone(gone)) {
                    index.query("SELECT number FROM handout WHERE owner = ?", row -> row.getLong(1), gone)
                            .forEach(number -> settled.put(number, false));
                }
            }
            if (!settled.isEmpty()) {
                flush();
                step.run();
            }
            for (Path file : files.files("*" + KeyStore.SUFFIX)) {
                Optional<UUID> id = KeyStore.id(file, KeyStore.SUFFIX);
                Optional<IndexedKey> key = id.flatMap(this::find);
                if (id.isPresent() && key.isEmpty()) {
                    takeOver(id.get());
                } else if (key.isPresent() && key.get().state().isFinal()) {
                    wipe(key.get());
                }
                step.run();
            }
            for (IndexedKey key : query("WHERE state = ? AND touched = 1", KeyState.AVAILABLE.code())) {
                try (CutKey cut = cutKey(key)) {
                    cut.wipeAll();
                } catch (CutKey.DamagedException e) {
                    problems.add(e.reason());
                }
                step.run();
            }
            expire();
        } catch (IOException e) {
            throw new KeyStoreException(files.directory(), "put the key store right", e);
        } finally {
            lock.unlock();
        }
    }

    private void takeOver(UUID id) {
        try (BitString key = files.read(id)) {
            KeyRecord record = files.record(id);
            requireNewBlock(record);
            transaction(() -> insert(record, key, KeyState.AVAILABLE, clock.instant()));
        } catch (KeyStoreException e) {
            problems.add(e);
        }
    }

    private void wipe(IndexedKey key) {
        try {
            Durable.wipe(path(key), KeyFile.keyOffset(key.record()));
            unforced.remove(key.number());
            step.run();
        } catch (IOException e) {
            // The index says that the key is gone; opening the store tries again.
            problems.add(new KeyStoreException(path(key), "wipe the key", e));
        }
    }

    /** Closes the index and lets others write to the store. What was not settled counts as unconfirmed from then on. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (!closed) {
                try {
                    maintain();
                } finally {
                    closed = true;
                    try {
                        index.close();
                    } finally {
                        files.close();
                    }
                }
            }
        } finally {
            lock.unlock();
        }
    }

    // ---- Parts -------------------------------------------------------------------------------------------------

    private <T> T transaction(IndexDatabase.Work<T> work) {
        lock.lock();
        try {
            requireOpen();
            Map<Long, Boolean> batch = Map.copyOf(settled);
            T result = index.transaction(() -> {
                batch.forEach(this::settleNow);
                T made = work.run();
                step.run();
                return made;
            });
            batch.forEach(settled::remove);
            return result;
        } finally {
            lock.unlock();
        }
    }

    /** What is looked up. */
    private interface Look<T> {
        T look();
    }

    private <T> T locked(Look<T> look) {
        lock.lock();
        try {
            requireOpen();
            return look.look();
        } finally {
            lock.unlock();
        }
    }

    private List<IndexedKey> query(String where, Object... arguments) {
        return locked(
                () -> index.query("SELECT " + IndexedKey.COLUMNS + " FROM key " + where, IndexedKey::read, arguments));
    }

    private Optional<IndexedKey> find(UUID id) {
        return query("WHERE id = ?", id).stream().findFirst();
    }

    private void setState(IndexedKey key, KeyState state) {
        index.update(
                "UPDATE key SET state = ?, changed = ? WHERE number = ?", state.code(), clock.millis(), key.number());
        if (state.isFinal()) {
            index.update("UPDATE key SET own_left = 0, peer_left = 0 WHERE number = ?", key.number());
            index.update("DELETE FROM segment WHERE key = ?", key.number());
        }
    }

    private void enter(
            String link,
            LedgerLine.Entry entry,
            long keys,
            long bits,
            double epsilonSecrecy,
            double epsilonCorrectness) {
        index.update(
                "INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET keys = keys + excluded.keys,"
                        + " bits = bits + excluded.bits, epsilon_secrecy = epsilon_secrecy + excluded.epsilon_secrecy,"
                        + " epsilon_correctness = epsilon_correctness + excluded.epsilon_correctness",
                link,
                entry.name(),
                keys,
                bits,
                epsilonSecrecy,
                epsilonCorrectness);
    }

    // A key that was committed a moment ago, or before a crash, may still have its other name.
    private Path path(IndexedKey key) {
        UUID id = key.record().id();
        Path file = files.file(id);
        Path held = files.hidden(id, HELD);
        return !Files.exists(file) && Files.exists(held) ? held : file;
    }

    private CutKey cutKey(IndexedKey key) throws IOException {
        UUID id = key.record().id();
        return new CutKey(index, key, files.file(id), files.hidden(id, HELD));
    }

    private static int granules(int bytes) {
        return (bytes + CutKey.GRANULE_BYTES - 1) / CutKey.GRANULE_BYTES;
    }

    private static Site other(Site site) {
        return site == Site.ALICE ? Site.BOB : Site.ALICE;
    }

    private static long granules(KeyRecord record) {
        return Math.min(record.bits() / 64, PieceId.MAX_GRANULES);
    }

    /** Where the half for the masters at {@code site} begins, in granules. */
    private static long start(KeyRecord record, Site site) {
        return site == Site.ALICE ? 0 : granules(record) / 2;
    }

    /** How many granules of pieces the half for the masters at {@code site} has. */
    private static long room(KeyRecord record, Site site) {
        long half = site == Site.ALICE ? granules(record) / 2 : granules(record) - granules(record) / 2;
        return Math.max(0, half - TAG_KEY_GRANULES);
    }

    private static String owner(ProcessHandle process) {
        return process.pid() + "@"
                + process.info().startInstant().map(Instant::toEpochMilli).orElse(0L);
    }

    private static boolean isGone(String owner) {
        long pid = Long.parseLong(owner.substring(0, owner.indexOf('@')));
        return ProcessHandle.of(pid)
                .map(IndexedKeyStore::owner)
                .filter(owner::equals)
                .isEmpty();
    }

    private void requireWriter() {
        if (!writer) {
            throw new IllegalStateException("The key store " + files.directory() + " is not open for writing");
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("The key store " + files.directory() + " is closed");
        }
    }
}
