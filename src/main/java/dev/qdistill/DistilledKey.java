package dev.qdistill;

import dev.qdistill.bits.BitString;
import dev.qdistill.link.BlockSummary;
import java.util.UUID;

/**
 * What one block gave at one site: a secret key, or the reason why there is none.
 *
 * @param id the key's id, the same at both sites; all zero without a key
 * @param key the key; secret, wiped on close; of length zero without a key
 * @param summary all that is public of the block: counts, leakage, ε, bound, times
 */
public record DistilledKey(UUID id, BitString key, BlockSummary summary) implements AutoCloseable {

    /** Whether there is a key. */
    public boolean isPresent() {
        return summary.abort().isEmpty();
    }

    @Override
    public void close() {
        key.close();
    }
}
