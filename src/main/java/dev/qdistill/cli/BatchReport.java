package dev.qdistill.cli;

import dev.qdistill.cli.BatchOutcome.State;
import dev.qdistill.report.HtmlReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What became of a batch.
 *
 * @param outcomes in the order of the manifest
 * @param seconds wall time of this run
 * @param threads for parallel work
 * @param place where the keys are
 */
record BatchReport(List<BatchOutcome> outcomes, double seconds, int threads, Path place) {
    BatchReport {
        outcomes = List.copyOf(outcomes);
    }

    /** The last line of {@code --json}: sums over the pairs; the rates count those of this run. */
    ObjectNode json() {
        ObjectNode node = JsonMapper.shared().createObjectNode();
        node.put("pairs", outcomes.size());
        for (State state : State.values()) {
            node.put(
                    switch (state) {
                        case DISTILLED -> "distilled";
                        case FINISHED -> "finishedBefore";
                        case NO_KEY -> "noKey";
                        case FAILED -> "failed";
                    },
                    count(state));
        }
        for (String name : new String[] {"detections", "siftedBits", "keyBasisBits", "leakedBits", "secretBits"}) {
            node.put(name, (long) sum(name, false));
        }
        node.put("epsilonSecrecy", epsilon("epsilonSecrecy"));
        node.put("epsilonCorrectness", epsilon("epsilonCorrectness"));
        node.put("threads", threads);
        node.put("seconds", Math.round(seconds * 1e6) / 1e6);
        node.put("keyBasisMbps", rate("keyBasisBits"));
        node.put("siftedMbps", rate("siftedBits"));
        node.put("secretMbps", rate("secretBits"));
        peakMemory().ifPresent(bytes -> node.put("peakMemoryBytes", bytes));
        return JsonMapper.shared().createObjectNode().set("batch", node);
    }

    private long count(State state) {
        return outcomes.stream().filter(o -> o.state() == state).count();
    }

    private double sum(String name, boolean now) {
        return outcomes.stream()
                .filter(o -> !now || o.seconds() > 0)
                .mapToDouble(o -> o.number(name))
                .sum();
    }

    /** It adds over the pairs that have keys. */
    private double epsilon(String name) {
        return outcomes.stream()
                .filter(BatchOutcome::hasKeys)
                .mapToDouble(o -> o.number(name))
                .sum();
    }

    private double rate(String name) {
        return seconds > 0 ? Math.round(sum(name, true) / seconds) / 1e6 : 0;
    }

    /** The most memory that this process has had, where the system says so. */
    private static OptionalLong peakMemory() {
        try {
            return Files.readAllLines(Path.of("/proc/self/status")).stream()
                    .filter(line -> line.startsWith("VmHWM:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024)
                    .findFirst();
        } catch (IOException e) {
            return OptionalLong.empty();
        }
    }

    /** For a page. */
    List<HtmlReport.Run> runs() {
        return outcomes.stream()
                .map(o -> o.report()
                        .map(ReportCommand::run)
                        .orElseGet(() ->
                                new HtmlReport.Run(o.pair().name(), o.pair().group(), o.problem(), Optional.empty())))
                .toList();
    }

    /** One line for each pair that has no key. */
    List<String> problems() {
        return outcomes.stream()
                .filter(o -> !o.hasKeys())
                .map(o -> "qdistill: " + o.pair().name() + ": " + (o.state() == State.NO_KEY ? "no key: " : "")
                        + o.problem().orElse("failed"))
                .toList();
    }

    /** A table. */
    String text() {
        int width =
                outcomes.stream().mapToInt(o -> o.pair().name().length()).max().orElse(0);
        String row = "  %-" + Math.max(width, 5) + "s  %-9s %15s %8s %7s %7s %15s %8s%n";
        StringBuilder s = new StringBuilder();
        s.append(String.format(
                Locale.ROOT, row, "pair", "", "key-basis bits", "QBER", "f", "given up", "secret bits", "seconds"));
        for (BatchOutcome o : outcomes) {
            boolean known = o.report().isPresent();
            s.append(String.format(
                    Locale.ROOT,
                    row,
                    o.pair().name(),
                    o.state().id(),
                    known ? number(o.number("keyBasisBits")) : "",
                    known ? String.format(Locale.ROOT, "%.2f %%", 100 * o.number("keyBasisQber")) : "",
                    known ? String.format(Locale.ROOT, "%.3f", o.number("efficiency")) : "",
                    known ? number(o.number("failedFrames")) : "",
                    known ? number(o.number("secretBits")) : "",
                    o.seconds() > 0 ? String.format(Locale.ROOT, "%.3f", o.seconds()) : ""));
        }
        s.append(String.format(
                Locale.ROOT,
                "%n  %d %s: %d distilled, %d finished before, %d without key, %d failed%n",
                outcomes.size(),
                outcomes.size() == 1 ? "pair" : "pairs",
                count(State.DISTILLED),
                count(State.FINISHED),
                count(State.NO_KEY),
                count(State.FAILED)));
        s.append(String.format(
                Locale.ROOT,
                "  %s key-basis bits, %s secret bits; ε_sec %.0e, ε_cor %.0e in all%n",
                number(sum("keyBasisBits", false)),
                number(sum("secretBits", false)),
                epsilon("epsilonSecrecy"),
                epsilon("epsilonCorrectness")));
        s.append(String.format(
                Locale.ROOT,
                "  %.3f s: %.1f Mb/s of key-basis bits, %.1f Mb/s of secret key, %d threads%s%n",
                seconds,
                rate("keyBasisBits"),
                rate("secretBits"),
                threads,
                peakMemory().isPresent()
                        ? String.format(
                                Locale.ROOT,
                                ", at most %.0f MB of memory",
                                peakMemory().getAsLong() * 1e-6)
                        : ""));
        s.append(String.format(Locale.ROOT, "%n  keys in %s%n", place));
        return s.toString();
    }

    private static String number(double n) {
        return String.format(Locale.ROOT, "%,d", (long) n).replace(',', ' ');
    }
}
