package dev.qdistill.amplify;

import java.nio.file.Path;

/** A source of random bits that cannot be opened or read, or has no more. */
public final class EntropyException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    EntropyException(Path source, String problem) {
        super(source + ": " + problem);
    }
}
