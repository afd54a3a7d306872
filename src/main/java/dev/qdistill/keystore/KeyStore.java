package dev.qdistill.keystore;

import dev.qdistill.bits.BitString;
import java.io.IOException;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The final keys of one site: a directory with one file a key.
 *
 * <p>A store is open for writing once at a time, on the whole machine; any number of readers may look on. A key is
 * there complete or not at all, whenever the machine stops. What a crash leaves half done is undone or completed when
 * the store is next opened, for writing or for reading (by a reader only if there is no writer).
 *
 * <p>Every method throws {@link KeyStoreException} if the file system refuses, or a file is not what it should be.
 *
 * <p>Security guarantees: directories have mode 0700 and files 0600 where the platform has modes; key bits go between
 * the file and off-heap memory directly; checksums are compared in constant time; messages hold no key bits.
 */
public final class KeyStore implements AutoCloseable {
    /** Names of key files end so; before it is the key's id. */
    public static final String SUFFIX = ".qkey";

    // Names of files that are not keys (yet) begin with a dot.
    static final String TEMPORARY = ".tmp";
    private static final String STAGED = ".staged";
    private static final String PEER = ".peer";

    private final Path directory;
    private final @Nullable WriterLock lock;

    private KeyStore(Path directory, @Nullable WriterLock lock) {
        this.directory = directory;
        this.lock = lock;
    }

    /**
     * What is in a store.
     *
     * @param keys the sound ones, the oldest first
     * @param problems one for each file that is not as it should be
     */
    public record Contents(List<KeyRecord> keys, List<KeyStoreException> problems) {
        public Contents {
            keys = List.copyOf(keys);
            problems = List.copyOf(problems);
        }
    }

    /**
     * Opens a store for writing, making it if it is not there: a new directory of mode 0700.
     *
     * @param directory one that does not exist, is empty, or is a store
     * @throws KeyStoreException if it holds other things, or another writer has it open
     */
    public static KeyStore create(Path directory) {
        try {
            if (!Files.exists(directory)) {
                Path parent = Durable.directory(directory);
                Files.createDirectories(parent);
                try {
                    Files.createDirectory(directory, Durable.ownerOnly(directory, "rwx------"));
                } catch (FileAlreadyExistsException e) {
                    // Somebody else is making it; the lock decides.
                }
                Durable.force(parent);
            } else if (Files.isDirectory(directory) && !isStore(directory) && !isEmpty(directory)) {
                throw new KeyStoreException(
                        directory, "holds other files; a key store needs a directory of its own, new or empty");
            }
            return openForWriting(directory);
        } catch (IOException e) {
            throw new KeyStoreException(directory, "make a key store", e);
        }
    }

    /**
     * Writes a key file to where this class does not reach, such as another file system; put into a directory named after its id, it
     * makes that a store. Its mode is the caller's care.
     *
     * @param to takes the file; stays open
     */
    public static void write(WritableByteChannel to, KeyRecord record, BitString key) throws IOException {
        KeyFile.write(to, record, key);
    }

    /** Whether there is a store in {@code directory}: it has been opened for writing, or holds keys. */
    public static boolean exists(Path directory) {
        try {
            return Files.isDirectory(directory) && isStore(directory);
        } catch (IOException e) {
            throw new KeyStoreException(directory, "list the directory", e);
        }
    }

    /**
     * Opens an existing store for writing.
     *
     * @throws KeyStoreException if there is none, or another writer has it open
     */
    public static KeyStore open(Path directory) {
        try {
            requireStore(directory);
            return openForWriting(directory);
        } catch (IOException e) {
            throw new KeyStoreException(directory, "open the key store", e);
        }
    }

    /**
     * Opens an existing store for reading, beside whoever writes to it.
     *
     * @throws KeyStoreException if there is none
     */
    public static KeyStore openForReading(Path directory) {
        try {
            requireStore(directory);
            Path real = directory.toRealPath();
            KeyStore store = new KeyStore(real, null);
            if (Files.isWritable(real)) {
                Optional<WriterLock> lock = WriterLock.tryTake(real);
                if (lock.isPresent()) {
                    try {
                        store.recover();
                    } finally {
                        lock.get().close();
                    }
                }
            }
            return store;
        } catch (IOException e) {
            throw new KeyStoreException(directory, "open the key store", e);
        }
    }

