package dev.qdistill.agent;

import dev.qdistill.accel.Backend;
import dev.qdistill.auth.AuthenticationException;
import dev.qdistill.auth.AuthenticationLog;
import dev.qdistill.auth.Authenticator;
import dev.qdistill.auth.EpsilonLedger;
import dev.qdistill.auth.PadPool;
import dev.qdistill.auth.PoolException;
import dev.qdistill.dump.BadInputException;
import dev.qdistill.dump.DumpHeader;
import dev.qdistill.dump.LinkParameters;
import dev.qdistill.dump.Role;
import dev.qdistill.dump.SessionId;
import dev.qdistill.keystore.IndexedKeyStore;
import dev.qdistill.keystore.KeyStoreException;
import dev.qdistill.keystore.Site;
import dev.qdistill.ldpc.Profile;
import dev.qdistill.link.BlockReader;
import dev.qdistill.link.BlockSummary;
import dev.qdistill.link.CodeChoice;
import dev.qdistill.link.Engine;
import dev.qdistill.link.Message;
import dev.qdistill.link.ProtocolException;
import dev.qdistill.link.Rendezvous;
import dev.qdistill.link.Session;
import dev.qdistill.link.Settings;
import dev.qdistill.wire.Connection;
import dev.qdistill.wire.Connector;
import dev.qdistill.wire.Dialer;
import dev.qdistill.wire.Listener;
import dev.qdistill.wire.Tls;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One link of the agent: takes the sessions' raw data and distils them with the peer, one session after another, over as many
 * connections as it takes. A thread of its own keeps the connection to the peer; whatever goes wrong there ends the blocks in flight,
 * and the next connection goes on after them.
 */
public final class LinkService {
    /** Sessions that may wait. */
    public static final int MAXIMUM_WAITING = Rendezvous.MAXIMUM_SESSIONS;

    private static final System.Logger LOG = System.getLogger(LinkService.class.getName());

    /** A block with more detections ends the connection; the same at both ends. */
    private static final long MAXIMUM_DETECTIONS = 1L << 28;

