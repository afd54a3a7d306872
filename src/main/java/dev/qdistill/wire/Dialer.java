package dev.qdistill.wire;

import dev.qdistill.auth.Authenticator;
import dev.qdistill.keystore.Site;
import dev.qdistill.link.Channel;
import dev.qdistill.wire.v1.Frame;
import dev.qdistill.wire.v1.LinkGrpc;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** The end of a link that calls the other. */
public final class Dialer implements Connector {
    private final Site site;
    private final Duration silence;
    private final ManagedChannel network;

    /**
     * Connects nothing yet.
     *
     * @param site this end
     * @param host the other end's name or address
     * @param port its TCP port
     * @param tls certificates; empty for none, on a line that nobody else has access to
     * @param silence how long to wait for a message of the peer's
     */
    public Dialer(Site site, String host, int port, Optional<Tls> tls, Duration silence) {
        this.site = site;
        this.silence = silence;
        NettyChannelBuilder builder = NettyChannelBuilder.forAddress(host, port)
                .maxInboundMessageSize(MAXIMUM_FRAME)
                .flowControlWindow(FLOW_WINDOW)
                .keepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
                .keepAliveTimeout(KEEP_ALIVE_TIMEOUT_SECONDS, TimeUnit.SECONDS)
                .directExecutor();
        if (tls.isPresent()) {
            try {
                builder.sslContext(tls.get().client());
            } catch (IOException e) {
                throw new UncheckedIOException("the certificates cannot be read", e);
            }
        } else {
            builder.usePlaintext();
        }
        this.network = builder.build();
    }

    @Override
    public Connection connect(Authenticator authenticator) {
        StreamChannel stream = new StreamChannel(site, authenticator, silence);
        network.resetConnectBackoff();
        var inbound = stream.inbound();
        LinkGrpc.newStub(network).session(new ClientResponseObserver<Frame, Frame>() {
            @Override
            public void beforeStart(ClientCallStreamObserver<Frame> call) {
                call.disableAutoRequestWithInitial(StreamChannel.CREDIT);
                stream.attach(call);
            }

            @Override
            public void onNext(Frame frame) {
                inbound.onNext(frame);
            }

            @Override
            public void onError(Throwable t) {
                inbound.onError(t);
            }

            @Override
            public void onCompleted() {
                inbound.onCompleted();
            }
        });
        return new Stream(stream);
    }

    @Override
    public void close() {
        network.shutdown();
        try {
            if (!network.awaitTermination(5, TimeUnit.SECONDS)) {
                network.shutdownNow();
            }
        } catch (InterruptedException e) {
            network.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }

    /** A stream as a connection. */
    record Stream(StreamChannel stream) implements Connection {
        @Override
        public Channel channel() {
            return stream;
        }

        @Override
        public LinkTraffic traffic() {
            return stream.traffic();
        }

        @Override
        public void abort(String reason) {
            stream.abort(reason);
        }

        @Override
        public void close() {
            stream.close();
        }
    }
}
