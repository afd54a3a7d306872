package dev.qdistill.cluster;

import dev.qdistill.accel.Backend;
import dev.qdistill.link.Settings;
import java.io.Serializable;

/**
 * One block of one pair of dumps: what a Spark task distils.
 *
 * @param name the pair's
 * @param alice Alice's dump, a URI of a Hadoop file system
 * @param bob Bob's
 * @param block its number, from 0
 * @param settings what the operator chose
 * @param backend what the kernels run on
 * @param threads of a task
 * @param testSeed in place of random bits; null for keys that are used
 * @param attempts the directory in which attempts leave their keys
 */
record BlockTask(
        String name,
        String alice,
        String bob,
        long block,
        Settings settings,
        Backend backend,
        int threads,
        Long testSeed,
        String attempts)
        implements Serializable {}
