package dev.qdistill.keystore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.bits.BitString;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A key's copies at both sites become visible together. */
final class KeyPairTest {
    private static final UUID ID = new UUID(1, 2);

    @TempDir
    Path dir;

    @Test
    void bothStoresHaveTheKeyAndNothingElse() throws IOException {
        addPair(1);
        try (KeyStore alice = KeyStore.openForReading(alice());
                KeyStore bob = KeyStore.openForReading(bob());
                BitString a = alice.read(ID);
                BitString b = bob.read(ID)) {
            assertTrue(a.contentEquals(b));
            assertEquals(Site.ALICE, alice.record(ID).site());
            assertEquals(Site.BOB, bob.record(ID).site());
        }
        assertEquals(List.of(".lock", ID + ".qkey"), names(alice()));
        assertEquals(List.of(".lock", ID + ".qkey"), names(bob()));
    }

    @Test
    void aDuplicateInEitherStoreStopsBoth() throws IOException {
        try (KeyStore bob = KeyStore.create(bob());
                BitString key = Keys.bits(1, 100)) {
            bob.add(Keys.record(1, 100), key);
        }
        assertThrows(KeyStoreException.class, () -> addPair(1));
        assertEquals(List.of(".lock"), names(alice()));
        assertEquals(List.of(".lock", ID + ".qkey"), names(bob()));
    }

    @Test
    void afterACrashBeforeTheDecisionNeitherHasTheKey() throws IOException {
        addPair(1);
        stepBackSecond("../alice");
        Files.move(alice().resolve(ID + ".qkey"), alice().resolve("." + ID + ".tmp"));
        // Whichever is opened first.
        KeyStore.openForReading(bob()).close();
        KeyStore.openForReading(alice()).close();
        assertEquals(List.of(".lock"), names(alice()));
        assertEquals(List.of(".lock"), names(bob()));
    }

    @Test
    void afterACrashBehindTheDecisionTheSecondStoreFollows() throws IOException {
        for (String note : new String[] {"../alice", alice().toAbsolutePath().toString()}) {
            deleteAll();
            addPair(1);
            stepBackSecond(note);
            try (KeyStore bob = KeyStore.openForReading(bob())) {
                assertEquals(1, bob.list().size());
                assertEquals(List.of(), bob.verify().problems());
            }
            assertEquals(List.of(".lock", ID + ".qkey"), names(bob()));
        }
    }

    @Test
    void leftoversAroundTheHalfAreRemoved() throws IOException {
        addPair(1);
        Files.writeString(bob().resolve("." + ID + ".peer"), "../alice");
        Files.writeString(bob().resolve("." + new UUID(7, 7) + ".peer"), "../alice");
        Files.writeString(bob().resolve("." + new UUID(8, 8) + ".tmp"), "half");
        KeyStore.open(bob()).close();
        assertEquals(List.of(".lock", ID + ".qkey"), names(bob()));
    }

    @Test
    void withoutTheOtherStoreTheHalfIsKeptAndReported() throws IOException {
        addPair(1);
        stepBackSecond("../alice");
        Path moved = dir.resolve("elsewhere");
        Files.move(alice(), moved);
        try (KeyStore bob = KeyStore.openForReading(bob())) {
            KeyStore.Contents contents = bob.verify();
            assertEquals(List.of(), contents.keys());
            assertEquals(1, contents.problems().size());
            assertTrue(Keys.message(contents.problems().getFirst()).contains("../alice"));
        }
        Files.createDirectory(alice());
        try (KeyStore bob = KeyStore.open(bob())) {
            assertEquals(1, bob.verify().problems().size());
        }
        Files.delete(alice());
        Files.move(moved, alice());
        try (KeyStore bob = KeyStore.open(bob())) {
            assertEquals(1, bob.list().size());
        }
    }

    @Test
    void aFailureOfTheFirstStoreUndoesTheSecond() throws IOException {
        try (KeyStore alice = KeyStore.create(alice());
                KeyStore bob = KeyStore.create(bob())) {
            // Its temporary file's name is taken.
            Path taken = Files.createDirectory(alice().resolve("." + ID + ".tmp"));
            assertThrows(KeyStoreException.class, () -> addPair(alice, bob, 1));
            assertFalse(Files.exists(taken));
            assertEquals(List.of(".lock"), names(alice()));
            assertEquals(List.of(".lock"), names(bob()));
            addPair(alice, bob, 1);
            assertEquals(1, bob.list().size());
        }
    }

