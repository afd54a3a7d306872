package dev.qdistill.auth;

import dev.qdistill.keystore.KeyStoreException;
import java.io.IOException;
import java.nio.file.Path;

/** A file of the pool of authentication key that is not what it should be, or cannot be read or written. Holds no key bits. */
public final class PoolException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    PoolException(Path file, String problem) {
        super(file + ": " + problem);
    }

    PoolException(Path file, String doing, IOException cause) {
        super(file + ": cannot " + doing + ": " + KeyStoreException.reason(cause), cause);
    }
}
