package dev.qdistill.link;

import dev.qdistill.bits.BitString;
import java.util.List;
import java.util.UUID;

/**
 * Where keys go at one site, in steps that leave both sites with a key or neither, wherever a crash comes in between: Bob stages
 * his key and says so, under his last tag; then Alice stages and commits hers and says so, under hers; then Bob commits. So
 * what Alice has committed decides, and Bob is in doubt only about what he has staged; {@link Opening} resolves that when the
 * two ends meet again.
 *
 * <p>Every method that changes something has it on the disk when it returns. Safe for use by many threads.
 */
public interface KeyCustody {
    /** The keys stay with whoever runs the session; nothing is stored. */
    KeyCustody CALLER = new KeyCustody() {
        @Override
        public long nextBlock() {
            return 0;
        }

        @Override
        public void begin(long block) {}

        @Override
        public long supplyBits(long secretBits) {
            return 0;
        }

        @Override
        public void stage(UUID id, Parameters parameters, BitString secret, long supplyBits) {}

        @Override
        public void commit(UUID id) {}

        @Override
        public void discard(UUID id) {}

        @Override
        public List<UUID> staged() {
            return List.of();
        }

        @Override
        public boolean holds(UUID id) {
            return false;
        }

        @Override
        public List<UUID> supplies() {
            return List.of();
        }

        @Override
        public void peerSupplies(List<UUID> ids) {}
    };

    /** The first block of the session that this site has not begun. */
    long nextBlock();

    /** Something that depends on this block's raw data is about to be sent: it can never be run again. Called in order. */
    void begin(long block);

    /**
     * How many bits of a new key should become authentication key; Alice decides.
     *
     * @param secretBits the key's length
     * @return a multiple of the pads of one block, or 0
     */
    long supplyBits(long secretBits);

    /**
     * Keeps a key that must not be used yet.
     *
     * @param secret all of the key; stays the caller's
     * @param supplyBits how many of its bits, from the first on, become authentication key
     */
    void stage(UUID id, Parameters parameters, BitString secret, long supplyBits);

    /** A staged key may be used from now on. Does nothing if there is none with this id. */
    void commit(UUID id);

    /** A staged key will never be used. Does nothing if there is none with this id. */
    void discard(UUID id);

    /** The keys that were staged, and neither committed nor discarded. */
    List<UUID> staged();

    /** Whether a key was ever committed, also if it was used up since. */
    boolean holds(UUID id);

    /** The supplies of authentication key that this site uses. */
    List<UUID> supplies();

    /** The peer uses these supplies, so this site may too, if it has them. Said under a tag. */
    void peerSupplies(List<UUID> ids);
}
