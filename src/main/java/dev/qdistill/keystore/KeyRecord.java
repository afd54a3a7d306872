package dev.qdistill.keystore;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.UUID;

/**
 * What is known of a key, apart from its bits.
 *
 * @param id the key's name at both sites, chosen by the protocol
 * @param link name of the link, the same at both sites: 1 to 200 bytes of UTF-8 without control characters
 * @param site at whose end this copy is
 * @param session id of the session that the key comes from; all zeros if it had none
 * @param block number of the block in its session, from 0
 * @param bits length of the key, 1 or more
 * @param epsilonSecrecy ε_sec of the block, above 0, below 1
 * @param epsilonCorrectness ε_cor of the block, above 0, below 1
 * @param created when the key was made, in whole milliseconds (rounded down)
 */
public record KeyRecord(
        UUID id,
        String link,
        Site site,
        UUID session,
        long block,
        long bits,
        double epsilonSecrecy,
        double epsilonCorrectness,
        Instant created) {
    static final int MAX_LINK_BYTES = 200;

    /** @throws IllegalArgumentException if a value is out of its range */
    public KeyRecord {
        int linkBytes = link.getBytes(StandardCharsets.UTF_8).length;
        require(linkBytes >= 1 && linkBytes <= MAX_LINK_BYTES, "a link name of " + linkBytes + " bytes, not 1 to 200");
        require(link.codePoints().noneMatch(Character::isISOControl), "a link name with control characters");
        require(block >= 0, "block number " + block);
        require(bits >= 1, "a length of " + bits + " bits");
        require(epsilonSecrecy > 0 && epsilonSecrecy < 1, "epsilonSecrecy " + epsilonSecrecy);
        require(epsilonCorrectness > 0 && epsilonCorrectness < 1, "epsilonCorrectness " + epsilonCorrectness);
        created = created.truncatedTo(ChronoUnit.MILLIS);
    }

    /** The same key at the other end of the link. */
    public KeyRecord at(Site other) {
        return new KeyRecord(id, link, other, session, block, bits, epsilonSecrecy, epsilonCorrectness, created);
    }

    private static void require(boolean condition, String problem) {
        if (!condition) {
            throw new IllegalArgumentException("Not a key's record: " + problem);
        }
    }
}
