package dev.qdistill.keystore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.bits.BitString;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a store with an index promises when nothing goes wrong; {@link CrashTest} has the rest. */
final class IndexedKeyStoreTest {
    private static final String LINK = Keys.record(0, 1).link();
    private static final SaePair PAIR = new SaePair("sae-a", "sae-b");
    private static final int BITS = 2 * 312 * 64;

    @TempDir
    Path dir;

    @Test
    void theSlaveGetsByIdWhatTheMasterGotInBothDirections() {
        addBoth(1);
        addBoth(2);
        try (IndexedKeyStore alice = open("alice");
                IndexedKeyStore bob = open("bob")) {
            for (Site masters : Site.values()) {
                IndexedKeyStore master = masters == Site.ALICE ? alice : bob;
                IndexedKeyStore slave = masters == Site.ALICE ? bob : alice;
                for (int bytes : new int[] {32, 8, 33, 1, 500}) {
                    try (Handout keys = master.allocate(LINK, PAIR, 5, bytes);
                            Handout same = slave.redeem(LINK, PAIR, ids(keys))) {
                        assertEquals(ids(keys), ids(same));
                        for (int i = 0; i < 5; i++) {
                            BitString key = keys.pieces().get(i).key();
                            assertEquals(8L * bytes, key.length());
                            assertTrue(key.contentEquals(same.pieces().get(i).key()));
                        }
                        keys.delivered();
                        same.delivered();
                    }
                }
            }
            assertEquals(25, entry(alice, LedgerLine.Entry.MASTER).keys());
            assertEquals(25, entry(alice, LedgerLine.Entry.SLAVE).keys());
            assertEquals(2 * 1e-9, entry(alice, LedgerLine.Entry.MADE).epsilonSecrecy());
            assertEquals(List.of(), alice.verify());
            assertEquals(List.of(), bob.verify());
        }
    }

    @Test
    void everyBitOfBothHalvesIsHandedOutOnceAndTheKeyIsWipedThen() throws IOException {
        addBoth(1);
        try (IndexedKeyStore alice = open("alice");
                IndexedKeyStore bob = open("bob");
                BitString key = Keys.bits(1, BITS)) {
            Set<Long> words = new HashSet<>();
            for (IndexedKeyStore master : List.of(alice, bob)) {
                IndexedKeyStore slave = master == alice ? bob : alice;
                List<UUID> ids = new ArrayList<>();
                for (int left = BITS / 64 / 2 - 2; left > 0; left--) {
                    try (Handout one = master.allocate(LINK, PAIR, 1, 8)) {
                        assertTrue(words.add(one.pieces().getFirst().key().word(0)));
                        ids.addAll(ids(one));
                        one.delivered();
                    }
                }
                HandoutException e = assertThrows(HandoutException.class, () -> master.allocate(LINK, PAIR, 1, 8));
                assertEquals(HandoutException.Reason.NOT_ENOUGH, e.reason());
                assertEquals(0, master.level(LINK).ownBits());
                slave.redeem(LINK, PAIR, ids).close();
            }
            Set<Long> expected = new HashSet<>();
            for (long g = 0; g < BITS / 64; g++) {
                if (g % 312 > 1 || g > 313) {
                    expected.add(key.word(g));
                }
            }
            assertTrue(expected.containsAll(words));
            assertEquals(2 * (312 - 2), words.size());
            assertEquals(Optional.of(KeyState.DELIVERED), alice.state(id(1)));
            assertEquals(Optional.of(KeyState.DELIVERED), bob.state(id(1)));
        }
        assertEquals(List.of(), keyFiles("alice"));
        assertEquals(List.of(), keyFiles("bob"));
    }

    @Test
    void whatWasHandedOutIsZeroInTheFile() throws IOException {
        addBoth(1);
        try (IndexedKeyStore alice = open("alice");
                BitString key = Keys.bits(1, BITS)) {
            alice.allocate(LINK, PAIR, 3, 32).close();
            byte[] file = Files.readAllBytes(dir.resolve("alice/" + id(1) + ".qkey"));
            int start = (int) KeyFile.keyOffset(Keys.record(1, BITS));
            for (int i = 0; i < BITS / 8; i++) {
                byte expected =
                        i >= 16 && i < 16 + 96 ? 0 : key.segment().get(java.lang.foreign.ValueLayout.JAVA_BYTE, i);
                assertEquals(expected, file[start + i], "byte " + i);
            }
        }
    }

