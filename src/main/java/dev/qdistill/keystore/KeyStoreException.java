package dev.qdistill.keystore;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/** A key store or key file that is not what it should be, or cannot be read or written. Holds no key bits. */
public final class KeyStoreException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * @param file the file or directory
     * @param offset the offset in bytes at which it was noticed, or -1 where there is none
     * @param problem what was found and what was expected
     */
    public KeyStoreException(Path file, long offset, String problem) {
        super(file + (offset < 0 ? ": " : " at byte " + offset + ": ") + problem);
    }

    public KeyStoreException(Path file, String problem) {
        this(file, -1, problem);
    }

    KeyStoreException(Path file, String doing, IOException cause) {
        super(file + ": cannot " + doing + ": " + reason(cause), cause);
    }

    KeyStoreException(Path file, String doing, SQLException cause) {
        super(file + ": cannot " + doing + ": " + cause.getMessage(), cause);
    }

    // The platform's messages are often just the file's name.
    private static String reason(IOException cause) {
        String type = cause.getClass().getSimpleName();
        @Nullable String message = cause.getMessage();
        return switch (type) {
            case "NoSuchFileException" -> "no such file or directory";
            case "AccessDeniedException" -> "permission denied";
            case "FileAlreadyExistsException" -> "it exists already";
            case "NotDirectoryException" -> "not a directory";
            default -> message == null ? type : message;
        };
    }
}
