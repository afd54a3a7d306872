package dev.qdistill.agent;

import dev.qdistill.bits.BitString;
import dev.qdistill.link.KeyCustody;
import dev.qdistill.link.Parameters;
import java.util.List;
import java.util.UUID;

/**
 * Tells of each block that begins.
 *
 * @param keys where the keys go
 * @param begun called when a block was begun
 */
record CountedKeys(KeyCustody keys, Runnable begun) implements KeyCustody {
    @Override
    public long nextBlock() {
        return keys.nextBlock();
    }

    @Override
    public void begin(long block) {
        keys.begin(block);
        begun.run();
    }

    @Override
    public long supplyBits(long secretBits) {
        return keys.supplyBits(secretBits);
    }

    @Override
    public void stage(UUID id, Parameters parameters, BitString secret, long supplyBits) {
        keys.stage(id, parameters, secret, supplyBits);
    }

    @Override
    public void commit(UUID id) {
        keys.commit(id);
    }

    @Override
    public void discard(UUID id) {
        keys.discard(id);
    }

    @Override
    public List<UUID> staged() {
        return keys.staged();
    }

    @Override
    public boolean holds(UUID id) {
        return keys.holds(id);
    }

    @Override
    public List<UUID> supplies() {
        return keys.supplies();
    }

    @Override
    public void peerSupplies(List<UUID> ids) {
        keys.peerSupplies(ids);
    }
}
