package dev.qdistill.link;

import dev.qdistill.bits.BitString;
import dev.qdistill.reconcile.ReconcileMessage;
import java.util.List;
import java.util.UUID;

/**
 * What Alice and Bob send each other, in the order of the protocol. Everything in a message is public, so its memory is
 * not wiped; docs/security.md lists what each one tells about the key.
 */
public sealed interface Message {

    /**
     * Each side's first message: what both must agree on.
     *
     * @param parameters the sender's
     */
    record Hello(Parameters parameters) implements Message {}

    /**
     * Bob's detections, in pieces, in order. Says nothing about bases or bits.
     *
     * @param pulses indices of pulses, ascending, also over the pieces
     */
    @SuppressWarnings("ArrayRecordComponent") // up to 65,536 indices, never compared
    record Detections(long[] pulses) implements Message {}

    /**
     * Bob's measurement of the block is over: from here on bases may be announced.
     *
     * @param detections how many there were
     */
    record EndOfMeasurement(long detections) implements Message {}

    /**
     * Alice's bases (0 = Z, 1 = X) and intensities, one for each detection.
     *
     * @param bases one bit a detection
     * @param intensityLow bit 0 of the intensity's index
     * @param intensityHigh bit 1 of the intensity's index
     */
    record AliceBases(BitString bases, BitString intensityLow, BitString intensityHigh) implements Message {}

    /**
     * Bob's bases, one for each detection, and his bits where not both used the key basis.
     *
     * @param bases one bit a detection
     * @param bits one bit for each detection in which a side used X, in order
     */
    record BobBases(BitString bases, BitString bits) implements Message {}

    /**
     * Alice's bits where not both used the key basis.
     *
     * @param bits one bit for each detection in which a side used X, in order
     */
    record AliceBits(BitString bits) implements Message {}

    /**
     * A step of the reconciliation.
     *
     * @param step what is said
     */
    record Reconciliation(ReconcileMessage step) implements Message {}

    /**
     * Alice's verification tags, sent when Bob holds a candidate for every frame.
     *
     * @param hashKey the fresh key of the hash
     * @param tags one for each group of frames
     */
    record Verification(BitString hashKey, List<BitString> tags) implements Message {}

    /**
     * Bob's verdict.
     *
     * @param wrongGroups numbers of the groups whose tag does not match
     */
    record Verified(List<Integer> wrongGroups) implements Message {}

    /**
     * All bits of the groups that did not match.
     *
     * @param groups their numbers
     * @param bits the bits of each
     */
    record WrongGroups(List<Integer> groups, List<BitString> bits) implements Message {}

    /**
     * Bob's count of corrected key-basis errors.
     *
     * @param errors for each intensity
     */
    record ErrorCounts(List<Long> errors) implements Message {}

    /**
     * Alice's choice of the hash function, drawn after verification, and the name of the key.
     *
     * @param keyId the id of the key at both sites
     * @param secretBits its length
     * @param seed the seed of the modified Toeplitz matrix
     */
    record Amplification(UUID keyId, long secretBits, BitString seed) implements Message {}

    /**
     * The sender found no key in this block.
     *
     * @param reason why, in a sentence
     */
    record Abort(String reason) implements Message {}

    /**
     * The sender holds the key: first Bob's, then Alice's last message of a block.
     *
     * @param keyId the id of the key
     * @param leakedBits what the sender counted, for the other to compare
     */
    record Done(UUID keyId, long leakedBits) implements Message {}

    /**
     * Bob has no more blocks: sent in place of his {@link Hello}.
     *
     * @param blocks how many there were
     */
    record EndOfSession(long blocks) implements Message {}
}
