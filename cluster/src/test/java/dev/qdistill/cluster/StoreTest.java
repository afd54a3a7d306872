package dev.qdistill.cluster;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.dump.BadInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What is left of a batch's directory when jobs end well, die, or meet. */
final class StoreTest {
    private static final byte[] KEY = {1, 2, 3};

    @TempDir
    Path dir;

    @Test
    void onlyOneOfTwoAttemptsAtABlockIsStored() throws IOException {
        try (Store store = new Store(out().toString(), "one", false)) {
            String counts = attempt(store, "pair-0-1");
            attempt(store, "pair-0-2");
            store.commit("pair", summary(), List.of(result(counts)));
        }
        assertArrayEquals(KEY, Files.readAllBytes(out().resolve("pair/alice/id.qkey")));
        assertArrayEquals(KEY, Files.readAllBytes(out().resolve("pair/bob/id.qkey")));
        assertEquals(
                "rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(out().resolve("pair/bob"))));
        assertEquals(List.of("pair"), names(), "attempts, commits and lock are gone");
    }

    @Test
    void aSecondJobIsRefusedUntilTheFirstHasEndedOrIsTakenOver() throws IOException {
        Store first = new Store(out().toString(), "app-1", false);
        BadInputException refused =
                assertThrows(BadInputException.class, () -> new Store(out().toString(), "app-2", false));
        assertTrue(refused.getMessage().contains("job app-1"), refused.getMessage());
        assertTrue(refused.getMessage().contains("--take-over"), refused.getMessage());
        first.close();
        new Store(out().toString(), "app-2", false); // and dies
        new Store(out().toString(), "app-3", true).close();
        new Store(out().toString(), "app-4", false).close();
    }

    @Test
    void keysOfAPairThatWasDecidedAreMovedByTheNextJob() throws IOException {
        Store died = new Store(out().toString(), "app-1", false);
        String counts = attempt(died, "pair-0-1");
        String lost = attempt(died, "other-0-2");
        // Died after the record and after the first of the two keys had been moved.
        ObjectNode record = JsonMapper.shared().createObjectNode();
        record.put("pair", "pair");
        record.putArray("keys").addObject().put("id", "id").put("attempt", counts);
        record.set("summary", summary());
        Files.writeString(out().resolve(".commits/pair.json"), record.toString());
        Files.createDirectories(out().resolve("pair/alice"));
        Files.move(Path.of(counts).resolve("alice.qkey"), out().resolve("pair/alice/id.qkey"));

        try (Store next = new Store(out().toString(), "app-2", true)) {
            assertTrue(next.finished("pair").isPresent());
            assertTrue(next.finished("other").isEmpty());
        }
        assertArrayEquals(KEY, Files.readAllBytes(out().resolve("pair/alice/id.qkey")));
        assertArrayEquals(KEY, Files.readAllBytes(out().resolve("pair/bob/id.qkey")));
        assertFalse(Files.exists(Path.of(lost)));
        assertEquals(List.of("pair"), names());
    }

    @Test
    void whatCouldNotBeMovedStaysForTheNextJob() throws IOException {
        try (Store store = new Store(out().toString(), "app-1", false)) {
            String counts = attempt(store, "pair-0-1");
            Files.writeString(out().resolve("pair"), "in the way");
            assertThrows(IOException.class, () -> store.commit("pair", summary(), List.of(result(counts))));
        }
        Files.delete(out().resolve("pair"));
        new Store(out().toString(), "app-2", false).close();
        assertArrayEquals(KEY, Files.readAllBytes(out().resolve("pair/alice/id.qkey")));
        assertEquals(List.of("pair"), names());
    }

    private Path out() {
        return dir.resolve("out");
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(out())) {
            return files.map(f -> f.getFileName().toString()).sorted().toList();
        }
    }

    private static String attempt(Store store, String name) throws IOException {
        Path attempt = Path.of(java.net.URI.create(store.attempts())).resolve(name);
        Files.createDirectories(attempt);
        Files.write(attempt.resolve("alice.qkey"), KEY);
        Files.write(attempt.resolve("bob.qkey"), KEY);
        return attempt.toString();
    }

    private static BlockResult result(String attempt) {
        return new BlockResult(0, attempt, "id", "", 0, "", Map.of(), 1, "");
    }

    private static ObjectNode summary() {
        return JsonMapper.shared().createObjectNode().put("name", "pair");
    }
}
