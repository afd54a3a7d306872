package dev.qdistill.agent;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.Workers;
import dev.qdistill.amplify.EntropySource;
import dev.qdistill.amplify.ModifiedToeplitzHash;
import dev.qdistill.auth.AuthenticationLog;
import dev.qdistill.auth.EpsilonLedger;
import dev.qdistill.auth.PadPool;
import dev.qdistill.bits.BitString;
import dev.qdistill.dump.DumpReader;
import dev.qdistill.dump.Role;
import dev.qdistill.keystore.Handout;
import dev.qdistill.keystore.IndexedKeyStore;
import dev.qdistill.keystore.Site;
import dev.qdistill.ldpc.CodeFamily;
import dev.qdistill.link.Amplifier;
import dev.qdistill.link.BlockSummary;
import dev.qdistill.link.Engine;
import dev.qdistill.link.Settings;
import dev.qdistill.wire.Connector;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** All that one site has on its disk, opened; closing and opening it again is what a restart is. */
final class TestSite implements AutoCloseable {
    static final Workers WORKERS = new Workers(2);

    final Role role;
    final Site site;
    final Path dump;
    final PadPool pool;
    final IndexedKeyStore store;
    final BlockMarks marks;
    final EpsilonLedger ledger;
    final AuthenticationLog log = new AuthenticationLog();
    final LinkKeys keys;
    final List<BlockSummary> blocks = new ArrayList<>();
    final List<String> events = new ArrayList<>();
    private final EntropySource entropy = EntropySource.system();

    TestSite(Role role, Path directory, Path dump) {
        this.role = role;
        this.site = role == Role.ALICE ? Site.ALICE : Site.BOB;
        this.dump = dump;
        Path auth = directory.resolve("auth");
        pool = PadPool.open(auth, "metro", site);
        store = IndexedKeyStore.open(directory.resolve("keys"), Map.of());
        marks = new BlockMarks(auth);
        ledger = new EpsilonLedger(auth, log);
        String session;
        try (DumpReader reader = DumpReader.open(dump)) {
            session = reader.header().session().orElseThrow().toString();
        }
        keys = new LinkKeys(site, session, store, pool, ledger, marks, InstantSource.system());
    }

    /** Makes a link's authentication key and installs it at both sites. */
    static void preShare(Path alice, Path bob, int blocks) {
        try (EntropySource source = EntropySource.system()) {
            PadPool.makePreShared(alice.resolveSibling("psk.a"), bob.resolveSibling("psk.b"), "metro", blocks, source);
        }
        PadPool.install(alice.resolveSibling("psk.a"), alice.resolve("auth"));
        PadPool.install(bob.resolveSibling("psk.b"), bob.resolve("auth"));
    }

    LinkRun run(Connector connector, Settings settings, int window) {
        return run(connector, settings, window, 1 << 24);
    }

    LinkRun run(Connector connector, Settings settings, int window, long maximumDetections) {
        Engine engine = new Engine(
                CodeFamily.shipped(),
                Backend.AUTO,
                WORKERS,
                new Amplifier(ModifiedToeplitzHash.create(Backend.AUTO), 2, Long.MAX_VALUE),
                entropy);
        return new LinkRun(role, connector, engine, settings, window, maximumDetections, pool, log, events::add);
    }

    /** The bits of a key, which is gone from the store then. */
    BitString take(UUID id) {
        try (Handout handout = store.take(id)) {
            return handout.pieces().getFirst().key().copy();
        }
    }

    List<UUID> ids() {
        return store.list().stream()
                .filter(k -> keys.holds(k.record().id()))
                .map(k -> k.record().id())
                .sorted()
                .toList();
    }

    @Override
    public void close() {
        ledger.save();
        marks.close();
        store.close();
        pool.close();
        entropy.close();
    }
}
