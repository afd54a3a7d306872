package dev.qdistill.agent;

import dev.qdistill.dump.DumpHeader;
import dev.qdistill.dump.DumpReader;
import dev.qdistill.dump.LiveDump;
import dev.qdistill.link.BlockSummary;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;

/** What a device measures now, as raw data of a link. */
final class LiveFeed implements Feed {
    private final LiveDump dump;
    private final BiConsumer<LiveFeed, BlockSummary> blocks;
    private final CompletableFuture<End> end = new CompletableFuture<>();
    private Optional<End> ended = Optional.empty();
    private long keys;
    private long refused;
    private long secretBits;

    /**
     * How the session ended at this site.
     *
     * @param problem why, if it did not end in order
     * @param stopped whether it did not end at all: the agent stops
     */
    record End(Optional<String> problem, boolean stopped) {}

    /** @param blocks told of each block when it is over */
    LiveFeed(LiveDump dump, BiConsumer<LiveFeed, BlockSummary> blocks) {
        this.dump = dump;
        this.blocks = blocks;
    }

    /** Completed when nobody uses the raw data any more. */
    CompletableFuture<End> end() {
        return end;
    }

    String session() {
        return header().session().map(Object::toString).orElse("unknown");
    }

    synchronized long keys() {
        return keys;
    }

    synchronized long refused() {
        return refused;
    }

    synchronized long secretBits() {
        return secretBits;
    }

    @Override
    public DumpHeader header() {
        return dump.header();
    }

    @Override
    public DumpReader open() {
        return dump;
    }

    @Override
    public boolean live() {
        return true;
    }

    @Override
    public boolean await(Duration patience) throws InterruptedException {
        return dump.await(patience);
    }

    @Override
    public void block(BlockSummary summary) {
        synchronized (this) {
            if (summary.secretBits() > 0) {
                keys++;
                secretBits += summary.secretBits();
            } else {
                refused++;
            }
        }
        blocks.accept(this, summary);
    }

    @Override
    public synchronized void ended(Optional<String> problem) {
        ended = Optional.of(new End(problem, false));
    }

    @Override
    public void close() {
        End how;
        synchronized (this) {
            how = ended.orElse(new End(Optional.of("the agent stops"), true));
        }
        end.complete(how);
    }
}
