package dev.qdistill.agent;

import dev.qdistill.auth.AuthenticationException;
import dev.qdistill.auth.AuthenticationLog;
import dev.qdistill.auth.Authenticator;
import dev.qdistill.auth.PadPool;
import dev.qdistill.dump.DumpHeader;
import dev.qdistill.dump.DumpReader;
import dev.qdistill.dump.LinkParameters;
import dev.qdistill.dump.Role;
import dev.qdistill.keystore.Site;
import dev.qdistill.link.BlockReader;
import dev.qdistill.link.BlockSummary;
import dev.qdistill.link.Engine;
import dev.qdistill.link.KeyCustody;
import dev.qdistill.link.Message;
import dev.qdistill.link.ProtocolException;
import dev.qdistill.link.Rendezvous;
import dev.qdistill.link.Session;
import dev.qdistill.link.Settings;
import dev.qdistill.wire.Connection;
import dev.qdistill.wire.Connector;
import dev.qdistill.wire.LinkTraffic;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
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
            throw new ProtocolException("interrupted while waiting for the peer");
        }
    }

    /**
     * Runs a dump over one connection.
     *
     * @throws ProtocolException if it ends early
     * @throws AuthenticationException if it ends because of a wrong tag, or the pool is used up
     */
    public void connect(Path dump, KeyCustody keys, Consumer<BlockSummary> blocks) {
        Connection connection =
                connector.connect(new Authenticator(pool, role == Role.ALICE ? Site.ALICE : Site.BOB, log));
        connections++;
        LinkConnection peer = new LinkConnection(role, connection, engine);
        try (BlockReader records = new BlockReader(DumpReader.open(dump))) {
            DumpHeader header = records.dump().header();
            String id = header.session().map(Object::toString).orElse("unknown");
            peer.open(header.link().map(LinkParameters::name).orElse("unknown"), keys);
            One one = new One(id, keys);
            Optional<Rendezvous.Agreement> agreed = peer.agree(one);
            if (agreed.isPresent()) {
                Rendezvous.Agreement a = agreed.get();
                peer.run(
                        records,
                        settings,
                        new Session.Plan(
                                a.firstBlock(), a.conversation(), window, maximumDetections, keys, Session.Rules.NONE),
                        blocks,
                        (block, why) -> events.accept("block " + block + " gives no key: " + why.getMessage()));
            } else if (!one.over) {
                throw new ProtocolException("the peer has session "
                        + (peer.peersSessions().isEmpty() ? "none" : String.join(", ", peer.peersSessions()))
                        + ", this side " + id);
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

    /** There is only one session here. */
    private static final class One implements Rendezvous.Sessions {
        private final Message.Offered session;
        private boolean over;

        One(String id, KeyCustody keys) {
            session = new Message.Offered(id, keys.nextBlock());
        }

        @Override
        public List<Message.Offered> waiting() {
            return List.of(session);
        }

        @Override
        public Optional<Message.Ended> over(String id) {
            return Optional.empty();
        }

        @Override
        public void overThere(Message.Ended ended) {
            if (ended.problem().isPresent()) {
                throw new ProtocolException(
                        "the other end ended the session: " + ended.problem().get());
            }
            over = true;
        }

        @Override
        public void await(Duration patience) {
            sleep(patience);
        }
    }
}
