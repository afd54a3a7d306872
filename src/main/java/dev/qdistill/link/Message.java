package dev.qdistill.link;

import dev.qdistill.auth.Tag;
import dev.qdistill.bits.BitString;
import dev.qdistill.reconcile.ReconcileMessage;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * What Alice and Bob send each other, in the order of the protocol. Everything in a message is public, so its memory is
 * not wiped; docs/security.md lists what each one tells about the key.
 */
public sealed interface Message {

    /**
     * The first message on a new connection, from both ends.
     *
     * @param version of the protocol
     * @param link the link's name
     * @param nonceLow random, new for each connection
     * @param nonceHigh more of the same
     * @param staged Bob's keys of which he does not know whether Alice has committed hers; none from Alice
     * @param supplies the supplies of authentication key that Bob uses; none from Alice
     */
    record Open(int version, String link, long nonceLow, long nonceHigh, List<UUID> staged, List<UUID> supplies)
            implements Message {}

    /**
     * Alice's answer to Bob's {@link Open}.
     *
     * @param stored those of his staged keys that she has committed
     * @param supplies the supplies of authentication key that she uses
     */
    record Resume(List<UUID> stored, List<UUID> supplies) implements Message {}

    /**
     * A session that waits for the other end.
     *
     * @param session its id
     * @param nextBlock the first of its blocks that this end has not begun
     */
    record Offered(String session, long nextBlock) {}

    /**
     * A session that is over at this end, and that the other one waits with.
     *
     * @param session its id
     * @param problem why, in a sentence; empty if it ended in order
     */
    record Ended(String session, Optional<String> problem) {}

    /**
     * What Bob has raw data of, when no session is in work.
     *
     * @param sessions those that wait
     * @param over those of the sessions that Alice waits with that are over here
     * @param conversation the first number that no conversation at this end had
     */
    record Offer(List<Offered> sessions, List<Ended> over, long conversation) implements Message {}

    /**
     * Alice's answer to an {@link Offer}. Tags of both follow, Bob's first, if a session was chosen or one is over at an end.
     *
     * @param session the id of the session that both now work on; empty if there is none in common yet
     * @param firstBlock with which block, 0 without a session
     * @param conversation the number of that block's conversation; those of the next blocks follow. 0 without a session
     * @param sessions ids of those that wait at her end
     * @param over those of Bob's sessions that are over here
     */
    record Choice(Optional<String> session, long firstBlock, long conversation, List<String> sessions, List<Ended> over)
            implements Message {}

    /**
     * The sender's tag over all that both ends have said in this conversation, apart from tags.
     *
     * @param tag empty on a channel on which nobody can sit
     */
    record Authentication(Optional<Tag> tag) implements Message {}

    /**
     * Each side's first message of a block: what both must agree on.
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
     * Bob's measurement of the block is over: from here on bases may be announced, by him at once, by her once she has checked his
     * tag.
     *
     * @param detections how many there were
     * @param supplies the supplies of authentication key that Bob uses
     */
    record EndOfMeasurement(long detections, List<UUID> supplies) implements Message {}

    /**
     * Alice's bases (0 = Z, 1 = X) and intensities, one for each detection.
     *
     * @param bases one bit a detection
     * @param intensityLow bit 0 of the intensity's index; empty if there is only one intensity
     * @param intensityHigh bit 1 of the intensity's index; empty if there are no more than two
     */
    record AliceBases(BitString bases, BitString intensityLow, BitString intensityHigh) implements Message {}

    /**
     * Bob's bases, one for each detection, and his bits where he used X. His first tag is over these too.
     *
     * @param bases one bit a detection
     * @param bits one bit for each detection in which he used X, in order
     */
    record BobBases(BitString bases, BitString bits) implements Message {}

    /**
     * Alice's bits where not both used the key basis.
     *
     * @param bits one bit for each detection in which a side used X, in order
     */
    record AliceBits(BitString bits) implements Message {}

    /**
     * Bob's bits where Alice used X and he did not.
     *
     * @param bits one bit for each such detection, in order
     */
    record BobBits(BitString bits) implements Message {}

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
     * @param supplyBits how many of its bits, from the first on, become authentication key
     * @param seed the seed of the modified Toeplitz matrix
     */
    record Amplification(UUID keyId, long secretBits, long supplyBits, BitString seed) implements Message {}

    /**
     * The sender found no key in this block.
     *
     * @param reason why, in a sentence
     */
    record Abort(String reason) implements Message {}

    /**
     * The sender cannot finish this block, in whatever step it is; the other blocks go on. Not said by Bob once he stages his key,
     * nor by Alice once she offers hers: from then on only the opening of a connection settles what becomes of the key.
     *
     * @param reason why, in a sentence
     */
    record GiveUp(String reason) implements Message {}

    /**
     * The sender holds the key: Bob has staged it, or Alice has committed it. The sender's tag follows.
     *
     * @param keyId the id of the key
     * @param leakedBits what the sender counted, for the other to compare
     */
    record Done(UUID keyId, long leakedBits) implements Message {}

    /**
     * Bob has no more blocks: sent in place of his {@link Hello}. His tag follows.
     *
     * @param blocks how many there were
     */
    record EndOfSession(long blocks) implements Message {}
}
