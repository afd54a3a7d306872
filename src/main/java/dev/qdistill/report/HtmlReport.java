package dev.qdistill.report;

import dev.qdistill.security.BinaryEntropy;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Finished runs as one page for a browser: figures and tables in HTML, plots drawn by Apache ECharts as SVG, which is in
 * the page, so that nothing is loaded from anywhere. Tables and figures are there without scripts, too. Nothing in it is
 * secret.
 */
public final class HtmlReport {
    private static final String FOLDER = "/dev/qdistill/report/";
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern(
                    "d MMMM yyyy, HH:mm 'UTC'", Locale.ENGLISH)
            .withZone(ZoneOffset.UTC);
    private static final Map<String, String> LEAKAGE = new LinkedHashMap<>();

    static {
        LEAKAGE.put("syndromes", "syndromes");
        LEAKAGE.put("extensions", "added rows");
        LEAKAGE.put("revealed", "bits revealed");
        LEAKAGE.put("choices", "their choice");
        LEAKAGE.put("parities", "Cascade");
        LEAKAGE.put("feedback", "feedback");
        LEAKAGE.put("published", "frames published");
        LEAKAGE.put("errorCounts", "error counts");
    }

    /**
     * A run over one pair of dumps.
     *
     * @param name of the link
     * @param group of links that it is shown with; may be empty
     * @param problem why it has no key
     * @param report as {@link RunReport#json}; empty if it failed before there was one
     */
    public record Run(String name, String group, Optional<String> problem, Optional<ObjectNode> report) {
        long number(String field) {
            return report.map(r -> r.path(field).asLong(0)).orElse(0L);
        }

        double real(String field) {
            return report.map(r -> r.path(field).asDouble(0)).orElse(0.0);
        }

        List<JsonNode> blocks() {
            List<JsonNode> blocks = new ArrayList<>();
            report.ifPresent(r -> r.path("blocks").forEach(blocks::add));
            return blocks;
        }
    }

    private final String title;
    private final List<Run> runs;
    private final Optional<JsonNode> batch;
    private final Instant now;
    private final StringBuilder html = new StringBuilder(1 << 20);

    private HtmlReport(String title, List<Run> runs, Optional<JsonNode> batch, Instant now) {
        this.title = title;
        this.runs = List.copyOf(runs);
        this.batch = batch;
        this.now = now;
    }

    /**
     * The page.
     *
     * @param title of the page; empty for one made of what was run
     * @param runs one at least
     * @param batch the sums that a batch prints, if they were one
     * @param now the time of making that the page says
     */
    public static String page(String title, List<Run> runs, Optional<JsonNode> batch, Instant now) {
        if (runs.isEmpty()) {
            throw new IllegalArgumentException("A report has one run at least");
        }
        return new HtmlReport(title, runs, batch, now).page();
    }

    private String page() {
        String name = title.isEmpty()
                ? single() ? "Key of " + runs.getFirst().name() : "Keys of " + runs.size() + " links"
                : title;
        html.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        html.append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        // The browser itself keeps the page from loading anything.
        html.append("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src"
                + " 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n");
        html.append("<title>").append(text(name)).append(" · qdistill</title>\n");
        html.append("<style>\n").append(resource("report.css")).append("</style>\n</head>\n<body>\n<main>\n");
        header(name);
        tiles();
        html.append("<div class=\"cards\">\n");
        plots();
        failures();
        details();
        table();
        html.append("</div>\n<footer>Made by qdistill on ")
                .append(TIME.format(now))
                .append(
                        ". Holds no key material. Plots by Apache ECharts, which is part of this page.</footer>\n</main>\n");
        html.append("<script type=\"application/json\" id=\"data\">")
                .append(JsonMapper.shared().writeValueAsString(data()).replace("<", "\\u003c"))
                .append("</script>\n<script>\n")
                .append(resource("echarts.common.min.js"))
                .append("\n</script>\n<script>\n")
                .append(resource("report.js"))
                .append("</script>\n</body>\n</html>\n");
        return html.toString();
    }

    private boolean single() {
        return runs.size() == 1;
    }

    private long sum(String field) {
        return runs.stream().mapToLong(r -> r.number(field)).sum();
    }

    // ---- The top ------------------------------------------------------------------------------------------------

