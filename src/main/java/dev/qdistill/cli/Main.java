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
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.TypeConversionException;

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
public class Main {
    /** With all commands, in the order of {@code --help}: what the manual's pages and the completion are made of. */
    @Command(
            subcommands = {
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
                CodesCommand.class
            })
    static final class All extends Main {}

    Main() {}

    public static void main(String[] args) {
        StandardOutput out = new StandardOutput();
        PrintStream printed = new PrintStream(new BufferedOutputStream(out, 1 << 13), false, System.out.charset());
        System.setOut(printed);
        int code;
        try {
            code = execute(args);
        } catch (OutOfMemoryError e) {
            System.err.println("qdistill: not enough memory: " + e.getMessage());
            code = ExitCode.INTERNAL;
        } catch (Error e) {
            e.printStackTrace();
            code = ExitCode.INTERNAL;
        }
        printed.flush();
        System.exit(out.isLost() && code == ExitCode.OK ? out.tell() : code);
    }

    /** Runs one command and returns its exit code. */
    static int execute(String... args) {
        return commandLine(args)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .registerConverter(UUID.class, Main::id)
                .setParameterExceptionHandler(Main::usage)
                .setExecutionExceptionHandler((e, line, parsed) -> {
                    int code = exitCode(e);
                    line.getErr().println("qdistill: " + (code == ExitCode.INTERNAL ? e.toString() : message(e)));
                    if (code == ExitCode.INTERNAL) {
                        e.printStackTrace(line.getErr());
                    }
                    return code;
                })
                .execute(args);
    }

    /** With the command that the arguments begin with, or all: reading the options of all takes a sixth of a second. */
    private static CommandLine commandLine(String... args) {
        Optional<Class<?>> named = Arrays.stream(
                        All.class.getAnnotation(Command.class).subcommands())
                .filter(c -> args.length > 0
                        && c != CommandLine.HelpCommand.class
                        && c.getAnnotation(Command.class).name().equals(args[0]))
                .findFirst();
        return named.isPresent() ? new CommandLine(new Main()).addSubcommand(named.get()) : new CommandLine(new All());
    }

    /** One line, and where there is more; a command that needs another behind it shows which there are. */
    private static int usage(ParameterException e, String[] args) {
        CommandLine line = e.getCommandLine();
        PrintWriter err = line.getErr();
        err.println("qdistill: " + String.valueOf(e.getMessage()).replaceFirst("^Error: ", ""));
        if (args.length == 0 || "Missing required subcommand".equals(e.getMessage())) {
            line.usage(err);
        } else {
            CommandLine.UnmatchedArgumentException.printSuggestions(e, err);
            err.println("See " + line.getCommandSpec().qualifiedName() + " --help");
        }
        return ExitCode.USAGE;
    }

    private static UUID id(String value) {
        try {
            return UUID.fromString(value);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException("'" + value + "' is no id, such as 0bc7e4bb-1114-4fc0-ba86-2caf192b8dfa");
        }
    }

    /** What went wrong, for a person: which file, and why. */
    static String message(Exception e) {
        return switch (e) {
            case UncheckedIOException u -> {
                IOException cause = Objects.requireNonNull(u.getCause());
                String said = String.valueOf(u.getMessage());
                String reason = KeyStoreException.reason(cause);
                yield said.equals(cause.toString())
                        ? message(cause)
                        : said + (said.endsWith(reason) ? "" : ": " + reason);
            }
            case FileSystemException f when f.getFile() != null -> f.getFile() + ": " + KeyStoreException.reason(f);
            default -> String.valueOf(e.getMessage());
        };
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
