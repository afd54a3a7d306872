package dev.qdistill.agent;

import dev.qdistill.agent.AgentConfiguration.Application;
import dev.qdistill.agent.AgentConfiguration.Delivery;
import dev.qdistill.agent.AgentConfiguration.Link;
import dev.qdistill.agent.AgentConfiguration.Pair;
import dev.qdistill.keystore.Handout;
import dev.qdistill.keystore.HandoutException;
import dev.qdistill.keystore.IndexedKeyStore;
import dev.qdistill.keystore.Level;
import dev.qdistill.keystore.SaePair;
import java.security.cert.X509Certificate;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.LongSupplier;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What applications (SAEs) may ask a key management entity (KME) for: ETSI GS QKD 014 V1.1.1, clauses 5 and 6, without
 * HTTP. Refusals are {@link DeliveryException}s.
 */
final class KeyDelivery {
    private final AgentConfiguration configuration;
    private final Delivery rules;
    private final IndexedKeyStore store;
    private final Map<SaePair, Pair> pairs = new HashMap<>();
    private final Map<Pair, Quota> quotas = new HashMap<>();

    KeyDelivery(AgentConfiguration configuration, Delivery rules, IndexedKeyStore store, LongSupplier nanoTime) {
        this.configuration = configuration;
        this.rules = rules;
        this.store = store;
        for (Pair pair : rules.pairs()) {
            pairs.put(new SaePair(pair.local(), pair.remote()), pair);
            quotas.put(pair, new Quota(pair.bitsPerSecond(), pair.burstBits(), nanoTime));
        }
    }

    /**
     * A key request, clause 6.2.
     *
     * @param number how many keys
     * @param size of each, in bits
     */
    record KeyRequest(int number, int size) {}

    /** The application with this certificate. */
    Optional<String> caller(X509Certificate certificate) {
        List<String> ids = rules.applications().stream()
                .filter(application -> application.certificate().matches(certificate))
                .map(Application::id)
                .toList();
        // Two would be a mistake of the operator's, and then neither is to get the other's keys.
        return ids.size() == 1 ? Optional.of(ids.getFirst()) : Optional.empty();
    }

    /** What a request gets that does not say otherwise. */
    KeyRequest defaults() {
        return new KeyRequest(1, rules.keySize());
    }

    int maximumKeysPerRequest() {
        return rules.maximumKeysPerRequest();
    }

    /** Clause 5.1: what the master may have. */
    ObjectNode status(String master, String slave) {
        Pair pair = pair(master, slave);
        Link link = configuration.link(pair.link());
        Level level = store.level(pair.link());
        long granules = 64 * ((rules.keySize() + 63L) / 64);
        return JsonMapper.shared()
                .createObjectNode()
                .put("source_KME_ID", configuration.name())
                .put("target_KME_ID", link.peer().name())
                .put("master_SAE_ID", master)
                .put("slave_SAE_ID", slave)
                .put("key_size", rules.keySize())
                .put("stored_key_count", level.ownBits() / granules)
                .put("max_key_count", level.capacityBits() / 2 / granules)
                .put("max_key_per_request", rules.maximumKeysPerRequest())
                .put("max_key_size", rules.maximumKeySize())
                .put("min_key_size", rules.minimumKeySize())
                .put("max_SAE_ID_count", 0);
    }

    /** Clause 5.2: new keys for the master. */
    Handout encrypt(String master, String slave, KeyRequest request) {
        Pair pair = pair(master, slave);
        if (request.number() < 1 || request.number() > rules.maximumKeysPerRequest()) {
            throw new DeliveryException(
                    DeliveryException.BAD_REQUEST,
                    "number is out of range",
                    "number is " + request.number() + "; 1 to " + rules.maximumKeysPerRequest() + " are possible");
        }
        if (request.size() % 8 != 0) {
            throw new DeliveryException(
                    DeliveryException.BAD_REQUEST,
                    "size shall be a multiple of 8",
                    "size is " + request.size() + " bits");
        }
        if (request.size() < rules.minimumKeySize() || request.size() > rules.maximumKeySize()) {
            throw new DeliveryException(
                    DeliveryException.BAD_REQUEST,
                    "size is out of range",
                    "size is " + request.size() + " bits; " + rules.minimumKeySize() + " to " + rules.maximumKeySize()
                            + " are possible");
        }
        long bits = (long) request.number() * request.size();
        Quota quota = quotas.getOrDefault(pair, new Quota(0, 0, () -> 0));
        long wait = quota.take(bits);
        if (wait < 0) {
            throw new DeliveryException(
                    DeliveryException.BAD_REQUEST,
                    "more key than the quota ever allows",
                    bits + " bits are asked for; at most " + pair.burstBits() + " are possible at once");
        }
        if (wait > 0) {
            throw DeliveryException.busy(wait, "the quota of this pair of SAEs is used up");
        }
        try {
            return store.allocate(pair.link(), new SaePair(master, slave), request.number(), request.size() / 8);
        } catch (HandoutException e) {
            quota.giveBack(bits);
            throw refusal(e);
        } catch (RuntimeException e) {
            quota.giveBack(bits);
            throw e;
        }
    }

    /** Clause 5.3: the keys with these ids for the slave. */
    Handout decrypt(String slave, String master, List<UUID> ids) {
        Pair pair = pair(slave, master);
        if (ids.isEmpty() || ids.size() > rules.maximumKeysPerRequest()) {
            throw new DeliveryException(
                    DeliveryException.BAD_REQUEST,
                    "the number of key ids is out of range",
                    ids.size() + " are given; 1 to " + rules.maximumKeysPerRequest() + " are possible");
        }
        try {
            return store.redeem(pair.link(), new SaePair(master, slave), ids);
        } catch (HandoutException e) {
            throw refusal(e);
        }
    }

    private static DeliveryException refusal(HandoutException e) {
        String detail = String.valueOf(e.getMessage());
        return switch (e.reason()) {
            case NOT_ENOUGH -> DeliveryException.busy(1, "not enough keys are stored", detail);
            case NOT_CONFIRMED -> DeliveryException.busy(1, "the key is not ready", detail);
            case UNKNOWN_ID, HANDED_OUT ->
                new DeliveryException(
                        DeliveryException.BAD_REQUEST, "one or more keys specified are not found on KME", detail);
        };
    }

    private Pair pair(String local, String remote) {
        Pair pair = pairs.get(new SaePair(local, remote));
        if (pair == null) {
            throw new DeliveryException(
                    DeliveryException.UNAUTHORIZED,
                    "no keys for this pair of SAEs",
                    local + " has no keys with this SAE");
        }
        return pair;
    }
}
