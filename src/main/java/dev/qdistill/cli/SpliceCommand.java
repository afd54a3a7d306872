package dev.qdistill.cli;

import dev.qdistill.bits.BitString;
import dev.qdistill.dump.BadInputException;
import dev.qdistill.dump.QcryptoStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code splice}: one side's bits of the qcrypto stack, sifted. */
@Command(
        name = "splice",
        description = {
            "Sifts one side's bits of the qcrypto stack (stream type 3) by the other side's answer (type 4), and writes a"
                    + " stream of type 3.",
            "The sifted streams of both sides are dumps for distill; no estimate of an eavesdropper's knowledge can come"
                    + " of them, as they have no test basis, so that distill corrects and compares them and gives no key."
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class SpliceCommand implements Callable<Integer> {
    @Option(names = "--bits", paramLabel = "FILE", required = true, description = "this side's bits, type 3")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private Path bits;

    @Option(names = "--answer", paramLabel = "FILE", required = true, description = "the other side's answer, type 4")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private Path answer;

    @Option(names = "--out", paramLabel = "FILE", required = true, description = "the sifted bits; a new file")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private Path out;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Override
    public Integer call() {
        if (Files.exists(out)) {
            throw new BadInputException(out, "it exists already; nothing is overwritten");
        }
        try (QcryptoStream own = QcryptoStream.open(bits);
                QcryptoStream other = QcryptoStream.open(answer);
                BitString sifted = QcryptoStream.splice(own, other)) {
            QcryptoStream.write(out, own.header(), sifted);
            spec.commandLine()
                    .getErr()
                    .printf(
                            Locale.ROOT,
                            "%s: %d of %d bits%n",
                            out,
                            sifted.length(),
                            own.header().length());
        }
        return ExitCode.OK;
    }
}
