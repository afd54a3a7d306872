package dev.qdistill;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.accel.Backend;
import dev.qdistill.amplify.EntropySource;
import dev.qdistill.link.BlockSummary;
import dev.qdistill.link.Progress;
import dev.qdistill.link.Settings;
import dev.qdistill.report.RunReport;
import dev.qdistill.simulate.LinkModel;
import dev.qdistill.simulate.NamedLink;
import dev.qdistill.simulate.Simulator;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DistillerTest {
    @TempDir
    Path dir;

    @Test
    void bothSitesGetTheSameKey() {
        LinkModel model = NamedLink.METRO.model();
        Path alice = dir.resolve("a");
        Path bob = dir.resolve("b");
        Simulator.run(model, model.pulsesForKeyBits(2_000_000), 7, alice, bob, n -> {});
        try (Distiller.Resources resources = new Distiller.Resources(Backend.AUTO, 2, EntropySource.system())) {
            List<BlockSummary> blocks = new ArrayList<>();
            Distiller.distillBoth(alice, bob, Settings.DEFAULT, resources, Progress.NONE, pair -> {
                try (pair) {
                    assertTrue(pair.alice().key().contentEquals(pair.bob().key()));
                    assertEquals(pair.alice().id(), pair.bob().id());
                    blocks.add(pair.bob().summary());
                }
            });
            RunReport report = new RunReport(blocks, resources.backends(), 0, 1, Optional.of("here"), Optional.empty());
            assertEquals(report.secretBits(), report.json().get("secretBits").asLong());
            assertTrue(report.secretBits() > 500_000);
            assertTrue(report.text().contains("metro, one-decoy"), report.text());
            assertTrue(report.text().contains("keys in here"), report.text());
        }
    }
}
