package dev.qdistill.keystore;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
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

    /** What went wrong with a file, without its name; the platform's messages are often just the name. */
    public static String reason(IOException cause) {
        if (cause instanceof FileSystemException f && f.getReason() != null) {
            return f.getReason();
        }
        @Nullable String message = cause.getMessage();
        return switch (cause) {
            case NoSuchFileException e -> "no such file or directory";
            case AccessDeniedException e -> "permission denied";
            case FileAlreadyExistsException e -> "it exists already";
            case NotDirectoryException e -> "not a directory";
            case DirectoryNotEmptyException e -> "the directory is not empty";
            default -> message == null ? cause.getClass().getSimpleName() : message;
        };
    }
}
