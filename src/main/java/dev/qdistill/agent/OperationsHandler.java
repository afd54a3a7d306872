package dev.qdistill.agent;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The operator's paths: {@code /metrics} for Prometheus, {@code /health} and {@code /ready} for whoever watches. */
final class OperationsHandler extends Handler.Abstract {
    private static final String TEXT = "text/plain; version=0.0.4; charset=utf-8";
    private static final String JSON = "application/json";

    private final AgentMetrics metrics;
    private final Readiness readiness;

    OperationsHandler(AgentMetrics metrics, Readiness readiness) {
        this.metrics = metrics;
        this.readiness = readiness;
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) throws IOException {
        boolean get = request.getMethod().equals("GET") || request.getMethod().equals("HEAD");
        switch (get ? Request.getPathInContext(request) : "") {
            case "/metrics" -> {
                ByteArrayOutputStream text = new ByteArrayOutputStream();
                metrics.write(text);
                send(200, TEXT, text.toByteArray(), response, callback);
            }
            case "/health" -> send(200, JSON, utf8("{\"status\":\"up\"}"), response, callback);
            case "/ready" -> {
                List<String> problems = readiness.problems();
                ObjectNode state = JsonMapper.shared().createObjectNode().put("ready", problems.isEmpty());
                ArrayNode list = state.putArray("problems");
                problems.forEach(list::add);
                send(problems.isEmpty() ? 200 : 503, JSON, utf8(state.toString()), response, callback);
            }
            default ->
                send(
                        get ? 404 : 405,
                        JSON,
                        utf8("{\"message\":\"there are GET /metrics, /health and /ready\"}"),
                        response,
                        callback);
        }
        return true;
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static void send(int status, String type, byte[] body, Response response, Callback callback) {
        response.setStatus(status);
        response.getHeaders().put(HttpHeader.CONTENT_TYPE, type);
        response.getHeaders().put(HttpHeader.CONTENT_LENGTH, body.length);
        response.write(true, ByteBuffer.wrap(body), callback);
    }
}