    @Test
    void anIdIsGoodOnceForItsPairAtTheOtherSiteAlone() {
        addBoth(1);
        try (IndexedKeyStore alice = open("alice");
                IndexedKeyStore bob = open("bob");
                Handout keys = alice.allocate(LINK, PAIR, 2, 32)) {
            UUID id = ids(keys).getFirst();
            UUID second = ids(keys).getLast();
            HandoutException.Reason unknown = HandoutException.Reason.UNKNOWN_ID;
            assertEquals(unknown, refusal(bob, new SaePair("sae-a", "sae-c"), id));
            assertEquals(unknown, refusal(bob, new SaePair("sae-b", "sae-a"), id));
            assertEquals(unknown, refusal(alice, PAIR, id));
            assertEquals(unknown, refusal(bob, PAIR, UUID.randomUUID()));
            assertEquals(
                    unknown,
                    refusal(
                            bob,
                            PAIR,
                            new UUID(id.getMostSignificantBits(), id.getLeastSignificantBits() + (1 << 14))));
            // All or none: the first id is not spent by a request that is refused for the second.
            assertEquals(unknown, refusal(bob, PAIR, second, UUID.randomUUID()));
            assertEquals(HandoutException.Reason.HANDED_OUT, refusal(bob, PAIR, second, second));
            bob.redeem(LINK, PAIR, List.of(id)).close();
            assertEquals(HandoutException.Reason.HANDED_OUT, refusal(bob, PAIR, id));
            bob.redeem(LINK, PAIR, List.of(second)).close();
            assertEquals(2, entry(bob, LedgerLine.Entry.UNCONFIRMED).keys());
        }
    }

    @Test
    void aStagedKeyIsHandedOutWhenItIsConfirmedAndNotIfDiscarded() throws IOException {
        try (IndexedKeyStore bob = open("bob")) {
            for (long seed = 1; seed <= 3; seed++) {
                try (BitString key = Keys.bits(seed, BITS)) {
                    bob.stage(Keys.record(seed, BITS).at(Site.BOB), key);
                    assertThrows(
                            KeyStoreException.class,
                            () -> bob.stage(Keys.record(1, BITS).at(Site.BOB), key));
                }
            }
            assertThrows(HandoutException.class, () -> bob.allocate(LINK, PAIR, 1, 32));
            assertThrows(HandoutException.class, () -> bob.take(id(1)));
        }
        try (IndexedKeyStore bob = open("bob")) {
            assertEquals(3, bob.staged().size());
            assertEquals(3, bob.level(LINK).stagedKeys());
            bob.commit(id(1));
            bob.commit(id(1));
            bob.discard(id(2));
            bob.discard(id(2));
            bob.discard(id(9));
            assertThrows(KeyStoreException.class, () -> bob.commit(id(2)));
            assertThrows(KeyStoreException.class, () -> bob.commit(id(9)));
            assertThrows(KeyStoreException.class, () -> bob.discard(id(1)));
            assertEquals(List.of(Keys.record(3, BITS).at(Site.BOB)), bob.staged());
            bob.allocate(LINK, PAIR, 1, 32).close();
            assertEquals(Optional.of(KeyState.DISCARDED), bob.state(id(2)));
            assertEquals(1, entry(bob, LedgerLine.Entry.MADE).keys());
            try (BitString key = Keys.bits(2, BITS)) {
                assertThrows(
                        KeyStoreException.class,
                        () -> bob.add(Keys.record(2, BITS).at(Site.BOB), key));
            }
        }
        assertEquals(List.of(id(1) + ".qkey", id(3) + ".qkey"), keyFiles("bob"));
    }

    @Test
    void aWholeKeyIsTakenOnceAndOnlyUntouched() throws IOException {
        addBoth(1);
        addBoth(2);
        try (IndexedKeyStore alice = open("alice");
                BitString expected = Keys.bits(1, BITS)) {
            try (Handout all = alice.take(id(1))) {
                assertTrue(all.pieces().getFirst().key().contentEquals(expected));
                assertEquals(Optional.of(KeyState.RESERVED), alice.state(id(1)));
                assertThrows(HandoutException.class, () -> alice.take(id(1)));
                all.delivered();
            }
            assertEquals(Optional.of(KeyState.DELIVERED), alice.state(id(1)));
            assertEquals(List.of(id(2) + ".qkey"), keyFiles("alice"));
            alice.allocate(LINK, PAIR, 1, 32).close();
            assertThrows(HandoutException.class, () -> alice.take(id(2)));
            assertEquals(1, entry(alice, LedgerLine.Entry.TAKEN).keys());
        }
    }

