package dev.qdistill.agent;

import com.fasterxml.jackson.annotation.JsonCreator;
import java.net.InetSocketAddress;

/**
 * A place to listen at or to connect to, written {@code host:port} or {@code [address]:port}.
 *
 * @param host a name or an address
 * @param port 0 to 65535; 0 for any free one
 */
public record Endpoint(String host, int port) {
    /**
     * Reads the text form.
     *
     * @throws IllegalArgumentException if the text is not of this form
     */
    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    public static Endpoint parse(String text) {
        int colon = text.lastIndexOf(':');
        String host = text.substring(0, Math.max(0, colon));
        boolean bracketed = host.startsWith("[") && host.endsWith("]");
        try {
            int port = Integer.parseInt(text.substring(colon + 1));
            if (!host.isEmpty() && port >= 0 && port <= 65_535 && (bracketed || host.indexOf(':') < 0)) {
                return new Endpoint(bracketed ? host.substring(1, host.length() - 1) : host, port);
            }
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(wrong(text), e);
        }
        throw new IllegalArgumentException(wrong(text));
    }

    private static String wrong(String text) {
        return "'" + text + "' is no host:port";
    }

    InetSocketAddress address() {
        return new InetSocketAddress(host, port);
    }

    @Override
    public String toString() {
        return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
    }
}
