package dev.qdistill;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.dump.Role;
import dev.qdistill.link.Channel;
import dev.qdistill.simulate.LinkModel;
import dev.qdistill.simulate.NamedLink;
import dev.qdistill.simulate.Simulator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The library example of README.md: it runs, and the page shows what runs. */
final class ReadmeExampleTest {
    @TempDir
    Path dir;

    @Test
    void theExampleRuns() {
        LinkModel model = NamedLink.LAB.model();
        Simulator.run(
                model, model.pulsesForKeyBits(300_000), 1, dir.resolve("alice.qraw"), dir.resolve("bob.qraw"), n -> {});
        assertTrue(example(dir) > 10_000);
    }

    private static long example(Path dir) {
        // README begin
        Channel.Ends link = Channel.inMemory(); // on two machines: each side's end of a network channel
        try (Distiller alice = Distiller.builder()
                        .role(Role.ALICE)
                        .input(dir.resolve("alice.qraw"))
                        .channel(link.alice())
                        .build();
                Distiller bob = Distiller.builder()
                        .role(Role.BOB)
                        .input(dir.resolve("bob.qraw"))
                        .channel(link.bob())
                        .build()) {
            var atAlice = CompletableFuture.supplyAsync(alice::distill);
            try (DistilledKey b = bob.distill().orElseThrow();
                    DistilledKey a = atAlice.join().orElseThrow()) {
                System.out.println(b.id() + ": " + b.key().length() + " bits, equal: "
                        + a.key().contentEquals(b.key()));
                return b.key().length();
            }
        }
        // README end
    }

    @Test
    void theReadmeShowsTheExample() throws IOException {
        String source = Files.readString(Path.of("src/test/java/dev/qdistill/ReadmeExampleTest.java"));
        int begin = source.indexOf("// README begin");
        String example = source.substring(source.indexOf('\n', begin), source.indexOf("// README end"));
        String readme = Files.readString(Path.of("README.md"));
        assertEquals(
                true, words(readme).contains(words(example)), "README.md does not show the example that is tested");
    }

    private static String words(String text) {
        return text.lines().map(String::strip).collect(Collectors.joining()).replace(" ", "");
    }
}
