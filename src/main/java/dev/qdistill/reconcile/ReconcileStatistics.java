package dev.qdistill.reconcile;

import java.util.List;

/**
 * How the reconciliation of a block went.
 *
 * @param frames the frames of the block
 * @param firstFailures frames that were not decoded with the first syndrome alone
 * @param failedFrames frames given up and published
 * @param iterations decoder iterations a frame, on average
 * @param codes the names of the codes used
 */
public record ReconcileStatistics(
        int frames, int firstFailures, int failedFrames, double iterations, List<String> codes) {}