    private static KeyStore openForWriting(Path directory) throws IOException {
        Path real = directory.toRealPath();
        if (!Files.isDirectory(real)) {
            throw new KeyStoreException(directory, "not a directory");
        }
        WriterLock lock = WriterLock.take(real)
                .orElseThrow(() -> new KeyStoreException(directory, "another writer has this key store open"));
        try {
            if (Durable.isOpenToOthers(real)) {
                Files.setPosixFilePermissions(real, PosixFilePermissions.fromString("rwx------"));
            }
            KeyStore store = new KeyStore(real, lock);
            store.recover();
            return store;
        } catch (Throwable t) {
            lock.close();
            throw t;
        }
    }

    /** The store's directory, as a real path. */
    public Path directory() {
        return directory;
    }

    /**
     * Adds a key. When this returns the key is on the disk.
     *
     * @param key {@code record.bits()} bits; stays the caller's
     * @throws KeyStoreException if the store has a key with this id
     * @throws IllegalArgumentException if the lengths differ
     */
    public synchronized void add(KeyRecord record, BitString key) {
        requireWriter();
        requireLength(record, key);
        requireNew(record.id());
        Path temporary = hidden(record.id(), TEMPORARY);
        try {
            KeyFile.write(temporary, record, key);
            publish(temporary, record.id());
        } catch (IOException e) {
            throw new KeyStoreException(file(record.id()), "write the key", e);
        }
    }

    /**
     * Adds one key's copies to both sites' stores, together. When this returns both are on the disk; when it throws
     * neither is, unless the message says otherwise. If the machine stops in between, the key is in the first store or
     * not, and the second one follows it when it is next opened: it looks there for the key. Until then a key that is in
     * the first store only is not to be used at the first site either.
     *
     * @param first the store that decides
     * @param firstRecord of the first site's copy
     * @param firstKey the first site's bits; stay the caller's
     * @param second the store that follows
     * @param secondRecord of the second site's copy, with the same id
     * @param secondKey the second site's bits; stay the caller's
     * @throws KeyStoreException if either store has a key with this id
     * @throws IllegalArgumentException if the ids or lengths differ, or the stores are the same
     */
    public static void addPair(
            KeyStore first,
            KeyRecord firstRecord,
            BitString firstKey,
            KeyStore second,
            KeyRecord secondRecord,
            BitString secondKey) {
        if (first.directory.equals(second.directory)
                || !firstRecord.id().equals(secondRecord.id())
                || firstRecord.bits() != secondRecord.bits()) {
            throw new IllegalArgumentException("A pair has one id and length, and two stores");
        }
        first.requireWriter();
        second.requireWriter();
        requireLength(firstRecord, firstKey);
        requireLength(secondRecord, secondKey);
        UUID id = firstRecord.id();
        // Always in the same order, so that two threads cannot wait for each other.
        boolean inOrder = first.directory.compareTo(second.directory) < 0;
        synchronized (inOrder ? first : second) {
            synchronized (inOrder ? second : first) {
                first.requireNew(id);
                second.requireNew(id);
                try {
                    second.stage(secondRecord, secondKey, first);
                    Path temporary = first.hidden(id, TEMPORARY);
                    KeyFile.write(temporary, firstRecord, firstKey);
                    first.publish(temporary, id);
                } catch (IOException | RuntimeException e) {
                    undoPair(first, second, id, e);
                    throw e instanceof IOException io
                            ? new KeyStoreException(first.file(id), "write the pair of keys", io)
                            : (RuntimeException) e;
                }
                try {
                    second.follow(id);
                } catch (IOException e) {
                    throw new KeyStoreException(
                            second.file(id),
                            "complete the pair (the key is in " + first.directory
                                    + "; opening this store again completes it)",
                            e);
                }
            }
        }
    }

    private static void undoPair(KeyStore first, KeyStore second, UUID id, Exception cause) {
        try {
            Files.deleteIfExists(first.hidden(id, TEMPORARY));
            if (!Files.exists(first.file(id))) {
                second.abandon(id);
            }
        } catch (IOException e) {
            cause.addSuppressed(e);
        }
    }

    /** The records of all keys, the oldest first; throws if a file is no complete key file. Checks no checksums. */
    public List<KeyRecord> list() {
        Contents contents = scan();
        if (!contents.problems().isEmpty()) {
            throw contents.problems().getFirst();
        }
        return contents.keys();
    }

