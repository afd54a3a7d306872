package dev.qdistill.report;

import dev.qdistill.link.BlockSummary;
import dev.qdistill.link.Stage;
import dev.qdistill.link.Verdict;
import dev.qdistill.security.BinaryEntropy;
import dev.qdistill.security.KeyLength;
import dev.qdistill.security.KeyLengthBound;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a run over one pair of dumps gave: for people as text, for programs as JSON. The numbers of a run are the sums over
 * its blocks; ε adds over the blocks that gave a key.
 *
 * @param blocks the blocks, in order, one at least
 * @param backends what each stage's kernels ran on
 * @param storeSeconds wall time of writing the keys
 * @param totalSeconds wall time of the whole run
 * @param place where the keys are; empty if there are none
 * @param digests SHA-256 of Alice's and Bob's keys; key material, present only if asked for
 */
public record RunReport(
        List<BlockSummary> blocks,
        Map<String, String> backends,
        double storeSeconds,
        double totalSeconds,
        Optional<String> place,
        Optional<Digests> digests) {

    /**
     * SHA-256 over the keys of all blocks.
     *
     * @param alice of Alice's, hexadecimal
     * @param bob of Bob's, hexadecimal
     */
    public record Digests(String alice, String bob) {}

    public RunReport {
        blocks = List.copyOf(blocks);
        if (blocks.isEmpty()) {
            throw new IllegalArgumentException("A run has at least one block");
        }
    }

    /** The same report without key material. */
    public RunReport withoutDigests() {
        return new RunReport(blocks, backends, storeSeconds, totalSeconds, place, Optional.empty());
    }

    /** The length of all keys. */
    public long secretBits() {
        return sum(BlockSummary::secretBits);
    }

    /** Why there is no key at all: the first block's reason; empty if any block gave a key. */
    public Optional<String> abort() {
        return secretBits() > 0 ? Optional.empty() : blocks.getFirst().abort();
    }

    /** The object that {@code distill --json} prints. */
    public ObjectNode json() {
        ObjectNode node = object();
        BlockSummary first = blocks.getFirst();
        node.put("protocol", first.parameters().protocol().id());
        node.put("link", first.parameters().link());
        node.put("session", first.parameters().session());
        Totals.of(blocks).put(node);
        node.put("verified", blocks.stream().allMatch(BlockSummary::verified));
        node.put("secretBits", secretBits());
        long keys = blocks.stream().filter(b -> b.secretBits() > 0).count();
        node.put("epsilonCorrectness", first.parameters().epsilonCorrectness() * Math.max(1, keys));
        node.put("epsilonSecrecy", first.parameters().epsilonSecrecy() * Math.max(1, keys));
        KeyLengthBound bound = KeyLengthBound.of(first.parameters().protocol());
        node.set("bound", object().put("name", bound.title()).put("source", bound.source()));
        ObjectNode seconds = object();
        stageSeconds().forEach((name, value) -> seconds.put(name, round(value)));
        seconds.put("total", round(totalSeconds));
        node.set("seconds", seconds);
        node.put("siftedMbps", round(sum(BlockSummary::siftedBits) / totalSeconds * 1e-6));
        node.put("secretMbps", round(secretBits() / totalSeconds * 1e-6));
        ObjectNode kernels = object();
        backends.forEach(kernels::put);
        node.set("backends", kernels);
        abort().ifPresentOrElse(reason -> node.put("abort", reason), () -> node.putNull("abort"));
        digests.ifPresent(d -> node.put("aliceKeyDigest", d.alice()).put("bobKeyDigest", d.bob()));
        ArrayNode list = JsonNodeFactory.instance.arrayNode();
        blocks.forEach(b -> list.add(block(b)));
        node.set("blocks", list);
        return node;
    }

    private static ObjectNode block(BlockSummary b) {
        ObjectNode node = object();
        node.put("block", b.parameters().block());
        node.put("firstPulse", b.parameters().firstPulse());
        node.put("began", epochSeconds(b.times().began()));
        node.put("ended", epochSeconds(b.times().ended()));
        ObjectNode seconds = object();
        b.times().seconds().forEach((stage, value) -> seconds.put(stage.id(), round(value)));
        node.set("seconds", seconds);
        Totals.of(List.of(b)).put(node);
        node.put("verified", b.verified());
        node.put("secretBits", b.secretBits());
        ObjectNode leakage = object();
        leakage.put("syndromes", b.leakage().syndromes());
        leakage.put("extensions", b.leakage().extensions());
        leakage.put("revealed", b.leakage().revealed());
        leakage.put("choices", b.leakage().choices());
        leakage.put("parities", b.leakage().parities());
        leakage.put("feedback", b.leakage().feedback());
        leakage.put("published", b.leakage().published());
        leakage.put("errorCounts", b.leakedBits() - b.leakage().total());
        node.set("leakage", leakage);
        b.reconciliation().ifPresent(r -> {
            node.put("firstAttemptFailures", r.firstFailures());
            ObjectNode means = object();
            means.put("firstAttempt", r.firstAttempt());
            means.put("extension", r.extended());
            means.put("reveals", r.revealed());
            means.put("cascade", r.cascaded());
            means.put("published", r.failedFrames());
            node.set("framesCorrectedBy", means);
            node.put("iterations", round(r.iterations()));
            ArrayNode codes = JsonNodeFactory.instance.arrayNode();
            r.codes().forEach(codes::add);
            node.set("codes", codes);
        });
        ArrayNode intensities = JsonNodeFactory.instance.arrayNode();
        b.counts()
                .intensities()
                .forEach(i -> intensities.add(object().put("mean", i.mean())
                        .put("probability", i.probability())
                        .put("keyDetections", i.keyDetections())
                        .put("keyErrors", i.keyErrors())
                        .put("testDetections", i.testDetections())
                        .put("testErrors", i.testErrors())));
        node.set("intensities", intensities);
        b.verdict().map(Verdict::length).map(KeyLength::terms).ifPresent(terms -> {
            ObjectNode t = object();
            terms.forEach(t::put);
            node.set("boundTerms", t);
        });
        b.abort().ifPresentOrElse(reason -> node.put("abort", reason), () -> node.putNull("abort"));
        return node;
    }

    /** The counts of some blocks together. */
    private record Totals(
            long sentPulses,
            long detections,
            long keyBits,
            long keyErrors,
            long testBits,
            long testErrors,
            long frames,
            long failedFrames,
            long leakedBits,
            long tagBits) {
        static Totals of(List<BlockSummary> blocks) {
            return new Totals(
                    sum(blocks, BlockSummary::sentPulses),
                    sum(blocks, BlockSummary::detections),
                    sum(blocks, b -> b.counts().keyDetections()),
                    sum(blocks, b -> b.counts().keyErrors()),
                    sum(blocks, b -> b.counts().testDetections()),
                    sum(blocks, b -> b.counts().testErrors()),
                    sum(
                            blocks,
                            b -> b.reconciliation().map(r -> (long) r.frames()).orElse(0L)),
                    sum(
                            blocks,
                            b -> b.reconciliation()
                                    .map(r -> (long) r.failedFrames())
                                    .orElse(0L)),
                    sum(blocks, BlockSummary::leakedBits),
                    sum(blocks, BlockSummary::verificationTagBits));
        }

        double keyQber() {
            return keyBits == 0 ? 0 : (double) keyErrors / keyBits;
        }

        double testQber() {
            return testBits == 0 ? 0 : (double) testErrors / testBits;
        }

        double efficiency() {
            double entropy = keyBits * BinaryEntropy.of(keyQber());
            return entropy == 0 ? 0 : leakedBits / entropy;
        }

        /** By the names of the JSON contract. */
        void put(ObjectNode node) {
            node.put("sentPulses", sentPulses);
            node.put("detections", detections);
            node.put("siftedBits", keyBits + testBits);
            node.put("keyBasisBits", keyBits);
            node.put("keyBasisErrors", keyErrors);
            node.put("keyBasisQber", keyQber());
            node.put("testBasisBits", testBits);
            node.put("testBasisErrors", testErrors);
            node.put("testBasisQber", testQber());
            node.put("frames", frames);
            node.put("failedFrames", failedFrames);
            node.put("leakedBits", leakedBits);
            node.put("efficiency", efficiency());
            node.put("verificationTagBits", tagBits);
        }
    }

    /** A page of text for a person. */
    public String text() {
        BlockSummary first = blocks.getFirst();
        Totals t = Totals.of(blocks);
        StringBuilder s = new StringBuilder();
        line(
                s,
                "link",
                first.parameters().link() + ", " + first.parameters().protocol().id()
                        + (blocks.size() == 1 ? "" : ", " + blocks.size() + " blocks"));
        line(s, "pulses sent", number(t.sentPulses()));
        line(s, "detections", number(t.detections()));
        line(s, "sifted bits", number(t.keyBits() + t.testBits()));
        line(s, "key basis Z", bits(t.keyBits(), t.keyErrors(), t.keyQber()));
        line(s, "test basis X", bits(t.testBits(), t.testErrors(), t.testQber()));
        if (blocks.stream().anyMatch(b -> b.reconciliation().isPresent())) { // Bob knows
            line(s, "frames", number(t.frames()) + ", " + failures());
        }
        line(s, "leaked bits", String.format(Locale.ROOT, "%s   f = %.3f", number(t.leakedBits()), t.efficiency()));
        KeyLengthBound bound = KeyLengthBound.of(first.parameters().protocol());
        line(s, "bound", bound.title() + " (" + bound.source() + ")");
        line(
                s,
                "secret bits",
                number(secretBits())
                        + String.format(
                                Locale.ROOT,
                                "   ε_sec %.0e, ε_cor %.0e%s",
                                first.parameters().epsilonSecrecy(),
                                first.parameters().epsilonCorrectness(),
                                blocks.size() == 1 ? "" : " a block"));
        blocks.stream()
                .filter(b -> b.abort().isPresent())
                .limit(5)
                .forEach(b -> line(
                        s,
                        blocks.size() == 1
                                ? "no key"
                                : "no key, block " + b.parameters().block(),
                        b.abort().orElseThrow()));
        s.append('\n');
        s.append(String.format(Locale.ROOT, "  %-14s %9s %12s   %s%n", "stage", "seconds", "Mb/s", "kernels"));
        double keyBits = t.keyBits();
        stageSeconds()
                .forEach((name, seconds) -> s.append(String.format(
                        Locale.ROOT,
                        "  %-14s %9.3f %12s   %s%n",
                        name,
                        seconds,
                        seconds < 1e-4 || keyBits == 0
                                ? ""
                                : String.format(Locale.ROOT, "%.0f", keyBits / seconds * 1e-6),
                        backends.getOrDefault(name, ""))));
        s.append(String.format(
                Locale.ROOT,
                "  %-14s %9.3f %12.0f   key-basis bits; %.1f Mb/s of secret key%n",
                "total",
                totalSeconds,
                keyBits / totalSeconds * 1e-6,
                secretBits() / totalSeconds * 1e-6));
        place.ifPresent(p -> s.append(String.format(Locale.ROOT, "%n  keys in %s%n", p)));
        digests.ifPresent(d -> s.append(String.format(
                Locale.ROOT, "  SHA-256 of Alice's keys %s%n  SHA-256 of Bob's keys   %s%n", d.alice(), d.bob())));
        return s.toString();
    }

    private String failures() {
        long later =
                sum(b -> b.reconciliation().map(r -> (long) r.firstFailures()).orElse(0L));
        long never =
                sum(b -> b.reconciliation().map(r -> (long) r.failedFrames()).orElse(0L));
        return later + " not at the first attempt, " + never + " given up";
    }

    private static String bits(long bits, long errors, double qber) {
        return String.format(Locale.ROOT, "%s, %s errors, QBER %.2f %%", number(bits), number(errors), 100 * qber);
    }

    private static void line(StringBuilder s, String name, String value) {
        s.append(String.format(Locale.ROOT, "  %-14s %s%n", name, value));
    }

    private static String number(long n) {
        return String.format(Locale.ROOT, "%,d", n).replace(',', ' ');
    }

    /** Wall time by stage, {@code store} last. */
    public SequencedMap<String, Double> stageSeconds() {
        SequencedMap<String, Double> seconds = new LinkedHashMap<>();
        for (Stage stage : Stage.values()) {
            ToDoubleFunction<BlockSummary> spent = b -> b.times().seconds().getOrDefault(stage, 0.0);
            seconds.put(stage.id(), blocks.stream().mapToDouble(spent).sum());
        }
        seconds.put("store", storeSeconds);
        return seconds;
    }

    /** Processor time by stage, of all threads; zeros where it is not measured. */
    public SequencedMap<String, Double> stageProcessorSeconds() {
        SequencedMap<String, Double> seconds = new LinkedHashMap<>();
        for (Stage stage : Stage.values()) {
            ToDoubleFunction<BlockSummary> spent =
                    b -> b.times().processorSeconds().getOrDefault(stage, 0.0);
            seconds.put(stage.id(), round(blocks.stream().mapToDouble(spent).sum()));
        }
        return seconds;
    }

    private long sum(ToLongFunction<BlockSummary> of) {
        return sum(blocks, of);
    }

    private static long sum(List<BlockSummary> blocks, ToLongFunction<BlockSummary> of) {
        return blocks.stream().mapToLong(of).sum();
    }

    private static double round(double x) {
        return Math.round(x * 1e6) / 1e6;
    }

    private static double epochSeconds(Instant t) {
        return t.getEpochSecond() + t.getNano() * 1e-9;
    }

    private static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }
}
