package dev.qdistill.link;

import dev.qdistill.reconcile.Leakage;
import dev.qdistill.reconcile.ReconcileStatistics;
import dev.qdistill.security.DetectionCounts;
import dev.qdistill.security.UnequalBasisCounts;
import java.util.Optional;
import java.util.UUID;

/**
 * What is known of a block after it; nothing in it is secret.
 *
 * @param parameters what was agreed
 * @param sentPulses the pulses of the block
 * @param detections Bob's detections in it
 * @param counts the sifted detections and errors by basis and intensity; the key basis has no errors if the block ended
 *     before they were corrected
 * @param unequal the detections in unequal bases
 * @param reconciliation how the errors were corrected; empty if the block ended before
 * @param leakage what correcting them leaked
 * @param leakedBits all bits sent about the key, the verification tags not included
 * @param verificationTagBits tags sent
 * @param verified whether all corrected frames matched, after those that did not were published
 * @param wrongGroups groups of frames whose tag did not match
 * @param verdict the decision; empty if the block ended before
 * @param abort why there is no key, as a sentence without a full stop
 * @param keyId the key's id, the same at both sites; empty without a key
 * @param times when it was in work, and how long each stage took
 */
public record BlockSummary(
        Parameters parameters,
        long sentPulses,
        long detections,
        DetectionCounts counts,
        UnequalBasisCounts unequal,
        Optional<ReconcileStatistics> reconciliation,
        Leakage leakage,
        long leakedBits,
        long verificationTagBits,
        boolean verified,
        int wrongGroups,
        Optional<Verdict> verdict,
        Optional<String> abort,
        Optional<UUID> keyId,
        BlockTimes times) {

    /** Bits of equal bases. */
    public long siftedBits() {
        return counts.keyDetections() + counts.testDetections();
    }

    /** The length of the secret key, zero if there is none. */
    public long secretBits() {
        return abort.isPresent() ? 0 : verdict.map(v -> v.length().secretBits()).orElse(0L);
    }

    /** The error rate of the key basis. */
    public double keyBasisQber() {
        return Verdict.rate(counts.keyErrors(), counts.keyDetections());
    }

    /** The error rate of the test basis. */
    public double testBasisQber() {
        return Verdict.rate(counts.testErrors(), counts.testDetections());
    }

    /** f: leaked bits by the entropy of the key-basis errors; 0 where it is not known. */
    public double efficiency() {
        return Verdict.efficiency(leakedBits, counts.keyDetections(), counts.keyErrors());
    }
}
