package dev.qdistill.agent;

import dev.qdistill.auth.AuthenticationException;
import dev.qdistill.auth.AuthenticationLog;
import dev.qdistill.auth.Authenticator;
import dev.qdistill.auth.PadPool;
import dev.qdistill.bits.BitString;
import dev.qdistill.dump.DumpReader;
import dev.qdistill.dump.LinkParameters;
import dev.qdistill.dump.Role;
import dev.qdistill.keystore.Site;
import dev.qdistill.link.BlockSummary;
import dev.qdistill.link.DistilledBlock;
import dev.qdistill.link.Engine;
import dev.qdistill.link.KeyCustody;
import dev.qdistill.link.Opening;
import dev.qdistill.link.Progress;
import dev.qdistill.link.ProtocolException;
import dev.qdistill.link.Session;
import dev.qdistill.link.Settings;
import dev.qdistill.wire.Connection;
import dev.qdistill.wire.Connector;
import dev.qdistill.wire.LinkTraffic;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Runs one session's dump over a link to its end, over as many connections as it takes: a connection that breaks, or on which a
 * message was forged, ends the blocks in flight; the next one goes on with the block after them.
 */
public final class LinkRun {
    private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

    private final Role role;
    private final Connector connector;
    private final Engine engine;
    private final Settings settings;
    private final int window;
    private final long maximumDetections;
    private final PadPool pool;
    private final AuthenticationLog log;
    private final Consumer<String> events;
    private LinkTraffic traffic = LinkTraffic.NONE;
    private int connections;
    private int protocolFailures;
    private int authenticationFailures;

    /**
     * @param window blocks in flight
     * @param maximumDetections a block with more ends the session; the same at both ends
     * @param events told what goes wrong, in sentences without secrets
     */
    public LinkRun(
            Role role,
            Connector connector,
            Engine engine,
            Settings settings,
            int window,
            long maximumDetections,
            PadPool pool,
            AuthenticationLog log,
            Consumer<String> events) {
        this.role = role;
        this.connector = connector;
        this.engine = engine;
        this.settings = settings;
        this.window = window;
        this.maximumDetections = maximumDetections;
        this.pool = pool;
        this.log = log;
        this.events = events;
    }

    /** What passed over all connections. */
    public LinkTraffic traffic() {
        return traffic;
    }

    /** Connections made. */
    public int connections() {
        return connections;
    }

    /** Those that ended because the peer broke the protocol or went away. */
    public int protocolFailures() {
        return protocolFailures;
    }

    /** Those that ended because of a wrong tag. */
    public int authenticationFailures() {
        return authenticationFailures;
    }

    /**
     * Runs a dump.
     *
     * @param keys where the keys go
     * @param attempts connections that may end early, one after another, without a block done
     * @param blocks told of each block when it is over
     * @throws ProtocolException if that was too many
     * @throws AuthenticationException if the last of them ended so, or the pool is used up
     */
    public void run(Path dump, KeyCustody keys, int attempts, Consumer<BlockSummary> blocks) {
        Duration pause = FIRST_PAUSE;
        for (int failures = 0; ; ) {
            long done = keys.nextBlock();
            RuntimeException failure;
            try {
                connect(dump, keys, blocks);
                return;
            } catch (ProtocolException e) {
                protocolFailures++;
                failure = e;
            } catch (AuthenticationException e) {
                authenticationFailures++;
                failure = e;
                if (e.dry()) {
                    throw e;
                }
            }
            if (Thread.currentThread().isInterrupted()) {
                throw failure;
            }
            boolean progress = keys.nextBlock() > done;
            failures = progress ? 0 : failures + 1;
            pause = progress ? FIRST_PAUSE : min(pause.multipliedBy(2), LONGEST_PAUSE);
            if (failures > attempts) {
                throw failure;
            }
            events.accept(failure.getMessage() + "; next attempt in " + pause.toMillis() + " ms");
            sleep(pause);
        }
    }

    private static Duration min(Duration a, Duration b) {
        return a.compareTo(b) < 0 ? a : b;
    }

    private static void sleep(Duration pause) {
        try {
            Thread.sleep(pause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ProtocolException("interrupted while waiting to connect again");
        }
    }

    /**
     * Runs a dump over one connection.
     *
     * @throws ProtocolException if it ends early
     * @throws AuthenticationException if it ends because of a wrong tag, or the pool is used up
     */
    public void connect(Path dump, KeyCustody keys, Consumer<BlockSummary> blocks) {
        Authenticator authenticator = new Authenticator(pool, role == Role.ALICE ? Site.ALICE : Site.BOB, log);
        Connection connection = connector.connect(authenticator);
        connections++;
        try (DumpReader reader = DumpReader.open(dump)) {
            Opening opening = new Opening(
                    role,
                    reader.header().link().map(LinkParameters::name).orElse("unknown"),
                    reader.header().session().map(Object::toString).orElse("unknown"),
                    nonce(),
                    keys);
            long first = opening.run(connection.channel());
            Session.Plan plan = new Session.Plan(first, window, maximumDetections, keys);
            try (Session session =
                    new Session(role, reader, connection.channel(), engine, settings, plan, Progress.NONE)) {
                for (Optional<DistilledBlock> b = session.next(); b.isPresent(); b = session.next()) {
                    try (DistilledBlock block = b.get()) {
                        blocks.accept(block.summary());
                    }
                }
            }
            connection.close();
        } catch (RuntimeException e) {
            connection.abort(String.valueOf(e.getMessage()));
            throw e;
        } finally {
            connection.close();
            traffic = traffic.plus(connection.traffic());
            pool.clean();
        }
    }

    private long[] nonce() {
        try (BitString random = BitString.allocate(128)) {
            engine.random(random);
            return new long[] {random.word(0), random.word(1)};
        }
    }
}
