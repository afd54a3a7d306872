package dev.qdistill.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.bits.BitString;
import dev.qdistill.keystore.IndexedKeyStore;
import dev.qdistill.keystore.KeyRecord;
import dev.qdistill.keystore.KeyStore;
import dev.qdistill.keystore.Site;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class KeysCommandTest {
    private static final String ID = "00000000-0000-0001-0000-000000000002";

    @TempDir
    Path dir;

    @BeforeEach
    void makeAStore() {
        try (KeyStore store = KeyStore.create(dir.resolve("store"));
                BitString key = BitString.parse("1010101010101111")) {
            store.add(
                    new KeyRecord(
                            UUID.fromString(ID),
                            "metro",
                            Site.ALICE,
                            new UUID(0x0123456789abcdefL, 0xfedcba9876543210L),
                            4,
                            16,
                            1e-9,
                            1e-15,
                            Instant.parse("2026-04-17T10:00:00.250Z")),
                    key);
        }
    }

    @Test
    void listShowsTheRecordAndNoKeyMaterial() {
        CommandRun run = CommandRun.of("keys", "list", store());
        assertEquals(ExitCode.OK, run.code());
        assertTrue(run.out().contains(ID) && run.out().contains("metro"), run.out());
        assertTrue(run.out().contains("1 key, 16 bits"), run.out());
        assertFalse(run.out().contains("55f5"));
        JsonNode key = JsonMapper.shared()
                .readTree(CommandRun.of("keys", "list", store(), "--json").out())
                .get("keys")
                .get(0);
        assertEquals(ID, key.get("id").stringValue());
        assertEquals(16, key.get("bits").intValue());
        assertEquals("0123456789abcdeffedcba9876543210", key.get("session").stringValue());
        assertEquals(1e-9, key.get("epsilonSecrecy").doubleValue());
        assertEquals("2026-04-17T10:00:00.250Z", key.get("created").stringValue());
    }

    @Test
    void exportWritesTheKey() throws IOException {
        Path file = dir.resolve("key.hex");
        CommandRun run = CommandRun.of("keys", "export", store(), ID, "--out", file.toString(), "--format", "hex");
        assertEquals(ExitCode.OK, run.code(), run.err());
        assertEquals("55f5\n", Files.readString(file));
        assertEquals("", run.out());
        assertFalse(run.err().contains("55f5"));
        // Nothing is overwritten.
        assertEquals(
                ExitCode.STORAGE,
                CommandRun.of("keys", "export", store(), ID, "--out", file.toString())
                        .code());
        assertEquals(
                ExitCode.STORAGE,
                CommandRun.of("keys", "export", store(), new UUID(8, 8).toString(), "--out", file + "2")
                        .code());
        assertEquals(
                ExitCode.USAGE, CommandRun.of("keys", "export", store(), ID).code());
        assertEquals(
                ExitCode.USAGE,
                CommandRun.of("keys", "export", store(), "x", "--out", file + "2")
                        .code());
    }

    @Test
    void verifyFindsDamage() throws IOException {
        assertEquals(ExitCode.OK, CommandRun.of("keys", "verify", store()).code());
        Path file = dir.resolve("store").resolve(ID + ".qkey");
        byte[] bytes = Files.readAllBytes(file);
        bytes[192] ^= 1;
        Files.write(file, bytes);
        CommandRun run = CommandRun.of("keys", "verify", store(), "--json");
        assertEquals(ExitCode.STORAGE, run.code());
        assertTrue(run.err().contains(ID + ".qkey at byte 194: the checksum"), run.err());
        JsonNode json = JsonMapper.shared().readTree(run.out());
        assertFalse(json.get("verified").booleanValue());
        assertEquals(1, json.get("problems").size());
    }

    @Test
    void aDirectoryOfStoresDoesToo() throws IOException {
        Path file = dir.resolve("key");
        assertEquals(
                ExitCode.OK,
                CommandRun.of("keys", "export", dir.toString(), ID, "--out", file.toString())
                        .code());
        assertEquals(2, Files.size(file));
        KeyStore.create(dir.resolve("another")).close();
        CommandRun run = CommandRun.of("keys", "verify", dir.toString());
        assertEquals(ExitCode.OK, run.code());
        assertTrue(run.out().contains("1 sound key, 16 bits"), run.out());
    }

    @Test
    void whatIsNoStoreIsAStorageFailure() throws IOException {
        assertEquals(
                ExitCode.STORAGE,
                CommandRun.of("keys", "list", dir.resolve("none").toString()).code());
        assertEquals(
                ExitCode.STORAGE,
                CommandRun.of(
                                "keys",
                                "verify",
                                Files.createDirectory(dir.resolve("empty")).toString())
                        .code());
        assertEquals(ExitCode.USAGE, CommandRun.of("keys").code());
    }

    @Test
    void aStoreWithAnIndexShowsStatesAndHandsAKeyOutOnce() throws IOException {
        assertEquals(ExitCode.STORAGE, CommandRun.of("keys", "ledger", store()).code());
        IndexedKeyStore.open(dir.resolve("store"), Map.of()).close();
        assertTrue(CommandRun.of("keys", "list", store()).out().contains("available"));
        assertEquals(ExitCode.OK, CommandRun.of("keys", "verify", store()).code());
        Path out = dir.resolve("key.raw");
        Files.writeString(out, "mine");
        assertEquals(
                ExitCode.STORAGE,
                CommandRun.of("keys", "export", store(), ID, "--out", out.toString())
                        .code());
        Files.delete(out);
        CommandRun export = CommandRun.of("keys", "export", store(), ID, "--out", out.toString());
        assertEquals(ExitCode.OK, export.code(), export.err());
        assertArrayEquals(new byte[] {0x55, (byte) 0xf5}, Files.readAllBytes(out));
        assertEquals(
                ExitCode.STORAGE,
                CommandRun.of("keys", "export", store(), ID, "--out", out + "2").code());
        assertTrue(CommandRun.of("keys", "list", store()).out().startsWith("0 keys"));
        assertTrue(CommandRun.of("keys", "list", store(), "--all").out().contains("delivered"));
        String ledger = CommandRun.of("keys", "ledger", store()).out();
        assertTrue(ledger.contains("made") && ledger.contains("taken"), ledger);
        JsonNode made = JsonMapper.shared()
                .readTree(CommandRun.of("keys", "ledger", store(), "--json").out())
                .get("ledger")
                .get(0);
        assertEquals(1e-9, made.get("epsilonSecrecy").doubleValue());
    }

    private String store() {
        return dir.resolve("store").toString();
    }
}
