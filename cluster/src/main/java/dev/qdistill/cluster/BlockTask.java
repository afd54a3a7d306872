package dev.qdistill.cluster;

import dev.qdistill.ldpc.Profile;
import dev.qdistill.link.Settings;
import java.io.Serializable;

/**
 * One block of one pair of dumps: what a Spark task distils.
 *
 * @param name the pair's
 * @param alice Alice's dump, a URI of a Hadoop file system
 * @param bob Bob's
 * @param block its number, from 0
 * @param rules what the operator chose
 * @param attempts the directory in which attempts leave their keys
 */
record BlockTask(String name, String alice, String bob, long block, Rules rules, String attempts) implements Serializable {

    /** {@link Settings}, and what an executor computes with. */
    record Rules(
            double epsilonSecrecy,
            double epsilonCorrectness,
            long blockPulses,
            double maximumQber,
            double unequalBasisTolerance,
            Profile profile,
            int frameBits,
            String backend,
            int threads,
            Long testSeed)
            implements Serializable {
        static Rules of(Settings s, String backend, int threads, Long testSeed) {
            return new Rules(
                    s.epsilonSecrecy(),
                    s.epsilonCorrectness(),
                    s.blockPulses(),
                    s.maximumQber(),
                    s.unequalBasisTolerance(),
                    s.profile(),
                    s.frameBits(),
                    backend,
                    threads,
                    testSeed);
        }

        Settings settings() {
            return new Settings(
                    epsilonSecrecy,
                    epsilonCorrectness,
                    blockPulses,
                    maximumQber,
                    unequalBasisTolerance,
                    profile,
                    frameBits);
        }
    }
}