    private void header(String name) {
        Set<String> protocols = new LinkedHashSet<>();
        runs.forEach(
                r -> r.report().ifPresent(n -> protocols.add(n.path("protocol").asString(""))));
        long blocks = runs.stream().mapToLong(r -> r.blocks().size()).sum();
        html.append("<header>\n<p class=\"brand\">qdistill</p>\n<h1>")
                .append(text(name))
                .append("</h1>\n<p>")
                .append(text(String.join(", ", protocols)))
                .append(protocols.isEmpty() ? "" : " · ")
                .append(blocks == 1 ? "one block" : grouped(blocks) + " blocks")
                .append(" · ")
                .append(grouped(sum("sentPulses")))
                .append(" pulses sent")
                .append("</p>\n</header>\n");
    }

    private void tiles() {
        long keyBits = sum("keyBasisBits");
        long secret = sum("secretBits");
        long withKey = runs.stream().filter(r -> r.number("secretBits") > 0).count();
        html.append("<div class=\"tiles\">\n");
        tile("secret key", scaled(secret, "bit"), secret == 0);
        if (single()) {
            long blocks = runs.getFirst().blocks().size();
            long good = runs.getFirst().blocks().stream()
                    .filter(b -> b.path("secretBits").asLong(0) > 0)
                    .count();
            tile("blocks with a key", grouped(good) + " of " + grouped(blocks), good < blocks);
        } else {
            tile("links with a key", withKey + " of " + runs.size(), withKey < runs.size());
        }
        tile("of sifted key bits", keyBits == 0 ? "–" : percent((double) secret / keyBits), false);
        tile("QBER, key basis", keyBits == 0 ? "–" : percent((double) sum("keyBasisErrors") / keyBits), false);
        tile(
                "efficiency f",
                efficiency().map(f -> String.format(Locale.ROOT, "%.3f", f)).orElse("–"),
                false);
        tile(
                "frames given up",
                grouped(sum("failedFrames")) + " of " + grouped(sum("frames")),
                sum("failedFrames") > 0);
        double epsilon = runs.stream()
                .filter(r -> r.number("secretBits") > 0)
                .mapToDouble(r -> r.real("epsilonSecrecy"))
                .sum();
        tile("ε of secrecy, in all", epsilon == 0 ? "–" : exponent(epsilon), false);
        double seconds = batch.map(b -> b.path("seconds").asDouble(0))
                .orElseGet(() -> runs.stream()
                        .mapToDouble(r -> r.report()
                                .map(n -> n.path("seconds").path("total").asDouble(0))
                                .orElse(0.0))
                        .sum());
        double mbps =
                batch.map(b -> b.path("keyBasisMbps").asDouble(0)).orElse(seconds > 0 ? keyBits / seconds * 1e-6 : 0);
        tile("speed, key-basis bits", mbps == 0 ? "–" : String.format(Locale.ROOT, "%.3g Mb/s", mbps), false);
        html.append("</div>\n");
    }

    /** All leaked bits by the entropy of all errors. */
    private Optional<Double> efficiency() {
        double entropy = runs.stream()
                .mapToDouble(r -> r.number("keyBasisBits") * BinaryEntropy.of(r.real("keyBasisQber")))
                .sum();
        return entropy > 0 ? Optional.of(sum("leakedBits") / entropy) : Optional.empty();
    }

    private void tile(String what, String value, boolean bad) {
        html.append("<div class=\"tile")
                .append(bad ? " bad" : "")
                .append("\"><span>")
                .append(text(what))
                .append("</span><b>")
                .append(text(value))
                .append("</b></div>\n");
    }

    // ---- The plots ----------------------------------------------------------------------------------------------

    private void plots() {
        plot("waterfall", "From detections to key", "What each step takes away, in bits.", true, true);
        if (!single()) {
            plot("keys", "Key of each link", "Secret bits; within a group the longest first.", true, true);
        }
        if (points().size() > 1) {
            String over = single() ? "block" : "link";
            plot("qber", "Error rate", "QBER of both bases, " + over + " by " + over + ".", true, false);
            plot(
                    "efficiency",
                    "Efficiency of error correction",
                    "f: bits told by the least possible; 1 is the limit.",
                    false,
                    false);
            plot(
                    "frames",
                    "Frames that failed",
                    "The share of LDPC frames that took more than one attempt, and of those given up.",
                    false,
                    false);
        }
        plot(
                "leakage",
                "What error correction told",
                "Every bit told about the key, by the step that told it.",
                false,
                false);
        plot(
                "stages",
                "Time by stage",
                single()
                        ? "Wall time, and key-basis bits a second."
                        : "Summed over links, of which several run side by side; key-basis bits a second.",
                false,
                false);
    }

