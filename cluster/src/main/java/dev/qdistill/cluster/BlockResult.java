package dev.qdistill.cluster;

import java.io.Serializable;
import java.util.Map;

/**
 * What an attempt at a block gave; nothing in it is secret, and it is all that Spark carries. The keys are in the attempt's
 * directory until the driver takes them, from one attempt of each block.
 *
 * @param attempt the directory with {@code alice.qkey} and {@code bob.qkey}; empty if there is no key
 * @param keyId the key's id; empty if there is no key
 * @param problem why there is no key, or what is wrong with the dumps; empty if there is one
 * @param exitCode 0, 3 for bad input, 4 for no key, as the command's
 * @param row the block's line of the report, as {@code distill --json} prints it; empty if the dumps are bad
 * @param stages seconds of each stage, by its id
 * @param seconds wall time of the attempt
 * @param executor where it ran
 */
record BlockResult(
        long block,
        String attempt,
        String keyId,
        String problem,
        int exitCode,
        String row,
        Map<String, Double> stages,
        double seconds,
        String executor)
        implements Serializable {

    /** Bob has no more detections: there is no such block. */
    boolean beyondTheEnd() {
        return exitCode == 0 && keyId.isEmpty();
    }

    boolean bad() {
        return exitCode == 3;
    }
}
