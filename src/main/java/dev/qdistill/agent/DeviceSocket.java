package dev.qdistill.agent;

import dev.qdistill.agent.AgentConfiguration.Device;
import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** The socket for device agents: gRPC on a Unix domain socket. Who may open its file may do everything there. */
final class DeviceSocket implements AutoCloseable {
    /** A piece of a stream, and what is around it. */
    private static final int MAXIMUM_REQUEST = DeviceService.MAXIMUM_PIECE + (64 << 10);

    private static final int FLOW_WINDOW = 1 << 20;
    private static final int MAXIMUM_CALLS = 64;
    private static final int STOP_SECONDS = 5;

    private final DeviceService service;
    private final EventLoopGroup threads = new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("device-socket", true), NioIoHandler.newFactory());
    private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
    private final SocketFile file;
    private final Server server;

    /** @throws ConfigurationException if the socket cannot be made safely, or another agent has it */
    DeviceSocket(Device rules, DeviceService service) {
        this.service = service;
        SocketFile.quiet();
        AtomicReference<Server> started = new AtomicReference<>();
        boolean done = false;
        try {
            file = SocketFile.make(
                    rules,
                    address -> started.set(NettyServerBuilder.forAddress(address)
                            .channelType(NioServerDomainSocketChannel.class)
                            .bossEventLoopGroup(threads)
                            .workerEventLoopGroup(threads)
                            .executor(executor)
                            .addService(service)
                            .maxInboundMessageSize(MAXIMUM_REQUEST)
                            .flowControlWindow(FLOW_WINDOW)
                            .maxConcurrentCallsPerConnection(MAXIMUM_CALLS)
                            .build()
                            .start()));
            server = started.get();
            done = true;
        } finally {
            if (!done) {
                Server failed = started.get();
                if (failed != null) {
                    failed.shutdownNow();
                }
                end();
            }
        }
    }

    private void end() {
        executor.shutdown();
        Future<?> _ = threads.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    /** Takes no more calls, ends those under way, and removes the file. */
    @Override
    public void close() throws IOException {
        file.close();
        server.shutdown();
        service.stop();
        try {
            if (!server.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
                server.shutdownNow();
            }
        } catch (InterruptedException e) {
            server.shutdownNow();
            Thread.currentThread().interrupt();
        } finally {
            end();
        }
    }
}