    @Test
    void keysExpireFirstForMastersThenForSlaves() throws IOException {
        AtomicReference<Instant> now = new AtomicReference<>(Instant.parse("2026-01-01T00:00:00Z"));
        Map<String, Limits> limits = Map.of(LINK, new Limits(Duration.ofHours(2), Duration.ofHours(1), 100_000));
        try (IndexedKeyStore alice = IndexedKeyStore.open(dir.resolve("alice"), limits, now::get);
                IndexedKeyStore bob = IndexedKeyStore.open(dir.resolve("bob"), limits, now::get)) {
            add(alice, bob, 1);
            assertFalse(alice.level(LINK).isFull());
            now.set(now.get().plusSeconds(3600));
            add(alice, bob, 2);
            add(alice, bob, 3);
            assertTrue(alice.level(LINK).isFull());
            List<UUID> ids;
            try (Handout keys = alice.allocate(LINK, PAIR, 2, 32)) {
                ids = ids(keys);
            }
            now.set(now.get().plusSeconds(3600));
            assertEquals(2, alice.level(LINK).availableKeys());
            bob.redeem(LINK, PAIR, ids.subList(0, 1)).close();
            now.set(now.get().plusSeconds(3600));
            alice.maintain();
            bob.maintain();
            assertEquals(HandoutException.Reason.UNKNOWN_ID, refusal(bob, PAIR, ids.get(1)));
            assertThrows(HandoutException.class, () -> alice.allocate(LINK, PAIR, 1, 32));
            assertEquals(Optional.of(KeyState.EXPIRED), alice.state(id(1)));
            assertEquals(Optional.of(KeyState.AVAILABLE), alice.state(id(2)));
            assertEquals(2, keyFiles("bob").size());
            now.set(now.get().plus(Duration.ofDays(91)));
            alice.maintain();
            assertEquals(Optional.empty(), alice.state(id(1)));
            assertEquals(Optional.of(KeyState.EXPIRED), alice.state(id(2)));
            assertEquals(3, entry(alice, LedgerLine.Entry.EXPIRED).keys());
        }
    }

    @Test
    void aDamagedKeyIsPassedOverAndReported() throws IOException {
        addBoth(1);
        addBoth(2);
        try (RandomAccessFile file =
                new RandomAccessFile(dir.resolve("alice/" + id(1) + ".qkey").toFile(), "rw")) {
            file.seek(KeyFile.keyOffset(Keys.record(1, BITS)) + 100);
            int b = file.read();
            file.seek(KeyFile.keyOffset(Keys.record(1, BITS)) + 100);
            file.write(b ^ 1);
        }
        try (IndexedKeyStore alice = open("alice");
                IndexedKeyStore bob = open("bob");
                BitString second = Keys.bits(2, BITS)) {
            assertEquals(1, alice.verify().size());
            try (Handout key = alice.allocate(LINK, PAIR, 1, 8)) {
                assertEquals(second.word(2), key.pieces().getFirst().key().word(0));
            }
            assertEquals(Optional.of(KeyState.DAMAGED), alice.state(id(1)));
            assertEquals(1, alice.problems().size());
            try (Handout key = bob.allocate(LINK, PAIR, 1, 8)) {
                assertThrows(HandoutException.class, () -> alice.redeem(LINK, PAIR, ids(key)));
            }
        }
    }

    @Test
    void aStoreWithoutAnIndexIsTakenOver() throws IOException {
        try (KeyStore alice = KeyStore.create(dir.resolve("alice"));
                KeyStore bob = KeyStore.create(dir.resolve("bob"));
                BitString key = Keys.bits(1, BITS);
                BitString later = Keys.bits(2, BITS)) {
            KeyRecord r = Keys.record(1, BITS);
            KeyStore.addPair(alice, r, key, bob, r.at(Site.BOB), key);
            alice.add(Keys.record(2, BITS), later);
        }
        byte[] file = Files.readAllBytes(dir.resolve("alice/" + id(2) + ".qkey"));
        file[file.length - 1] ^= 1;
        Files.write(dir.resolve("alice/" + id(2) + ".qkey"), file);
        assertFalse(IndexedKeyStore.isIndexed(dir.resolve("alice")));
        try (IndexedKeyStore alice = open("alice");
                IndexedKeyStore bob = open("bob");
                Handout keys = bob.allocate(LINK, PAIR, 1, 32);
                Handout same = alice.redeem(LINK, PAIR, ids(keys))) {
            assertTrue(keys.pieces()
                    .getFirst()
                    .key()
                    .contentEquals(same.pieces().getFirst().key()));
            assertEquals(1, alice.problems().size());
            assertEquals(Optional.empty(), alice.state(id(2)));
            // The directory store's rule holds: one writer.
            assertThrows(KeyStoreException.class, () -> open("alice"));
            assertThrows(KeyStoreException.class, () -> KeyStore.open(dir.resolve("alice")));
        }
        assertTrue(IndexedKeyStore.isIndexed(dir.resolve("alice")));
        // And again, after a run without the index.
        try (KeyStore alice = KeyStore.open(dir.resolve("alice"));
                BitString key = Keys.bits(3, BITS)) {
            alice.add(Keys.record(3, BITS), key);
        }
        try (IndexedKeyStore alice = open("alice")) {
            assertEquals(Optional.of(KeyState.AVAILABLE), alice.state(id(3)));
            assertEquals(2, entry(alice, LedgerLine.Entry.MADE).keys());
        }
    }

