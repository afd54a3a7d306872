package dev.qdistill.keystore;

import dev.qdistill.bits.BitString;
import dev.qdistill.bits.SecretArena;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Keys that have left the store, whatever becomes of them: the index says so before anybody sees their bits, so that a
 * crash can lose them but never hand them out twice.
 *
 * <p>Closing wipes the bits. If {@link #delivered()} was not called before, the ledger counts them as unconfirmed.
 */
public final class Handout implements AutoCloseable {
    private final IndexedKeyStore store;
    private final long number;
    private final List<Piece> pieces;
    private final SecretArena arena;
    private final AtomicBoolean settled = new AtomicBoolean();

    Handout(IndexedKeyStore store, long number, List<Piece> pieces, SecretArena arena) {
        this.store = store;
        this.number = number;
        this.pieces = List.copyOf(pieces);
        this.arena = arena;
    }

    /**
     * One key.
     *
     * @param id the same at both sites
     * @param key its bits; wiped when the handout is closed
     */
    public record Piece(UUID id, BitString key) {}

    /** The keys, in the order asked for. */
    public List<Piece> pieces() {
        return pieces;
    }

    /** Notes that the keys have reached who asked for them. */
    public void delivered() {
        if (settled.compareAndSet(false, true)) {
            store.settle(number, true);
        }
    }

    @Override
    public void close() {
        arena.close();
        if (settled.compareAndSet(false, true)) {
            store.settle(number, false);
        }
    }
}
