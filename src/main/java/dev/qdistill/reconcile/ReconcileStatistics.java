package dev.qdistill.reconcile;

import java.util.List;

/**
 * How the reconciliation of a block went: its frames, by what corrected them.
 *
 * @param frames the frames of the block, the sum of the next five
 * @param firstAttempt those decoded with the first syndrome alone
 * @param extended those that needed rows added to the syndrome, or a second syndrome
 * @param revealed those that needed bits revealed
 * @param cascaded those that needed Cascade
 * @param failedFrames those given up and published
 * @param iterations decoder iterations a frame, on average, all attempts together
 * @param codes the names of the codes used
 */
public record ReconcileStatistics(
        int frames,
        int firstAttempt,
        int extended,
        int revealed,
        int cascaded,
        int failedFrames,
        double iterations,
        List<String> codes) {

    /** Frames that were not decoded with the first syndrome alone. */
    public int firstFailures() {
        return frames - firstAttempt;
    }
}