    private void plot(String id, String heading, String caption, boolean wide, boolean tall) {
        html.append("<section class=\"card")
                .append(wide ? " wide" : "")
                .append("\"><h2>")
                .append(text(heading))
                .append("</h2><p>")
                .append(text(caption))
                .append("</p><div class=\"chart")
                .append(tall ? " tall" : "")
                .append("\" role=\"img\" aria-label=\"")
                .append(text(heading))
                .append("\" data-chart=\"")
                .append(id)
                .append("\"></div></section>\n");
    }

    private ObjectNode data() {
        ObjectNode data = JsonMapper.shared().createObjectNode();
        data.put("single", single());
        ArrayNode all = data.putArray("points");
        points().forEach(all::add);
        waterfall(data.putArray("waterfall"));
        ArrayNode leakage = data.putArray("leakage");
        LEAKAGE.forEach((field, name) -> {
            long bits = runs.stream()
                    .flatMap(r -> r.blocks().stream())
                    .mapToLong(b -> b.path("leakage").path(field).asLong(0))
                    .sum();
            if (bits > 0 || field.equals("syndromes")) {
                leakage.addObject().put("name", name).put("bits", bits);
            }
        });
        ArrayNode stages = data.putArray("stages");
        for (String stage : new String[] {"sift", "reconcile", "verify", "estimate", "amplify", "store"}) {
            double seconds = runs.stream()
                    .mapToDouble(r -> r.report()
                            .map(n -> n.path("seconds").path(stage).asDouble(0))
                            .orElse(0.0))
                    .sum();
            ObjectNode node = stages.addObject().put("name", stage).put("seconds", seconds);
            if (seconds > 1e-4) {
                node.put("mbps", sum("keyBasisBits") / seconds * 1e-6);
            }
        }
        return data;
    }

    /** What is plotted over: the blocks of one run, or many runs. */
    private List<ObjectNode> points() {
        List<ObjectNode> points = new ArrayList<>();
        if (single()) {
            runs.getFirst()
                    .blocks()
                    .forEach(
                            b -> points.add(point(String.valueOf(b.path("block").asLong()), b, b)));
        } else {
            for (Run run : runs) {
                ObjectNode empty = JsonMapper.shared().createObjectNode();
                ObjectNode point = point(run.name(), run.report().orElse(empty), empty);
                long later = run.blocks().stream()
                        .mapToLong(b -> b.path("firstAttemptFailures").asLong(0))
                        .sum();
                point.put("l", later).put("g", run.group());
                run.problem().ifPresent(p -> point.put("w", p));
                points.add(point);
            }
        }
        return points;
    }

    private static ObjectNode point(String name, JsonNode counts, JsonNode block) {
        ObjectNode p = JsonMapper.shared().createObjectNode();
        p.put("n", name).put("g", "");
        if (counts.path("keyBasisBits").asLong(0) > 0) {
            p.put("q", rounded(counts.path("keyBasisQber").asDouble(0)));
        }
        if (counts.path("testBasisBits").asLong(0) > 0) {
            p.put("t", rounded(counts.path("testBasisQber").asDouble(0)));
        }
        if (counts.path("efficiency").asDouble(0) > 0) {
            p.put("f", rounded(counts.path("efficiency").asDouble(0)));
        }
        return p.put("fr", counts.path("frames").asLong(0))
                .put("l", block.path("firstAttemptFailures").asLong(0))
                .put("gu", counts.path("failedFrames").asLong(0))
                .put("k", counts.path("keyBasisBits").asLong(0))
                .put("s", counts.path("secretBits").asLong(0));
    }

