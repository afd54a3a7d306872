package dev.qdistill.cluster;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.SeekableByteChannel;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.StreamCapabilities;

/** A file of any Hadoop file system, for the library's dump readers, which skip what they do not need. */
final class HadoopChannel implements SeekableByteChannel {
    private final FSDataInputStream in;
    private final long size;
    private final byte[] piece = new byte[1 << 16];
    private final boolean direct;
    private boolean open = true;

    /** Opens a file; one of this machine without Hadoop's streams, which copy it twice. */
    static SeekableByteChannel open(FileSystem fs, Path file) throws IOException {
        return Files.isLocal(fs)
                ? FileChannel.open(java.nio.file.Path.of(file.toUri().getPath()))
                : new HadoopChannel(fs, file);
    }

    private HadoopChannel(FileSystem fs, Path file) throws IOException {
        size = fs.getFileStatus(file).getLen();
        in = fs.open(file, 1 << 16);
        direct = in.hasCapability(StreamCapabilities.READBYTEBUFFER);
    }

    @Override
    public int read(ByteBuffer to) throws IOException {
        if (direct) {
            return in.read(to);
        }
        int n = in.read(piece, 0, Math.min(to.remaining(), piece.length));
        if (n > 0) {
            to.put(piece, 0, n);
        }
        return n;
    }

    @Override
    public int write(ByteBuffer from) {
        throw new NonWritableChannelException();
    }

    @Override
    public long position() throws IOException {
        return in.getPos();
    }

    @Override
    public SeekableByteChannel position(long to) throws IOException {
        if (to != in.getPos()) {
            in.seek(to);
        }
        return this;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public SeekableByteChannel truncate(long to) {
        throw new NonWritableChannelException();
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    @Override
    public void close() throws IOException {
        open = false;
        java.util.Arrays.fill(piece, (byte) 0);
        in.close();
    }
}
