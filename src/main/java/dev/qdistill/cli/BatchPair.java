package dev.qdistill.cli;

import dev.qdistill.link.Settings;
import java.nio.file.Path;
import java.util.Optional;

/**
 * One pair of dumps of a batch.
 *
 * @param name unique in the batch; the name of the directory for the keys
 * @param group what the report shows it with, as "backbone"; may be empty
 * @param alice Alice's dump
 * @param bob Bob's dump
 * @param settings what the operator chose for it
 * @param entropy a file of random bytes for this pair alone, in place of the batch's source
 */
record BatchPair(String name, String group, Path alice, Path bob, Settings settings, Optional<Path> entropy) {}
