package dev.qdistill.cli;

import dev.qdistill.Distiller;
import dev.qdistill.accel.Offload;
import dev.qdistill.agent.BlockMarks;
import dev.qdistill.agent.LinkKeys;
import dev.qdistill.agent.LinkRun;
import dev.qdistill.amplify.EntropySource;
import dev.qdistill.auth.AuthenticationLog;
import dev.qdistill.auth.EpsilonLedger;
import dev.qdistill.auth.PadPool;
import dev.qdistill.dump.BadInputException;
import dev.qdistill.dump.DumpHeader;
import dev.qdistill.dump.DumpReader;
import dev.qdistill.dump.Role;
import dev.qdistill.keystore.IndexedKeyStore;
import dev.qdistill.keystore.Site;
import dev.qdistill.link.BlockSummary;
import dev.qdistill.link.Settings;
import dev.qdistill.report.RunReport;
import dev.qdistill.wire.Connector;
import dev.qdistill.wire.Dialer;
import dev.qdistill.wire.LinkTraffic;
import dev.qdistill.wire.Listener;
import dev.qdistill.wire.Tls;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code link}: one end of a link over a network, for one session's dump. */
@Command(
        name = "link",
        description = {
            "Runs one end of a link over TCP, from this site's raw key dump of one session, with the other end doing the"
                    + " same. One end listens, the other connects.",
            "",
            "DIR holds what this site has of the link: auth, the pool of authentication key (see keys psk), and keys, the key"
                    + " store. Both ends must be given the same settings. If the connection breaks, or somebody on the line"
                    + " forges messages, the blocks in flight are lost and the ends connect again. The same command goes"
                    + " on after a crash: keys in doubt are settled, blocks that were begun are not run again."
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class LinkCommand implements Callable<Integer> {
    @Option(names = "--role", paramLabel = "ROLE", required = true, description = "alice or bob")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private Role role;

    @Option(names = "--dump", paramLabel = "FILE", required = true, description = "this site's raw key dump")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private Path dump;

    @Option(names = "--dir", paramLabel = "DIR", required = true, description = "this site's directory of the link")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private Path directory;

    @ArgGroup(multiplicity = "1")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private End end;

    /** One end listens, the other connects. */
    static final class End {
        @Option(names = "--listen", paramLabel = "HOST:PORT", description = "where to wait for the other end")
        private @Nullable String listen;

        @Option(names = "--connect", paramLabel = "HOST:PORT", description = "where the other end waits")
        private @Nullable String connect;
    }

    @ArgGroup(exclusive = false)
    private @Nullable Certificates certificates;

    /** Mutual TLS. */
    static final class Certificates {
        @Option(
                names = "--tls-certificate",
                required = true,
                paramLabel = "FILE",
                description =
                        "this end's certificate chain, PEM; without the --tls options the connection is not encrypted")
        @SuppressWarnings("NullAway.Init") // picocli sets it
        private Path certificate;

        @Option(names = "--tls-key", required = true, paramLabel = "FILE", description = "its private key, PKCS 8, PEM")
        @SuppressWarnings("NullAway.Init") // picocli sets it
        private Path key;

        @Option(
                names = "--tls-authority",
                required = true,
                paramLabel = "FILE",
                description = "the certificates that the other end's must come from, PEM")
        @SuppressWarnings("NullAway.Init") // picocli sets it
        private Path authority;
    }

    @Option(names = "--window", paramLabel = "N", description = "blocks in flight; default: ${DEFAULT-VALUE}")
    private int window = 8;

    @Option(
            names = "--max-detections",
            paramLabel = "N",
            description = "a block with more detections ends the connection; default: ${DEFAULT-VALUE}")
    private long maximumDetections = 1L << 28;

    @Option(
            names = "--silence",
            paramLabel = "SECONDS",
            description = "how long the other end may say nothing; default: ${DEFAULT-VALUE}")
    private int silence = 120;

    @Option(
            names = "--attempts",
            paramLabel = "N",
            description =
                    "connections, one after another, that may end before a block begins; default: ${DEFAULT-VALUE}")
    private int attempts = 20;

    @Mixin
    private SettingsOptions settingsOptions = new SettingsOptions();

    @Option(names = "--json", description = "print the report as one JSON object")
    private boolean json;

    @Mixin
    private KernelOptions kernels = new KernelOptions();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Override
    public Integer call() {
        Settings settings;
        try {
            kernels.requireValid();
            settings = settingsOptions.settings(BatchManifest.Line.EMPTY, kernels.backend(), kernels.threads);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
        if (window < 1 || maximumDetections < 1 || silence < 1 || attempts < 0) {
            throw new ParameterException(
                    spec.commandLine(), "--window, --max-detections and --silence are 1 or more, --attempts 0 or more");
        }
        Site site = role == Role.ALICE ? Site.ALICE : Site.BOB;
        DumpHeader header;
        try (DumpReader reader = DumpReader.open(dump)) {
            reader.requireRole(role);
            header = reader.header();
        }
        if (header.link().isEmpty() || header.session().isEmpty()) {
            throw new BadInputException(dump, "does not name its link and session; a link needs a QRAW dump");
        }
        Path auth = directory.resolve("auth");
        AuthenticationLog log = new AuthenticationLog();
        long start = System.nanoTime();
        List<BlockSummary> blocks = new ArrayList<>();
        try (EntropySource entropy = kernels.entropy();
                Offload offload = kernels.offload(spec.commandLine().getErr());
                Distiller.Resources resources = new Distiller.Resources(
                        kernels.backend(), kernels.threads, entropy, kernels.memory.bytes(), offload);
                PadPool pool = PadPool.open(auth, header.link().get().name(), site);
                IndexedKeyStore store = IndexedKeyStore.open(directory.resolve("keys"), Map.of());
                BlockMarks marks = new BlockMarks(auth);
                Connector connector = connector(site)) {
            EpsilonLedger ledger = new EpsilonLedger(auth, log);
            LinkKeys keys = new LinkKeys(
                    site, header.session().get().toString(), store, pool, ledger, marks, InstantSource.system());
            LinkRun run = new LinkRun(
                    role,
                    connector,
                    resources.engine(),
                    settings,
                    window,
                    maximumDetections,
                    pool,
                    log,
                    event -> spec.commandLine().getErr().println("qdistill: " + event));
            try {
                run.run(dump, keys, attempts, b -> {
                    synchronized (blocks) {
                        blocks.add(b);
                    }
                });
            } finally {
                ledger.save();
            }
            report(resources, run, ledger, pool, blocks, (System.nanoTime() - start) * 1e-9);
        }
        return blocks.isEmpty() || blocks.stream().anyMatch(b -> b.secretBits() > 0) ? ExitCode.OK : ExitCode.NO_KEY;
    }

    private void report(
            Distiller.Resources resources,
            LinkRun run,
            EpsilonLedger ledger,
            PadPool pool,
            List<BlockSummary> blocks,
            double seconds) {
        PrintWriter out = spec.commandLine().getOut();
        if (blocks.isEmpty()) {
            spec.commandLine().getErr().println("qdistill: all blocks of this session were run before");
            return;
        }
        RunReport report = new RunReport(
                blocks,
                resources.backends(),
                0,
                seconds,
                Optional.of(directory.resolve("keys").toString()),
                Optional.empty());
        LinkTraffic t = run.traffic();
        long sifted = blocks.stream().mapToLong(BlockSummary::siftedBits).sum();
        ObjectNode link = JsonMapper.shared().createObjectNode();
        link.put("connections", run.connections())
                .put("protocolFailures", run.protocolFailures())
                .put("authenticationFailures", run.authenticationFailures())
                .put("sentMessages", t.sentMessages())
                .put("sentBytes", t.sentBytes())
                .put("receivedMessages", t.receivedMessages())
                .put("receivedBytes", t.receivedBytes())
                .put("bytesPerSiftedBit", (double) (t.sentBytes() + t.receivedBytes()) / Math.max(1, sifted))
                .put("authenticatedBlocksLeft", pool.blocks())
                .put("cpuSeconds", cpuSeconds());
        ObjectNode stages = link.putObject("stageCpuSeconds");
        report.stageProcessorSeconds().forEach(stages::put);
        EpsilonLedger.Totals totals = ledger.totals();
        link.put("supplyShare", totals.secretBits() == 0 ? 0 : (double) totals.supplyBits() / totals.secretBits());
        link.put(
                "padShare",
                totals.secretBits() == 0
                        ? 0
                        : (double) (totals.tagsMade() + totals.tagsChecked()) * PadPool.KEY_BITS / totals.secretBits());
        link.put("epsilon", totals.epsilon());
        if (json) {
            ObjectNode all = report.json();
            all.set("network", link);
            out.println(JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(all));
        } else {
            out.print(report.text());
            link.properties().forEach(p -> out.printf("  %-24s %s%n", p.getKey(), p.getValue()));
        }
        out.flush();
    }

    private static double cpuSeconds() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean os
                ? os.getProcessCpuTime() * 1e-9
                : 0;
    }

    private Connector connector(Site site) {
        Optional<Tls> tls = Optional.ofNullable(certificates).map(c -> new Tls(c.certificate, c.key, c.authority));
        String listen = end.listen;
        InetSocketAddress address = address(listen == null ? String.valueOf(end.connect) : listen);
        Duration patience = Duration.ofSeconds(silence);
        return listen == null
                ? new Dialer(site, address.getHostString(), address.getPort(), tls, patience)
                : new Listener(site, new InetSocketAddress(address.getHostString(), address.getPort()), tls, patience);
    }

    private InetSocketAddress address(String text) {
        int colon = text.lastIndexOf(':');
        try {
            String host = text.substring(0, colon);
            return InetSocketAddress.createUnresolved(
                    host.startsWith("[") ? host.substring(1, host.length() - 1) : host,
                    Integer.parseInt(text, colon + 1, text.length(), 10));
        } catch (IndexOutOfBoundsException | IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), "'" + text + "' is not HOST:PORT", e);
        }
    }
}
