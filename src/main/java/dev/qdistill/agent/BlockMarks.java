package dev.qdistill.agent;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.qdistill.keystore.Durable;
import dev.qdistill.keystore.KeyStoreException;
import java.io.IOException;
import java.lang.System.Logger.Level;
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
 * begins.
 *
 * <p>Once most lines say nothing new the file is written anew, beside it, and takes its place: then it has a line or two for each session, which
 * stay for ever, since a session that was forgotten could be run again. Safe for use by many threads.
 */
public final class BlockMarks implements AutoCloseable {
    /** The file's name in the pool's directory. */
    public static final String FILE = "blocks.txt";

    /** Lines that say nothing new before the file is written anew: so many at least, and as many as the others. */
    private static final int MOST_STALE = 1024;

    private static final System.Logger LOG = System.getLogger(BlockMarks.class.getName());

    private final Path file;
    private FileChannel channel;
    private long lines;
    private long patience = MOST_STALE;
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
            live.clear();
            // No line that a crash cut off.
            channel = write();
            Durable.rename(temporary(), file);
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private Path temporary() {
        return file.resolveSibling("." + FILE);
    }

    /**
     * Writes what is known beside the file: of each session its last block, and how it ended.
     *
     * @return to be appended to, also once it has another name
     */
    private FileChannel write() throws IOException {
        StringBuilder text = new StringBuilder();
        live.forEach(session -> text.append(line(session, "live")));
        next.forEach((session, n) -> text.append(line(session, Long.toString(n - 1))));
        ends.forEach((session, end) -> text.append(line(session, end.word)));
        Files.deleteIfExists(temporary());
        Durable.write(temporary(), c -> write(c, text.toString()));
        lines = needed();
        return FileChannel.open(temporary(), StandardOpenOption.WRITE, StandardOpenOption.APPEND);
    }

    private long needed() {
        return (long) live.size() + next.size() + ends.size();
    }

    /** A crash leaves the one file or the other, and both say the same. */
    private void compact() {
        long stale = lines - needed();
        if (stale < Math.max(patience, needed())) {
            return;
        }
        FileChannel written;
        try {
            written = write();
        } catch (IOException e) {
            // The file is right as it is: no reason to stop.
            lines = stale + needed();
            patience = stale + MOST_STALE;
            LOG.log(Level.WARNING, "{0} cannot be written anew, and goes on growing: {1}", file, e.toString());
            return;
        }
        FileChannel before = channel;
        channel = written;
        patience = MOST_STALE;
        try (before) {
            Durable.rename(temporary(), file);
        } catch (IOException e) {
            close(); // nobody knows which of the two is in place
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
        compact();
    }

    /** How a session ended; empty if it is not over. */
    synchronized Optional<End> end(String session) {
        return Optional.ofNullable(ends.get(session));
    }

    /** A session is over. When this returns it is on the disk. */
    synchronized void end(String session, End how) {
        append(session, how.word);
        ends.put(session, how);
        live.remove(session);
        compact();
    }

    /** A session begins whose raw data are gone when this process ends. When this returns it is on the disk. */
    synchronized void live(String session) {
        append(session, "live");
        live.add(session);
    }

    private void append(String session, String what) {
        try {
            write(channel, line(session, what));
            channel.force(false);
            lines++;
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
