package dev.qdistill.link;

import java.time.Instant;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.LongSupplier;

/** Wall time and processor time by stage, one stage after the other. Used by one thread. */
final class StageClock {
    private final Map<Stage, Double> seconds = new EnumMap<>(Stage.class);
    private final Map<Stage, Double> processorSeconds = new EnumMap<>(Stage.class);
    private final LongSupplier processorNanos;
    private final Instant began = Instant.now();
    private Stage stage = Stage.SIFT;
    private long since = System.nanoTime();
    private long processorSince;

    /**
     * Begins with the first stage.
     *
     * @param processorNanos the processor time so far of what is measured
     */
    StageClock(LongSupplier processorNanos) {
        this.processorNanos = processorNanos;
        this.processorSince = processorNanos.getAsLong();
    }

    void enter(Stage next) {
        long now = System.nanoTime();
        long processorNow = processorNanos.getAsLong();
        seconds.merge(stage, (now - since) * 1e-9, Double::sum);
        processorSeconds.merge(stage, (processorNow - processorSince) * 1e-9, Double::sum);
        stage = next;
        since = now;
        processorSince = processorNow;
    }

    BlockTimes stop() {
        enter(stage);
        return new BlockTimes(
                began,
                Instant.now(),
                Collections.unmodifiableMap(new EnumMap<>(seconds)),
                Collections.unmodifiableMap(new EnumMap<>(processorSeconds)));
    }
}
