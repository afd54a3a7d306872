package dev.qdistill.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.Distiller;
import dev.qdistill.accel.Backend;
import dev.qdistill.amplify.EntropySource;
import dev.qdistill.link.BlockSummary;
import dev.qdistill.link.Progress;
import dev.qdistill.link.Settings;
import dev.qdistill.simulate.LinkModel;
import dev.qdistill.simulate.NamedLink;
import dev.qdistill.simulate.Simulator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What the agent tells its operator. */
final class AgentMetricsTest {
    @TempDir
    Path dir;

    @Test
    void aBlocksNumbersAreThoseOfItsSummary() throws IOException {
        LinkModel model = NamedLink.LAB.model();
        Path alice = dir.resolve("a");
        Path bob = dir.resolve("b");
        Simulator.run(model, model.pulsesForKeyBits(100_000), 7, alice, bob, n -> {});
        List<BlockSummary> blocks = new ArrayList<>();
        try (Distiller.Resources resources = new Distiller.Resources(Backend.AUTO, 2, EntropySource.system())) {
            Distiller.distillBoth(alice, bob, Settings.DEFAULT, resources, Progress.NONE, pair -> {
                try (pair) {
                    blocks.add(pair.bob().summary());
                }
            });
        }
        BlockSummary block = blocks.getFirst();
        AgentMetrics metrics = new AgentMetrics();
        metrics.block("lab", block);
        metrics.block("lab", block);
        metrics.failedBlock("lab");
        metrics.authenticationFailure("lab");
        metrics.authenticationPool("lab", 256, 5000);
        String text = text(metrics);
        Map<String, Double> expected = Map.of(
                "qdistill_blocks_total\\{end=\"" + (block.abort().isEmpty() ? "key" : "refused") + "\",link=\"lab\"}",
                2.0,
                "qdistill_blocks_total\\{end=\"failed\",link=\"lab\"}",
                1.0,
                "qdistill_sifted_bits_total\\{link=\"lab\"}",
                2.0 * block.siftedBits(),
                "qdistill_secret_bits_total\\{link=\"lab\"}",
                2.0 * block.secretBits(),
                "qdistill_key_basis_qber\\{link=\"lab\"}",
                block.keyBasisQber(),
                "qdistill_reconciliation_efficiency\\{link=\"lab\"}",
                block.efficiency(),
                "qdistill_frames_total\\{link=\"lab\"}",
                2.0 * block.reconciliation().orElseThrow().frames(),
                "qdistill_stage_seconds_count\\{link=\"lab\",stage=\"reconcile\"}",
                2.0,
                "qdistill_authentication_pool_bits\\{link=\"lab\"}",
                5000.0);
        expected.forEach((name, value) -> {
            Matcher m =
                    Pattern.compile("^" + name + " (\\S+)$", Pattern.MULTILINE).matcher(text);
            assertTrue(m.find(), name + " in\n" + text);
            assertEquals(value, Double.parseDouble(m.group(1)), 1e-12 * value, name);
        });
    }

    private static String text(AgentMetrics metrics) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        metrics.write(out);
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aLogLineIsOneJsonObject() {
        LogRecord record = new LogRecord(Level.WARNING, "a \"quoted\"\nmessage of {0}");
        record.setParameters(new Object[] {"somebody"});
        record.setLoggerName("dev.qdistill.agent.Agent");
        record.setThrown(new IllegalStateException("why"));
        String line = JsonLog.line(record);
        assertEquals(1, line.lines().count());
        JsonNode json = JsonMapper.shared().readTree(line);
        assertEquals("a \"quoted\"\nmessage of somebody", json.get("message").stringValue());
        assertEquals("warning", json.get("level").stringValue());
        assertTrue(json.get("exception").stringValue().contains("why"));
    }

    @Test
    void aQuotaIsARateWithABurst() {
        long[] now = {0};
        Quota quota = new Quota(100, 1000, () -> now[0]);
        assertEquals(0, quota.take(600));
        assertEquals(2, quota.take(600));
        now[0] += 2_000_000_000L;
        assertEquals(0, quota.take(600));
        assertEquals(-1, quota.take(1001));
        quota.giveBack(600);
        assertEquals(0, quota.take(600));
        now[0] += 1_000_000_000_000L;
        assertEquals(0, quota.take(1000));
        assertEquals(1, quota.take(8));
        assertEquals(0, new Quota(0, 0, () -> 0).take(Long.MAX_VALUE));
    }
}
