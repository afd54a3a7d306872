package dev.qdistill.cli;

import dev.qdistill.accel.BackendUnavailableException;
import dev.qdistill.agent.ConfigurationException;
import dev.qdistill.amplify.EntropyException;
import dev.qdistill.amplify.MemoryLimitException;
import dev.qdistill.auth.AuthenticationException;
import dev.qdistill.auth.PoolException;
import dev.qdistill.dump.BadInputException;
import dev.qdistill.keystore.KeyStoreException;
import dev.qdistill.link.ProtocolException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The command {@code qdistill}. */
@Command(
        name = "qdistill",
        description = "Turns raw key dumps of a quantum key distribution link into secret keys.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
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
    /** In the order of {@code --help}. */
    private static final List<Class<?>> COMMANDS = List.of(
            CommandLine.HelpCommand.class,
            DemoCommand.class,
            DistillCommand.class,
            ReportCommand.class,
            AgentCommand.class,
            InspectCommand.class,
            SpliceCommand.class,
            SimulateCommand.class,
            KeyLengthCommand.class,
            KeysCommand.class,
            LinkCommand.class,
            HashCommand.class,
            BenchCommand.class,
            DeviceCommand.class,
            DevicesCommand.class,
            CodesCommand.class);

    private Main() {}

    public static void main(String[] args) {
        System.exit(execute(args));
    }

    /** Runs one command and returns its exit code. */
    static int execute(String... args) {
        return commandLine(args)
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

    /** With the command that the arguments begin with, or all: reading the options of all takes a sixth of a second. */
    private static CommandLine commandLine(String... args) {
        CommandLine line = new CommandLine(new Main());
        List<Class<?>> named = COMMANDS.subList(1, COMMANDS.size()).stream()
                .filter(c ->
                        args.length > 0 && c.getAnnotation(Command.class).name().equals(args[0]))
                .toList();
        (named.isEmpty() ? COMMANDS : named).forEach(line::addSubcommand);
        return line;
    }

    static int exitCode(Exception e) {
        return switch (e) {
            case BackendUnavailableException b -> ExitCode.USAGE;
            case MemoryLimitException b -> ExitCode.USAGE;
            case ConfigurationException c -> ExitCode.BAD_INPUT;
            case BadInputException b -> ExitCode.BAD_INPUT;
            case EntropyException b -> ExitCode.BAD_INPUT;
            case KeyStoreException b -> ExitCode.STORAGE;
            case ProtocolException b -> ExitCode.PEER;
            case AuthenticationException b -> ExitCode.PEER;
            case PoolException b -> ExitCode.STORAGE;
            case UncheckedIOException b -> ExitCode.STORAGE;
            case IOException b -> ExitCode.STORAGE;
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
