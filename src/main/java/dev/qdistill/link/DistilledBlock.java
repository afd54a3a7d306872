package dev.qdistill.link;

import dev.qdistill.bits.BitString;
import java.util.UUID;

/**
 * A block's key at one site, or the reason why there is none.
 *
 * @param id the key's id, the same at both sites; all zero without a key
 * @param key the key, secret; of length zero without a key
 * @param summary all that is public of the block
 */
public record DistilledBlock(UUID id, BitString key, BlockSummary summary) implements AutoCloseable {
    static final UUID NO_ID = new UUID(0, 0);

    @Override
    public void close() {
        key.close();
    }
}
