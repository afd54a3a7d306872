package dev.qdistill.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.agent.Agent;
import dev.qdistill.agent.ConfigurationFile;
import dev.qdistill.agent.DeviceClient;
import dev.qdistill.amplify.EntropySource;
import dev.qdistill.auth.PadPool;
import dev.qdistill.keystore.Site;
import dev.qdistill.security.Protocol;
import dev.qdistill.simulate.LinkModel;
import dev.qdistill.simulate.NamedLink;
import dev.qdistill.simulate.Simulator;
import dev.qdistill.simulate.Source;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class DeviceCommandTest {
    @TempDir
    Path dir;

    private static long simulate(Path directory) {
        LinkModel metro = NamedLink.METRO.model();
        LinkModel model = new LinkModel(
                "metro",
                new Source(Protocol.SINGLE_PHOTON, 1e9, List.of(.4), List.of(1.0), .8),
                metro.channel(),
                metro.receiver(),
                metro.misalignment(),
                0);
        long pulses = model.pulsesForKeyBits(60_000);
        Simulator.run(model, pulses, 3, directory.resolve("alice.qraw"), directory.resolve("bob.qraw"), n -> {});
        return pulses;
    }

    private Agent start(Site site, int port, long pulses) throws IOException {
        String own = site.id();
        String other = site == Site.ALICE ? "bob" : "alice";
        String yaml = """
                name: kme-%1$s
                keyStore: %1$s/keys
                threads: 2
                links:
                  - name: metro
                    peer: {name: kme-%2$s, %3$s: "127.0.0.1:%4$d", authenticationPool: %1$s/auth}
                    block: {pulses: %5$d}
                    frameBits: 16384
                    epsilonSecrecy: 1.0e-6
                    epsilonCorrectness: 1.0e-12
                device: {socket: %1$s/agent.sock, auditLog: %1$s/audit.log}
                """.formatted(own, other, site == Site.ALICE ? "listen" : "connect", port, pulses / 2);
        return Agent.start(ConfigurationFile.read(Files.writeString(dir.resolve(own + ".yaml"), yaml)), site);
    }

    private static void stream(DeviceClient client, Path dump) {
        try {
            DeviceClient.Sending sending = client.send("metro", "");
            sending.write(ByteBuffer.wrap(Files.readAllBytes(dump)));
            sending.close();
            sending.await();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    @Timeout(120)
    void aDeviceCanBeAShellScript() throws IOException {
        long pulses = simulate(dir);
        try (EntropySource source = EntropySource.system()) {
            PadPool.makePreShared(dir.resolve("psk.a"), dir.resolve("psk.b"), "metro", 100, source);
        }
        PadPool.install(dir.resolve("psk.a"), dir.resolve("alice/auth"));
        PadPool.install(dir.resolve("psk.b"), dir.resolve("bob/auth"));
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        String socket = dir.resolve("bob/agent.sock").toString();
        String hers = dir.resolve("alice/agent.sock").toString();
        try (Agent alice = start(Site.ALICE, port, pulses);
                Agent bob = start(Site.BOB, port, pulses);
                DeviceClient client = new DeviceClient(dir.resolve("alice/agent.sock"))) {
            CompletableFuture<Void> a = CompletableFuture.runAsync(
                    () -> stream(client, dir.resolve("alice.qraw")), Thread.ofPlatform()::start);
            CommandRun sent = CommandRun.of(
                    "device",
                    "send",
                    "--socket",
                    socket,
                    "--link",
                    "metro",
                    "--rate",
                    "60000",
                    "--json",
                    dir.resolve("bob.qraw").toString());
            a.join();
            assertEquals(ExitCode.OK, sent.code(), sent.err());
            assertEquals(2, json(sent).get("keys").intValue());

            CommandRun results =
                    CommandRun.of("device", "results", "--socket", socket, "--recent", "--count", "2", "--json");
            assertEquals(ExitCode.OK, results.code(), results.err());
            JsonNode first = JsonMapper.shared()
                    .readTree(results.out().lines().findFirst().orElseThrow());
            assertEquals(0, first.get("block").get("block").intValue());
            assertTrue(first.get("block").get("keyBasisQber").doubleValue() > 0);

            JsonNode status = json(CommandRun.of("device", "status", "--socket", socket, "--json"));
            assertEquals("bob", status.get("role").stringValue());
            assertEquals(2, status.get("links").get(0).get("blocks").intValue());
            assertEquals(2, status.get("links").get(0).get("lastBlocks").size());
            CommandRun text = CommandRun.of("device", "status", "--socket", hers);
            assertTrue(text.out().contains("secret bits, key "), text.out());

            Path key = dir.resolve("key.json");
            CommandRun keys = CommandRun.of(
                    "device", "keys", "--socket", hers, "--link", "metro", "--size", "128", "--out", key.toString());
            assertEquals(ExitCode.OK, keys.code(), keys.err());
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(key)));
            String id = JsonMapper.shared()
                    .readTree(Files.readString(key))
                    .get("keys")
                    .get(0)
                    .get("key_ID")
                    .stringValue();
            Path same = dir.resolve("same.json");
            String[] byId = {
                "device", "keys", "--socket", socket, "--link", "metro", "--id", id, "--out", same.toString()
            };
            assertEquals(ExitCode.OK, CommandRun.of(byId).code());
            assertEquals(Files.readString(key), Files.readString(same));
            assertEquals(ExitCode.STORAGE, CommandRun.of(byId).code(), "nothing is overwritten");
            Files.delete(same);
            CommandRun again = CommandRun.of(byId);
            assertEquals(ExitCode.BAD_INPUT, again.code());
            assertEquals(
                    "qdistill: the key " + id + " was handed out before",
                    again.err().strip());

            CommandRun unknown = CommandRun.of(
                    "device",
                    "send",
                    "--socket",
                    socket,
                    "--link",
                    "x",
                    dir.resolve("bob.qraw").toString());
            assertEquals(ExitCode.USAGE, unknown.code(), unknown.err());
            assertEquals(
                    "qdistill: there is no link 'x' here; there are metro",
                    unknown.err().strip());
            CommandRun role = CommandRun.of(
                    "device",
                    "send",
                    "--socket",
                    socket,
                    "--link",
                    "metro",
                    dir.resolve("alice.qraw").toString());
            assertEquals(ExitCode.BAD_INPUT, role.code(), role.err());
            assertEquals(List.of(), alice.store().verify());
            assertEquals(List.of(), bob.store().verify());
        }
    }

    private static JsonNode json(CommandRun run) {
        assertEquals(ExitCode.OK, run.code(), run.err());
        return JsonMapper.shared().readTree(run.out());
    }

    @Test
    void whereNoAgentListensThePeerIsMissing() {
        CommandRun run = CommandRun.of(
                "device", "status", "--socket", dir.resolve("none").toString());
        assertEquals(ExitCode.PEER, run.code());
        assertTrue(run.err().contains("no agent answers here"), run.err());
    }

    @Test
    void theCodesOfTheSocketAreTheExitCodes() {
        assertEquals(ExitCode.OK, dev.qdistill.wire.v1.ExitCode.EXIT_CODE_OK_VALUE);
        assertEquals(ExitCode.USAGE, dev.qdistill.wire.v1.ExitCode.EXIT_CODE_USAGE_VALUE);
        assertEquals(ExitCode.BAD_INPUT, dev.qdistill.wire.v1.ExitCode.EXIT_CODE_BAD_INPUT_VALUE);
        assertEquals(ExitCode.NO_KEY, dev.qdistill.wire.v1.ExitCode.EXIT_CODE_NO_KEY_VALUE);
        assertEquals(ExitCode.PEER, dev.qdistill.wire.v1.ExitCode.EXIT_CODE_PEER_VALUE);
        assertEquals(ExitCode.STORAGE, dev.qdistill.wire.v1.ExitCode.EXIT_CODE_STORAGE_VALUE);
        assertEquals(ExitCode.BATCH_FAILURES, dev.qdistill.wire.v1.ExitCode.EXIT_CODE_BATCH_FAILURES_VALUE);
        assertEquals(ExitCode.INTERNAL, dev.qdistill.wire.v1.ExitCode.EXIT_CODE_INTERNAL_VALUE);
    }
}
