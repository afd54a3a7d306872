package dev.qdistill.keystore;

/**
 * How much key a link has in a store.
 *
 * @param link the link
 * @param stagedKeys keys that the other site has not confirmed
 * @param availableKeys keys that pieces can be had of
 * @param ownBits bits left for this site's masters
 * @param peerBits bits left for the other site's masters, and kept here for their slaves
 * @param stagedBits bits of the staged keys
 * @param capacityBits how many bits are kept at most
 */
public record Level(
        String link,
        long stagedKeys,
        long availableKeys,
        long ownBits,
        long peerBits,
        long stagedBits,
        long capacityBits) {

    /** Whether no more keys should be made for the moment. */
    public boolean isFull() {
        return ownBits + peerBits + stagedBits >= capacityBits;
    }
}
