package dev.qdistill;

import dev.qdistill.bits.BitString;
import dev.qdistill.keystore.KeyRecord;
import dev.qdistill.keystore.Site;
import dev.qdistill.link.BlockSummary;
import dev.qdistill.link.Parameters;
import java.time.Instant;
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

    /**
     * What a key store keeps with the key.
     *
     * @param site whose key this is
     * @param made when
     */
    public KeyRecord record(Site site, Instant made) {
        Parameters p = summary.parameters();
        return new KeyRecord(
                id,
                p.link(),
                site,
                p.sessionId(),
                p.block(),
                key.length(),
                p.epsilonSecrecy(),
                p.epsilonCorrectness(),
                made);
    }

    @Override
    public void close() {
        key.close();
    }
}
