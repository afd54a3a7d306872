package dev.qdistill.cli;

import dev.qdistill.accel.BackendUnavailableException;
import dev.qdistill.dump.BadInputException;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The command {@code qdistill}. */
@Command(
        name = "qdistill",
        description = "Turns raw key dumps of a quantum key distribution link into secret keys.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        subcommands = {CodesCommand.class, CommandLine.HelpCommand.class},
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:ok",
            "2:usage",
            "3:bad input",
            "4:no key for security reasons",
            "5:peer or authentication failure",
            "6:storage failure",
            "7:batch finished with failures",
            "70:internal error"
        })
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        System.exit(execute(args));
    }

    /** Runs one command and returns its exit code. */
    static int execute(String... args) {
        return new CommandLine(new Main())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler((e, line, parsed) -> {
                    int code = exitCode(e);
                    line.getErr().println("qdistill: " + (code == ExitCode.INTERNAL ? e.toString() : e.getMessage()));
                    if (code == ExitCode.INTERNAL) {
                        e.printStackTrace(line.getErr());
                    }
                    return code;
                })
                .execute(args);
    }

    private static int exitCode(Exception e) {
        return switch (e) {
            case BackendUnavailableException b -> ExitCode.USAGE;
            case BadInputException b -> ExitCode.BAD_INPUT;
            default -> ExitCode.INTERNAL;
        };
    }

    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String v = Main.class.getPackage().getImplementationVersion();
            return new String[] {"qdistill " + (v == null ? "(unpackaged)" : v)};
        }
    }
}
