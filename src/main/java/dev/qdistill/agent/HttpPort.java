package dev.qdistill.agent;

import dev.qdistill.agent.AgentConfiguration.Delivery;
import java.io.IOException;
import java.util.Optional;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.server.handler.GracefulHandler;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/** A port that answers HTTP/1.1 requests, with limits to what a client can make it do. */
final class HttpPort implements AutoCloseable {
    private static final int MAX_HEADER_BYTES = 8192;
    private static final long STOP_MILLIS = 10_000;
    private static final int MAX_THREADS = 16;

    private final Server server;
    private final ServerConnector connector;

    private HttpPort(Server server, ServerConnector connector) {
        this.server = server;
        this.connector = connector;
    }

    /**
     * HTTPS with client certificates: who has none that an authority signed does not get beyond the handshake.
     *
     * @throws ConfigurationException if the port cannot be had
     */
    static HttpPort secure(Delivery rules, Handler handler) {
        SslContextFactory.Server tls = new SslContextFactory.Server();
        tls.setKeyStore(PemFiles.identity(rules.tls()));
        tls.setKeyStorePassword("");
        tls.setTrustStore(PemFiles.authorities(rules.tls()));
        tls.setNeedClientAuth(true);
        tls.setIncludeProtocols("TLSv1.3", "TLSv1.2");
        return open(
                "delivery.listen",
                rules.listen(),
                rules.maximumConnections(),
                rules.idleTimeout().toMillis(),
                Optional.of(tls),
                handler);
    }

    /**
     * Plain HTTP.
     *
     * @throws ConfigurationException if the port cannot be had
     */
    static HttpPort plain(Endpoint listen, Handler handler) {
        return open("operations.listen", listen, 64, 30_000, Optional.empty(), handler);
    }

    private static HttpPort open(
            String key,
            Endpoint listen,
            int maximumConnections,
            long idleMillis,
            Optional<SslContextFactory.Server> tls,
            Handler handler) {
        QueuedThreadPool threads = new QueuedThreadPool(MAX_THREADS, 2);
        threads.setName(key.substring(0, key.indexOf('.')));
        threads.setDaemon(true);
        Server server = new Server(threads);
        HttpConfiguration http = new HttpConfiguration();
        http.setSendServerVersion(false);
        http.setRequestHeaderSize(MAX_HEADER_BYTES);
        http.setIdleTimeout(idleMillis);
        if (tls.isPresent()) {
            // Applications are known by their certificates, wherever they think they are connected to.
            http.addCustomizer(new SecureRequestCustomizer(false));
        }
        HttpConnectionFactory requests = new HttpConnectionFactory(http);
        ConnectionFactory[] layers = tls.map(
                        t -> new ConnectionFactory[] {new SslConnectionFactory(t, requests.getProtocol()), requests})
                .orElse(new ConnectionFactory[] {requests});
        ServerConnector connector = new ServerConnector(server, 1, 1, layers);
        connector.setHost(listen.host());
        connector.setPort(listen.port());
        connector.setIdleTimeout(idleMillis);
        server.addConnector(connector);
        server.addBean(new NetworkConnectionLimit(maximumConnections, connector));
        server.setHandler(new GracefulHandler(handler));
        server.setStopTimeout(STOP_MILLIS);
        try {
            server.start();
            return new HttpPort(server, connector);
        } catch (Exception e) {
            stop(server);
            Throwable reason = e instanceof IOException && e.getCause() != null ? e.getCause() : e;
            throw new ConfigurationException(key + ": cannot listen at " + listen + ": " + reason.getMessage());
        }
    }

    /** The port, also if any free one was asked for. */
    int port() {
        return connector.getLocalPort();
    }

    /** Takes no more requests, and waits up to ten seconds for those under way. */
    @Override
    public void close() {
        stop(server);
    }

    private static void stop(Server server) {
        try {
            server.stop();
        } catch (Exception e) {
            System.getLogger(HttpPort.class.getName())
                    .log(System.Logger.Level.WARNING, "A port did not stop in time: " + e.getMessage());
        }
    }
}
