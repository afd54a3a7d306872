package dev.qdistill.cli;

import dev.qdistill.dump.BadInputException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.UUID;

/** A file, mode 0600, that appears under its name by {@link #commit} or not at all. */
final class AtomicFile implements ByteTarget {
    private final Path path;
    private final Path temporary;
    private final FileChannel channel;

    AtomicFile(Path path) throws IOException {
        this.path = path;
        temporary = path.resolveSibling("." + path.getFileName() + "." + UUID.randomUUID() + ".part");
        if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
            throw new BadInputException(path, "is a directory");
        }
        try {
            channel = FileChannel.open(
                    temporary,
                    Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        } catch (IOException e) {
            throw failed(e);
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
            Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private IOException failed(IOException cause) {
        return new IOException(path + " cannot be written: " + cause, cause);
    }

    @Override
    public void close() throws IOException {
        channel.close();
        Files.deleteIfExists(temporary);
    }
}
