package dev.qdistill;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.accel.Backend;
import dev.qdistill.amplify.EntropySource;
import dev.qdistill.dump.Basis;
import dev.qdistill.link.BlockSummary;
import dev.qdistill.link.Progress;
import dev.qdistill.link.Settings;
import dev.qdistill.report.RunReport;
import dev.qdistill.security.DetectionCounts;
import dev.qdistill.security.EpsilonBudget;
import dev.qdistill.security.KeyLengthBound;
import dev.qdistill.simulate.ExpectedCounts;
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
            assertEquals(1, report.secretBits() / (double) expectedLength(model, blocks.getFirst()), 0.05);
            assertTrue(report.text().contains("metro, one-decoy"), report.text());
            assertTrue(report.text().contains("keys in here"), report.text());
        }
    }

    /** The bound at the counts that the model expects, and the leakage that was. */
    private static long expectedLength(LinkModel model, BlockSummary s) {
        ExpectedCounts expected = model.expectedCounts(s.sentPulses());
        List<DetectionCounts.Intensity> rows = new ArrayList<>();
        for (int k = 0; k < expected.intensities(); k++) {
            rows.add(new DetectionCounts.Intensity(
                    s.parameters().intensities().get(k),
                    s.parameters().probabilities().get(k),
                    Math.round(expected.detections(Basis.Z, k)),
                    Math.round(expected.errors(Basis.Z, k)),
                    Math.round(expected.detections(Basis.X, k)),
                    Math.round(expected.errors(Basis.X, k))));
        }
        return KeyLengthBound.evaluate(
                        new DetectionCounts(s.parameters().protocol(), rows),
                        (double) s.leakedBits(),
                        (double) s.verificationTagBits(),
                        EpsilonBudget.DEFAULT)
                .secretBits();
    }
}
