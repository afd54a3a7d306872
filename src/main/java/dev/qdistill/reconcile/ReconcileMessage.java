package dev.qdistill.reconcile;

import dev.qdistill.bits.BitString;
import java.util.List;

/**
 * What the two sides send each other to reconcile a block. Everything here is public; docs/security.md says what each
 * message leaks. Frames are numbered as {@link Frame#cut} numbers them.
 */
public sealed interface ReconcileMessage {

    /**
     * Bob asks for the syndromes of frames under one code.
     *
     * @param frames frame numbers
     * @param code the name of the code in the family; it is fitted to the length of the frames ({@link
     *     dev.qdistill.ldpc.AdaptedCode})
     * @param splits rows of the code to split
     */
    record SyndromeRequest(List<Integer> frames, String code, int splits) implements ReconcileMessage {}

    /**
     * Alice's answer to a {@link SyndromeRequest}.
     *
     * @param frames frame numbers, as asked
     * @param code the name of the code
     * @param splits rows of the code that are split
     * @param syndromes the syndromes one after another, each as long as the code's
     */
    record Syndromes(List<Integer> frames, String code, int splits, BitString syndromes) implements ReconcileMessage {}

    /**
     * Bob asks for more syndrome bits of frames that he could not decode.
     *
     * @param frames frame numbers, each of a frame whose syndrome was sent
     * @param splits for each frame the rows of its code to split, more than before
     */
    record ExtensionRequest(List<Integer> frames, List<Integer> splits) implements ReconcileMessage {}

    /**
     * Alice's answer to an {@link ExtensionRequest}.
     *
     * @param frames frame numbers, as asked
     * @param bits for each frame the syndromes of the second halves of the rows newly split, in the order of splitting
     */
    record Extensions(List<Integer> frames, List<BitString> bits) implements ReconcileMessage {}

    /**
     * Bob asks for single bits of frames that he could not decode.
     *
     * @param frames frame numbers
     * @param positions for each frame a mask of its bits
     */
    record RevealRequest(List<Integer> frames, List<BitString> positions) implements ReconcileMessage {}

    /**
     * Alice's answer to a {@link RevealRequest}.
     *
     * @param frames frame numbers, as asked
     * @param bits for each frame its bits at the positions asked for, in order
     */
    record Revealed(List<Integer> frames, List<BitString> bits) implements ReconcileMessage {}

    /**
     * Bob gives frames up.
     *
     * @param frames frame numbers
     */
    record PublishRequest(List<Integer> frames) implements ReconcileMessage {}

    /**
     * Alice's answer to a {@link PublishRequest}.
     *
     * @param frames frame numbers, as asked
     * @param bits for each frame all its bits
     */
    record Published(List<Integer> frames, List<BitString> bits) implements ReconcileMessage {}

    /**
     * Bob starts Cascade on a frame. The answer has the parity of each block of the first pass.
     *
     * @param frame the frame's number
     * @param variant which Cascade
     * @param firstBlock the length of the first pass's blocks in bits
     */
    record CascadeStart(int frame, CascadeVariant variant, int firstBlock) implements ReconcileMessage {}

    /**
     * Bob asks for the next pass. The answer has the parity of each of its blocks, but the last if that follows from the
     * others.
     *
     * @param frame the frame's number
     */
    record CascadePass(int frame) implements ReconcileMessage {}

    /**
     * Bob halves blocks. The answer has the parity of the left half of each.
     *
     * @param frame the frame's number
     * @param blocks numbers of blocks, in the order in which they came to be
     */
    @SuppressWarnings("ArrayRecordComponent") // thousands of numbers, never compared
    record ParityRequest(int frame, int[] blocks) implements ReconcileMessage {}

    /**
     * Alice's answer to a {@link CascadeStart}, {@link CascadePass} or {@link ParityRequest}.
     *
     * @param frame the frame's number
     * @param parities one bit a block
     */
    record Parities(int frame, BitString parities) implements ReconcileMessage {}

    /** Bob holds a candidate for every frame. */
    record Reconciled() implements ReconcileMessage {}
}
