package dev.qdistill.agent;

import dev.qdistill.agent.KeyDelivery.KeyRequest;
import dev.qdistill.bits.SecretArena;
import dev.qdistill.keystore.Handout;
import dev.qdistill.keystore.KeyExport;
import dev.qdistill.keystore.KeyStoreException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.Fields;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The paths of ETSI GS QKD 014 V1.1.1 over HTTPS. Answers with keys are put together off the heap and wiped when they have
 * been sent.
 */
final class DeliveryHandler extends Handler.Abstract {
    private static final System.Logger LOG = System.getLogger(DeliveryHandler.class.getName());
    private static final Pattern PATH =
            Pattern.compile("/api/v1/keys/([A-Za-z0-9._~-]{1,100})/(status|enc_keys|dec_keys)");
    private static final Pattern UUID_TEXT = Pattern.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");
    private static final int MAX_BODY = 1 << 18;

    private final KeyDelivery delivery;
    private final AuditLog audit;
    private final AgentMetrics metrics;

    DeliveryHandler(KeyDelivery delivery, AuditLog audit, AgentMetrics metrics) {
        this.delivery = delivery;
        this.audit = audit;
        this.metrics = metrics;
    }

    /** A request as far as it is known, for the audit log. */
    private static final class Asked {
        String method = "";
        String caller = "";
        String peer = "";
        final String address;