    private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
    /** Between attempts that cost nothing. */
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);
    /** Between attempts that spend pads and come to nothing: the two ends do not fit together. */
    private static final Duration LONGEST_COSTLY_PAUSE = Duration.ofMinutes(10);

    private static final Duration STORAGE_PAUSE = Duration.ofSeconds(30);

    /** What blocks in flight have to end when the agent stops. */
    private static final Duration LAST_BLOCKS = Duration.ofSeconds(5);

    /** Below so many blocks that can be authenticated the operator should look. */
    private static final int FEW_BLOCKS = 32;

    /** After so many blocks the rate of the link is known. */
    private static final int RATE_BLOCKS = 3;

    private static final double NEW_RATE_WEIGHT = 0.25;

    private final AgentConfiguration.Link link;
    private final Site site;
    private final Role role;
    private final Engine engine;
    private final IndexedKeyStore store;
    private final AgentMetrics metrics;
    private final DoubleSupplier allLinksRate;
    private final LongSupplier nanoTime;
    private final PadPool pool;
    private final BlockMarks marks;
    private final EpsilonLedger ledger;
    private final AuthenticationLog tags = new AuthenticationLog();
    private final Connector connector;
    /** Asked for once, and only where codes are chosen: making a decoder takes time. */
    private final Backend decoder;

    private final Thread thread;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    /** The sessions that are not over, the one in work included, in the order in which they came. */
    private final Map<String, Pending> pending = new LinkedHashMap<>();

    private @Nullable Connection connection;
    private Optional<String> running = Optional.empty();
    private boolean connected;
    private Instant since = Instant.now();
    private Optional<String> problem = Optional.empty();
    private long offers;
    private boolean stopping;
    private long stopBy;
    private int inFlight;
    private boolean progress;
    private long blocks;
    private long failedBlocks;
    private Optional<BlockSummary> last = Optional.empty();
    private double rate;
    private long rated;
    private volatile int blocksLeft;
    private long tagsSeen;

    /** A session's raw data until the session is over. */
    private static final class Pending {
        private final Feed feed;
        private final String session;
        private final LinkParameters parameters;
        /** When it was offered, or in work last. */
        private long used;

        private @Nullable BlockReader live;

        Pending(Feed feed, SessionId session, LinkParameters parameters, long now) {
            this.used = now;
            this.feed = feed;
            this.session = session.toString();
            this.parameters = parameters;
        }

        /** Those of a live feed stay over connections. */
        BlockReader records() {
            if (!feed.live()) {
                return new BlockReader(feed.open());
            }
            if (live == null) {
                live = new BlockReader(feed.open(), feed::await);
            }
            return live;
        }

        Message.Offered offer(BlockMarks marks) {
            return new Message.Offered(session, Math.max(marks.next(session), live == null ? 0 : live.untouched()));
        }

        void close() {
            if (live != null) {
                live.close();
            }
            feed.close();
        }
    }

    private LinkService(
            AgentConfiguration.Link link,
            Site site,
            Engine engine,
            IndexedKeyStore store,
            AgentMetrics metrics,
            DoubleSupplier allLinksRate,
            LongSupplier nanoTime,
            PadPool pool,
            Connector connector) {
        this.link = link;
        this.site = site;
        this.role = site == Site.ALICE ? Role.ALICE : Role.BOB;
        this.engine = engine;
        this.store = store;
        this.metrics = metrics;
        this.allLinksRate = allLinksRate;
        this.nanoTime = nanoTime;
        this.pool = pool;
        this.connector = connector;
        this.marks = new BlockMarks(link.peer().authenticationPool());
        this.ledger = new EpsilonLedger(link.peer().authenticationPool(), tags);
        this.blocksLeft = pool.blocks();
        this.decoder = link.adaptive() ? engine.decoderBackend() : Backend.SCALAR;
        this.thread = Thread.ofPlatform().name("link-" + link.name()).daemon().unstarted(this::serve);
    }

    /**
     * Opens the link's pool, listens if it is configured so, and begins to look for the peer.
     *
     * @param engine not closed here, nor is the store
     * @param allLinksRate key-basis bits a second of all links of this agent
     * @param nanoTime what sessions are timed by, as {@link System#nanoTime}
     * @throws PoolException if there is no pool, or it is not this link's and site's
     * @throws ConfigurationException if the address or the certificates cannot be used
     */
    static LinkService start(
            AgentConfiguration.Link link,
            Site site,
            Engine engine,
            IndexedKeyStore store,
            AgentMetrics metrics,
            DoubleSupplier allLinksRate,
            LongSupplier nanoTime) {
        PadPool pool = PadPool.open(link.peer().authenticationPool(), link.name(), site);
        @Nullable Connector connector = null;
        try {
            connector = connector(link, site);
            LinkService service =
                    new LinkService(link, site, engine, store, metrics, allLinksRate, nanoTime, pool, connector);
            service.thread.start();
            return service;
        } catch (RuntimeException e) {
            if (connector != null) {
                connector.close();
            }
            pool.close();
            throw e;
        }
    }

    private static Connector connector(AgentConfiguration.Link link, Site site) {
        AgentConfiguration.Peer peer = link.peer();
        Optional<Tls> tls = peer.tls().map(t -> new Tls(t.certificate(), t.key(), t.authorities()));
        try {
            return peer.listen().isPresent()
                    ? new Listener(site, peer.listen().get().address(), tls, peer.silence())
                    : new Dialer(
                            site,
                            peer.connect().orElseThrow().host(),
                            peer.connect().orElseThrow().port(),
                            tls,
                            peer.silence());
        } catch (UncheckedIOException e) {
            throw new ConfigurationException("link " + link.name() + ": " + e.getMessage());
        }
    }

    // ---- What is asked of it -----------------------------------------------------------------------------------

    /** The link's name. */
    public String name() {
        return link.name();
    }

    /**
     * Has a session distilled as soon as the peer has it too. Safe for use by many threads.
     *
     * @param feed the service's from now on
     * @throws FeedException if the link does not take it; then the feed stays the caller's
     */
    public void offer(Feed feed) {
        DumpHeader header = feed.header();
        SessionId session =
                header.session().orElseThrow(() -> notOfThisLink("the raw data do not say of which session they are"));
        LinkParameters parameters =
                header.link().orElseThrow(() -> notOfThisLink("the raw data do not say of which link they are"));
        if (!parameters.name().equals(link.name())) {
            throw notOfThisLink("the raw data are of link " + parameters.name() + ", this is " + link.name());
        }
        if (header.role().isPresent() && header.role().get() != role) {
            throw notOfThisLink("these are " + header.role().get() + "'s raw data, this is " + role + "'s site");
        }
        Pending added = new Pending(feed, session, parameters, nanoTime.getAsLong());
        lock.lock();
        try {
            if (stopping) {
                throw new FeedException(FeedException.Reason.STOPPING, "the agent stops");
            }
            if (pending.containsKey(added.session)) {
                throw new FeedException(
                        FeedException.Reason.KNOWN, "session " + session + " waits already, or is in work");
            }
            Optional<BlockMarks.End> end = marks.end(added.session);
            if (end.isPresent()) {
                boolean failed = end.get() == BlockMarks.End.FAILED;
                throw new FeedException(
                        failed ? FeedException.Reason.FAILED : FeedException.Reason.OVER,
                        "session " + session + (failed ? " has failed before" : " is over"));
            }
            if (pending.size() >= MAXIMUM_WAITING) {
                throw new FeedException(
                        FeedException.Reason.BUSY, MAXIMUM_WAITING + " sessions wait already; no more can");
            }
            if (feed.live()) {
                marks.live(added.session);
            }
            pending.put(added.session, added);
            offers++;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        LOG.log(Level.INFO, "Link {0}: session {1} waits", link.name(), session);
    }

    private static FeedException notOfThisLink(String message) {
        return new FeedException(FeedException.Reason.NOT_OF_THIS_LINK, message);
    }

    /** The first block of a session that this site has not begun. */
    long nextBlock(String session) {
        return marks.next(session);
    }

    /** How the link is. */
    public LinkStatus status() {
        boolean full = store.level(link.name()).isFull();
        lock.lock();
        try {
            return new LinkStatus(
                    link.name(),
                    connected,
                    since,
                    problem,
                    running,
                    pending.keySet().stream()
                            .filter(s -> !running.equals(Optional.of(s)))
                            .toList(),
                    full,
                    blocks,
                    failedBlocks,
                    blocksLeft,
                    rate,
                    last);
        } finally {
            lock.unlock();
        }
    }

    /** What stands in the way of its work at the moment. */
    Optional<String> problem() {
        lock.lock();
        try {
            if (!connected) {
                return Optional.of("no peer since " + since.truncatedTo(ChronoUnit.SECONDS)
                        + problem.map(p -> ": " + p).orElse(""));
            }
        } finally {
            lock.unlock();
        }
        return blocksLeft >= FEW_BLOCKS
                ? Optional.empty()
                : Optional.of("the authentication pool is nearly used up: enough for " + blocksLeft + " blocks");
    }

    /** The link's rate as far as it is known, in key-basis bits a second. */
    double rate() {
        lock.lock();
        try {
            return rate;
        } finally {
            lock.unlock();
        }
    }

    /** Looks after the metrics of the pool and the connection; to be called every second or so. */
    void upkeep() {
        AuthenticationLog.Counts counts = tags.counts();
        long seen = counts.made() + counts.checked();
        blocksLeft = pool.blocks();
        metrics.authenticationPool(
                link.name(),
                (seen - tagsSeen) * PadPool.KEY_BITS,
                (long) blocksLeft * PadPool.PADS_OF_BLOCK * PadPool.KEY_BITS);
        tagsSeen = seen;
        boolean there;
        int sessionsHere;
        lock.lock();
        try {
            there = connected;
            sessionsHere = pending.size();
        } finally {
            lock.unlock();
        }
        metrics.link(link.name(), there, sessionsHere);
    }

    // ---- The thread --------------------------------------------------------------------------------------------

    private void serve() {
        Duration pause = FIRST_PAUSE;
        while (!isStopping()) {
            Duration longest;
            long begin = System.nanoTime();
            try {
                progress = false;
                meet();
                longest = LONGEST_PAUSE;
            } catch (ProtocolException e) {
                longest = isConnected() ? LONGEST_COSTLY_PAUSE : LONGEST_PAUSE;
                lost(Level.WARNING, String.valueOf(e.getMessage()));
            } catch (AuthenticationException e) {
                metrics.authenticationFailure(link.name());
                longest = isConnected() ? LONGEST_COSTLY_PAUSE : STORAGE_PAUSE;
                lost(Level.ERROR, String.valueOf(e.getMessage()));
                if (e.dry()) {
                    blocksLeft = pool.blocks();
                    await(Duration.ofNanos(Long.MAX_VALUE));
                }
            } catch (BadInputException e) {
                longest = LONGEST_PAUSE; // its session has failed, and was logged
                lost(Level.DEBUG, "a session's raw data were damaged");
            } catch (KeyStoreException | PoolException | UncheckedIOException e) {
                longest = STORAGE_PAUSE;
                pause = STORAGE_PAUSE;
                progress = false;
                lost(Level.ERROR, String.valueOf(e.getMessage()));
            } catch (RuntimeException | Error e) {
                // An uncaught one would end the link for good.
                longest = STORAGE_PAUSE;
                pause = STORAGE_PAUSE;
                progress = false;
                if (!isStopping()) {
                    LOG.log(Level.ERROR, "Link " + link.name() + " failed", e);
                }
                lost(Level.DEBUG, "an internal error: " + e.getClass().getSimpleName());
            }
            if (progress || System.nanoTime() - begin > LONGEST_COSTLY_PAUSE.toNanos()) {
                pause = FIRST_PAUSE;
            }
            pause = pause.compareTo(longest) > 0 ? longest : pause;
            await(pause);
            pause = pause.multipliedBy(2);
        }
    }

    private boolean isStopping() {
        lock.lock();
        try {
            return stopping;
        } finally {
            lock.unlock();
        }
    }

    private boolean isConnected() {
        lock.lock();
        try {
            return connected;
        } finally {
            lock.unlock();
        }
    }

    /** Waits, but not while the agent stops. */
    private void await(Duration pause) {
        lock.lock();
        try {
            long left = pause.toNanos();
            while (left > 0 && !stopping) {
                left = changed.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }

    private void lost(Level level, String message) {
        boolean again;
        lock.lock();
        try {
            if (connected) {
                connected = false;
                since = Instant.now();
            }
            again = stopping || problem.equals(Optional.of(message));
            problem = Optional.of(message);
        } finally {
            lock.unlock();
        }
        LOG.log(again ? Level.DEBUG : level, "Link {0}: {1}", link.name(), message);
    }

    private void found() {
        lock.lock();
        try {
            connected = true;
            since = Instant.now();
            problem = Optional.empty();
        } finally {
            lock.unlock();
        }
        LOG.log(Level.INFO, "Link {0}: {1} is there", link.name(), link.peer().name());
    }

    /** One connection. */
    private void meet() {
        Connection c = connector.connect(new Authenticator(pool, site, tags));
        lock.lock();
        try {
            connection = c;
            if (stopping) {
                c.close();
                return;
            }
        } finally {
            lock.unlock();
        }
        try {
            LinkConnection peer = new LinkConnection(role, c, engine);
            peer.open(link.name(), keys(""));
            found();
            while (!isStopping()) {
                Optional<Rendezvous.Agreement> agreed = peer.agree(sessions);
                if (agreed.isPresent()) {
                    run(peer, agreed.get());
                }
                expire(peer.peersSessions());
            }
        } catch (RuntimeException | Error e) {
            c.abort(
                    e instanceof ProtocolException || e instanceof AuthenticationException
                            ? String.valueOf(e.getMessage())
                            : "a block failed here");
            throw e;
        } finally {
            c.close();
            lock.lock();
            try {
                connection = null;
            } finally {
                lock.unlock();
            }
            pool.clean();
            ledger.save();
        }
    }

    private LinkKeys keys(String session) {
        return new LinkKeys(site, session, store, pool, ledger, marks, InstantSource.system());
    }

    /** What waits here, as the rendezvous asks for it. */
    private final Rendezvous.Sessions sessions = new Rendezvous.Sessions() {
        @Override
        public List<Message.Offered> waiting() {
            lock.lock();
            try {
                return pending.values().stream().map(p -> p.offer(marks)).toList();
            } finally {
                lock.unlock();
            }
        }

        @Override
        public Optional<Message.Ended> over(String session) {
            return marks.end(session)
                    .map(end -> new Message.Ended(
                            session, end == BlockMarks.End.FAILED ? Optional.of("it failed there") : Optional.empty()));
        }

        @Override
        public void overThere(Message.Ended ended) {
            Pending p = find(ended.session());
            if (p != null) {
                end(p, ended.problem().map(text -> "the other site ended the session: " + text));
            }
        }

        @Override
        public void await(Duration patience) {
            lock.lock();
            try {
                long known = offers;
                long left = patience.toNanos();
                while (offers == known && !stopping && left > 0) {
                    left = changed.awaitNanos(left);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new ProtocolException("interrupted while waiting for raw data");
            } finally {
                lock.unlock();
            }
        }
    };

    private @Nullable Pending find(String session) {
        lock.lock();
        try {
            return pending.get(session);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Sessions that the other end seems to have nothing of: they were not in work for long, though it was asked.
     *
     * @param peers those that it named last
     */
    private void expire(List<String> peers) {
        List<Pending> old = new ArrayList<>();
        lock.lock();
        try {
            for (Pending p : pending.values()) {
                if (nanoTime.getAsLong() - p.used > link.sessionTimeout().toNanos() && !peers.contains(p.session)) {
                    old.add(p);
                }
            }
        } finally {
            lock.unlock();
        }
        old.forEach(p -> end(
                p,
                Optional.of("the other site had no raw data of this session for "
                        + link.sessionTimeout().toSeconds() + " s")));
    }

    // ---- A session ---------------------------------------------------------------------------------------------

    private void run(LinkConnection peer, Rendezvous.Agreement agreed) {
        Pending p = Objects.requireNonNull(find(agreed.session()));
        LOG.log(
                Level.INFO,
                "Link {0}: session {1} from block {2} on",
                link.name(),
                p.session,
                Long.toString(agreed.firstBlock()));
        lock.lock();
        try {
            running = Optional.of(p.session);
            inFlight = 0;
        } finally {
            lock.unlock();
        }
        long blocksBefore = blocks;
        try {
            BlockReader records = p.records();
            try {
                peer.run(
                        records,
                        settings(p.parameters),
                        plan(agreed),
                        summary -> over(p, summary),
                        (block, why) -> givenUp(p, block, why));
            } finally {
                if (!p.feed.live()) {
                    records.close();
                }
            }
        } catch (BadInputException e) {
            end(p, Optional.of(e.getMessage()));
            throw e;
        } catch (RuntimeException e) {
            if (blocks == blocksBefore) {
                putLast(p);
            }
            throw e;
        } finally {
            endOfRun(p);
        }
        end(p, Optional.empty());
    }

    /** So that the others have their turn. */
    private void putLast(Pending p) {
        lock.lock();
        try {
            if (pending.remove(p.session) != null) {
                pending.put(p.session, p);
            }
        } finally {
            lock.unlock();
        }
    }

    private void endOfRun(Pending p) {
        int lost;
        lock.lock();
        try {
            p.used = nanoTime.getAsLong();
            running = Optional.empty();
            lost = inFlight;
            inFlight = 0;
            failedBlocks += lost;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        for (int i = 0; i < lost; i++) {
            metrics.failedBlock(link.name());
        }
    }

    private Settings settings(LinkParameters parameters) {
        return link.block()
                .time()
                .map(time -> link.settings()
                        .withBlockPulses(Math.max(1, Math.round(time.toNanos() * 1e-9 * parameters.sourceRateHz()))))
                .orElse(link.settings());
    }

    private Session.Plan plan(Rendezvous.Agreement agreed) {
        return new Session.Plan(
                agreed.firstBlock(),
                agreed.conversation(),
                link.blocksInFlight(),
                MAXIMUM_DETECTIONS,
                new CountedKeys(keys(agreed.session()), this::begun),
                rules);
    }

    private final Session.Rules rules = new Session.Rules() {
        @Override
        public boolean mayBegin() {
            return !isStopping() && !store.level(link.name()).isFull();
        }

        @Override
        public Optional<CodeChoice> codes() {
            return link.adaptive() ? Optional.of(choice()) : Optional.empty();
        }
    };

    private CodeChoice choice() {
        lock.lock();
        try {
            if (rated < RATE_BLOCKS) {
                return CodeChoice.of(Profile.FAST);
            }
        } finally {
            lock.unlock();
        }
        return CodeChoice.keepingUpWith(
                allLinksRate.getAsDouble(), engine.workers().threads(), decoder);
    }

    private void begun() {
        lock.lock();
        try {
            inFlight++;
            progress = true;
        } finally {
            lock.unlock();
        }
    }

    private void over(Pending p, BlockSummary summary) {
        double seconds = summary.sentPulses() / p.parameters.sourceRateHz();
        lock.lock();
        try {
            inFlight--;
            blocks++;
            last = Optional.of(summary);
            if (seconds > 0) {
                double now = summary.counts().keyDetections() / seconds;
                rate = rated++ == 0 ? now : rate + NEW_RATE_WEIGHT * (now - rate);
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        metrics.block(link.name(), summary);
        LOG.log(
                summary.abort().isEmpty() ? Level.DEBUG : Level.INFO,
                "Link {0}: session {1}, block {2}: {3}",
                link.name(),
                p.session,
                Long.toString(summary.parameters().block()),
                summary.abort().map(a -> "no key: " + a).orElseGet(() -> summary.secretBits() + " bits of key"));
        try {
            p.feed.block(summary);
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "Link " + link.name() + ": a feed failed", e);
        }
    }

    private void givenUp(Pending p, long block, ProtocolException why) {
        lock.lock();
        try {
            inFlight--;
            failedBlocks++;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        metrics.failedBlock(link.name());
        String message =
                "Link " + link.name() + ": session " + p.session + ", block " + block + ": no key: " + why.getMessage();
        if (why.getCause() == null) {
            LOG.log(Level.WARNING, message);
        } else {
            LOG.log(Level.ERROR, message, why.getCause());
        }
    }

    private void end(Pending p, Optional<String> why) {
        marks.end(p.session, why.isPresent() ? BlockMarks.End.FAILED : BlockMarks.End.IN_ORDER);
        lock.lock();
        try {
            pending.remove(p.session);
            progress = true;
        } finally {
            lock.unlock();
        }
        LOG.log(
                why.isPresent() ? Level.WARNING : Level.INFO,
                "Link {0}: session {1} {2}",
                link.name(),
                p.session,
                why.map(w -> "failed: " + w).orElse("is over"));
        try {
            p.feed.ended(why);
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "Link " + link.name() + ": a feed failed", e);
        } finally {
            p.close();
        }
    }

    // ---- Its end -----------------------------------------------------------------------------------------------

    /** No block begins any more; those in flight have a few seconds from now on. */
    void stop() {
        lock.lock();
        try {
            if (!stopping) {
                stopping = true;
                stopBy = System.nanoTime() + LAST_BLOCKS.toNanos();
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Waits for the blocks in flight, but not for long; what is not over by then is lost at both sites. Closes what it has. */
    void close() {
        stop();
        lock.lock();
        try {
            long left = stopBy - System.nanoTime();
            while (left > 0 && inFlight > 0) {
                left = changed.awaitNanos(left);
            }
            if (connection != null) {
                if (running.isPresent()) {
                    connection.abort("the agent stops");
                } else {
                    connection.close();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
        connector.close();
        try {
            thread.join(Duration.ofSeconds(30));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (thread.isAlive()) {
            LOG.log(Level.ERROR, "Link {0} does not end", link.name());
        }
        pending.values().forEach(Pending::close);
        ledger.save();
        marks.close();
        pool.close();
    }
}
