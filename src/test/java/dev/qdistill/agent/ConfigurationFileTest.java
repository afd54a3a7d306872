package dev.qdistill.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.ldpc.Profile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ConfigurationFileTest {
    private static final Path EXAMPLE = Path.of("docs/agent-example.yaml");
    private static final String MINIMAL = """
            name: kme-a
            keyStore: keys
            links:
              - name: metro
                peer: {name: kme-b, listen: "[::1]:7500", authenticationPool: auth}
                block: {time: 10s}
            """;

    @TempDir
    Path dir;

    @Test
    void theExampleHasEveryKeyAndIsValid() throws IOException {
        AgentConfiguration c = ConfigurationFile.read(EXAMPLE);
        assertEquals("kme-alice", c.name());
        assertEquals(Path.of("docs/state/keys").toAbsolutePath(), c.keyStore());
        AgentConfiguration.Link link = c.link("metro");
        assertEquals(10_000_000_000L, link.settings().blockPulses());
        assertEquals(Duration.ofHours(24), link.limits().timeToLive());
        assertEquals("rw-rw----", c.device().orElseThrow().mode());
        assertEquals(6_000_000, c.delivery().orElseThrow().pairs().getFirst().burstBits());
        String documentation = Files.readString(Path.of("docs/agent.md"));
        String example = Files.readString(EXAMPLE);
        for (Class<?> type : List.of(
                AgentConfiguration.class,
                AgentConfiguration.Link.class,
                AgentConfiguration.Peer.class,
                AgentConfiguration.Tls.class,
                AgentConfiguration.BlockLength.class,
                AgentConfiguration.Delivery.class,
                AgentConfiguration.Application.class,
                AgentConfiguration.Pair.class,
                AgentConfiguration.Operations.class,
                AgentConfiguration.Device.class,
                CertificateMatch.class)) {
            for (String key : keys(type)) {
                assertTrue(example.contains(key + ":"), key + " is not in the example");
                assertTrue(documentation.contains("`" + key + "`"), key + " is not in docs/agent.md");
            }
        }
    }

    // The parameters of the record's creator are the keys of the file.
    private static List<String> keys(Class<?> type) {
        List<String> keys = new ArrayList<>();
        for (var method : type.getDeclaredMethods()) {
            if (method.getName().equals("of")) {
                for (var parameter : method.getParameters()) {
                    keys.add(parameter.getName());
                }
            }
        }
        assertTrue(!keys.isEmpty(), "" + type);
        return keys;
    }

    @Test
    void whatIsLeftOutHasItsDefault() throws IOException {
        AgentConfiguration c = read(MINIMAL);
        assertEquals(Optional.empty(), c.delivery());
        AgentConfiguration.Link link = c.links().getFirst();
        assertEquals(Optional.of(Duration.ofSeconds(10)), link.block().time());
        assertEquals(Profile.FAST, link.settings().profile());
        assertEquals(new Endpoint("::1", 7500), link.peer().listen().orElseThrow());
        assertEquals(dir.resolve("auth"), link.peer().authenticationPool());
        assertEquals(
                1 << 20,
                read(MINIMAL.replace("block:", "profile: efficient\n    block:"))
                        .links()
                        .getFirst()
                        .settings()
                        .frameBits());
    }

    @Test
    void whatIsWrongIsNamedWithItsPlace() throws IOException {
        assertWrong(MINIMAL.replace("block:", "blok:"), 4, "the key 'block' is missing (at links[0])");
        assertWrong(MINIMAL + "keystore: x\n", 7, "unknown key 'keystore'", "keyStore");
        assertWrong(MINIMAL + "    blok: 1\n", 7, "unknown key 'blok' (at links[0].blok)", "blocksInFlight");
        assertWrong(MINIMAL + "name: again\n", 7, "name");
        assertWrong(MINIMAL.replace("name: kme-a\n", ""), 1, "the key 'name' is missing");
        assertWrong(MINIMAL.replace("10s", "10"), 6, "a time such as 250ms");
        assertWrong(MINIMAL.replace("time: 10s", "time: 10s, pulses: 7"), 6, "either pulses or time");
        assertWrong(MINIMAL.replace("[::1]:7500", "nowhere"), 5, "'nowhere' is no host:port");
        assertWrong(MINIMAL.replace("listen:", "connect: b:1, listen:"), 5, "either connect or listen");
        assertWrong(MINIMAL + "threads: many\n", 7, "threads");
        assertWrong(MINIMAL + "threads: 0\n", 0, "threads is 0");
        assertWrong(MINIMAL.replace("name: metro", "name: me/tro"), 0, "name is 'me/tro'");
        assertWrong(MINIMAL + "links: [", 0, "");
        assertWrong("", 0, "");
        assertWrong(MINIMAL.replace("block:", "epsilonSecrecy: 2\n    block:"), 0, "epsilonSecrecy is 2.0");
        assertThrows(ConfigurationException.class, () -> ConfigurationFile.read(dir.resolve("none.yaml")));
        String example = Files.readString(EXAMPLE);
        assertWrong(example.replace("link: metro", "link: nowhere"), 0, "'nowhere', which is not among links");
        assertWrong(example.replace("local: sae-a", "local: sae-z"), 0, "'sae-z', which is not among applications");
        assertWrong(example.replace("keySize: 256", "keySize: 255"), 0, "a key size of 255 bits");
        assertWrong(example.replace("\"0660\"", "rw-"), 0, "mode is rw-");
        assertWrong(example.replace("URI:urn", "urn"), 0, "san is");
    }

    private void assertWrong(String text, int line, String... parts) throws IOException {
        ConfigurationException e = assertThrows(ConfigurationException.class, () -> read(text));
        String message = String.valueOf(e.getMessage());
        Matcher m = Pattern.compile(":([0-9]+):([0-9]+): ").matcher(message);
        if (line > 0) {
            assertTrue(m.find(), message);
            assertEquals(line, Integer.parseInt(m.group(1)), message);
        }
        for (String part : parts) {
            assertTrue(message.contains(part), message);
        }
    }

    private AgentConfiguration read(String text) throws IOException {
        return ConfigurationFile.read(Files.writeString(dir.resolve("agent.yaml"), text));
    }
}
