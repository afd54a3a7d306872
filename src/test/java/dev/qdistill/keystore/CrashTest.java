package dev.qdistill.keystore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.bits.BitString;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A store with an index is right whenever the machine stops: no key lost, doubled or halved. */
final class CrashTest {
    private static final String LINK = Keys.record(0, 1).link();
    private static final SaePair PAIR = new SaePair("sae-a", "sae-b");
    private static final int BITS = 1920;

    @TempDir
    Path dir;

    // What the caller has been told at the moment: what must hold after a crash.
    private final Map<Long, KeyState> told = new HashMap<>();
    private final Set<Long> seen = new HashSet<>();
    private final AtomicReference<Instant> now = new AtomicReference<>(Instant.parse("2026-01-01T00:00:00Z"));
    private int images;

    /**
     * Runs everything a store does, and at each step between two changes of the disk copies the directory, as a crash at
     * that moment would leave it, and looks at what opening the copy gives.
     */
    @Test
    void atEveryStepACrashLeavesAllThatWasToldAndNothingTwice() throws IOException {
        Random random = new Random(7);
        Map<String, Limits> limits = Map.of(LINK, new Limits(Duration.ofHours(1), Duration.ZERO, 1L << 40));
        Path at = dir.resolve("store");
        try (IndexedKeyStore store = IndexedKeyStore.open(at, limits, now::get, () -> crash(at, limits))) {
            for (long seed = 1; seed <= 4; seed++) {
                add(store, seed, seed % 2 == 0);
            }
            told.remove(2L);
            store.commit(id(2));
            told.put(2L, KeyState.AVAILABLE);
            told.remove(4L);
            store.discard(id(4));
            for (int i = 0; i < 5; i++) {
                try (Handout keys = store.allocate(LINK, PAIR, 1 + random.nextInt(3), 8 * (1 + random.nextInt(3)))) {
                    note(keys);
                    if (random.nextBoolean()) {
                        keys.delivered();
                    }
                }
                store.maintain();
            }
            told.remove(3L);
            try (Handout whole = store.take(id(3))) {
                whole.delivered();
            }
            told.put(3L, KeyState.DELIVERED);
            now.set(now.get().plus(Duration.ofHours(2)));
            told.remove(1L);
            told.remove(2L);
            store.maintain();
            assertEquals(Optional.of(KeyState.EXPIRED), store.state(id(1)));
        }
        assertTrue(images > 60, "only " + images + " steps");
    }

