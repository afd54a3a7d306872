package dev.qdistill.agent;

import dev.qdistill.auth.EpsilonLedger;
import dev.qdistill.auth.PadPool;
import dev.qdistill.bits.BitString;
import dev.qdistill.keystore.IndexedKeyStore;
import dev.qdistill.keystore.KeyRecord;
import dev.qdistill.keystore.KeyState;
import dev.qdistill.keystore.Site;
import dev.qdistill.link.KeyCustody;
import dev.qdistill.link.Parameters;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * The keys of one link at one site: most of a key goes to the key store, what the pool of authentication key needs goes there.
 * Whether a key is there is decided by the key store alone; the pool follows it, also after a crash.
 */
public final class LinkKeys implements KeyCustody {
    /** Below so many blocks that can be authenticated the pool is refilled. */
    private static final int LOW_BLOCKS = 256;

    /** Blocks' worth of pads cut from one key at most. */
    private static final int REFILL_BLOCKS = 64;

    /** At most this part of a key becomes pads. */
    private static final int LARGEST_SHARE = 4;

    private static final int BITS_OF_BLOCK = PadPool.PADS_OF_BLOCK * PadPool.KEY_BITS;

    private final Site site;
    private final String session;
    private final IndexedKeyStore store;
    private final PadPool pool;
    private final EpsilonLedger ledger;
    private final BlockMarks marks;
    private final InstantSource clock;

    /**
     * Puts right what a crash has left between the store and the pool.
     *
     * @param session the session that the raw data are of
     * @param store this site's; not closed here, as the others
     */
    public LinkKeys(
            Site site,
            String session,
            IndexedKeyStore store,
            PadPool pool,
            EpsilonLedger ledger,
            BlockMarks marks,
            InstantSource clock) {
        this.site = site;
        this.session = session;
        this.store = store;
        this.pool = pool;
        this.ledger = ledger;
        this.marks = marks;
        this.clock = clock;
        for (UUID id : pool.staged()) {
            Optional<KeyState> state = store.state(id);
            if (holds(id)) {
                share(id);
            } else if (state.isEmpty() || state.get() == KeyState.DISCARDED) {
                pool.discard(id);
            }
        }
        pool.clean();
    }

    @Override
    public long nextBlock() {
        return marks.next(session);
    }

    @Override
    public void begin(long block) {
        marks.begin(session, block);
    }

    @Override
    public long supplyBits(long secretBits) {
        if (pool.blocks() >= LOW_BLOCKS) {
            return 0;
        }
        return Math.min(REFILL_BLOCKS, secretBits / LARGEST_SHARE / BITS_OF_BLOCK) * BITS_OF_BLOCK;
    }

    @Override
    public void stage(UUID id, Parameters p, BitString secret, long supplyBits) {
        if (supplyBits > secret.length() / LARGEST_SHARE) {
            throw new dev.qdistill.link.ProtocolException("Alice wants " + supplyBits + " of " + secret.length()
                    + " bits as authentication key; a quarter at most is possible");
        }
        ledger.block(p.epsilonSecrecy(), p.epsilonCorrectness(), secret.length(), supplyBits);
        if (supplyBits > 0) {
            try (BitString pads = secret.slice(0, supplyBits)) {
                pool.stage(id, pads);
            }
        }
        try (BitString key = secret.slice(supplyBits, secret.length() - supplyBits)) {
            store.stage(
                    new KeyRecord(
                            id,
                            p.link(),
                            site,
                            p.sessionId(),
                            p.block(),
                            key.length(),
                            p.epsilonSecrecy(),
                            p.epsilonCorrectness(),
                            clock.instant()),
                    key);
        }
    }

    @Override
    public void commit(UUID id) {
        if (store.state(id).isPresent()) {
            store.commit(id);
            share(id);
        }
    }

    /** Bob knows that Alice has the supply; Alice does not know yet that Bob has committed his. */
    private void share(UUID id) {
        if (site == Site.BOB) {
            pool.activate(id);
        } else {
            pool.receive(id);
        }
    }

    @Override
    public void discard(UUID id) {
        pool.discard(id);
        store.discard(id);
    }

    @Override
    public List<UUID> staged() {
        List<UUID> ids = new ArrayList<>();
        for (KeyRecord r : store.staged()) {
            if (r.link().equals(pool.link())) {
                ids.add(r.id());
            }
        }
        return List.copyOf(ids);
    }

    @Override
    public boolean holds(UUID id) {
        return store.state(id)
                .filter(s -> s != KeyState.STAGED && s != KeyState.DISCARDED)
                .isPresent();
    }

    @Override
    public List<UUID> supplies() {
        return pool.active();
    }

    @Override
    public void peerSupplies(List<UUID> ids) {
        ids.forEach(pool::confirm);
    }
}
