package dev.qdistill.agent;

import dev.qdistill.keystore.IndexedKeyStore;
import dev.qdistill.keystore.Level;
import dev.qdistill.link.BlockSummary;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.Unit;
import java.io.IOException;
import java.io.OutputStream;

/**
 * What the agent tells Prometheus. Counts and rates of blocks, of the key store, of key delivery; {@code docs/agent.md} has
 * them all.
 */
public final class AgentMetrics {
    private static final double[] STAGE_SECONDS = {.001, .003, .01, .03, .1, .3, 1, 3, 10, 30, 100};

    private final PrometheusRegistry registry = new PrometheusRegistry();

    private final Counter blocks = counter(
            "qdistill_blocks",
            "Blocks by their end: key, refused (no key for security reasons), failed",
            "link",
            "end");
    private final Counter sentPulses = counter("qdistill_sent_pulses", "Pulses sent", "link");
    private final Counter detections = counter("qdistill_detections", "Detections", "link");
    private final Counter siftedBits = counter("qdistill_sifted_bits", "Detections with equal bases", "link");
    private final Counter secretBits = counter("qdistill_secret_bits", "Bits of keys made", "link");
    private final Counter leakedBits = counter("qdistill_leaked_bits", "Bits told about keys", "link");
    private final Counter frames = counter("qdistill_frames", "LDPC frames", "link");
    private final Counter firstFailures =
            counter("qdistill_frames_not_decoded_at_first", "Frames that needed more than their syndrome", "link");
    private final Counter failedFrames = counter("qdistill_failed_frames", "Frames given up and published", "link");
    private final Counter authenticationFailures = counter(
            "qdistill_authentication_failures", "Messages that were not the peer's, or not in their order", "link");
    private final Counter authenticationBits =
            counter("qdistill_authentication_bits_used", "Bits of authentication key used", "link");
    private final Gauge authenticationPool =
            gauge("qdistill_authentication_pool_bits", "Bits of authentication key left", "link");
    private final Gauge linkConnected =
            gauge("qdistill_link_connected", "1 if the agent at the other end is there", "link");
    private final Gauge waitingSessions =
            gauge("qdistill_waiting_sessions", "Sessions whose raw data wait, or are in work", "link");
    private final Gauge deviceStreams =
            gauge("qdistill_device_streams", "Streams of raw data that are open on the device socket", "link");
    private final Gauge deviceSilence = Gauge.builder()
            .name("qdistill_device_silence_seconds")
            .help("How long the agent has waited for a device, and nothing came")
            .unit(Unit.SECONDS)
            .labelNames("link")
            .register(registry);
    private final Gauge deviceMissed =
            gauge("qdistill_device_missed", "1 if the device is gone or silent though it is waited for", "link");
    private final Counter brokenStreams =
            counter("qdistill_device_broken_streams", "Streams of raw data that broke off", "link");
    private final Gauge keyBasisQber =
            gauge("qdistill_key_basis_qber", "Error rate of the last block's key basis", "link");
    private final Gauge testBasisQber =
            gauge("qdistill_test_basis_qber", "Error rate of the last block's test basis", "link");
    private final Gauge efficiency = gauge(
            "qdistill_reconciliation_efficiency",
            "f of the last block: leaked bits by the entropy of its errors",
            "link");
    private final Gauge epsilon =
            gauge("qdistill_epsilon", "Sums of the keys' epsilons since the store was made", "link", "kind");
    private final Histogram stageSeconds = Histogram.builder()
            .name("qdistill_stage_seconds")
            .help("Time of a block's stages")
            .unit(Unit.SECONDS)
            .classicOnly()
            .classicUpperBounds(STAGE_SECONDS)
            .labelNames("link", "stage")
            .register(registry);

    private final Gauge storedBits = gauge(
            "qdistill_stored_bits",
            "Bits in the key store: own (for this site's masters), peer (for the other site's), staged",
            "link",
            "share");
    private final Gauge storedKeys =
            gauge("qdistill_stored_keys", "Blocks' keys in the key store: available, staged", "link", "state");
    private final Gauge storeFull =
            gauge("qdistill_store_full", "1 if the link has as many bits as it may have", "link");
    private final Gauge storeProblems =
            gauge("qdistill_store_problems", "Damaged files found since the agent was started");
    private final Counter requests =
            counter("qdistill_delivery_requests", "Requests of applications", "method", "status");
    private final Counter deliveredKeys =
            counter("qdistill_delivered_keys", "Keys handed out to applications", "method");
    private final Counter deliveredBits =
            counter("qdistill_delivered_bits", "Bits handed out to applications", "method");

