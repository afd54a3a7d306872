package dev.qdistill.agent;

import dev.qdistill.keystore.Handout;
import dev.qdistill.keystore.HandoutException;
import dev.qdistill.keystore.IndexedKeyStore;
import dev.qdistill.keystore.KeyStoreException;
import dev.qdistill.keystore.SaePair;
import dev.qdistill.wire.v1.ExitCode;
import io.grpc.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * Keys for whoever may open the device socket, out of the same halves of the same store as those for applications, and noted in an
 * audit log in the same way.
 *
 * <p>They are for a pair of applications of their own, {@code device:NAME} at each site with the agents' names: no SAE id can be
 * called so, and a key's id holds for its pair only. So applications cannot fetch keys of devices, nor the other way round.
 */
final class DeviceKeys {
    /** So that no answer is longer than what every gRPC library takes by default. */
    private static final int MAXIMUM_NUMBER = 128;

    private static final int MAXIMUM_BITS = 131_064;
    private static final System.Logger LOG = System.getLogger(DeviceKeys.class.getName());

    /** What answers of key delivery over HTTP are called in the audit log and the metrics. */
    private static final int OK = 200;

    private final AgentConfiguration configuration;
    private final IndexedKeyStore store;
    private final Optional<AuditLog> audit;
    private final AgentMetrics metrics;

    /** @param audit without one no key is handed out */
    DeviceKeys(
            AgentConfiguration configuration, IndexedKeyStore store, Optional<AuditLog> audit, AgentMetrics metrics) {
        this.configuration = configuration;
        this.store = store;
        this.audit = audit;
        this.metrics = metrics;
    }

    private interface Request {
        Handout run();
    }

    /**
     * New keys.
     *
     * @param size of each in bits; 0 for 256
     * @param number of keys; 0 for 1
     * @throws io.grpc.StatusRuntimeException if there are none, with a {@link DeviceProblem}
     */
    Handout fresh(String link, int size, int number) {
        int bits = size == 0 ? 256 : size;
        int count = number == 0 ? 1 : number;
        return answer("device_new", link, () -> {
            if (bits < 8 || bits > MAXIMUM_BITS || bits % 8 != 0) {
                throw wrong("size is " + Integer.toUnsignedString(bits) + " bits; multiples of 8 from 8 to "
                        + MAXIMUM_BITS + " are possible");
            }
            requireNumber("number", count);
            return store.allocate(link, new SaePair(own(), peer(link)), count, bits / 8);
        });
    }

    /**
     * The keys that the other site has got as new ones.
     *
     * @throws io.grpc.StatusRuntimeException if one of them cannot be had, with a {@link DeviceProblem}
     */
    Handout byId(String link, List<String> ids) {
        return answer("device_by_id", link, () -> {
            requireNumber("the number of key_ids", ids.size());
            List<UUID> uuids = new ArrayList<>();
            for (String id : ids) {
                if (!id.matches("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")) {
                    throw wrong("a key id is no UUID");
                }
                uuids.add(UUID.fromString(id));
            }
            return store.redeem(link, new SaePair(peer(link), own()), uuids);
        });
    }

    private String own() {
        return "device:" + configuration.name();
    }

    private String peer(String link) {
        return "device:" + configuration.link(link).peer().name();
    }

    private static void requireNumber(String what, int number) {
        if (number < 1 || number > MAXIMUM_NUMBER) {
            throw wrong(
                    what + " is " + Integer.toUnsignedString(number) + "; 1 to " + MAXIMUM_NUMBER + " are possible");
        }
    }

    private static RuntimeException wrong(String problem) {
        return new DeviceProblem(ExitCode.EXIT_CODE_USAGE, problem).toException(Status.Code.INVALID_ARGUMENT);
    }

    private Handout answer(String method, String link, Request request) {
        if (audit.isEmpty()) {
            throw new DeviceProblem(
                            ExitCode.EXIT_CODE_USAGE,
                            "no keys are handed out here: the configuration has no auditLog for the device socket")
                    .toException(Status.Code.FAILED_PRECONDITION);
        }
        try {
            Handout keys = request.run();
            boolean noted = false;
            try {
                List<UUID> ids = keys.pieces().stream().map(Handout.Piece::id).toList();
                note(method, link, OK, ids, "");
                metrics.delivered(
                        method,
                        ids.size(),
                        keys.pieces().stream().mapToLong(p -> p.key().length()).sum());
                noted = true;
                return keys;
            } finally {
                if (!noted) {
                    keys.close();
                }
            }
        } catch (HandoutException e) {
            boolean later = switch (e.reason()) {
                case NOT_ENOUGH, NOT_CONFIRMED -> true;
                case UNKNOWN_ID, HANDED_OUT -> false;
            };
            String problem = String.valueOf(e.getMessage());
            refused(method, link, later ? DeliveryException.UNAVAILABLE : DeliveryException.BAD_REQUEST, problem);
            throw new DeviceProblem(later ? ExitCode.EXIT_CODE_STORAGE : ExitCode.EXIT_CODE_BAD_INPUT, problem)
                    .toException(later ? Status.Code.UNAVAILABLE : Status.Code.NOT_FOUND);
        } catch (KeyStoreException | IOException e) {
            LOG.log(System.Logger.Level.ERROR, "Handing out keys failed: " + e.getMessage());
            String problem = "keys cannot be handed out at the moment";
            refused(method, link, DeliveryException.UNAVAILABLE, problem);
            throw new DeviceProblem(ExitCode.EXIT_CODE_STORAGE, problem).toException(Status.Code.UNAVAILABLE);
        } catch (io.grpc.StatusRuntimeException e) {
            refused(
                    method,
                    link,
                    DeliveryException.BAD_REQUEST,
                    String.valueOf(e.getStatus().getDescription()));
            throw e;
        }
    }

    private void refused(String method, String link, int status, String problem) {
        try {
            note(method, link, status, List.of(), problem);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.ERROR, "The audit log cannot be written: " + e.getMessage());
        }
    }

    private void note(String method, String link, int status, List<UUID> ids, String problem) throws IOException {
        metrics.request(method, status);
        audit.orElseThrow().request(method, own(), peer(link), "device socket", status, ids, problem);
    }
}
