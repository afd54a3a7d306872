package dev.qdistill.link;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;

/** Wall time by stage, one stage after the other. */
final class StageClock {
    private final Map<Stage, Double> seconds = new EnumMap<>(Stage.class);
    private Stage stage = Stage.SIFT;
    private long since = System.nanoTime();

    void enter(Stage next) {
        long now = System.nanoTime();
        seconds.merge(stage, (now - since) * 1e-9, Double::sum);
        stage = next;
        since = now;
    }

    Map<Stage, Double> stop() {
        enter(stage);
        return Collections.unmodifiableMap(new EnumMap<>(seconds));
    }
}