    /** The records of all keys, with the files that are no complete key files. Checks no checksums. */
    public Contents scan() {
        return examine(false);
    }

    /** Reads every key in full and checks everything. */
    public Contents verify() {
        return examine(true);
    }

    /** Whether there is a key with this id. */
    public boolean contains(UUID id) {
        return Files.exists(file(id));
    }

    /** The record of one key. */
    public KeyRecord record(UUID id) {
        return requireName(file(id), KeyFile.readRecord(file(id)));
    }

    /**
     * The bits of one key, checked.
     *
     * @return off-heap, the caller's to close
     */
    public BitString read(UUID id) {
        record(id);
        return KeyFile.readKey(file(id));
    }

    /** Lets others write to the store. */
    @Override
    public synchronized void close() {
        if (lock != null) {
            try {
                lock.close();
            } catch (IOException e) {
                throw new KeyStoreException(directory, "close the key store", e);
            }
        }
    }

    private Contents examine(boolean everything) {
        List<KeyRecord> keys = new ArrayList<>();
        List<KeyStoreException> problems = new ArrayList<>();
        for (Path file : files("*" + SUFFIX)) {
            try {
                KeyRecord record = requireName(file, KeyFile.readRecord(file));
                if (everything) {
                    KeyFile.readKey(file).close();
                    requireOwnerOnly(file);
                }
                keys.add(record);
            } catch (KeyStoreException e) {
                problems.add(e);
            }
        }
        for (Path file : unresolved()) {
            String other = peer(file)
                    .map(note -> "the other site's store, " + note + ",")
                    .orElse("the note of the other site's store");
            problems.add(new KeyStoreException(
                    file, "half of a pair, and " + other + " is not there to say whether the pair was completed"));
        }
        if (everything) {
            try {
                requireOwnerOnly(directory);
            } catch (KeyStoreException e) {
                problems.add(e);
            }
        }
        keys.sort(Comparator.comparing(KeyRecord::created)
                .thenComparing(KeyRecord::session)
                .thenComparingLong(KeyRecord::block)
                .thenComparing(KeyRecord::id));
        return new Contents(keys, problems);
    }

    // The staged halves that recovery could not decide; none while somebody is writing, whose they may be.
    private synchronized List<Path> unresolved() {
        List<Path> staged = files(".*" + STAGED);
        if (staged.isEmpty() || lock != null && lock.isHeld()) {
            return staged;
        }
        try {
            Optional<WriterLock> free = Files.isWritable(directory) ? WriterLock.tryTake(directory) : Optional.empty();
            if (free.isEmpty()) {
                return List.of();
            }
            free.get().close();
            return staged;
        } catch (IOException e) {
            throw new KeyStoreException(directory, "look at the lock", e);
        }
    }

    // ---- Pairs: the second store's side ------------------------------------------------------------------------

    private void stage(KeyRecord record, BitString key, KeyStore decider) throws IOException {
        UUID id = record.id();
        // First where to look, then what to look for: a staged key always has its note.
        byte[] note = noteOf(decider.directory).getBytes(StandardCharsets.UTF_8);
        Path temporary = hidden(id, TEMPORARY);
        Durable.write(temporary, channel -> {
            java.nio.ByteBuffer bytes = java.nio.ByteBuffer.wrap(note);
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        });
        Durable.rename(temporary, hidden(id, PEER));
        KeyFile.write(temporary, record, key);
        Durable.rename(temporary, hidden(id, STAGED));
    }

    // Relative where possible, so that two stores that move together still find each other.
    private String noteOf(Path decider) {
        try {
            return directory.relativize(decider).toString();
        } catch (IllegalArgumentException e) {
            return decider.toString();
        }
    }

    private void follow(UUID id) throws IOException {
        Durable.rename(hidden(id, STAGED), file(id));
        Files.deleteIfExists(hidden(id, PEER));
    }

    private void abandon(UUID id) throws IOException {
        Files.deleteIfExists(hidden(id, STAGED));
        Files.deleteIfExists(hidden(id, PEER));
        Files.deleteIfExists(hidden(id, TEMPORARY));
        Durable.force(directory);
    }

