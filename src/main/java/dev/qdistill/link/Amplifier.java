package dev.qdistill.link;

import dev.qdistill.accel.Backend;
import dev.qdistill.amplify.ModifiedToeplitzHash;
import dev.qdistill.amplify.PreparedHash;
import dev.qdistill.bits.BitString;
import org.jspecify.annotations.Nullable;

/**
 * Privacy amplification with the modified Toeplitz hash. The transform of the last seed is kept for the other role of an
 * offline run, which hashes with the same seed right after, until the block is closed.
 */
public final class Amplifier implements AutoCloseable {
    private final ModifiedToeplitzHash hash;
    private final int threads;
    private final long memory;
    private @Nullable BitString seed;
    private @Nullable PreparedHash prepared;

    /**
     * The hash family and the threads that share the work of one block.
     *
     * @param hash does the work
     * @param threads 1 or more
     * @param memory bytes for the transforms of a block; a block that needs more is hashed in parts, with the same result
     */
    public Amplifier(ModifiedToeplitzHash hash, int threads, long memory) {
        this.hash = hash;
        this.threads = threads;
        this.memory = memory;
    }

    /** What it runs on. */
    public Backend backend() {
        return hash.backend();
    }

    long seedBits(long inputBits, long outputBits) {
        return hash.seedBits(inputBits, outputBits);
    }

    /**
     * Hashes a key.
     *
     * @param newSeed the seed, {@link #seedBits} long
     * @param key the verified key
     * @param outputBits length of the result, 1 or more and less than the key's
     * @return the secret key, which the caller closes
     */
    synchronized BitString hash(BitString newSeed, BitString key, long outputBits) {
        if (seed != newSeed || prepared == null) {
            close();
            prepared = hash.prepare(key.length(), outputBits, threads, memory);
            prepared.seed(newSeed);
            seed = newSeed;
        }
        BitString secret = BitString.allocate(outputBits);
        prepared.hash(key, secret);
        return secret;
    }

    @Override
    public synchronized void close() {
        if (prepared != null) {
            prepared.close();
            prepared = null;
            seed = null;
        }
    }
}