    @Test
    void aStoreThatLostItsIndexIsRefused() throws IOException {
        addBoth(1);
        Files.delete(dir.resolve("alice/index.db"));
        KeyStoreException e = assertThrows(KeyStoreException.class, () -> open("alice"));
        assertTrue(Keys.message(e).contains("the index of this store is gone"), Keys.message(e));
        assertThrows(KeyStoreException.class, () -> IndexedKeyStore.openBeside(dir.resolve("alice")));
        Files.writeString(dir.resolve("bob/index.db"), "this is no database, however long it may be");
        for (String suffix : new String[] {"-wal", "-shm"}) {
            Files.deleteIfExists(dir.resolve("bob/index.db" + suffix));
        }
        assertThrows(KeyStoreException.class, () -> open("bob"));
    }

    @Test
    void aBlockGivesOneKeyUnlessItWasDiscarded() {
        addBoth(1);
        KeyRecord r = Keys.record(1, BITS);
        KeyRecord again = new KeyRecord(
                new UUID(70, 70),
                r.link(),
                Site.BOB,
                r.session(),
                r.block(),
                BITS,
                r.epsilonSecrecy(),
                r.epsilonCorrectness(),
                r.created());
        try (IndexedKeyStore alice = open("alice");
                IndexedKeyStore bob = open("bob");
                BitString key = Keys.bits(5, BITS)) {
            assertThrows(KeyStoreException.class, () -> bob.stage(again, key));
            alice.take(r.id()).close();
            assertThrows(KeyStoreException.class, () -> alice.add(again.at(Site.ALICE), key));
            bob.stage(Keys.record(5, BITS).at(Site.BOB), key);
            bob.discard(id(5));
            KeyRecord five = Keys.record(5, BITS);
            bob.stage(
                    new KeyRecord(
                            new UUID(71, 71),
                            five.link(),
                            Site.BOB,
                            five.session(),
                            five.block(),
                            BITS,
                            1e-9,
                            1e-15,
                            five.created()),
                    key);
            assertEquals(1, bob.staged().size());
        }
    }

