package dev.qdistill.wire;

import dev.qdistill.auth.Authenticator;
import dev.qdistill.keystore.Site;
import dev.qdistill.link.ProtocolException;
import dev.qdistill.wire.v1.Frame;
import dev.qdistill.wire.v1.LinkGrpc;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The end of a link that is called. One connection at a time: others are turned away while it lasts, or if none is awaited. */
public final class Listener implements Connector {
    private final Site site;
    private final Duration silence;
    private final Server server;
    private final Object awaiting = new Object();
    private @Nullable Waiting waiting;
    private boolean closed;

    /** The connection that is awaited. */
    private record Waiting(Authenticator authenticator, CompletableFuture<StreamChannel> arrived) {}

    /**
     * Starts to listen.
     *
     * @param site this end
     * @param address where; port 0 for any
     * @param tls certificates; empty for none, on a line that nobody else has access to
     * @param silence how long to wait for a message of the peer's
     * @throws UncheckedIOException if the address or the certificates cannot be used
     */
    public Listener(Site site, InetSocketAddress address, Optional<Tls> tls, Duration silence) {
        this.site = site;
        this.silence = silence;
        try {
            NettyServerBuilder builder = NettyServerBuilder.forAddress(address)
                    .addService(new Service())
                    .maxInboundMessageSize(MAXIMUM_FRAME)
                    .flowControlWindow(FLOW_WINDOW)
                    .maxConcurrentCallsPerConnection(1)
                    .keepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
                    .keepAliveTimeout(KEEP_ALIVE_TIMEOUT_SECONDS, TimeUnit.SECONDS)
                    .permitKeepAliveTime(KEEP_ALIVE_SECONDS / 2, TimeUnit.SECONDS)
                    .directExecutor();
            if (tls.isPresent()) {
                builder.sslContext(tls.get().server());
            }
            server = builder.build().start();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot listen on " + address + ": " + e.getMessage(), e);
        }
    }

    /** The TCP port. */
    public int port() {
        return server.getPort();
    }

    /** Waits without end; an interrupt or {@link #close} ends the waiting. */
    @Override
    public Connection connect(Authenticator authenticator) {
        CompletableFuture<StreamChannel> arrived = new CompletableFuture<>();
        synchronized (awaiting) {
            if (closed) {
                throw new ProtocolException("this end of the link does not listen any more");
            }
            waiting = new Waiting(authenticator, arrived);
        }
        try {
            return new Dialer.Stream(arrived.get());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ProtocolException("interrupted while waiting for the peer to connect");
        } catch (ExecutionException e) {
            throw new ProtocolException("this end of the link does not listen any more");
        } finally {
            synchronized (awaiting) {
                waiting = null;
            }
        }
    }

    @Override
    public void close() {
        synchronized (awaiting) {
            closed = true;
            if (waiting != null) {
                waiting.arrived()
                        .completeExceptionally(new ProtocolException("this end of the link does not listen any more"));
            }
        }
        server.shutdown();
        try {
            if (!server.awaitTermination(5, TimeUnit.SECONDS)) {
                server.shutdownNow();
            }
        } catch (InterruptedException e) {
            server.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }

    private final class Service extends LinkGrpc.LinkImplBase {
        @Override
        public StreamObserver<Frame> session(StreamObserver<Frame> responses) {
            ServerCallStreamObserver<Frame> call = (ServerCallStreamObserver<Frame>) responses;
            Optional<Waiting> accepted;
            synchronized (awaiting) {
                accepted = Optional.ofNullable(waiting);
                waiting = null;
            }
            if (accepted.isEmpty()) {
                call.onError(Status.UNAVAILABLE
                        .withDescription("this end of the link has a connection, or is not ready for one")
                        .asRuntimeException());
                return Ignored.FRAMES;
            }
            StreamChannel stream = new StreamChannel(site, accepted.get().authenticator(), silence);
            StreamObserver<Frame> inbound = stream.inbound();
            call.disableAutoRequest();
            call.setOnCancelHandler(() -> inbound.onError(
                    Status.CANCELLED.withDescription("the peer went away").asRuntimeException()));
            stream.attach(call);
            call.request(StreamChannel.CREDIT);
            accepted.get().arrived().complete(stream);
            return inbound;
        }
    }

    /** A call that was turned away. */
    private enum Ignored implements StreamObserver<Frame> {
        FRAMES;

        @Override
        public void onNext(Frame frame) {}

        @Override
        public void onError(Throwable t) {}

        @Override
        public void onCompleted() {}
    }
}
