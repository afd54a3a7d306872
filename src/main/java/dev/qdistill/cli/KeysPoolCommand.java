package dev.qdistill.cli;

import dev.qdistill.auth.EpsilonLedger;
import dev.qdistill.auth.PadPool;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/** {@code keys pool}: what a link has left to authenticate with, and what it has spent. */
@Command(
        name = "pool",
        mixinStandardHelpOptions = true,
        description =
                "Shows a link's pool of authentication key at this site: for how many blocks it is enough, what was used,"
                        + " and the ledger of ε. No key material.")
final class KeysPoolCommand implements Callable<Integer> {
    @Parameters(paramLabel = "DIR", description = "The pool.")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private Path directory;

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Override
    public Integer call() {
        Map<String, Object> result = new LinkedHashMap<>();
        PadPool.Level level = PadPool.level(directory);
        result.put("link", level.link());
        result.put("site", level.site().id());
        result.put("padsAliceToBob", level.padsToBob());
        result.put("padsBobToAlice", level.padsToAlice());
        result.put("blocks", level.blocks());
        EpsilonLedger.Totals t = EpsilonLedger.read(directory);
        result.put("keys", t.blocks());
        result.put("secretBits", t.secretBits());
        result.put("supplyBits", t.supplyBits());
        result.put("supplyShare", t.secretBits() == 0 ? 0.0 : (double) t.supplyBits() / t.secretBits());
        result.put("tagsMade", t.tagsMade());
        result.put("tagsChecked", t.tagsChecked());
        result.put("tagsRefused", t.tagsRefused());
        result.put("epsilonSecrecy", t.epsilonSecrecy());
        result.put("epsilonCorrectness", t.epsilonCorrectness());
        result.put("epsilonAuthentication", t.epsilonAuthentication());
        result.put("epsilonCuts", t.epsilonCuts());
        result.put("epsilon", t.epsilon());
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(result));
        } else {
            result.forEach((k, v) -> out.println(k + ": " + v));
        }
        out.flush();
        return ExitCode.OK;
    }
}
