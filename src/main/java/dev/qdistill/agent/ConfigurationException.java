package dev.qdistill.agent;

import java.nio.file.Path;

/** A configuration that the agent cannot work with: what, where in the file, and what would be possible. */
public final class ConfigurationException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ConfigurationException(String message) {
        super(message);
    }

    ConfigurationException(Path file, int line, int column, String problem) {
        super(line < 1 ? file + ": " + problem : file + ":" + line + ":" + column + ": " + problem);
    }
}
