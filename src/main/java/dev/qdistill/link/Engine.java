package dev.qdistill.link;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.Offload;
import dev.qdistill.accel.Workers;
import dev.qdistill.amplify.EntropySource;
import dev.qdistill.bits.BitString;
import dev.qdistill.dump.Role;
import dev.qdistill.ldpc.CodeFamily;
import dev.qdistill.ldpc.QuasiCyclicCode;
import dev.qdistill.ldpc.SyndromeDecoder;

/**
 * What a block is worked on with. An offline run gives both roles the same one.
 *
 * @param codes the code family
 * @param backend for the LDPC kernels
 * @param workers the threads for parallel work
 * @param hash privacy amplification
 * @param entropy random bits for the hash functions, the key ids and double clicks
 * @param offload the device that decodes frames, if there is one
 */
public record Engine(
        CodeFamily codes, Backend backend, Workers workers, Amplifier hash, EntropySource entropy, Offload offload) {
    /** Without a device. */
    public Engine(CodeFamily codes, Backend backend, Workers workers, Amplifier hash, EntropySource entropy) {
        this(codes, backend, workers, hash, entropy, Offload.none());
    }

    /** Overwrites {@code bits} with fresh random bits; safe for use by many threads. */
    public void random(BitString bits) {
        synchronized (entropy) {
            entropy.fill(bits);
        }
    }

    /** The same for one role in one block: where the random bits come from a seed, they are of this block and role. */
    Engine of(Role role, Parameters p) {
        EntropySource own = entropy.of(role + " " + p.link() + " " + p.session() + " " + p.block());
        return new Engine(codes, backend, workers, hash, own, offload);
    }

    /** What the decoder runs on. */
    public Backend decoderBackend() {
        QuasiCyclicCode any = codes.code(
                codes.codes(codes.frameLengths().getFirst()).getFirst().name());
        try (SyndromeDecoder decoder = SyndromeDecoder.create(any, backend)) {
            return decoder.backend();
        }
    }
}