        Asked(String address) {
            this.address = address;
        }
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) {
        Asked asked = new Asked(Request.getRemoteAddr(request));
        try {
            Optional<Handout> keys = answer(request, response, callback, asked);
            if (keys.isPresent()) {
                send(keys.get(), response, callback, asked);
            }
        } catch (DeliveryException e) {
            refuse(e, response, callback, asked);
        } catch (KeyStoreException | IOException e) {
            LOG.log(System.Logger.Level.ERROR, "Key delivery failed: " + e.getMessage());
            refuse(DeliveryException.busy(5, "the KME cannot deliver keys at the moment"), response, callback, asked);
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "Key delivery failed", e);
            refuse(DeliveryException.busy(5, "the KME cannot deliver keys at the moment"), response, callback, asked);
        }
        return true;
    }

    /** Answers at once, or gives the keys to answer with. */
    private Optional<Handout> answer(Request request, Response response, Callback callback, Asked asked)
            throws IOException {
        X509Certificate certificate = certificate(request);
        asked.caller = certificate.getSubjectX500Principal().getName();
        Matcher path = PATH.matcher(Request.getPathInContext(request));
        if (!path.matches()) {
            throw new DeliveryException(DeliveryException.NOT_FOUND, "no such resource");
        }
        asked.peer = path.group(1);
        asked.method = path.group(2);
        asked.caller = delivery.caller(certificate)
                .orElseThrow(() -> new DeliveryException(
                        DeliveryException.UNAUTHORIZED, "the certificate is not that of an SAE of this KME"));
        boolean post = request.getMethod().equals("POST");
        if (!request.getMethod().equals("GET") && !(post && !asked.method.equals("status"))) {
            throw new DeliveryException(DeliveryException.METHOD_NOT_ALLOWED, "no such method for this resource");
        }
        return switch (asked.method) {
            case "status" -> {
                ObjectNode status = delivery.status(asked.caller, asked.peer);
                audit.request(asked.method, asked.caller, asked.peer, asked.address, 200, List.of(), "");
                metrics.request(asked.method, 200);
                send(200, status, response, callback);
                yield Optional.empty();
            }
            case "enc_keys" ->
                Optional.of(delivery.encrypt(
                        asked.caller, asked.peer, post ? keyRequest(body(request)) : keyRequest(query(request))));
            default ->
                Optional.of(delivery.decrypt(
                        asked.caller, asked.peer, post ? keyIds(body(request)) : List.of(keyId(query(request)))));
        };
    }

    private static X509Certificate certificate(Request request) {
        if (request.getAttribute(EndPoint.SslSessionData.ATTRIBUTE) instanceof EndPoint.SslSessionData session
                && session.peerCertificates() != null
                && session.peerCertificates().length > 0) {
            return session.peerCertificates()[0];
        }
        throw new DeliveryException(DeliveryException.UNAUTHORIZED, "no certificate");
    }

    // ---- Requests ----------------------------------------------------------------------------------------------

    private KeyRequest keyRequest(Fields query) {
        for (Fields.Field field : query) {
            if (!field.getName().equals("number") && !field.getName().equals("size")) {
                throw bad("the query has an unknown parameter", field.getName());
            }
        }
        KeyRequest defaults = delivery.defaults();
        return new KeyRequest(number(query, "number", defaults.number()), number(query, "size", defaults.size()));
    }

    private static int number(Fields query, String name, int otherwise) {
        List<String> values = query.getValuesOrEmpty(name);
        if (values.isEmpty()) {
            return otherwise;
        }
        try {
            if (values.size() == 1) {
                return Integer.parseInt(values.getFirst());
            }
        } catch (NumberFormatException e) {
            throw bad(name + " is not a whole number", "");
        }
        throw bad(name + " is given more than once", "");
    }

    private KeyRequest keyRequest(JsonNode body) {
        if (!body.isObject()) {
            throw bad("the body is no JSON object", "");
        }
        if (!body.path("additional_slave_SAE_IDs").isEmpty()) {
            throw bad("additional_slave_SAE_IDs are not supported", "max_SAE_ID_count is 0");
        }
        if (!body.path("extension_mandatory").isEmpty()) {
            throw bad("not all extension_mandatory parameters are supported", "none are");
        }
        KeyRequest defaults = delivery.defaults();
        return new KeyRequest(number(body, "number", defaults.number()), number(body, "size", defaults.size()));
    }

    private static int number(JsonNode body, String name, int otherwise) {
        JsonNode value = body.path(name);
        if (value.isMissingNode()) {
            return otherwise;
        }
        if (!value.isIntegralNumber() || !value.canConvertToInt()) {
            throw bad(name + " is not a whole number", "");
        }
        return value.intValue();
    }

    private static UUID keyId(Fields query) {
        for (Fields.Field field : query) {
            if (!field.getName().equals("key_ID")) {
                throw bad("the query has an unknown parameter", field.getName());
            }
        }
        List<String> values = query.getValuesOrEmpty("key_ID");
        if (values.size() != 1) {
            throw bad("one key_ID is needed; several can be sent by POST", "");
        }
        return keyId(values.getFirst());
    }

    private List<UUID> keyIds(JsonNode body) {
        JsonNode ids = body.path("key_IDs");
        if (!ids.isArray()) {
            throw bad("the body has no key_IDs", "");
        }
        if (ids.size() > delivery.maximumKeysPerRequest()) {
            throw bad("the number of key ids is out of range", "");
        }
        List<UUID> keys = new ArrayList<>();
        for (JsonNode id : ids) {
            if (!id.path("key_ID").isString()) {
                throw bad("an element of key_IDs has no key_ID", "");
            }
            keys.add(keyId(id.path("key_ID").stringValue()));
        }
        return keys;
    }

    private static UUID keyId(String text) {
        if (!UUID_TEXT.matcher(text).matches()) {
            throw bad("a key_ID is no UUID", "");
        }
        return UUID.fromString(text);
    }

    private static Fields query(Request request) {
        try {
            return Request.extractQueryParameters(request);
        } catch (RuntimeException e) {
            throw bad("the query cannot be understood", "");
        }
    }

    private static JsonNode body(Request request) throws IOException {
        byte[] body;
        try (InputStream in = Request.asInputStream(request)) {
            body = in.readNBytes(MAX_BODY + 1);
        }
        if (body.length > MAX_BODY) {
            throw bad("the body is too long", "at most " + MAX_BODY + " bytes are read");
        }
        try {
            return JsonMapper.shared().readTree(body);
        } catch (JacksonException e) {
            throw bad("the body is not JSON", "");
        }
    }

    private static DeliveryException bad(String message, String detail) {
        return detail.isEmpty()
                ? new DeliveryException(DeliveryException.BAD_REQUEST, message)
                : new DeliveryException(DeliveryException.BAD_REQUEST, message, detail);
    }

    // ---- Answers -----------------------------------------------------------------------------------------------

    private void send(Handout keys, Response response, Callback callback, Asked asked) throws IOException {
        boolean taken = false;
        try {
            List<UUID> ids = keys.pieces().stream().map(Handout.Piece::id).toList();
            long bits = keys.pieces().stream().mapToLong(p -> p.key().length()).sum();
            SecretArena arena = new SecretArena();
            try {
                MemorySegment text = container(keys, arena);
                audit.request(asked.method, asked.caller, asked.peer, asked.address, 200, ids, "");
                metrics.request(asked.method, 200);
                metrics.delivered(asked.method, ids.size(), bits);
                prepare(200, response, text.byteSize());
                taken = true;
                response.write(true, text.asByteBuffer(), new Sent(keys, arena, callback));
            } finally {
                if (!taken) {
                    arena.close();
                }
            }
        } finally {
            if (!taken) {
                keys.close();
            }
        }
    }

    /** Wipes an answer when it has been sent, or cannot be. */
    private record Sent(Handout keys, SecretArena arena, Callback next) implements Callback {
        @Override
        public void succeeded() {
            try {
                keys.delivered();
            } finally {
                wipe();
                next.succeeded();
            }
        }

        @Override
        public void failed(Throwable cause) {
            wipe();
            next.failed(cause);
        }

        private void wipe() {
            arena.close();
            keys.close();
        }
    }

    /** Clause 6.3, a key container: {@code {"keys":[{"key_ID":"…","key":"…"},…]}}. */
    private static MemorySegment container(Handout keys, SecretArena arena) {
        long size = 16;
        for (Handout.Piece piece : keys.pieces()) {
            size += 64 + (piece.key().byteCount() + 2) / 3 * 4;
        }
        MemorySegment text = arena.allocate(size);
        long at = put(text, 0, "{\"keys\":[");
        boolean first = true;
        for (Handout.Piece piece : keys.pieces()) {
            at = put(text, at, (first ? "" : ",") + "{\"key_ID\":\"" + piece.id() + "\",\"key\":\"");
            at += KeyExport.base64(piece.key().bytes(), text.asSlice(at));
            at = put(text, at, "\"}");
            first = false;
        }
        return text.asSlice(0, put(text, at, "]}"));
    }

    private static long put(MemorySegment text, long at, String ascii) {
        byte[] bytes = ascii.getBytes(StandardCharsets.US_ASCII);
        MemorySegment.copy(MemorySegment.ofArray(bytes), 0, text, at, bytes.length);
        return at + bytes.length;
    }

    private void refuse(DeliveryException e, Response response, Callback callback, Asked asked) {
        metrics.request(asked.method.isEmpty() ? "none" : asked.method, e.status());
        try {
            audit.request(
                    asked.method,
                    asked.caller,
                    asked.peer,
                    asked.address,
                    e.status(),
                    List.of(),
                    e.getMessage() + (e.details().isEmpty() ? "" : ": " + String.join(", ", e.details())));
        } catch (IOException io) {
            LOG.log(System.Logger.Level.ERROR, "The audit log cannot be written: " + io.getMessage());
        }
        ObjectNode error = JsonMapper.shared().createObjectNode().put("message", e.getMessage());
        if (!e.details().isEmpty()) {
            ArrayNode details = error.putArray("details");
            e.details().forEach(detail -> details.addObject().put("reason", detail));
        }
        if (e.retrySeconds() > 0) {
            response.getHeaders().put(HttpHeader.RETRY_AFTER, e.retrySeconds());
        }
        send(e.status(), error, response, callback);
    }

    private static void send(int status, ObjectNode body, Response response, Callback callback) {
        byte[] bytes = body.toString().getBytes(StandardCharsets.UTF_8);
        prepare(status, response, bytes.length);
        response.write(true, ByteBuffer.wrap(bytes), callback);
    }

    private static void prepare(int status, Response response, long length) {
        response.setStatus(status);
        response.getHeaders().put(HttpHeader.CONTENT_TYPE, "application/json");
        response.getHeaders().put(HttpHeader.CACHE_CONTROL, "no-store");
        response.getHeaders().put(HttpHeader.CONTENT_LENGTH, length);
    }
}
