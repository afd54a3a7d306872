package dev.qdistill.cli;

import dev.qdistill.bits.BitString;
import dev.qdistill.keystore.KeyExport;
import dev.qdistill.keystore.KeyRecord;
import dev.qdistill.keystore.KeyStore;
import dev.qdistill.keystore.KeyStoreException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The command {@code keys}: lists, exports and verifies a key store. */
@Command(
        name = "keys",
        mixinStandardHelpOptions = true,
        description =
                "Lists, exports and verifies the keys of a store (one site's directory of *.qkey files), or of the"
                        + " stores one directory below, as distill makes them.",
        subcommands = {KeysCommand.ListKeys.class, KeysCommand.ExportKey.class, KeysCommand.VerifyKeys.class})
final class KeysCommand {
    /** {@code keys list}. */
    @Command(
            name = "list",
            mixinStandardHelpOptions = true,
            description = "Lists the keys, the oldest first: ids and sizes, no key material. Checks headers and sizes,"
                    + " not checksums.")
    static final class ListKeys implements Callable<Integer> {
        @Parameters(paramLabel = "DIR", description = "The key store, or a directory of stores.")
        @SuppressWarnings("NullAway.Init") // picocli sets it
        private Path directory;

        @Option(names = "--json", description = "Print one JSON object.")
        private boolean json;

        @Spec
        @SuppressWarnings("NullAway.Init") // picocli sets it
        private CommandSpec spec;

        @Override
        public Integer call() {
            return report(spec, json, directory, false);
        }
    }

    /** {@code keys verify}. */
    @Command(
            name = "verify",
            mixinStandardHelpOptions = true,
            description = "Reads every key in full and checks everything: headers, checksums, names, modes. Ends with"
                    + " exit code 6 and a line for each problem if there is one.")
    static final class VerifyKeys implements Callable<Integer> {
        @Parameters(paramLabel = "DIR", description = "The key store, or a directory of stores.")
        @SuppressWarnings("NullAway.Init") // picocli sets it
        private Path directory;

        @Option(names = "--json", description = "Print one JSON object.")
        private boolean json;

        @Spec
        @SuppressWarnings("NullAway.Init") // picocli sets it
        private CommandSpec spec;

        @Override
        public Integer call() {
            return report(spec, json, directory, true);
        }
    }

    /** {@code keys export}. */
    @Command(
            name = "export",
            mixinStandardHelpOptions = true,
            description = "Writes the bits of one key to a new file that only you can read.")
    static final class ExportKey implements Callable<Integer> {
        @Parameters(index = "0", paramLabel = "DIR", description = "The key store, or a directory of stores.")
        @SuppressWarnings("NullAway.Init") // picocli sets it
        private Path directory;

        @Parameters(index = "1", paramLabel = "ID", description = "The key's id.")
        @SuppressWarnings("NullAway.Init") // picocli sets it
        private UUID id;

        @Option(
                names = "--out",
                required = true,
                paramLabel = "FILE",
                description = "The file to write, mode 0600; - is the standard output.")
        @SuppressWarnings("NullAway.Init") // picocli sets a required option
        private String out;

        @Option(
                names = "--format",
                paramLabel = "FORMAT",
                defaultValue = "raw",
                description = "raw (the default): bytes, bit i in bit i mod 8 of byte i/8, padded with zeros to a whole"
                        + " byte; hex or base64: the same bytes as text.")
        @SuppressWarnings("NullAway.Init") // picocli sets it
        private KeyExport format;

        @Spec
        @SuppressWarnings("NullAway.Init") // picocli sets it
        private CommandSpec spec;

        @Override
        public Integer call() {
            List<Path> stores = stores(directory);
            Path with = stores.stream()
                    .filter(s -> Files.exists(s.resolve(id + ".qkey")))
                    .findFirst()
                    .orElse(stores.getFirst());
            try (KeyStore store = KeyStore.openForReading(with);
                    BitString key = store.read(id)) {
                if (out.equals("-")) {
                    writeStandardOutput(key);
                } else {
                    format.writeFile(key, Path.of(out));
                }
                spec.commandLine()
                        .getErr()
                        .printf(Locale.ROOT, "%s: %d bits as %s to %s%n", id, key.length(), format.id(), out);
                return ExitCode.OK;
            }
        }

