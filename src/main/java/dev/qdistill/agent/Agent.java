package dev.qdistill.agent;

import dev.qdistill.Calibration;
import dev.qdistill.Distiller;
import dev.qdistill.accel.BackendChoice;
import dev.qdistill.accel.Offload;
import dev.qdistill.agent.AgentConfiguration.Link;
import dev.qdistill.amplify.EntropySource;
import dev.qdistill.auth.PadPool;
import dev.qdistill.keystore.IndexedKeyStore;
import dev.qdistill.keystore.KeyStoreException;
import dev.qdistill.keystore.Site;
import java.lang.System.Logger.Level;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;

/**
 * The service at one end of one or more links: the links, a key store, key delivery to applications, the operator's port.
 *
 * <p>What is opened in {@link #start} is closed in {@link #close} in the opposite order: first no more requests are taken
 * and those under way are answered, then the key store is closed.
 */
public final class Agent implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Agent.class.getName());
    private static final long UPKEEP_MILLIS = 1000;

    private final AgentConfiguration configuration;
    private final Site site;
    private final IndexedKeyStore store;
    private final LongSupplier nanoTime;
    private final AgentMetrics metrics = new AgentMetrics();
    private final Readiness readiness = new Readiness();
    private final AtomicReference<Optional<String>> storeProblem = new AtomicReference<>(Optional.empty());
    private final Deque<AutoCloseable> open = new ArrayDeque<>();
    private final Map<String, LinkService> links = new LinkedHashMap<>();
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile Optional<DeviceStreams> devices = Optional.empty();
    private OptionalInt deliveryPort = OptionalInt.empty();
    private OptionalInt operationsPort = OptionalInt.empty();
    private boolean closing;

    private Agent(AgentConfiguration configuration, Site site, IndexedKeyStore store, LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        this.configuration = configuration;
        this.site = site;
        this.store = store;
    }

    /**
     * Starts an agent.
     *
     * @param site at which end of its links it is
     * @throws ConfigurationException if the configuration names files or ports that cannot be had
     * @throws KeyStoreException if the key store cannot be opened
     */
    public static Agent start(AgentConfiguration configuration, Site site) {
        return start(configuration, site, System::nanoTime);
    }

    /** @param nanoTime what sessions are timed by */
    static Agent start(AgentConfiguration configuration, Site site, LongSupplier nanoTime) {
        IndexedKeyStore store = IndexedKeyStore.open(configuration.keyStore(), configuration.limits());
        Agent agent = new Agent(configuration, site, store, nanoTime);
        agent.open.push(store);
        try {
            agent.begin();
        } catch (Throwable t) {
            agent.close();
            throw t;
        }
        return agent;
    }

    private void begin() {
        requireSite();
        store.problems().forEach(problem -> LOG.log(Level.WARNING, problem.getMessage()));
        readiness.add("key store", storeProblem::get);
        startLinks();
        upkeep();
        ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().name("upkeep").daemon().factory());
        ScheduledFuture<?> running =
                timer.scheduleWithFixedDelay(this::upkeep, UPKEEP_MILLIS, UPKEEP_MILLIS, TimeUnit.MILLISECONDS);
        open.push(() -> {
            running.cancel(false);
            timer.shutdown();
            if (!timer.awaitTermination(30, TimeUnit.SECONDS)) {
                LOG.log(Level.WARNING, "The upkeep of the key store did not stop in time");
            }
        });
        configuration.operations().ifPresent(rules -> {
            HttpPort port = HttpPort.plain(rules.listen(), new OperationsHandler(metrics, readiness));
            open.push(port);
            operationsPort = OptionalInt.of(port.port());
        });
        configuration.delivery().ifPresent(rules -> {
            KeyDelivery delivery = new KeyDelivery(configuration, rules, store, System::nanoTime);
            AuditLog audit = new AuditLog(rules.auditLog(), InstantSource.system());
            HttpPort port = HttpPort.secure(rules, new DeliveryHandler(delivery, audit, metrics));
            open.push(port);
            deliveryPort = OptionalInt.of(port.port());
        });
        configuration.device().ifPresent(rules -> open.push(deviceSocket(rules)));
        LOG.log(
                Level.INFO,
                "Agent {0} started at the site of {1}: {2} links, key delivery {3}, operations {4}",
                configuration.name(),
                site.id(),
                configuration.links().size(),
                configuration
                        .delivery()
                        .map(d -> "at port " + deliveryPort.getAsInt())
                        .orElse("off"),
                configuration
                        .operations()
                        .map(o -> "at port " + operationsPort.getAsInt())
                        .orElse("off"));
    }

    private void startLinks() {
        EntropySource entropy = EntropySource.system();
        open.push(entropy);
        Offload offload = Calibration.open(
                new BackendChoice(configuration.backend(), 0),
                Optional.empty(),
                configuration.threads(),
                Double.POSITIVE_INFINITY,
                w -> LOG.log(Level.WARNING, w));
        open.push(offload);
        Distiller.Resources resources = new Distiller.Resources(
                configuration.backend(), configuration.threads(), entropy, Long.MAX_VALUE, offload);
        open.push(resources);
        open.push(() -> {
            links.values().forEach(LinkService::stop);
            links.values().forEach(LinkService::close);
        });
        for (Link link : configuration.links()) {
            LinkService service =
                    LinkService.start(link, site, resources.engine(), store, metrics, this::rate, nanoTime);
            links.put(link.name(), service);
            readiness.add("link " + link.name(), service::problem);
        }
        for (Link link : configuration.links()) {
            link.watch().ifPresent(directory -> {
                WatchedDirectory watch = WatchedDirectory.start(directory, link(link.name()));
                open.push(watch);
            });
        }
    }

    private double rate() {
        return links.values().stream().mapToDouble(LinkService::rate).sum();
    }

    /**
     * Looks whether an agent could start with a configuration, as far as that can be seen without starting it.
     *
     * @throws dev.qdistill.auth.PoolException if a link has no pool of authentication key
     * @throws ConfigurationException if a pool is another link's or site's
     */
    public static void check(AgentConfiguration configuration, Site site) {
        for (Link link : configuration.links()) {
            PadPool.Level level = PadPool.level(link.peer().authenticationPool());
            if (level.site() != site || !level.link().equals(link.name())) {
                throw new ConfigurationException(link.peer().authenticationPool() + ": is the pool of link "
                        + level.link() + " at " + level.site().id() + "'s site; that of " + link.name() + " at "
                        + site.id() + "'s is expected");
            }
        }
    }

    private DeviceSocket deviceSocket(AgentConfiguration.Device rules) {
        Optional<AuditLog> audit = rules.auditLog()
                .or(() -> configuration.delivery().map(AgentConfiguration.Delivery::auditLog))
                .map(file -> new AuditLog(file, InstantSource.system()));
        DeviceKeys keys = new DeviceKeys(configuration, store, audit, metrics);
        DeviceStreams streams = new DeviceStreams(rules.silence(), InstantSource.system());
        devices = Optional.of(streams);
        links.keySet().forEach(name -> readiness.add("link " + name + " (device)", () -> streams.problem(name)));
        return new DeviceSocket(
                rules,
                new DeviceService(
                        configuration,
                        site,
                        new DeviceService.Links() {
                            @Override
                            public void offer(String name, Feed feed) {
                                link(name).offer(feed);
                            }

                            @Override
                            public LinkStatus status(String name) {
                                return link(name).status();
                            }
                        },
                        store,
                        keys,
                        new DeviceResults(InstantSource.system()),
                        streams));
    }

    // A store of the other site's keys would hand out the other site's halves.
    private void requireSite() {
        store.list().stream()
                .filter(key -> key.record().site() != site)
                .findFirst()
                .ifPresent(key -> {
                    throw new ConfigurationException(store.directory() + ": the key "
                            + key.record().id() + " is one of "
                            + key.record().site().id() + "'s site, this agent is at "
                            + site.id() + "'s");
                });
    }

    private void upkeep() {
        try {
            store.maintain();
            links.values().forEach(LinkService::upkeep);
            devices.ifPresent(streams -> links.keySet().forEach(name -> {
                streams.look(name);
                metrics.device(name, streams.state(name));
            }));
            metrics.store(store, configuration.links().stream().map(Link::name).toList());
            storeProblem.set(Optional.empty());
        } catch (KeyStoreException e) {
            LOG.log(Level.ERROR, "The upkeep of the key store failed: " + e.getMessage());
            storeProblem.set(Optional.of("its upkeep failed"));
        } catch (RuntimeException e) {
            // An uncaught one would end the timer.
            LOG.log(Level.ERROR, "The upkeep of the key store failed", e);
            storeProblem.set(Optional.of("its upkeep failed"));
        }
    }

    /** The keys of this site. Open as long as the agent. */
    public IndexedKeyStore store() {
        return store;
    }

    /** What is told to Prometheus, to be fed. */
    public AgentMetrics metrics() {
        return metrics;
    }

    /** What must be well for the agent to be ready, to be added to. */
    public Readiness readiness() {
        return readiness;
    }

    /** At which end of its links the agent is. */
    public Site site() {
        return site;
    }

    public AgentConfiguration configuration() {
        return configuration;
    }

    /** The port that applications get keys at; empty if none. */
    public OptionalInt deliveryPort() {
        return deliveryPort;
    }

    /** The operator's port; empty if none. */
    public OptionalInt operationsPort() {
        return operationsPort;
    }

    /**
     * The link of this name.
     *
     * @throws IllegalArgumentException if there is none
     */
    public LinkService link(String name) {
        LinkService link = links.get(name);
        if (link == null) {
            throw new IllegalArgumentException("No link " + name);
        }
        return link;
    }

    /** Whether a link has as many bits as it may have, so that no block should be begun for the moment. */
    public boolean isFull(String link) {
        return store.level(link).isFull();
    }

    /**
     * Has something closed with the agent, before everything that was opened so far.
     *
     * @param part closed once
     */
    public synchronized void closeWith(AutoCloseable part) {
        open.push(part);
    }

    /** Waits until the agent has been closed. */
    public void awaitClose() throws InterruptedException {
        closed.await();
    }

    /** Stops: takes no more requests, answers those under way, closes the store. A second call waits for the first. */
    @Override
    public void close() {
        synchronized (this) {
            if (closing) {
                return;
            }
            closing = true;
        }
        readiness.add("agent", () -> Optional.of("it is stopping"));
        List<AutoCloseable> parts;
        synchronized (this) {
            parts = List.copyOf(open);
        }
        for (AutoCloseable part : parts) {
            try {
                part.close();
            } catch (Exception e) {
                LOG.log(Level.ERROR, "A part of the agent did not close: " + e.getMessage());
            }
        }
        closed.countDown();
    }
}