    private Counter counter(String name, String help, String... labels) {
        return Counter.builder().name(name).help(help).labelNames(labels).register(registry);
    }

    private Gauge gauge(String name, String help, String... labels) {
        return Gauge.builder().name(name).help(help).labelNames(labels).register(registry);
    }

    /** A block is over, with a key or a refusal. */
    public void block(String link, BlockSummary summary) {
        blocks.labelValues(link, summary.abort().isEmpty() ? "key" : "refused").inc();
        sentPulses.labelValues(link).inc(Math.max(0, summary.sentPulses()));
        detections.labelValues(link).inc(summary.detections());
        siftedBits.labelValues(link).inc(summary.siftedBits());
        secretBits.labelValues(link).inc(summary.secretBits());
        leakedBits.labelValues(link).inc(summary.leakedBits());
        summary.reconciliation().ifPresent(r -> {
            frames.labelValues(link).inc(r.frames());
            firstFailures.labelValues(link).inc(r.firstFailures());
            failedFrames.labelValues(link).inc(r.failedFrames());
            keyBasisQber.labelValues(link).set(summary.keyBasisQber());
            efficiency.labelValues(link).set(summary.efficiency());
        });
        testBasisQber.labelValues(link).set(summary.testBasisQber());
        summary.times()
                .seconds()
                .forEach((stage, seconds) ->
                        stageSeconds.labelValues(link, stage.id()).observe(seconds));
    }

    /** A block ended without a result: the peer went away, or broke the protocol. */
    public void failedBlock(String link) {
        blocks.labelValues(link, "failed").inc();
    }

    /** A message was not the peer's, or not in its place. */
    public void authenticationFailure(String link) {
        authenticationFailures.labelValues(link).inc();
    }

    /**
     * The pool of authentication key.
     *
     * @param usedBits since the last call
     * @param leftBits now
     */
    public void authenticationPool(String link, long usedBits, long leftBits) {
        authenticationBits.labelValues(link).inc(usedBits);
        authenticationPool.labelValues(link).set((double) leftBits);
    }

    void link(String link, boolean connected, int sessions) {
        linkConnected.labelValues(link).set(connected ? 1 : 0);
        waitingSessions.labelValues(link).set(sessions);
    }

    void device(String link, DeviceStreams.State state) {
        deviceStreams.labelValues(link).set(state.streams());
        deviceSilence.labelValues(link).set(state.silence().toMillis() * 1e-3);
        deviceMissed.labelValues(link).set(state.problem().isPresent() ? 1 : 0);
        brokenStreams
                .labelValues(link)
                .inc(state.broken() - brokenStreams.labelValues(link).get());
    }

    void request(String method, int status) {
        requests.labelValues(method, Integer.toString(status)).inc();
    }

    void delivered(String method, long keys, long bits) {
        deliveredKeys.labelValues(method).inc(keys);
        deliveredBits.labelValues(method).inc(bits);
    }

    /** Looks at the key store. */
    void store(IndexedKeyStore store, Iterable<String> links) {
        for (String link : links) {
            Level level = store.level(link);
            storedBits.labelValues(link, "own").set((double) level.ownBits());
            storedBits.labelValues(link, "peer").set((double) level.peerBits());
            storedBits.labelValues(link, "staged").set((double) level.stagedBits());
            storedKeys.labelValues(link, "available").set((double) level.availableKeys());
            storedKeys.labelValues(link, "staged").set((double) level.stagedKeys());
            storeFull.labelValues(link).set(level.isFull() ? 1 : 0);
        }
        store.ledger().stream().filter(line -> line.epsilonSecrecy() > 0).forEach(line -> {
            epsilon.labelValues(line.link(), "secrecy").set(line.epsilonSecrecy());
            epsilon.labelValues(line.link(), "correctness").set(line.epsilonCorrectness());
        });
        storeProblems.set(store.problems().size());
    }

    /** Writes all of it in Prometheus' text format. */
    void write(OutputStream out) throws IOException {
        PrometheusTextFormatWriter.create().write(out, registry.scrape());
    }
}
