package dev.qdistill.keystore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.qdistill.bits.BitString;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class KeyStoreTest {
    @TempDir
    Path dir;

    @Test
    void keysComeBackInTheOrderOfTheirMaking() {
        try (KeyStore store = KeyStore.create(dir.resolve("new/alice"))) {
            for (long seed : new long[] {3, 1, 2}) {
                add(store, seed);
            }
        }
        try (KeyStore store = KeyStore.open(dir.resolve("new/alice"))) {
            assertEquals(List.of(Keys.record(1, 1001), Keys.record(2, 1001), Keys.record(3, 1001)), store.list());
            assertEquals(store.list(), store.verify().keys());
            assertEquals(List.of(), store.verify().problems());
            try (BitString key = store.read(new UUID(2, 3));
                    BitString expected = Keys.bits(2, 1001)) {
                assertTrue(key.contentEquals(expected));
            }
            assertEquals(Keys.record(2, 1001), store.record(new UUID(2, 3)));
            assertTrue(store.contains(new UUID(2, 3)));
            assertFalse(store.contains(new UUID(9, 9)));
            assertThrows(KeyStoreException.class, () -> store.read(new UUID(9, 9)));
        }
    }

    @Test
    void aDuplicateIdIsRefusedAndTheFirstKeyStays() {
        try (KeyStore store = KeyStore.create(dir.resolve("alice"));
                BitString other = Keys.bits(99, 77)) {
            add(store, 1);
            KeyRecord same = new KeyRecord(
                    new UUID(1, 2),
                    "x",
                    Site.BOB,
                    new UUID(0, 0),
                    0,
                    77,
                    .1,
                    .1,
                    Keys.record(1, 1).created());
            assertThrows(KeyStoreException.class, () -> store.add(same, other));
            assertEquals(List.of(Keys.record(1, 1001)), store.verify().keys());
            assertEquals(List.of(), store.verify().problems());
        }
    }

    @Test
    void nobodyElseHasAccess() throws IOException {
        Path at = dir.resolve("alice");
        assumeTrue(Durable.isPosix(at));
        try (KeyStore store = KeyStore.create(at)) {
            add(store, 1);
        }
        assertEquals("rwx------", mode(at));
        try (Stream<Path> files = Files.list(at)) {
            for (Path file : files.toList()) {
                assertEquals("rw-------", mode(file));
            }
        }
        Files.setPosixFilePermissions(at, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path key = at.resolve(new UUID(1, 2) + ".qkey");
        Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-r-----"));
        try (KeyStore store = KeyStore.openForReading(at)) {
            assertEquals(2, store.verify().problems().size());
            assertEquals(List.of(), store.scan().problems());
        }
        try (KeyStore store = KeyStore.open(at)) {
            assertEquals("rwx------", mode(at));
            assertEquals(1, store.verify().problems().size());
        }
    }

    @Test
    void onlyAStoreOrAnEmptyDirectoryIsTaken() throws IOException {
        Path other = Files.createDirectory(dir.resolve("other"));
        Files.writeString(other.resolve("notes.txt"), "mine");
        assertThrows(KeyStoreException.class, () -> KeyStore.create(other));
        assertThrows(KeyStoreException.class, () -> KeyStore.open(other));
        assertThrows(KeyStoreException.class, () -> KeyStore.openForReading(other));
        assertThrows(KeyStoreException.class, () -> KeyStore.create(other.resolve("notes.txt")));
        assertThrows(KeyStoreException.class, () -> KeyStore.open(other.resolve("notes.txt")));
        assertThrows(KeyStoreException.class, () -> KeyStore.open(dir.resolve("none")));
        assertEquals(1, entries(other).size());
        Path empty = Files.createDirectory(dir.resolve("empty"));
        KeyStore.create(empty).close();
        KeyStore.open(empty).close();
    }

    @Test
    @SuppressWarnings("try") // closing early, and twice, is what is tested
    void oneWriterAtATimeAndReadersBeside() {
        Path at = dir.resolve("alice");
        try (KeyStore writer = KeyStore.create(at)) {
            KeyStoreException e = assertThrows(KeyStoreException.class, () -> KeyStore.open(at));
            assertTrue(Keys.message(e).endsWith("another writer has this key store open"), Keys.message(e));
            add(writer, 1);
            try (KeyStore reader = KeyStore.openForReading(at);
                    BitString key = Keys.bits(2, 1001)) {
                assertEquals(1, reader.list().size());
                add(writer, 2);
                assertEquals(2, reader.list().size());
                assertThrows(IllegalStateException.class, () -> reader.add(Keys.record(3, 1001), key));
            }
            // A reader's coming and going does not give the writer's lock away.
            assertThrows(KeyStoreException.class, () -> KeyStore.open(at));
            writer.close();
            try (KeyStore next = KeyStore.open(at)) {
                writer.close();
                assertThrows(KeyStoreException.class, () -> KeyStore.open(at));
                assertThrows(IllegalStateException.class, () -> add(writer, 3));
                add(next, 3);
            }
        }
    }

    @Test
    void anotherProcessIsKeptOut() throws IOException, InterruptedException {
        Path at = dir.resolve("alice");
        try (KeyStore writer = KeyStore.create(at)) {
            add(writer, 1);
            assertEquals("refused", inAnotherProcess(at));
        }
        assertEquals("opened", inAnotherProcess(at));
    }

    private static String inAnotherProcess(Path at) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        OpenStore.class.getName(),
                        at.toString())
                .redirectErrorStream(true)
                .start();
        try (var output = process.inputReader()) {
            String last = "";
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                last = line;
            }
            process.waitFor();
            return last;
        }
    }

    /** Opens a store for writing and says how that went. */
    static final class OpenStore {
        private OpenStore() {}

        public static void main(String[] args) {
            try (KeyStore store = KeyStore.open(Path.of(args[0]))) {
                System.out.println(store.list().isEmpty() ? "empty" : "opened");
            } catch (KeyStoreException e) {
                System.out.println("refused");
            }
        }
    }

    @Test
    void threadsMayAddToOneStore() throws InterruptedException, ExecutionException {
        try (KeyStore store = KeyStore.create(dir.resolve("alice"));
                ExecutorService pool = Executors.newFixedThreadPool(4)) {
            List<Future<Boolean>> results = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                long seed = i / 2;
                results.add(pool.submit(() -> {
                    try {
                        add(store, seed);
                        return true;
                    } catch (KeyStoreException e) {
                        return false;
                    }
                }));
            }
            int added = 0;
            for (Future<Boolean> result : results) {
                added += result.get() ? 1 : 0;
            }
            assertEquals(20, added);
            assertEquals(20, store.verify().keys().size());
            assertEquals(List.of(), store.verify().problems());
        }
    }

    @Test
    void whatACrashLeavesHalfWrittenIsNotListedAndIsRemoved() throws IOException {
        Path at = dir.resolve("alice");
        try (KeyStore store = KeyStore.create(at)) {
            add(store, 1);
            byte[] key = Files.readAllBytes(at.resolve(new UUID(1, 2) + ".qkey"));
            Path half = at.resolve("." + new UUID(5, 6) + ".tmp");
            Files.write(half, java.util.Arrays.copyOf(key, key.length / 2));
            assertEquals(1, store.list().size());
            assertEquals(List.of(), store.verify().problems());
            try (KeyStore reader = KeyStore.openForReading(at)) {
                // It may be the writer's.
                assertEquals(1, reader.list().size());
                assertTrue(Files.exists(half));
            }
        }
        KeyStore.openForReading(at).close();
        assertEquals(2, entries(at).size());
    }

    @Test
    void verifyReportsEveryProblemAndKeepsTheSoundKeys() throws IOException {
        Path at = dir.resolve("alice");
        try (KeyStore store = KeyStore.create(at)) {
            for (long seed = 1; seed <= 6; seed++) {
                add(store, seed);
            }
            damage(at.resolve(new UUID(2, 3) + ".qkey"), 193);
            damage(at.resolve(new UUID(3, 4) + ".qkey"), 3);
            Files.move(at.resolve(new UUID(4, 5) + ".qkey"), at.resolve(new UUID(40, 5) + ".qkey"));
            Files.copy(
                    at.resolve(new UUID(5, 6) + ".qkey"), at.resolve("copy.qkey"), StandardCopyOption.COPY_ATTRIBUTES);
            Files.createDirectory(at.resolve("dir.qkey"));
            Files.createSymbolicLink(at.resolve(new UUID(7, 8) + ".qkey"), at.resolve(new UUID(6, 7) + ".qkey"));
            KeyStore.Contents all = store.verify();
            assertEquals(
                    List.of(1L, 5L, 6L),
                    all.keys().stream().map(KeyRecord::block).toList());
            assertEquals(6, all.problems().size());
            // Listing reads no key bits: the flipped key bit is the one it does not see.
            assertEquals(5, store.scan().problems().size());
            assertThrows(KeyStoreException.class, store::list);
            assertThrows(KeyStoreException.class, () -> store.read(new UUID(2, 3)));
        }
    }

    @Test
    void aStoreThatCannotBeWrittenSaysSoAndLeavesNothing() throws IOException {
        Path at = dir.resolve("alice");
        try (KeyStore store = KeyStore.create(at)) {
            // The name of the temporary file is taken by a directory: not even root can write there.
            Path taken = Files.createDirectories(at.resolve("." + new UUID(1, 2) + ".tmp"));
            KeyStoreException e = assertThrows(KeyStoreException.class, () -> add(store, 1));
            assertTrue(Keys.message(e).contains("cannot write the key"), Keys.message(e));
            Files.delete(taken);
            assertEquals(1, entries(at).size());
        }
    }

    private static void add(KeyStore store, long seed) {
        try (BitString key = Keys.bits(seed, 1001)) {
            store.add(Keys.record(seed, 1001), key);
        }
    }

    private static void damage(Path file, int at) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[at] ^= 16;
        Files.write(file, bytes);
    }

    private static List<Path> entries(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.toList();
        }
    }

    private static String mode(Path file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
    }
}