    @Test
    void aPairIsOneKeyInTwoStores() {
        try (KeyStore alice = KeyStore.create(alice());
                KeyStore bob = KeyStore.create(bob());
                BitString key = Keys.bits(1, 100)) {
            KeyRecord r = Keys.record(1, 100);
            assertThrows(
                    IllegalArgumentException.class, () -> KeyStore.addPair(alice, r, key, alice, r.at(Site.BOB), key));
            assertThrows(
                    IllegalArgumentException.class,
                    () -> KeyStore.addPair(alice, r, key, bob, Keys.record(2, 100), key));
            assertThrows(IllegalArgumentException.class, () -> alice.add(Keys.record(1, 101), key));
        }
    }

    /** A process that adds pairs is killed again and again, at any moment. */
    @Test
    void killedAtAnyMomentTheStoresAgree() throws IOException, InterruptedException {
        Random random = new Random(11);
        int keys = 0;
        for (int round = 0; round < 6; round++) {
            Process process = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-XX:TieredStopAtLevel=1",
                            "-XX:+UseSerialGC",
                            "-cp",
                            System.getProperty("java.class.path"),
                            AddPairs.class.getName(),
                            dir.toString(),
                            Integer.toString(round))
                    .redirectErrorStream(true)
                    .start();
            assertEquals("ready", process.inputReader().readLine());
            if (round > 1) {
                assertEquals("added", process.inputReader().readLine());
            }
            Thread.sleep(random.nextInt(100));
            process.destroyForcibly().waitFor();
            // In either order.
            KeyStore.openForReading(round % 2 == 0 ? alice() : bob()).close();
            try (KeyStore alice = KeyStore.open(alice());
                    KeyStore bob = KeyStore.open(bob())) {
                assertEquals(List.of(), alice.verify().problems());
                assertEquals(List.of(), bob.verify().problems());
                assertEquals(alice.list().stream().map(r -> r.at(Site.BOB)).toList(), bob.list());
                keys = alice.list().size();
            }
            assertEquals(keys + 1, names(alice()).size());
            assertEquals(keys + 1, names(bob()).size());
        }
        assertTrue(keys > 0);
    }

    /** Adds pairs until it is killed. */
    static final class AddPairs {
        private AddPairs() {}

        public static void main(String[] args) {
            Path dir = Path.of(args[0]);
            try (KeyStore alice = KeyStore.create(dir.resolve("alice"));
                    KeyStore bob = KeyStore.create(dir.resolve("bob"))) {
                System.out.println("ready");
                for (long seed = 1_000_000L * (1 + Integer.parseInt(args[1])); ; seed++) {
                    addPair(alice, bob, seed);
                    System.out.println("added");
                }
            }
        }
    }

    private void addPair(long seed) {
        try (KeyStore alice = KeyStore.create(alice());
                KeyStore bob = KeyStore.create(bob())) {
            addPair(alice, bob, seed);
        }
    }

    private static void addPair(KeyStore alice, KeyStore bob, long seed) {
        try (BitString a = Keys.bits(seed, 3001);
                BitString b = a.copy()) {
            KeyRecord record = Keys.record(seed, 3001);
            KeyStore.addPair(alice, record, a, bob, record.at(Site.BOB), b);
        }
    }

    // The second store as it is between the first one's decision and its own last step.
    private void stepBackSecond(String note) throws IOException {
        Files.move(bob().resolve(ID + ".qkey"), bob().resolve("." + ID + ".staged"));
        Files.writeString(bob().resolve("." + ID + ".peer"), note);
    }

    private void deleteAll() throws IOException {
        for (Path store : new Path[] {alice(), bob()}) {
            if (Files.exists(store)) {
                for (String name : names(store)) {
                    Files.delete(store.resolve(name));
                }
            }
        }
    }

    private Path alice() {
        return dir.resolve("alice");
    }

    private Path bob() {
        return dir.resolve("bob");
    }

    private static List<String> names(Path store) throws IOException {
        try (Stream<Path> files = Files.list(store)) {
            return files.map(f -> f.getFileName().toString()).sorted().toList();
        }
    }
}
