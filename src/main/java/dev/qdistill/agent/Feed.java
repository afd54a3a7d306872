package dev.qdistill.agent;

import dev.qdistill.dump.DumpHeader;
import dev.qdistill.dump.DumpReader;
import dev.qdistill.link.BlockSummary;
import java.time.Duration;
import java.util.Optional;

/**
 * One session's raw data at this site, waiting for its link or in work: a file, or what a device is measuring now.
 *
 * <p>A feed belongs to its {@link LinkService} from {@link LinkService#offer} on, unless that throws. The service calls
 * {@link #ended} once, then {@link #close}. Where the agent stops before, only {@code close} is called: the session is not over,
 * and a feed of the same session may be offered to the next agent. No two methods are called at the same time, but {@link
 * #await}, {@link #block} and {@link #close}.
 */
public interface Feed extends AutoCloseable {
    /** What the raw data say about themselves; a session, a role and a link are in it. */
    DumpHeader header();

    /**
     * The raw data: those of a file from the first record on, each time anew; those of a live feed once, since it goes on with the
     * same reader over all connections. The link closes it.
     *
     * @throws dev.qdistill.dump.BadInputException if they cannot be read
     */
    DumpReader open();

    /**
     * Whether {@link #open} is called only once, because what was read cannot be read again. A block of which some was read is
     * lost when the connection breaks.
     */
    default boolean live() {
        return false;
    }

    /**
     * Waits for more of a live feed.
     *
     * @param patience for how long at most; the link asks again
     * @return whether the reader's {@link DumpReader#next} would not wait now: it has a batch, the end, or an exception
     */
    default boolean await(Duration patience) throws InterruptedException {
        return true;
    }

    /** A block is over, with a key or a refusal. Blocks may come out of order. */
    void block(BlockSummary summary);

    /**
     * The session is over at this site.
     *
     * @param problem why, as a sentence without a full stop, if it did not end in order
     */
    void ended(Optional<String> problem);

    /** Nobody uses the feed any more. */
    @Override
    void close();
}
