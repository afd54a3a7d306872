package dev.qdistill.agent;

import dev.qdistill.agent.AgentConfiguration.Device;
import java.io.IOException;
import java.net.ConnectException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The file of a Unix domain socket, which never can be opened by more than those who may: it is made in a directory that only the
 * agent can enter, gets its group and mode there, and then its place.
 */
final class SocketFile implements AutoCloseable {
    /** What a socket's address has room for, less the zero at its end. */
    private static final int LONGEST_PATH = 107;

    // Held, since loggers that nobody holds are forgotten, and their filters with them.
    private static final List<Logger> BOOTSTRAPS = List.of(
            Logger.getLogger("io.netty.bootstrap.ServerBootstrap"), Logger.getLogger("io.netty.bootstrap.Bootstrap"));

    private final Path path;
    private final Object key;

    private SocketFile(Path path, Object key) {
        this.path = path;
        this.key = key;
    }

    /** gRPC sets an option on every connection that Unix domain sockets do not have, and Netty warns of that each time. */
    static void quiet() {
        BOOTSTRAPS.forEach(logger ->
                logger.setFilter(logged -> !String.valueOf(logged.getMessage()).contains("'SO_KEEPALIVE'")));
    }

    /** Binds a server's socket. */
    interface Binding {
        void bind(UnixDomainSocketAddress address) throws IOException;
    }

    /**
     * Makes the socket.
     *
     * @throws ConfigurationException if it cannot be made safely, or another agent has it
     */
    static SocketFile make(Device rules, Binding binding) {
        Path path = rules.socket().toAbsolutePath();
        Path directory = Objects.requireNonNull(path.getParent());
        try {
            checkDirectory(directory);
            Path made = directory.resolve(String.format(
                    Locale.ROOT, ".%08x", ThreadLocalRandom.current().nextInt()));
            Path socket = made.resolve("s");
            int length = Math.max(length(path), length(socket));
            if (length > LONGEST_PATH) {
                throw new ConfigurationException(path + ": the path is " + (length - LONGEST_PATH)
                        + " bytes too long for a socket, which can have " + LONGEST_PATH);
            }
            Files.createDirectory(
                    made, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            try {
                binding.bind(UnixDomainSocketAddress.of(socket));
                PosixFileAttributeView view = Files.getFileAttributeView(socket, PosixFileAttributeView.class);
                view.setPermissions(Set.of());
                if (rules.group().isPresent()) {
                    view.setGroup(group(path, rules.group().get()));
                }
                view.setPermissions(PosixFilePermissions.fromString(rules.mode()));
                removeStale(path);
                Files.move(socket, path, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(socket);
                Files.deleteIfExists(made);
            }
            return new SocketFile(path, Objects.requireNonNull(key(path)));
        } catch (IOException | UnsupportedOperationException e) {
            throw new ConfigurationException(path + ": the device socket cannot be made: " + reason(e));
        }
    }

    private static String reason(Exception e) {
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }

    private static int length(Path path) {
        return path.toString().getBytes(StandardCharsets.UTF_8).length;
    }

    private static GroupPrincipal group(Path path, String name) throws IOException {
        try {
            return path.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByGroupName(name);
        } catch (UserPrincipalNotFoundException e) {
            throw new ConfigurationException(path + ": there is no group '" + name + "' for the device socket");
        }
    }

    /** In a directory that others can write to, they could put a socket of theirs in the place of this one. */
    private static void checkDirectory(Path directory) throws IOException {
        Files.createDirectories(
                directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
        PosixFileAttributes attributes = Files.readAttributes(directory, PosixFileAttributes.class);
        boolean sticky = ((int) Files.getAttribute(directory, "unix:mode") & 01000) != 0;
        Set<PosixFilePermission> mode = attributes.permissions();
        if (!sticky
                && (mode.contains(PosixFilePermission.GROUP_WRITE)
                        || mode.contains(PosixFilePermission.OTHERS_WRITE))) {
            throw new ConfigurationException(
                    directory + ": others can write to the directory of the device socket (mode "
                            + PosixFilePermissions.toString(mode) + "); only its owner may");
        }
    }

    private static void removeStale(Path path) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        boolean socket = ((int) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS) & 0170000) == 0140000;
        if (!socket) {
            throw new ConfigurationException(path + ": is there already, and is no socket");
        }
        try (SocketChannel probe = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            if (probe.isConnected()) {
                throw new ConfigurationException(path + ": another agent is listening at the device socket");
            }
        } catch (ConnectException e) {
            Files.delete(path); // nobody listens: its agent was killed
        }
    }

    private static @Nullable Object key(Path path) throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                .fileKey();
    }

    /** Removes the file, if it still is this socket's. */
    @Override
    public void close() throws IOException {
        if (Files.exists(path, LinkOption.NOFOLLOW_LINKS) && key.equals(key(path))) {
            Files.delete(path);
        }
    }
}