    private void crash(Path at, Map<String, Limits> limits) {
        Path image = dir.resolve("image" + images++);
        try {
            copy(at, image);
            // Whoever comes first after the crash gets no key a second time.
            try (IndexedKeyStore after = IndexedKeyStore.open(image, limits, now::get)) {
                assertEquals(List.of(), after.problems());
                assertEquals(List.of(), after.verify());
                told.forEach((seed, state) -> assertEquals(Optional.of(state), after.state(id(seed))));
                Set<UUID> staged = new HashSet<>();
                for (KeyRecord record : after.staged()) {
                    staged.add(record.id());
                }
                for (UUID id : staged) {
                    after.commit(id);
                }
                Set<Long> again = new HashSet<>(seen);
                for (int count : new int[] {16, 4, 1}) {
                    boolean more = true;
                    while (more) {
                        try (Handout keys = after.allocate(LINK, PAIR, count, 8)) {
                            for (Handout.Piece piece : keys.pieces()) {
                                assertTrue(again.add(piece.key().word(0)), "a key was handed out twice");
                            }
                        } catch (HandoutException e) {
                            more = false;
                        }
                    }
                }
                assertEquals(List.of(), after.verify());
            }
            // No file but those of keys that are there.
            try (Stream<Path> files = Files.list(image)) {
                for (Path file : files.toList()) {
                    String name = String.valueOf(file.getFileName());
                    assertTrue(
                            name.startsWith(IndexDatabase.FILE)
                                    || name.equals(".lock")
                                    || name.equals(".indexed")
                                    || name.endsWith(".qkey"),
                            name);
                }
            }
            delete(image);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void add(IndexedKeyStore store, long seed, boolean staged) {
        try (BitString key = Keys.bits(seed, BITS)) {
            if (staged) {
                store.stage(Keys.record(seed, BITS), key);
            } else {
                store.add(Keys.record(seed, BITS), key);
            }
        }
        told.put(seed, staged ? KeyState.STAGED : KeyState.AVAILABLE);
    }

    private void note(Handout keys) {
        for (Handout.Piece piece : keys.pieces()) {
            for (long w = 0; w < piece.key().wordCount(); w++) {
                assertTrue(seen.add(piece.key().word(w)), "a key was handed out twice");
            }
        }
    }

    /** Two processes, one adding and handing out, one handing out beside it, killed again and again. */
    @Test
    void killedAtAnyMomentNoKeyIsLostOrDoubled() throws IOException, InterruptedException {
        Random random = new Random(13);
        Path at = dir.resolve("killed");
        Set<UUID> added = new HashSet<>();
        Map<Long, String> words = new HashMap<>();
        IndexedKeyStore.open(at, Map.of()).close();
        for (int round = 0; round < 3; round++) {
            List<Process> processes = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                processes.add(new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java")
                                        .toString(),
                                "-XX:TieredStopAtLevel=1",
                                "-XX:+UseSerialGC",
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                System.getProperty("java.class.path"),
                                Worker.class.getName(),
                                at.toString(),
                                Integer.toString(round),
                                Integer.toString(i))
                        .redirectErrorStream(true)
                        .start());
            }
            for (Process process : processes) {
                assertEquals("ready", process.inputReader().readLine());
            }
            Thread.sleep(200 + random.nextInt(300));
            for (Process process : processes) {
                // Through the handle: what it has written can still be read.
                process.toHandle().destroyForcibly();
                process.waitFor();
            }
            for (Process process : processes) {
                for (String line : process.inputReader().lines().toList()) {
                    String[] fields = line.split(" ", -1);
                    if (fields[0].equals("added") && fields.length == 2 && fields[1].length() == 36) {
                        added.add(UUID.fromString(fields[1]));
                    } else if (fields[0].equals("key") && fields.length == 4 && fields[3].equals(".")) {
                        assertEquals(null, words.put(Long.parseLong(fields[2]), line), line);
                    }
                }
            }
            try (IndexedKeyStore store = IndexedKeyStore.open(at, Map.of())) {
                assertEquals(List.of(), store.problems());
                assertEquals(List.of(), store.verify());
                for (UUID id : added) {
                    KeyState state = store.state(id).orElseThrow();
                    assertTrue(state == KeyState.AVAILABLE || state == KeyState.DELIVERED, id + " is " + state);
                }
                for (KeyRecord staged : store.staged()) {
                    store.discard(staged.id());
                }
            }
        }
        assertTrue(added.size() > 3, added.size() + " keys");
        assertTrue(words.size() > 10, words.size() + " pieces");
    }

    /** Adds keys, hands out pieces, until it is killed. */
    static final class Worker {
        private Worker() {}

        public static void main(String[] args) {
            Path at = Path.of(args[0]);
            long seed = 1_000_000L * (1 + Integer.parseInt(args[1]));
            boolean writer = args[2].equals("0");
            try (IndexedKeyStore store = writer ? IndexedKeyStore.open(at, Map.of()) : IndexedKeyStore.openBeside(at)) {
                System.out.println("ready");
                while (true) {
                    if (writer) {
                        seed++;
                        try (BitString key = Keys.bits(seed, BITS)) {
                            store.stage(Keys.record(seed, BITS), key);
                            store.commit(id(seed));
                            System.out.println("added " + id(seed));
                        }
                    }
                    try (Handout keys = store.allocate(LINK, PAIR, 2, 8)) {
                        for (Handout.Piece piece : keys.pieces()) {
                            System.out.println(
                                    "key " + piece.id() + " " + piece.key().word(0) + " .");
                        }
                        keys.delivered();
                    } catch (HandoutException e) {
                        Thread.onSpinWait();
                    }
                }
            }
        }
    }

    private static UUID id(long seed) {
        return Keys.record(seed, 1).id();
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.createDirectory(to, Durable.ownerOnly(to, "rwx------"));
        Files.createFile(to.resolve(WriterLock.FILE), Durable.ownerOnly(to, "rw-------"));
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.toList()) {
                // The lock and SQLite's shared memory are gone with the process.
                if (!file.toString().endsWith("-shm") && !file.toString().endsWith(".lock")) {
                    Files.copy(file, to.resolve(file.getFileName()), StandardCopyOption.COPY_ATTRIBUTES);
                }
            }
        }
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
    }
}