        // Straight from off-heap memory: the print streams would keep the key in their buffers.
        private void writeStandardOutput(BitString key) {
            try (FileOutputStream stdout = new FileOutputStream(FileDescriptor.out)) {
                format.write(key, stdout.getChannel());
            } catch (IOException e) {
                throw new KeyStoreException(Path.of("standard output"), "cannot write the key: " + e.getMessage());
            }
        }
    }

    private KeysCommand() {}

    /** The store in {@code directory}, or those one below: {@code distill} makes one for each site. */
    private static List<Path> stores(Path directory) {
        if (KeyStore.exists(directory) || !Files.isDirectory(directory)) {
            return List.of(directory);
        }
        try (Stream<Path> below = Files.list(directory)) {
            List<Path> stores = below.filter(KeyStore::exists).sorted().toList();
            return stores.isEmpty() ? List.of(directory) : stores;
        } catch (IOException e) {
            throw new KeyStoreException(directory, "cannot be listed: " + e.getMessage());
        }
    }

    private static int report(CommandSpec spec, boolean json, Path directory, boolean everything) {
        List<KeyRecord> keys = new ArrayList<>();
        List<KeyStoreException> problems = new ArrayList<>();
        for (Path path : stores(directory)) {
            try (KeyStore store = KeyStore.openForReading(path)) {
                KeyStore.Contents contents = everything ? store.verify() : store.scan();
                keys.addAll(contents.keys());
                problems.addAll(contents.problems());
            }
        }
        KeyStore.Contents all = new KeyStore.Contents(keys, problems);
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(toJson(all, everything));
        } else {
            print(out, all, everything);
        }
        out.flush();
        problems.forEach(problem -> spec.commandLine().getErr().println("qdistill: " + problem.getMessage()));
        return problems.isEmpty() ? ExitCode.OK : ExitCode.STORAGE;
    }

    private static void print(PrintWriter out, KeyStore.Contents contents, boolean everything) {
        if (!contents.keys().isEmpty()) {
            out.printf(
                    "%-36s  %12s  %-16s  %-5s  %6s  %-8s  %-8s  %s%n",
                    "id", "bits", "link", "site", "block", "eps_sec", "eps_cor", "created");
        }
        long bits = 0;
        for (KeyRecord key : contents.keys()) {
            out.printf(
                    Locale.ROOT,
                    "%-36s  %,12d  %-16s  %-5s  %6d  %-8s  %-8s  %s%n",
                    key.id(),
                    key.bits(),
                    key.link(),
                    key.site().id(),
                    key.block(),
                    shortNumber(key.epsilonSecrecy()),
                    shortNumber(key.epsilonCorrectness()),
                    key.created());
            bits += key.bits();
        }
        int problems = contents.problems().size();
        out.printf(
                Locale.ROOT,
                "%d %s%s, %,d bits%s%n",
                contents.keys().size(),
                everything ? "sound " : "",
                contents.keys().size() == 1 ? "key" : "keys",
                bits,
                problems == 0 ? "" : "; " + problems + (problems == 1 ? " problem" : " problems"));
    }

    private static String shortNumber(double value) {
        return String.format(Locale.ROOT, "%.1e", value);
    }

    private static String toJson(KeyStore.Contents contents, boolean everything) {
        JsonMapper mapper = JsonMapper.shared();
        ObjectNode root = mapper.createObjectNode();
        if (everything) {
            root.put("verified", contents.problems().isEmpty());
        }
        ArrayNode keys = root.putArray("keys");
        for (KeyRecord key : contents.keys()) {
            keys.addObject()
                    .put("id", key.id().toString())
                    .put("bits", key.bits())
                    .put("link", key.link())
                    .put("site", key.site().id())
                    .put("session", key.session().toString().replace("-", ""))
                    .put("block", key.block())
                    .put("epsilonSecrecy", key.epsilonSecrecy())
                    .put("epsilonCorrectness", key.epsilonCorrectness())
                    .put("created", key.created().toString());
        }
        ArrayNode problems = root.putArray("problems");
        contents.problems().forEach(problem -> problems.add(problem.getMessage()));
        return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(root);
    }
}
