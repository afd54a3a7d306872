package dev.qdistill.cli;

import dev.qdistill.security.KeyLength;
import dev.qdistill.security.KeyLengthBound;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The command {@code keylength}: the finite-key bound alone. */
@Command(
        name = "keylength",
        mixinStandardHelpOptions = true,
        description = {
            "Computes how long a secret key the counts of one block allow: the finite-key bound alone, with every"
                    + " quantity on the way.",
            "",
            "Ends with exit code 4, and says why, if no positive length is possible; the result is printed all the"
                    + " same."
        },
        footer = {
            "",
            "The counts are a JSON object, one array element an intensity:",
            "",
            "  {\"protocol\": \"one-decoy\",",
            "   \"intensities\": [0.51, 0.15], \"probabilities\": [0.7, 0.3],",
            "   \"keyBasis\":  {\"detections\": [8875913, 1124087], \"errors\": [185856, 26055]},",
            "   \"testBasis\": {\"detections\": [165048, 20902],    \"errors\": [3456, 484]},",
            "   \"leakedBits\": 1776924, \"epsilonSecrecy\": 1e-9, \"epsilonCorrectness\": 1e-15}",
            "",
            "Protocols: single-photon (one element each), one-decoy (two), two-decoy (three). Optional:"
                    + " verificationTagBits."
        })
final class KeyLengthCommand implements Callable<Integer> {
    private static final Map<String, String> MEANINGS = Map.ofEntries(
            Map.entry("n", "key-basis detections"),
            Map.entry("k", "test-basis detections"),
            Map.entry("Q", "error rate of the test basis"),
            Map.entry("mu", "statistical deviation of the error rate"),
            Map.entry("nKey", "key-basis detections"),
            Map.entry("mu1", "mean photon number of the signal"),
            Map.entry("mu2", "mean photon number of the decoy"),
            Map.entry("mu3", "mean photon number of the weaker decoy"),
            Map.entry("tau0", "chance of an empty pulse"),
            Map.entry("tau1", "chance of one photon in a pulse"),
            Map.entry("dNKey", "deviation of key-basis detections"),
            Map.entry("dMKey", "deviation of key-basis errors"),
            Map.entry("dNTest", "deviation of test-basis detections"),
            Map.entry("dMTest", "deviation of test-basis errors"),
            Map.entry("s0Key", "key-basis detections of empty pulses, at least"),
            Map.entry("s0UpKey", "key-basis detections of empty pulses, at most"),
            Map.entry("s0Test", "test-basis detections of empty pulses, at least"),
            Map.entry("s0UpTest", "test-basis detections of empty pulses, at most"),
            Map.entry("s1Key", "key-basis detections of single photons, at least"),
            Map.entry("s1Test", "test-basis detections of single photons, at least"),
            Map.entry("v", "test-basis errors of single photons, at most"),
            Map.entry("b", "their rate v/s1Test"),
            Map.entry("g", "how much the key basis may be worse"),
            Map.entry("phi", "phase error rate, at most"),
            Map.entry("hPhi", "its binary entropy"),
            Map.entry("entropyBits", "entropy of the raw key, at least"),
            Map.entry("leakedBits", "sent about the key"),
            Map.entry("secrecyBits", "cost of privacy amplification"),
            Map.entry("verificationBits", "verification: max(tag bits, log2(2/epsilonCorrectness))"),
            Map.entry("length", "secret bits before rounding down"));

    @Option(names = "--counts", required = true, paramLabel = "FILE", description = "The counts of one block, as JSON.")
    @SuppressWarnings("NullAway.Init") // picocli sets a required option
    private Path counts;

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Override
    public Integer call() {
        CountsFile file = CountsFile.read(counts);
        KeyLengthBound bound = KeyLengthBound.of(file.counts().protocol());
        KeyLength length = bound.keyLength(file.counts(), file.leakedBits(), file.verificationTagBits(), file.budget());
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(toJson(file, bound, length));
        } else {
            print(out, file, bound, length);
        }
        out.flush();
        length.reason().ifPresent(why -> spec.commandLine().getErr().println("qdistill: no key: " + why));
        return length.secretBits() > 0 ? ExitCode.OK : ExitCode.NO_KEY;
    }

    private static String toJson(CountsFile file, KeyLengthBound bound, KeyLength length) {
        JsonMapper mapper = JsonMapper.shared();
        ObjectNode root = mapper.createObjectNode();
        root.put("protocol", file.counts().protocol().id());
        root.put("secretBits", length.secretBits());
        root.putObject("bound").put("name", length.boundName()).put("source", length.boundSource());
        root.put("epsilonSecrecy", file.budget().epsilonSecrecy());
        root.put("epsilonCorrectness", file.budget().epsilonCorrectness());
        root.put("epsilonTerms", bound.secrecyTerms());
        putBits(root, "leakedBits", file.leakedBits());
        putBits(root, "verificationTagBits", file.verificationTagBits());
        root.put("reason", length.reason().orElse(null));
        ObjectNode terms = root.putObject("intermediates");
        length.terms().forEach((name, value) -> terms.put(name, value));
        return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(root);
    }

    // Numbers of bits are usually whole, and look it.
    private static void putBits(ObjectNode node, String name, double bits) {
        if (bits == (long) bits) {
            node.put(name, (long) bits);
        } else {
            node.put(name, bits);
        }
    }

    private static void print(PrintWriter out, CountsFile file, KeyLengthBound bound, KeyLength length) {
        out.printf(Locale.ROOT, "secret key   %,d bits%n", length.secretBits());
        out.printf("bound        %s%n             %s%n", length.boundName(), length.boundSource());
        out.printf(
                Locale.ROOT,
                "epsilon      %s secrecy%s, %s correctness%n%n",
                file.budget().epsilonSecrecy(),
                bound.secrecyTerms() > 1 ? ", over " + bound.secrecyTerms() + " events" : "",
                file.budget().epsilonCorrectness());
        length.terms()
                .forEach((name, value) ->
                        out.printf("  %-17s %20s  %s%n", name, number(value), MEANINGS.getOrDefault(name, "")));
    }

    private static String number(double value) {
        boolean whole = value == Math.rint(value) && Math.abs(value) < 1e15;
        return String.format(Locale.ROOT, whole ? "%,.0f" : Math.abs(value) < 1 ? "%.11f" : "%,.5f", value);
    }
}
