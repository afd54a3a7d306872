package dev.qdistill.dump;

import java.nio.file.Path;
import java.util.Objects;
import java.util.OptionalLong;

/** A file or stream that is not what it should be: cut, corrupted, of another format, version, session or role. */
public final class BadInputException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final long offset;

    /**
     * @param source what the file or stream is called
     * @param offset the offset in bytes at which it was noticed, or -1 where there is none
     * @param problem what was found and what was expected
     */
    public BadInputException(String source, long offset, String problem) {
        super(source + (offset < 0 ? ": " : " at byte " + offset + ": ") + problem);
        this.offset = offset;
    }

    public BadInputException(String source, String problem) {
        this(source, -1, problem);
    }

    /**
     * @param file the file
     * @param offset the offset in bytes at which it was noticed, or -1 where there is none
     * @param problem what was found and what was expected
     */
    public BadInputException(Path file, long offset, String problem) {
        this(file.toString(), offset, problem);
    }

    public BadInputException(Path file, String problem) {
        this(file, -1, problem);
    }

    /** The offset in bytes at which it was noticed, if there is one. */
    public OptionalLong offset() {
        return offset < 0 ? OptionalLong.empty() : OptionalLong.of(offset);
    }

    @Override
    public String getMessage() {
        return Objects.requireNonNull(super.getMessage());
    }
}
