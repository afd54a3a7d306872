package dev.qdistill.cli;

import dev.qdistill.bits.BitString;
import dev.qdistill.keystore.Handout;
import dev.qdistill.keystore.HandoutException;
import dev.qdistill.keystore.IndexedKey;
import dev.qdistill.keystore.IndexedKeyStore;
import dev.qdistill.keystore.KeyExport;
import dev.qdistill.keystore.KeyRecord;
import dev.qdistill.keystore.KeyState;
import dev.qdistill.keystore.KeyStore;
import dev.qdistill.keystore.KeyStoreException;
import dev.qdistill.keystore.LedgerLine;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
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
                        + " stores one directory below, as distill makes them. A store that an agent has used has an"
                        + " index: it says which keys are confirmed by the other site, handed out, expired.",
        subcommands = {
            KeysCommand.ListKeys.class,
            KeysCommand.ExportKey.class,
            KeysCommand.VerifyKeys.class,
            KeysCommand.Ledger.class,
            KeysPskCommand.class,
            KeysPoolCommand.class
        })
final class KeysCommand {
    /** {@code keys list}. */
    @Command(
            name = "list",
            mixinStandardHelpOptions = true,
            description = "Lists the keys, the oldest first: ids, sizes and states, no key material. Checks headers and"
                    + " sizes, not checksums.")
    static final class ListKeys implements Callable<Integer> {
        @Parameters(paramLabel = "DIR", description = "The key store, or a directory of stores.")
        @SuppressWarnings("NullAway.Init") // picocli sets it
        private Path directory;

        @Option(names = "--all", description = "List keys whose bits are gone, too: handed out, expired, discarded.")
        private boolean all;

        @Option(names = "--json", description = "Print one JSON object.")
        private boolean json;

        @Spec
        @SuppressWarnings("NullAway.Init") // picocli sets it
        private CommandSpec spec;

        @Override
        public Integer call() {
            return report(spec, json, directory, false, all);
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
            return report(spec, json, directory, true, false);
        }
    }

    /** {@code keys ledger}. */
    @Command(
            name = "ledger",
            mixinStandardHelpOptions = true,
            description = "Sums up what became of all keys of a store with an index: made, handed out to masters and"
                    + " slaves, taken whole, expired; and the sums of their epsilons.")
    static final class Ledger implements Callable<Integer> {
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
            PrintWriter out = spec.commandLine().getOut();
            ObjectNode root = JsonMapper.shared().createObjectNode();
            ArrayNode lines = root.putArray("ledger");
            boolean first = true;
            for (Path path : stores(directory)) {
                if (!Files.isDirectory(path)) {
                    throw new KeyStoreException(path, "no such directory");
                }
                if (!IndexedKeyStore.isIndexed(path)) {
                    throw new KeyStoreException(path, "no index, so no ledger: no agent has used this store");
                }
                try (IndexedKeyStore store = IndexedKeyStore.openBeside(path)) {
                    for (LedgerLine line : store.ledger()) {
                        lines.addObject()
                                .put("store", path.toString())
                                .put("link", line.link())
                                .put("entry", line.entry().id())
                                .put("keys", line.keys())
                                .put("bits", line.bits())
                                .put("epsilonSecrecy", line.epsilonSecrecy())
                                .put("epsilonCorrectness", line.epsilonCorrectness());
                        if (!json) {
                            print(out, path, line, first);
                            first = false;
                        }
                    }
                }
            }
            if (json) {
                out.println(JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(root));
            }
            out.flush();
            return ExitCode.OK;
        }

