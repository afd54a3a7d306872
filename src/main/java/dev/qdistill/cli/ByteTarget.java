package dev.qdistill.cli;

import dev.qdistill.keystore.KeyStoreException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/** Where bytes go; an {@link IOException} says which place it was. */
sealed interface ByteTarget extends AutoCloseable permits AtomicFile, ByteTarget.Pipe {
    /** The file of that name, or standard output for "-". */
    static ByteTarget open(Path path) throws IOException {
        return path.toString().equals("-") ? new Pipe() : new AtomicFile(path);
    }

    void write(MemorySegment bytes) throws IOException;

    /** Says that all is written. */
    void commit() throws IOException;

    @Override
    void close() throws IOException;

    /** For pipes: what is written is out. */
    record Pipe(FileChannel channel) implements ByteTarget {
        @SuppressWarnings("resource") // closing it would close the process's standard output
        Pipe() {
            this(new FileOutputStream(FileDescriptor.out).getChannel());
        }

        @Override
        public void write(MemorySegment bytes) throws IOException {
            ByteBuffer buffer = bytes.asByteBuffer();
            try {
                while (buffer.hasRemaining()) {
                    channel.write(buffer);
                }
            } catch (IOException e) {
                throw new IOException("standard output: cannot be written: " + KeyStoreException.reason(e), e);
            }
        }

        @Override
        public void commit() {}

        @Override
        public void close() {}
    }
}
