package dev.qdistill.dump;

import java.nio.file.Path;
import java.util.Objects;

/** A file that is not what it should be: cut, corrupted, of another format, version, session or role. */
public final class BadInputException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * @param file the file
     * @param offset the offset in bytes at which it was noticed, or -1 where there is none
     * @param problem what was found and what was expected
     */
    public BadInputException(Path file, long offset, String problem) {
        super(file + (offset < 0 ? ": " : " at byte " + offset + ": ") + problem);
    }

    public BadInputException(Path file, String problem) {
        this(file, -1, problem);
    }

    @Override
    public String getMessage() {
        return Objects.requireNonNull(super.getMessage());
    }
}
