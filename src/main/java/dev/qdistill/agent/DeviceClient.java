package dev.qdistill.agent;

import com.google.protobuf.ByteString;
import dev.qdistill.wire.v1.DeviceGrpc;
import dev.qdistill.wire.v1.SendRequest;
import dev.qdistill.wire.v1.SendResponse;
import dev.qdistill.wire.v1.SendStart;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A device's end of an agent's socket. Calls fail with {@link io.grpc.StatusRuntimeException}s that {@link DeviceProblem#of}
 * explains.
 */
public final class DeviceClient implements AutoCloseable {
    /** Bytes of a message. */
    private static final int PIECE = 1 << 18;

    private final EventLoopGroup threads = new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("device-client", true), NioIoHandler.newFactory());
    private final ManagedChannel channel;

    /** Connects when it is first used. */
    public DeviceClient(Path socket) {
        SocketFile.quiet();
        channel = NettyChannelBuilder.forAddress(UnixDomainSocketAddress.of(socket))
                .channelType(NioDomainSocketChannel.class, UnixDomainSocketAddress.class)
                .eventLoopGroup(threads)
                .overrideAuthority("localhost")
                .usePlaintext()
                .build();
    }

    /** Calls that wait for their answer. */
    public DeviceGrpc.DeviceBlockingStub calls() {
        return DeviceGrpc.newBlockingStub(channel);
    }

    /** Calls that do not wait. */
    public DeviceGrpc.DeviceStub asynchronous() {
        return DeviceGrpc.newStub(channel);
    }

    /**
     * Begins to send a session's raw data.
     *
     * @param link the link's name
     * @param session its id, or empty for that of the header
     */
    public Sending send(String link, String session) {
        return new Sending(link, session);
    }

    @Override
    public void close() {
        channel.shutdownNow();
        try {
            if (!channel.awaitTermination(5, TimeUnit.SECONDS)) {
                throw new IllegalStateException("The connection to the agent does not end");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            Future<?> _ = threads.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        }
    }

    /** The raw data of a session on their way: bytes of a QRAW stream are written, and a {@code write} waits for the agent. */
    public final class Sending implements WritableByteChannel {
        private final CompletableFuture<SendResponse> answer = new CompletableFuture<>();
        private @Nullable ClientCallStreamObserver<SendRequest> call;
        private boolean closed;

        private Sending(String link, String session) {
            asynchronous().send(new ClientResponseObserver<SendRequest, SendResponse>() {
                @Override
                public void beforeStart(ClientCallStreamObserver<SendRequest> stream) {
                    call = stream;
                    stream.setOnReadyHandler(Sending.this::wake);
                }

                @Override
                public void onNext(SendResponse response) {
                    answer.complete(response);
                }

                @Override
                public void onError(Throwable t) {
                    answer.completeExceptionally(t);
                    wake();
                }

                @Override
                public void onCompleted() {
                    answer.completeExceptionally(new IllegalStateException("The agent gave no answer"));
                    wake();
                }
            });
            call().onNext(SendRequest.newBuilder()
                    .setStart(SendStart.newBuilder().setLink(link).setSession(session))
                    .build());
        }

        private ClientCallStreamObserver<SendRequest> call() {
            ClientCallStreamObserver<SendRequest> stream = call;
            if (stream == null) {
                throw new IllegalStateException("The call has not begun");
            }
            return stream;
        }

        private synchronized void wake() {
            notifyAll();
        }

        /**
         * Waits until the agent takes the bytes.
         *
         * @throws IOException if it takes no more; {@link #await} says why
         */
        @Override
        public int write(ByteBuffer source) throws IOException {
            int written = 0;
            while (source.hasRemaining()) {
                awaitReady();
                ByteBuffer piece = source.slice(source.position(), Math.min(PIECE, source.remaining()));
                source.position(source.position() + piece.remaining());
                written += piece.remaining();
                call().onNext(SendRequest.newBuilder()
                        .setData(ByteString.copyFrom(piece))
                        .build());
            }
            return written;
        }

        private synchronized void awaitReady() throws IOException {
            try {
                while (!closed && !answer.isDone() && !call().isReady()) {
                    wait();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted while sending");
            }
            if (closed || answer.isDone()) {
                throw new IOException("the agent takes no more of this stream");
            }
        }

        @Override
        public synchronized boolean isOpen() {
            return !closed && !answer.isDone();
        }

        /** The stream is at its end. */
        @Override
        public synchronized void close() {
            if (!closed && !answer.isDone()) {
                call().onCompleted();
            }
            closed = true;
            notifyAll();
        }

        /** Breaks the stream off. */
        public synchronized void cancel() {
            closed = true;
            call().cancel("the device has gone", null);
            notifyAll();
        }

        /**
         * Waits until the session is over.
         *
         * @throws io.grpc.StatusRuntimeException if it did not end in order
         */
        public SendResponse await() {
            try {
                return answer.join();
            } catch (CompletionException e) {
                if (e.getCause() instanceof RuntimeException r) {
                    throw r;
                }
                throw e;
            }
        }
    }
}