        private static void print(PrintWriter out, Path store, LedgerLine line, boolean first) {
            if (first) {
                out.printf(
                        "%-16s  %-16s  %-11s  %12s  %16s  %-8s  %-8s%n",
                        "store", "link", "entry", "keys", "bits", "eps_sec", "eps_cor");
            }
            boolean made = line.entry() == LedgerLine.Entry.MADE;
            out.printf(
                    Locale.ROOT,
                    "%-16s  %-16s  %-11s  %,12d  %,16d  %-8s  %-8s%n",
                    store.getFileName(),
                    line.link(),
                    line.entry().id(),
                    line.keys(),
                    line.bits(),
                    made ? shortNumber(line.epsilonSecrecy()) : "",
                    made ? shortNumber(line.epsilonCorrectness()) : "");
        }
    }

    /** {@code keys export}. */
    @Command(
            name = "export",
            mixinStandardHelpOptions = true,
            description = "Writes the bits of one key to a new file that only you can read. In a store with an index"
                    + " this hands the key out: it must be whole, and is wiped here afterwards.")
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
                        + " byte; hex or base64: the same bytes as text; qcrypto-t7: a final key of the qcrypto"
                        + " stack.")
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
            if (IndexedKeyStore.isIndexed(with)) {
                if (!out.equals("-") && Files.exists(Path.of(out), LinkOption.NOFOLLOW_LINKS)) {
                    throw new KeyStoreException(Path.of(out), "it exists already; nothing is overwritten");
                }
                try (IndexedKeyStore store = IndexedKeyStore.openBeside(with);
                        Handout handout = store.take(id)) {
                    write(handout.pieces().getFirst().key());
                    handout.delivered();
                } catch (HandoutException e) {
                    throw new KeyStoreException(with, String.valueOf(e.getMessage()));
                }
                return ExitCode.OK;
            }
            try (KeyStore store = KeyStore.openForReading(with);
                    BitString key = store.read(id)) {
                write(key);
                return ExitCode.OK;
            }
        }

        private void write(BitString key) {
            if (out.equals("-")) {
                writeStandardOutput(key);
            } else {
                format.writeFile(key, Path.of(out));
            }
            spec.commandLine()
                    .getErr()
                    .printf(Locale.ROOT, "%s: %d bits as %s to %s%n", id, key.length(), format.id(), out);
        }

        // Straight from off-heap memory: the print streams would keep the key in their buffers.
        private void writeStandardOutput(BitString key) {
            try (FileOutputStream stdout = new FileOutputStream(FileDescriptor.out)) {
                format.write(key, stdout.getChannel());
            } catch (IOException e) {
                throw new KeyStoreException(
                        Path.of("standard output"), "cannot write the key: " + KeyStoreException.reason(e));
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
            throw new KeyStoreException(directory, "cannot be listed: " + KeyStoreException.reason(e));
        }
    }

    /** A key with its state; what was handed out of it. */
    private record Line(KeyRecord key, KeyState state, Optional<IndexedKey> indexed) {}

    private static int report(CommandSpec spec, boolean json, Path directory, boolean everything, boolean all) {
        List<Line> keys = new ArrayList<>();
        List<KeyStoreException> problems = new ArrayList<>();
        for (Path path : stores(directory)) {
            if (IndexedKeyStore.isIndexed(path)) {
                try (IndexedKeyStore store = IndexedKeyStore.openBeside(path)) {
                    problems.addAll(everything ? store.verify() : List.of());
                    (all ? store.history() : store.list())
                            .forEach(key -> keys.add(new Line(key.record(), key.state(), Optional.of(key))));
                    store.unindexed().forEach(key -> keys.add(new Line(key, KeyState.AVAILABLE, Optional.empty())));
                }
            } else {
                try (KeyStore store = KeyStore.openForReading(path)) {
                    KeyStore.Contents contents = everything ? store.verify() : store.scan();
                    contents.keys().forEach(key -> keys.add(new Line(key, KeyState.AVAILABLE, Optional.empty())));
                    problems.addAll(contents.problems());
                }
            }
        }
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(toJson(keys, problems, everything));
        } else {
            print(out, keys, problems.size(), everything);
        }
        out.flush();
        problems.forEach(problem -> spec.commandLine().getErr().println("qdistill: " + problem.getMessage()));
        return problems.isEmpty() ? ExitCode.OK : ExitCode.STORAGE;
    }

    private static void print(PrintWriter out, List<Line> keys, int problems, boolean everything) {
        if (!keys.isEmpty()) {
            out.printf(
                    "%-36s  %12s  %-9s  %-16s  %-5s  %6s  %-8s  %-8s  %s%n",
                    "id", "bits", "state", "link", "site", "block", "eps_sec", "eps_cor", "created");
        }
        // Verifying a store without an index leaves out what is not sound.
        boolean sound = everything
                && (problems == 0 || keys.stream().allMatch(k -> k.indexed().isEmpty()));
        long bits = 0;
        for (Line line : keys) {
            KeyRecord key = line.key();
            out.printf(
                    Locale.ROOT,
                    "%-36s  %,12d  %-9s  %-16s  %-5s  %6d  %-8s  %-8s  %s%n",
                    key.id(),
                    key.bits(),
                    line.state().id(),
                    key.link(),
                    key.site().id(),
                    key.block(),
                    shortNumber(key.epsilonSecrecy()),
                    shortNumber(key.epsilonCorrectness()),
                    key.created());
            bits += key.bits();
        }
        out.printf(
                Locale.ROOT,
                "%d %s%s, %,d bits%s%n",
                keys.size(),
                sound ? "sound " : "",
                keys.size() == 1 ? "key" : "keys",
                bits,
                problems == 0 ? "" : "; " + problems + (problems == 1 ? " problem" : " problems"));
    }

    private static String shortNumber(double value) {
        return String.format(Locale.ROOT, "%.1e", value);
    }

    private static String toJson(List<Line> lines, List<KeyStoreException> found, boolean everything) {
        JsonMapper mapper = JsonMapper.shared();
        ObjectNode root = mapper.createObjectNode();
        if (everything) {
            root.put("verified", found.isEmpty());
        }
        ArrayNode keys = root.putArray("keys");
        for (Line line : lines) {
            KeyRecord key = line.key();
            ObjectNode node = keys.addObject()
                    .put("id", key.id().toString())
                    .put("bits", key.bits())
                    .put("state", line.state().id())
                    .put("link", key.link())
                    .put("site", key.site().id())
                    .put("session", key.session().toString().replace("-", ""))
                    .put("block", key.block())
                    .put("epsilonSecrecy", key.epsilonSecrecy())
                    .put("epsilonCorrectness", key.epsilonCorrectness())
                    .put("created", key.created().toString());
            line.indexed()
                    .ifPresent(indexed -> node.put("changed", indexed.changed().toString())
                            .put("expires", indexed.expires().toString())
                            .put("ownBits", 64 * indexed.ownLeft())
                            .put("peerBits", 64 * indexed.peerLeft()));
        }
        ArrayNode problems = root.putArray("problems");
        found.forEach(problem -> problems.add(problem.getMessage()));
        return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(root);
    }
}
