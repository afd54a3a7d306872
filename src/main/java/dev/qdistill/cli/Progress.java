package dev.qdistill.cli;

import java.io.Console;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** A progress bar on standard error if a person watches, nothing otherwise. */
final class Progress implements AutoCloseable {
    private final @Nullable ProgressBar bar;

    /**
     * @param task what is going on, in a word or two
     * @param total the number of steps
     * @param wanted false to show none in any case
     */
    Progress(String task, long total, boolean wanted) {
        Console console = wanted ? System.console() : null;
        bar = console != null && console.isTerminal()
                ? new ProgressBarBuilder()
                        .setTaskName(task)
                        .setInitialMax(total)
                        .setStyle(ProgressBarStyle.UNICODE_BLOCK)
                        .setUpdateIntervalMillis(200)
                        .build()
                : null;
    }

    /** Shows that the first {@code steps} steps are done. */
    void at(long steps) {
        if (bar != null) {
            bar.stepTo(steps);
        }
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }
}