    @Test
    void threadsAddAndHandOutAtOnce() throws Exception {
        try (IndexedKeyStore alice = open("alice");
                ExecutorService pool = Executors.newFixedThreadPool(6)) {
            List<Future<Integer>> jobs = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                long first = 10L * (i / 2);
                jobs.add(pool.submit(() -> {
                    int added = 0;
                    for (long seed = first; seed < first + 4; seed++) {
                        try (BitString key = Keys.bits(seed, BITS)) {
                            alice.add(Keys.record(seed, BITS), key);
                            added++;
                        } catch (KeyStoreException e) {
                            // The other thread with the same keys was first.
                        }
                        try (Handout key = alice.allocate(LINK, PAIR, 2, 32)) {
                            key.delivered();
                        } catch (HandoutException e) {
                            assertEquals(HandoutException.Reason.NOT_ENOUGH, e.reason());
                        }
                    }
                    return added;
                }));
            }
            int added = 0;
            for (Future<Integer> job : jobs) {
                added += job.get();
            }
            assertEquals(12, added);
            assertEquals(12, alice.list().size());
            assertEquals(List.of(), alice.verify());
            assertEquals(List.of(), alice.problems());
        }
    }

    @Test
    void nobodyElseHasAccess() throws IOException {
        addBoth(1);
        try (IndexedKeyStore alice = open("alice");
                Stream<Path> files = Files.list(dir.resolve("alice"))) {
            assertEquals(List.of(), alice.verify());
            for (Path file : files.toList()) {
                assertEquals(
                        "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)), "" + file);
            }
        }
    }

    @Test
    void aShortKeyHasNoPiecesButCanBeTaken() {
        try (IndexedKeyStore alice = open("alice");
                BitString key = Keys.bits(1, 200)) {
            alice.add(Keys.record(1, 200), key);
            assertThrows(HandoutException.class, () -> alice.allocate(LINK, PAIR, 1, 1));
            try (Handout all = alice.take(id(1))) {
                assertTrue(all.pieces().getFirst().key().contentEquals(key));
            }
        }
    }

    @Test
    void twoProcessesNeverGetTheSameKeyAndTogetherGetAll() throws IOException, InterruptedException {
        for (long seed = 1; seed <= 3; seed++) {
            addBoth(seed);
        }
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
                            Drain.class.getName(),
                            dir.resolve("alice").toString())
                    .redirectErrorStream(true)
                    .start());
        }
        Map<UUID, Long> all = new HashMap<>();
        // Each has some before they race: SQLite's locks are not fair.
        for (Process process : processes) {
            String line = process.inputReader().readLine();
            for (;
                    line != null && !line.equals("ready");
                    line = process.inputReader().readLine()) {
                note(all, line);
            }
            assertEquals("ready", line);
        }
        for (Process process : processes) {
            process.outputWriter().write("go\n");
            process.outputWriter().flush();
        }
        for (Process process : processes) {
            process.inputReader().lines().forEach(line -> note(all, line));
            assertEquals(0, process.waitFor());
        }
        // 2 granules of 312 are for ids, pieces of 24 bytes take 3.
        assertEquals(3 * 103, all.size());
        assertEquals(all.size(), new HashSet<>(all.values()).size());
        try (IndexedKeyStore alice = open("alice")) {
            assertEquals(3 * 103, entry(alice, LedgerLine.Entry.MASTER).keys());
            assertEquals(List.of(), alice.verify());
        }
    }

    private static void note(Map<UUID, Long> all, String line) {
        String[] fields = line.split(" ", -1);
        assertEquals(2, fields.length, line);
        assertEquals(null, all.put(UUID.fromString(fields[0]), Long.parseLong(fields[1])), line);
    }

    /** Takes keys from a store until there are none. */
    static final class Drain {
        private Drain() {}

        public static void main(String[] args) throws IOException {
            try (IndexedKeyStore store = IndexedKeyStore.openBeside(Path.of(args[0]))) {
                take(store, 3);
                System.out.println("ready");
                int ignored = System.in.read();
                while (take(store, 3) || take(store, 1)) {}
            }
        }

        private static boolean take(IndexedKeyStore store, int count) {
            try (Handout keys = store.allocate(LINK, PAIR, count, 24)) {
                keys.pieces()
                        .forEach(p -> System.out.println(p.id() + " " + p.key().word(0)));
                keys.delivered();
                return true;
            } catch (HandoutException e) {
                return false;
            }
        }
    }

    private void addBoth(long seed) {
        try (IndexedKeyStore alice = open("alice");
                IndexedKeyStore bob = open("bob")) {
            add(alice, bob, seed);
        }
    }

    private static void add(IndexedKeyStore alice, IndexedKeyStore bob, long seed) {
        try (BitString key = Keys.bits(seed, BITS)) {
            bob.stage(Keys.record(seed, BITS).at(Site.BOB), key);
            alice.add(Keys.record(seed, BITS), key);
            bob.commit(id(seed));
        }
    }

    private IndexedKeyStore open(String name) {
        return IndexedKeyStore.open(dir.resolve(name), Map.of());
    }

    private static UUID id(long seed) {
        return Keys.record(seed, 1).id();
    }

    static List<UUID> ids(Handout handout) {
        return handout.pieces().stream().map(Handout.Piece::id).toList();
    }

    private static HandoutException.Reason refusal(IndexedKeyStore store, SaePair pair, UUID... ids) {
        return assertThrows(HandoutException.class, () -> store.redeem(LINK, pair, List.of(ids)))
                .reason();
    }

    private static LedgerLine entry(IndexedKeyStore store, LedgerLine.Entry entry) {
        return store.ledger().stream()
                .filter(line -> line.entry() == entry)
                .findFirst()
                .orElse(new LedgerLine(LINK, entry, 0, 0, 0, 0));
    }

    private List<String> keyFiles(String store) throws IOException {
        try (Stream<Path> files = Files.list(dir.resolve(store))) {
            return files.map(f -> f.getFileName().toString())
                    .filter(name -> name.endsWith(".qkey") || name.endsWith(".held") || name.endsWith(".tmp"))
                    .sorted()
                    .toList();
        }
    }
}
