package dev.qdistill.cli;

import dev.qdistill.link.Stage;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** One progress bar after the other, a stage each. */
final class StageBars implements dev.qdistill.link.Progress, AutoCloseable {
    private final boolean wanted;
    private @Nullable Stage stage;
    private @Nullable Progress bar;

    /** @param wanted false to show none in any case */
    StageBars(boolean wanted) {
        this.wanted = wanted;
    }

    @Override
    public void advanced(Stage now, long done, long total) {
        if (!wanted) {
            return;
        }
        if (now != stage || bar == null) {
            close();
            stage = now;
            bar = new Progress(String.format(Locale.ROOT, "%-10s", now.id()), total, true);
        }
        bar.at(done);
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
            bar = null;
        }
    }
}
