package dev.qdistill.agent;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.qdistill.keystore.Durable;
import dev.qdistill.keystore.KeyStoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which blocks of which sessions were begun on a link: a block whose raw data were talked about is never run again, since what
 * was said about it then would count again. A text file with a line for each block, {@code session number}; a line is on the disk
 * before the block begins. Safe for use by many threads.
 */
public final class BlockMarks implements AutoCloseable {
    /** The file's name in the pool's directory. */
    public static final String FILE = "blocks.txt";

    private final Path file;
    private final FileChannel channel;
    private final Map<String, Long> next = new TreeMap<>();

    /**
     * Opens or makes the file.
     *
     * @param directory the pool's
     */
    public BlockMarks(Path directory) {
        this.file = directory.resolve(FILE);
        try {
            if (Files.exists(file)) {
                read();
            }
            // Only the last block of each session, and no line that a crash cut off.
            Path temporary = file.resolveSibling("." + FILE);
            Files.deleteIfExists(temporary);
            StringBuilder lines = new StringBuilder();
            next.forEach((session, n) -> lines.append(line(session, n - 1)));
            Durable.write(temporary, c -> write(c, lines.toString()));
            Durable.rename(temporary, file);
            channel = FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private void read() throws IOException {
        String text = Files.readString(file, US_ASCII);
        for (String line : text.substring(0, text.lastIndexOf('\n') + 1).split("\n", 0)) {
            String[] words = line.split(" ", -1);
            if (line.isEmpty()) {
                continue;
            }
            if (words.length != 2 || !words[1].matches("[0-9]{1,18}")) {
                throw new KeyStoreException(file, "a line is '" + line + "'; 'session number' is expected");
            }
            next.merge(words[0], Long.parseLong(words[1]) + 1, Math::max);
        }
    }

    /** The first block of a session that was not begun. */
    public synchronized long next(String session) {
        return next.getOrDefault(session, 0L);
    }

    /** A block begins. When this returns it is on the disk. */
    public synchronized void begin(String session, long block) {
        if (block < next(session)) {
            throw new KeyStoreException(
                    file, "block " + block + " of session " + session + " was begun before; it cannot be run again");
        }
        try {
            write(channel, line(session, block));
            channel.force(false);
        } catch (IOException e) {
            throw failed(e);
        }
        next.put(session, block + 1);
    }

    private static String line(String session, long block) {
        return session + " " + block + "\n";
    }

    private static void write(FileChannel to, String text) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(US_ASCII));
        while (bytes.hasRemaining()) {
            to.write(bytes);
        }
    }

    private KeyStoreException failed(IOException e) {
        return new KeyStoreException(file, "cannot be read or written: " + e);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw failed(e);
        }
    }
}