    private void waterfall(ArrayNode steps) {
        long detections = sum("detections");
        long sifted = sum("siftedBits");
        long key = sum("keyBasisBits");
        long refused = runs.stream()
                .flatMap(r -> r.blocks().stream())
                .filter(b -> b.path("secretBits").asLong(0) == 0)
                .mapToLong(b -> b.path("keyBasisBits").asLong(0))
                .sum();
        long leaked = 0;
        long tags = 0;
        for (Run run : runs) {
            for (JsonNode b : run.blocks()) {
                if (b.path("secretBits").asLong(0) > 0) {
                    leaked += b.path("leakedBits").asLong(0);
                    tags += b.path("verificationTagBits").asLong(0);
                }
            }
        }
        long secret = sum("secretBits");
        step(steps, "detections", detections, true, "pulses that Bob detected");
        step(steps, "other basis", detections - sifted, false, "Alice and Bob chose different bases");
        step(steps, "sifted", sifted, true, "equal bases");
        step(steps, "test basis", sifted - key, false, "disclosed, to see how much an eavesdropper can know");
        step(steps, "key basis", key, true, "the raw key");
        if (refused > 0) {
            step(steps, "refused", refused, false, "blocks that gave no key");
        }
        step(steps, "correction", leaked, false, "told to correct Bob's errors");
        step(steps, "comparison", tags, false, "tags that show that both keys are equal");
        step(
                steps,
                "amplification",
                Math.max(0, key - refused - leaked - tags - secret),
                false,
                "what an eavesdropper may know at most, by the finite-key bound");
        step(steps, "secret", secret, true, "the key");
    }

    private static void step(ArrayNode steps, String name, long bits, boolean keep, String why) {
        steps.addObject().put("name", name).put("bits", bits).put("keep", keep).put("why", why);
    }

    // ---- The tables ---------------------------------------------------------------------------------------------

    private void failures() {
        List<Run> failed = runs.stream().filter(r -> r.problem().isPresent()).toList();
        if (failed.isEmpty()) {
            return;
        }
        html.append(
                "<section class=\"card wide\"><h2 class=\"bad\">Without a key</h2><div class=\"scroll\"><table><tbody>\n");
        for (Run run : failed) {
            html.append("<tr><td>")
                    .append(text(run.name()))
                    .append("</td><td class=\"why\">")
                    .append(text(run.problem().orElse("")))
                    .append("</td></tr>\n");
        }
        html.append("</tbody></table></div></section>\n");
    }

    private void details() {
        Optional<ObjectNode> any =
                runs.stream().flatMap(r -> r.report().stream()).findFirst();
        if (any.isEmpty()) {
            return;
        }
        html.append("<section class=\"card wide\"><h2>Details</h2><dl>\n");
        Set<String> bounds = new LinkedHashSet<>();
        Set<String> kernels = new LinkedHashSet<>();
        for (Run run : runs) {
            run.report().ifPresent(r -> {
                JsonNode bound = r.path("bound");
                bounds.add(bound.path("name").asString("") + " ("
                        + bound.path("source").asString("") + ")");
                List<String> parts = new ArrayList<>();
                r.path("backends")
                        .properties()
                        .forEach(e -> parts.add(e.getKey() + " " + e.getValue().asString("")));
                kernels.add(String.join(", ", parts));
            });
        }
        bounds.forEach(b -> detail("finite-key bound", b));
        if (single()) {
            detail("session", any.get().path("session").asString(""));
            detail(
                    "ε",
                    exponent(any.get().path("epsilonSecrecy").asDouble(0)) + " secrecy, "
                            + exponent(any.get().path("epsilonCorrectness").asDouble(0)) + " correctness");
            Set<String> codes = new LinkedHashSet<>();
            runs.getFirst().blocks().forEach(b -> b.path("codes").forEach(c -> codes.add(c.asString(""))));
            if (!codes.isEmpty()) {
                detail("codes", String.join(", ", codes.stream().limit(8).toList()) + (codes.size() > 8 ? ", …" : ""));
            }
        }
        kernels.forEach(k -> detail("kernels", k));
        batch.ifPresent(b -> detail(
                "run",
                String.format(
                        Locale.ROOT,
                        "%d threads, %.3g s%s",
                        b.path("threads").asLong(0),
                        b.path("seconds").asDouble(0),
                        b.has("peakMemoryBytes")
                                ? String.format(
                                        Locale.ROOT,
                                        ", %.0f MB of memory at most",
                                        b.path("peakMemoryBytes").asDouble(0) * 1e-6)
                                : "")));
        html.append("</dl></section>\n");
    }

