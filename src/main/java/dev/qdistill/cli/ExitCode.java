package dev.qdistill.cli;

/** The exit codes of every command. */
final class ExitCode {
    static final int OK = 0;
    static final int USAGE = 2;
    static final int BAD_INPUT = 3;
    static final int NO_KEY = 4;
    static final int PEER = 5;
    static final int STORAGE = 6;
    static final int BATCH_FAILURES = 7;
    static final int INTERNAL = 70;

    private ExitCode() {}
}
