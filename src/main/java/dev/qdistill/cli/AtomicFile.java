package dev.qdistill.cli;

import dev.qdistill.keystore.Durable;
import dev.qdistill.keystore.KeyStoreException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.UUID;

/** A file, mode 0600, that appears under its name by {@link #commit} or not at all. */
final class AtomicFile implements ByteTarget {
    /** Of names of files that have not got theirs yet; only a killed program leaves one. */
    static final String SUFFIX = ".part";

    private final Path path;
    private final Path temporary;
    private final FileChannel channel;

    AtomicFile(Path path) throws IOException {
        this.path = path;
        temporary = path.resolveSibling("." + path.getFileName() + "." + UUID.randomUUID() + SUFFIX);
        requirePossible(path);
        try {
            channel = FileChannel.open(
                    temporary,
                    Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                    Durable.ownerOnly(temporary, "rw-------"));
            temporary.toFile().deleteOnExit(); // an interrupted program leaves nothing either
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /**
     * Requires that a file of this name can come: there is nothing but a file, and the directory is there. What is no file, as
     * a device, would be lost.
     *
     * @throws FileSystemException if not
     */
    static void requirePossible(Path path) throws FileSystemException {
        Path directory = Durable.directory(path);
        if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)
                && !Files.isRegularFile(path)
                && !Files.isSymbolicLink(path)) {
            throw new FileSystemException(
                    path.toString(), null, Files.isDirectory(path) ? "is a directory" : "is no regular file");
        }
        if (!Files.isDirectory(directory)) {
            throw new FileSystemException(path.toString(), null, "there is no directory " + directory);
        }
    }

    @Override
    public void write(MemorySegment bytes) throws IOException {
        ByteBuffer buffer = bytes.asByteBuffer();
        try {
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
        } catch (IOException e) {
            throw failed(e);
        }
    }

    @Override
    public void commit() throws IOException {
        try {
            channel.force(true);
            channel.close();
            Durable.rename(temporary, path);
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private IOException failed(IOException cause) {
        return new IOException(path + ": cannot be written: " + KeyStoreException.reason(cause), cause);
    }

    @Override
    public void close() throws IOException {
        channel.close();
        Files.deleteIfExists(temporary);
    }
}
