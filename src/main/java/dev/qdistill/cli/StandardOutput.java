package dev.qdistill.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/** The process's standard output, which remembers what print streams swallow: that it could not be written. */
final class StandardOutput extends OutputStream {
    @SuppressWarnings("resource") // closing it would close the process's standard output
    private final FileOutputStream out = new FileOutputStream(FileDescriptor.out);

    private volatile String problem = "";

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int from, int length) throws IOException {
        try {
            out.write(bytes, from, length);
        } catch (IOException e) {
            problem = String.valueOf(e.getMessage());
            throw e;
        }
    }

    /** Whether something that was printed is lost; not if the reader has gone: who reads the first lines only wants no more. */
    boolean isLost() {
        return !problem.isEmpty() && !problem.equals("Broken pipe");
    }

    /** Says so; returns the exit code. */
    int tell() {
        System.err.println("qdistill: standard output cannot be written: " + problem);
        return ExitCode.STORAGE;
    }
}
