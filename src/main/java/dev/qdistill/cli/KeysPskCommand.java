package dev.qdistill.cli;

import dev.qdistill.amplify.EntropySource;
import dev.qdistill.auth.PadPool;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code keys psk}: a link's first authentication key. */
@Command(
        name = "psk",
        mixinStandardHelpOptions = true,
        description = {
            "Makes a link's pre-shared authentication key, or installs it at a site.",
            "",
            "Make it at one place: keys psk --link NAME --out DIR writes NAME.alice.qpad and NAME.bob.qpad. Bring each to its"
                    + " site by a way that nobody else has access to, and install it there: keys psk --install FILE --pool"
                    + " DIR moves it into the site's pool and wipes the file. Leave no copy of it anywhere: a copy that is"
                    + " installed again would use the same pads again.",
            "",
            "A link needs it once: later authentication key is cut from the keys made. When a pool has run dry all the same,"
                    + " another one can be installed, at both sites."
        })
final class KeysPskCommand implements Callable<Integer> {
    @ArgGroup(multiplicity = "1")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private What what;

    /** One of the two. */
    static final class What {
        @ArgGroup(exclusive = false)
        private @Nullable Make make;

        @ArgGroup(exclusive = false)
        private @Nullable Install install;
    }

    /** Makes both files. */
    static final class Make {
        @Option(
                names = "--link",
                required = true,
                paramLabel = "NAME",
                description = "the link's name, as in its dumps")
        @SuppressWarnings("NullAway.Init") // picocli sets it
        private String link;

        @Option(names = "--out", required = true, paramLabel = "DIR", description = "where the two files go")
        @SuppressWarnings("NullAway.Init") // picocli sets it
        private Path out;

        @Option(
                names = "--blocks",
                paramLabel = "N",
                description = "for how many blocks it is enough; 51 bytes each. Default: 4096")
        private int blocks = 4096;

        @Option(
                names = "--entropy",
                paramLabel = "FILE",
                description =
                        "file or device of true random bytes, read from its start; default: the operating system's"
                                + " generator")
        private @Nullable Path entropy;
    }

    /** Installs one file. */
    static final class Install {
        @Option(names = "--install", required = true, paramLabel = "FILE", description = "this site's file")
        @SuppressWarnings("NullAway.Init") // picocli sets it
        private Path file;

        @Option(
                names = "--pool",
                required = true,
                paramLabel = "DIR",
                description = "the site's pool of authentication key for this link; made if it is not there")
        @SuppressWarnings("NullAway.Init") // picocli sets it
        private Path pool;
    }

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        Install install = what.install;
        if (install != null) {
            PadPool.install(install.file, install.pool);
            spec.commandLine().getErr().printf("%s: installed in %s, and wiped%n", install.file, install.pool);
            return ExitCode.OK;
        }
        Make make = what.make;
        if (make == null
                || make.link.isBlank()
                || make.link.contains("/")
                || make.link.chars().anyMatch(Character::isISOControl)
                || make.link.getBytes(StandardCharsets.UTF_8).length > PadPool.MAX_LINK_BYTES
                || make.blocks < 1
                || make.blocks > PadPool.MAX_BLOCKS) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--link is a name of 1 to " + PadPool.MAX_LINK_BYTES + " bytes without / and control characters,"
                            + " --blocks 1 to " + PadPool.MAX_BLOCKS);
        }
        Files.createDirectories(make.out);
        Path alice = make.out.resolve(make.link + ".alice.qpad");
        Path bob = make.out.resolve(make.link + ".bob.qpad");
        try (EntropySource entropy = make.entropy == null ? EntropySource.system() : EntropySource.file(make.entropy)) {
            PadPool.makePreShared(alice, bob, make.link, make.blocks, entropy);
        }
        spec.commandLine()
                .getErr()
                .printf(Locale.ROOT, "%s and %s: authentication key for %d blocks%n", alice, bob, make.blocks);
        return ExitCode.OK;
    }
}
