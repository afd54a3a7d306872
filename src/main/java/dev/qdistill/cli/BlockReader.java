package dev.qdistill.cli;

import dev.qdistill.bits.BitString;
import dev.qdistill.dump.BadInputException;
import dev.qdistill.keystore.KeyStoreException;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/** A file, device or pipe as one string of bits, read in blocks: block i is bits [iN, (i + 1)N). */
final class BlockReader implements AutoCloseable {
    private final Path path;
    private final FileChannel channel;
    private final BitOrder order;
    private final long blockBits;
    // One byte with unread bits at its top, then fresh bytes; null where blocks are whole bytes.
    private final @Nullable BitString raw;
    private int carriedBits;
    private long position;
    private long blocks;
    private long unusedBits;

    /** @param path "-" is standard input */
    @SuppressWarnings("resource") // closing standard input is the process's end
    BlockReader(Path path, BitOrder order, long blockBits) {
        boolean standard = path.toString().equals("-");
        this.path = standard ? Path.of("standard input") : path;
        this.order = order;
        this.blockBits = blockBits;
        this.channel = standard ? new FileInputStream(FileDescriptor.in).getChannel() : open(path);
        raw = blockBits % 8 == 0 ? null : BitString.allocate(blockBits + 16);
    }

    /** Bytes that a reader allocates. */
    static long bytes(long blockBits) {
        return blockBits % 8 == 0 ? 0 : BitString.paddedBytes(blockBits + 16);
    }

    /**
     * Reads the next block.
     *
     * @param dropTail whether to end at an incomplete block instead of refusing it
     * @return whether there was one; fewer than eight bits may be left over at the end, as padding
     * @throws BadInputException if the input is empty or ends within a block
     */
    boolean next(BitString block, boolean dropTail) throws IOException {
        int carriedBytes = carriedBits > 0 ? 1 : 0;
        long wanted = (blockBits - carriedBits + 7) / 8;
        MemorySegment fresh = raw == null ? block.bytes() : raw.segment().asSlice(carriedBytes, wanted);
        long got = read(channel, fresh, order);
        position += got;
        if (got < wanted) {
            if (position == 0) {
                throw new BadInputException(path, "is empty; a block has " + blockBits + " bits");
            }
            if (got > 0 && !dropTail || blocks == 0) {
                throw new BadInputException(
                        path,
                        position,
                        "ends in block " + (blocks + 1) + ", " + (wanted - got) + " bytes before its end; blocks have "
                                + blockBits + " bits" + (blocks == 0 ? "" : " (--drop-tail leaves the last one out)"));
            }
            unusedBits = carriedBits + 8 * got;
            return false;
        }
        if (raw != null) {
            int skipped = 8 * carriedBytes - carriedBits;
            block.copyFrom(raw, skipped, 0, blockBits);
            long used = skipped + blockBits;
            carriedBits = (int) (-used & 7);
            byte last = raw.segment().get(ValueLayout.JAVA_BYTE, used - 1 >> 3);
            raw.segment().set(ValueLayout.JAVA_BYTE, 0, last);
        }
        blocks++;
        return true;
    }

    /** Blocks read so far. */
    long blocks() {
        return blocks;
    }

    /** The bits at the end that made no block. */
    long unusedBits() {
        return unusedBits;
    }

    /**
     * Fills a string from the start of a file, which may be longer.
     *
     * @throws BadInputException if it is too short
     */
    static void fill(Path file, BitOrder order, BitString bits, String what) throws IOException {
        try (FileChannel source = open(file)) {
            long got = read(source, bits.bytes(), order);
            if (got < bits.byteCount()) {
                throw new BadInputException(
                        file,
                        got,
                        got == 0
                                ? "is empty; " + what + " has " + bits.byteCount() + " bytes"
                                : what + " ends here; " + bits.byteCount() + " bytes are needed");
            }
        }
        bits.clearPadding();
    }

    private static long read(FileChannel source, MemorySegment to, BitOrder order) throws IOException {
        ByteBuffer buffer = to.asByteBuffer();
        while (buffer.hasRemaining() && source.read(buffer) >= 0) {
            // again
        }
        long got = buffer.position();
        order.apply(to.asSlice(0, got));
        return got;
    }

    private static FileChannel open(Path file) {
        if (Files.isDirectory(file)) {
            throw new BadInputException(file, "is a directory");
        }
        try {
            return FileChannel.open(file, StandardOpenOption.READ);
        } catch (NoSuchFileException e) {
            throw new BadInputException(file, "there is no such file");
        } catch (IOException e) {
            throw new BadInputException(file, "cannot be read: " + KeyStoreException.reason(e));
        }
    }

    @Override
    public void close() throws IOException {
        if (raw != null) {
            raw.close();
        }
        channel.close();
    }
}
