package dev.qdistill.keystore;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

/**
 * The right to write to a directory of files that belong together (a key store, a pool of authentication key), held by one
 * writer of one process on the machine; a crash gives it back.
 */
public final class WriterLock implements AutoCloseable {
    static final String FILE = ".lock";

    // The one mutable static of the package: POSIX drops a process's lock on a file as soon as the process closes *any*
    // channel on it, so a second attempt in this process must not even open the file.
    private static final Set<Path> HELD_HERE = ConcurrentHashMap.newKeySet();

    private final Path directory;
    private final FileChannel channel;

    private WriterLock(Path directory, FileChannel channel) {
        this.directory = directory;
        this.channel = channel;
    }

    /**
     * Takes the lock as soon as nobody has it, within half a second: readers hold it for a moment when they clean up.
     *
     * @param directory the store's real path
     */
    public static Optional<WriterLock> take(Path directory) throws IOException {
        for (int attempt = 0; attempt < 10; attempt++) {
            Optional<WriterLock> lock = tryTake(directory);
            if (lock.isPresent()) {
                return lock;
            }
            LockSupport.parkNanos(50_000_000);
        }
        return Optional.empty();
    }

    /**
     * Takes the lock if nobody has it.
     *
     * @param directory the store's real path
     */
    static Optional<WriterLock> tryTake(Path directory) throws IOException {
        if (!HELD_HERE.add(directory)) {
            return Optional.empty();
        }
        boolean taken = false;
        try {
            Path file = directory.resolve(FILE);
            FileChannel channel = FileChannel.open(file, Set.of(CREATE, WRITE), Durable.ownerOnly(file, "rw-------"));
            try {
                taken = channel.tryLock() != null;
                return taken ? Optional.of(new WriterLock(directory, channel)) : Optional.empty();
            } finally {
                if (!taken) {
                    channel.close();
                }
            }
        } finally {
            if (!taken) {
                HELD_HERE.remove(directory);
            }
        }
    }

    boolean isHeld() {
        return channel.isOpen();
    }

    /** Gives the lock back. A second call does nothing. */
    @Override
    public synchronized void close() throws IOException {
        if (channel.isOpen()) {
            try {
                channel.close();
            } finally {
                HELD_HERE.remove(directory);
            }
        }
    }
}