    private void detail(String name, String value) {
        html.append("<dt>")
                .append(text(name))
                .append("</dt><dd>")
                .append(text(value))
                .append("</dd>\n");
    }

    private void table() {
        boolean blocks = single();
        List<JsonNode> rows = new ArrayList<>();
        List<Run> of = new ArrayList<>();
        if (blocks) {
            rows.addAll(runs.getFirst().blocks());
        } else {
            for (Run run : runs) {
                run.report().ifPresent(r -> {
                    rows.add(r);
                    of.add(run);
                });
            }
        }
        int most = 1000;
        double largest = rows.stream()
                .mapToDouble(r -> r.path("secretBits").asDouble(0))
                .max()
                .orElse(0);
        html.append("<section class=\"card wide long\"><h2>")
                .append(blocks ? "Blocks" : "Links")
                .append("</h2>")
                .append(
                        rows.size() > most
                                ? "<p>The first " + grouped(most) + " of " + grouped(rows.size()) + ".</p>"
                                : "")
                .append("<div class=\"scroll\"><table><thead><tr><th>")
                .append(blocks ? "block" : "link")
                .append("</th>")
                .append(blocks ? "" : "<th>group</th>")
                .append(
                        "<th>key-basis bits</th><th>QBER Z</th><th>QBER X</th><th>f</th><th>frames</th><th>given up</th>")
                .append("<th>secret bits</th></tr></thead><tbody>\n");
        for (int i = 0; i < Math.min(most, rows.size()); i++) {
            JsonNode r = rows.get(i);
            long secret = r.path("secretBits").asLong(0);
            html.append(secret > 0 ? "<tr>" : "<tr class=\"bad\">");
            cell(blocks ? String.valueOf(r.path("block").asLong(0)) : of.get(i).name());
            if (!blocks) {
                cell(of.get(i).group());
            }
            cell(grouped(r.path("keyBasisBits").asLong(0)));
            cell(percent(r.path("keyBasisQber").asDouble(0)));
            cell(percent(r.path("testBasisQber").asDouble(0)));
            cell(String.format(Locale.ROOT, "%.3f", r.path("efficiency").asDouble(0)));
            cell(grouped(r.path("frames").asLong(0)));
            cell(grouped(r.path("failedFrames").asLong(0)));
            html.append(String.format(
                    Locale.ROOT,
                    "<td class=\"share\" style=\"--w:%.1f%%\">%s</td></tr>%n",
                    largest > 0 ? 100 * secret / largest : 0,
                    secret > 0 ? grouped(secret) : "no key"));
        }
        html.append("</tbody></table></div></section>\n");
    }

    private void cell(String value) {
        html.append("<td>").append(text(value)).append("</td>");
    }

    // ---- Numbers and text ---------------------------------------------------------------------------------------

    private static double rounded(double x) {
        return Math.round(x * 1e7) / 1e7;
    }

    private static String grouped(long n) {
        return String.format(Locale.ROOT, "%,d", n).replace(',', '\u202f');
    }

    private static String percent(double x) {
        return String.format(Locale.ROOT, "%.2f %%", 100 * x);
    }

    private static String exponent(double x) {
        return String.format(Locale.ROOT, "%.1e", x).replace(".0e", "e").replace("e-0", "e-");
    }

    private static String scaled(long bits, String unit) {
        double n = bits;
        for (String prefix : new String[] {"", "k", "M", "G", "T"}) {
            if (n < 1000) {
                return (prefix.isEmpty() ? String.valueOf(bits) : String.format(Locale.ROOT, "%.3g", n)) + " " + prefix
                        + unit;
            }
            n /= 1000;
        }
        return String.format(Locale.ROOT, "%.3g P%s", n, unit);
    }

    private static String text(String s) {
        return s.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }

    private static String resource(String name) {
        try (InputStream in = HtmlReport.class.getResourceAsStream(FOLDER + name)) {
            if (in == null) {
                throw new IllegalStateException(FOLDER + name + " is not in this build");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