    /** Removes what a crash left half written, and completes or undoes pairs. Needs the writer's lock. */
    private void recover() throws IOException {
        for (Path file : files(".*" + TEMPORARY)) {
            Files.deleteIfExists(file);
        }
        for (Path file : files(".*" + STAGED)) {
            Optional<UUID> id = id(file, STAGED);
            Optional<Path> peer = peer(file).map(directory::resolve);
            if (id.isEmpty() || peer.isEmpty() || !Files.isDirectory(peer.get()) || !isStore(peer.get())) {
                continue; // reported by scan and verify
            }
            if (Files.exists(peer.get().resolve(id.get() + SUFFIX))) {
                follow(id.get());
            } else {
                abandon(id.get());
            }
        }
        for (Path note : files(".*" + PEER)) {
            Optional<UUID> id = id(note, PEER);
            if (id.isPresent() && !Files.exists(hidden(id.get(), STAGED))) {
                Files.deleteIfExists(note);
            }
        }
    }

    private Optional<String> peer(Path staged) {
        try {
            return Optional.of(Files.readString(hidden(id(staged, STAGED).orElseThrow(), PEER)))
                    .filter(note -> isPath(note));
        } catch (IOException | java.util.NoSuchElementException e) {
            return Optional.empty();
        }
    }

    private boolean isPath(String note) {
        try {
            return !note.isEmpty() && directory.resolve(note) != null;
        } catch (InvalidPathException e) {
            return false;
        }
    }

    // ---- Names and checks --------------------------------------------------------------------------------------

    private void publish(Path temporary, UUID id) throws IOException {
        try {
            Durable.rename(temporary, file(id));
        } catch (IOException e) {
            // Not durable: as if it had never been.
            Files.deleteIfExists(temporary);
            Files.deleteIfExists(file(id));
            throw e;
        }
    }

    Path file(UUID id) {
        return directory.resolve(id + SUFFIX);
    }

    Path hidden(UUID id, String suffix) {
        return directory.resolve("." + id + suffix);
    }

    static Optional<UUID> id(Path file, String suffix) {
        String name = String.valueOf(file.getFileName());
        String text = name.substring(name.startsWith(".") ? 1 : 0, name.length() - suffix.length());
        try {
            return Optional.of(UUID.fromString(text)).filter(id -> id.toString().equals(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    List<Path> files(String glob) {
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory, glob)) {
            stream.forEach(files::add);
        } catch (IOException e) {
            throw new KeyStoreException(directory, "list the directory", e);
        }
        files.sort(Comparator.naturalOrder());
        return files;
    }

    private static KeyRecord requireName(Path file, KeyRecord record) {
        if (!(record.id() + SUFFIX).equals(String.valueOf(file.getFileName()))) {
            throw new KeyStoreException(file, 16, "holds the key " + record.id() + ", which is not its name");
        }
        return record;
    }

    static void requireOwnerOnly(Path file) {
        try {
            if (Durable.isOpenToOthers(file)) {
                throw new KeyStoreException(
                        file,
                        "mode " + PosixFilePermissions.toString(Files.getPosixFilePermissions(file))
                                + "; nobody but the owner may have access");
            }
        } catch (IOException e) {
            throw new KeyStoreException(file, "read its mode", e);
        }
    }

    private void requireWriter() {
        if (lock == null || !lock.isHeld()) {
            throw new IllegalStateException("The key store " + directory + " is not open for writing");
        }
    }

    private static void requireLength(KeyRecord record, BitString key) {
        if (record.bits() != key.length()) {
            throw new IllegalArgumentException(
                    "The record says " + record.bits() + " bits, the key has " + key.length());
        }
    }

    private void requireNew(UUID id) {
        if (Files.exists(file(id))) {
            throw new KeyStoreException(file(id), "there is a key with this id already");
        }
    }

    private static void requireStore(Path directory) throws IOException {
        if (!Files.isDirectory(directory) || !isStore(directory)) {
            throw new KeyStoreException(
                    directory,
                    Files.isDirectory(directory)
                            ? "no key store: it holds no keys"
                            : Files.exists(directory) ? "not a directory" : "no such directory");
        }
    }

    private static boolean isStore(Path directory) throws IOException {
        if (Files.exists(directory.resolve(WriterLock.FILE))) {
            return true;
        }
        try (DirectoryStream<Path> keys = Files.newDirectoryStream(directory, "*" + SUFFIX)) {
            return keys.iterator().hasNext();
        }
    }

    private static boolean isEmpty(Path directory) throws IOException {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            return !entries.iterator().hasNext();
        }
    }
}
