package dev.qdistill.link;

import java.time.Instant;
import java.util.Map;

/**
 * When a block was in work at this end.
 *
 * @param began its conversation began
 * @param ended it was over: its key, if there is one, stored and committed
 * @param seconds wall time by stage
 * @param processorSeconds processor time by stage, of all threads that worked on it; zeros where it is not measured
 */
public record BlockTimes(
        Instant began, Instant ended, Map<Stage, Double> seconds, Map<Stage, Double> processorSeconds) {}
