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
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Which blocks of which sessions were begun on a link: a block whose raw data were talked about is never run again, since what
 * was said about it then would count again; and which sessions are over. A text file with a line for each block, {@code session
 * number}, for each session's end, {@code session end} or {@code session failed}, and for a session whose raw data are nowhere but
 * in this process {@code session live}: when the file is opened again, it has failed. A line is on the disk before the block
 * begins. Safe for use by many threads.
 */
public final class BlockMarks implements AutoCloseable {
    /** The file's name in the pool's directory. */
    public static final String FILE = "blocks.txt";

    private final Path file;
    private final FileChannel channel;
    private final Map<String, Long> next = new TreeMap<>();
    private final Map<String, End> ends = new TreeMap<>();
    private final Set<String> live = new TreeSet<>();

    /** How a session ended. */
    enum End {
        /** With all its blocks. */
        IN_ORDER("end"),
        /** Before, for good. */
        FAILED("failed");

        private final String word;

        End(String word) {
            this.word = word;
        }

        static Optional<End> of(String word) {
            return Arrays.stream(values()).filter(e -> e.word.equals(word)).findFirst();
        }
    }

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
            live.forEach(session -> ends.putIfAbsent(session, End.FAILED));
            // Only the last block of each session, and no line that a crash cut off.
            Path temporary = file.resolveSibling("." + FILE);
            Files.deleteIfExists(temporary);
            StringBuilder lines = new StringBuilder();
            next.forEach((session, n) -> lines.append(line(session, Long.toString(n - 1))));
            ends.forEach((session, end) -> lines.append(line(session, end.word)));
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
            if (words.length != 2 || !words[1].matches("[0-9]{1,18}|end|failed|live")) {
                throw new KeyStoreException(file, "a line is '" + line + "'; 'session number' is expected");
            }
            Optional<End> end = End.of(words[1]);
            if (end.isPresent()) {
                ends.put(words[0], end.get());
                continue;
            }
            if (words[1].equals("live")) {
                live.add(words[0]);
                continue;
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
        append(session, Long.toString(block));
        next.put(session, block + 1);
    }

    /** How a session ended; empty if it is not over. */
    synchronized Optional<End> end(String session) {
        return Optional.ofNullable(ends.get(session));
    }

    /** A session is over. When this returns it is on the disk. */
    synchronized void end(String session, End how) {
        append(session, how.word);
        ends.put(session, how);
    }

    /** A session begins whose raw data are gone when this process ends. When this returns it is on the disk. */
    synchronized void live(String session) {
        append(session, "live");
    }

    private void append(String session, String what) {
        try {
            write(channel, line(session, what));
            channel.force(false);
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private static String line(String session, String what) {
        return session + " " + what + "\n";
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
