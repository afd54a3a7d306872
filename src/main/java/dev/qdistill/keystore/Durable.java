package dev.qdistill.keystore;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/** Files that survive a crash whole or not at all, readable by their owner alone. Secrets pass through no heap buffer. */
public final class Durable {
    private static final int CHUNK = 1 << 24;

    private Durable() {}

    /** Something that writes one file's contents. */
    @FunctionalInterface
    public interface Writer {
        /** Writes from the channel's position on. */
        void write(FileChannel channel) throws IOException;
    }

    static boolean isPosix(Path path) {
        return path.getFileSystem().supportedFileAttributeViews().contains("posix");
    }

    /** The attributes of a new file or directory with these permissions, as far as the platform has them. */
    public static FileAttribute<?>[] ownerOnly(Path path, String permissions) {
        return isPosix(path)
                ? new FileAttribute<?>[] {
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions))
                }
                : new FileAttribute<?>[0];
    }

    /** Whether anyone but the owner has a permission on this file or directory. */
    public static boolean isOpenToOthers(Path path) throws IOException {
        return isPosix(path)
                && Files.getPosixFilePermissions(path).stream()
                        .anyMatch(p -> p != PosixFilePermission.OWNER_READ
                                && p != PosixFilePermission.OWNER_WRITE
                                && p != PosixFilePermission.OWNER_EXECUTE);
    }

    /** Writes a new file with mode 0600 and forces it to the disk; on failure nothing is left of it. */
    public static void write(Path file, Writer contents) throws IOException {
        try (FileChannel channel = FileChannel.open(file, Set.of(CREATE_NEW, WRITE), ownerOnly(file, "rw-------"))) {
            try {
                contents.write(channel);
                channel.force(true);
            } catch (Throwable t) {
                Files.deleteIfExists(file);
                throw t;
            }
        }
    }

    /** Renames within a directory and forces the directory to the disk. */
    public static void rename(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        force(directory(to));
    }

    /** Forces a directory's entries to the disk, where the platform can (not on Windows). */
    public static void force(Path directory) throws IOException {
        if (isPosix(directory)) {
            try (FileChannel channel = FileChannel.open(directory, READ)) {
                channel.force(true);
            }
        }
    }

    /** The directory that a file is in. */
    public static Path directory(Path file) {
        Path parent = file.toAbsolutePath().getParent();
        if (parent == null) {
            throw new IllegalArgumentException(file + " is no file in a directory");
        }
        return parent;
    }

    /** Appends off-heap memory to a file. */
    public static void append(WritableByteChannel channel, MemorySegment data) throws IOException {
        for (long at = 0; at < data.byteSize(); at += CHUNK) {
            ByteBuffer chunk =
                    data.asSlice(at, Math.min(CHUNK, data.byteSize() - at)).asByteBuffer();
            while (chunk.hasRemaining()) {
                channel.write(chunk);
            }
        }
    }

    /** Overwrites a part of a file with zeros; forces nothing. */
    static void zero(FileChannel channel, long from, long length) throws IOException {
        ByteBuffer zeros = ByteBuffer.allocateDirect((int) Math.min(1 << 16, length));
        for (long at = from; at < from + length; ) {
            zeros.clear().limit((int) Math.min(zeros.capacity(), from + length - at));
            at += channel.write(zeros, at);
        }
    }

    /** Overwrites a file with zeros from {@code from} on, forces that to the disk, and removes the file. */
    public static void wipe(Path file, long from) throws IOException {
        try (FileChannel channel = FileChannel.open(file, Set.of(WRITE, LinkOption.NOFOLLOW_LINKS))) {
            long size = channel.size();
            if (size > from) {
                zero(channel, from, size - from);
                channel.force(false);
            }
        } catch (NoSuchFileException e) {
            return;
        }
        Files.deleteIfExists(file);
        force(directory(file));
    }

    /** Fills off-heap memory from a file; returns the number of bytes there were. */
    public static long fill(FileChannel channel, MemorySegment data) throws IOException {
        long at = 0;
        while (at < data.byteSize()) {
            ByteBuffer chunk =
                    data.asSlice(at, Math.min(CHUNK, data.byteSize() - at)).asByteBuffer();
            int got = channel.read(chunk);
            if (got < 0) {
                return at;
            }
            at += got;
        }
        return at;
    }
}
