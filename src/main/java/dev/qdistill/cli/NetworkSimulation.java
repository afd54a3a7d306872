package dev.qdistill.cli;

import dev.qdistill.simulate.Attenuation;
import dev.qdistill.simulate.Network;
import dev.qdistill.simulate.Simulation;
import dev.qdistill.simulate.Simulator;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The dumps of a whole network, each link's in a directory of its own, with the manifest for {@code distill --batch} and the
 * network's description. Everything follows from the seed, whatever the number of threads.
 */
record NetworkSimulation(Network network, Path out, int threads) {
    /** Simulates all links, several at once, and then writes the manifest: a directory that has one is complete. */
    ObjectNode run() throws IOException {
        long start = System.nanoTime();
        Files.createDirectories(out);
        Files.deleteIfExists(out.resolve(BatchManifest.FILE_NAME));
        long all = network.links().stream().mapToLong(Network.Link::pulses).sum();
        Simulation[] done = new Simulation[network.links().size()];
        AtomicLong sum = new AtomicLong();
        try (Progress progress = new Progress("simulating", all, true);
                dev.qdistill.accel.Workers workers = new dev.qdistill.accel.Workers(threads)) {
            workers.forEach(done.length, i -> {
                Network.Link link = network.links().get(i);
                Path directory = directory(link);
                long[] before = {0};
                done[i] = Simulator.run(
                        link.model(),
                        link.pulses(),
                        link.seed(),
                        directory.resolve("alice.qraw"),
                        directory.resolve("bob.qraw"),
                        pulse -> {
                            progress.at(sum.addAndGet(pulse - before[0]));
                            before[0] = pulse;
                        });
            });
        }
        write(
                "network.json",
                JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(description(done)));
        write(
                BatchManifest.FILE_NAME,
                network.links().stream()
                        .map(NetworkSimulation::line)
                        .map(line -> JsonMapper.shared().writeValueAsString(line) + "\n")
                        .collect(Collectors.joining()));
        return summary(done, (System.nanoTime() - start) * 1e-9);
    }

    private Path directory(Network.Link link) {
        try {
            return Files.createDirectories(out.resolve(link.name()));
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private void write(String name, String text) throws IOException {
        try (AtomicFile file = new AtomicFile(out.resolve(name))) {
            file.write(java.lang.foreign.MemorySegment.ofArray(text.getBytes(StandardCharsets.UTF_8)));
            file.commit();
        }
    }

    private static ObjectNode line(Network.Link link) {
        return JsonMapper.shared()
                .createObjectNode()
                .put("name", link.name())
                .put("group", link.group())
                .put("alice", link.name() + "/alice.qraw")
                .put("bob", link.name() + "/bob.qraw");
    }

    private ObjectNode description(Simulation[] done) {
        ObjectNode root = JsonMapper.shared().createObjectNode();
        ArrayNode nodes = root.putArray("nodes");
        network.nodes()
                .forEach(n -> nodes.addObject()
                        .put("name", n.name())
                        .put("kind", n.kind().id())
                        .put("trusted", true));
        ArrayNode links = root.putArray("links");
        for (int i = 0; i < done.length; i++) {
            Network.Link link = network.links().get(i);
            ObjectNode node = links.addObject()
                    .put("name", link.name())
                    .put("group", link.group())
                    .put("from", link.from())
                    .put("to", link.to())
                    .put("misalignment", link.model().misalignment())
                    .put("sourceRateHz", link.model().source().rateHz());
            if (link.model().channel() instanceof Attenuation.Fibre(double km, double dbPerKm)) {
                node.put("km", km).put("dbPerKm", dbPerKm);
            }
            node.put("seed", link.seed())
                    .put("session", done[i].session().toString())
                    .put("sentPulses", done[i].pulses())
                    .put("detections", done[i].detections());
        }
        return root;
    }

    private ObjectNode summary(Simulation[] done, double seconds) {
        ObjectNode node = JsonMapper.shared().createObjectNode();
        node.put("nodes", network.nodes().size());
        node.put("links", done.length);
        Map<String, Long> groups = network.links().stream()
                .collect(Collectors.groupingBy(
                        Network.Link::group, java.util.LinkedHashMap::new, Collectors.counting()));
        ObjectNode byGroup = node.putObject("groups");
        groups.forEach(byGroup::put);
        node.put(
                "km",
                Math.round(network.links().stream()
                        .filter(l -> l.group().equals("trunk"))
                        .mapToDouble(l -> l.model().channel() instanceof Attenuation.Fibre f ? f.lengthKm() : 0)
                        .sum()));
        long detections = IntStream.range(0, done.length)
                .mapToLong(i -> done[i].detections())
                .sum();
        node.put("detections", detections);
        node.put("manifest", out.resolve(BatchManifest.FILE_NAME).toString());
        node.put("seconds", seconds);
        node.put("detectionsPerSecond", detections / seconds);
        return node;
    }
}
