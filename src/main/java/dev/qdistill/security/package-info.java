/**
 * Finite-key security: detection counts in, secret length and ε out. Pure functions, no input or output.
 *
 * <p>{@link dev.qdistill.security.KeyLengthBound} turns the {@link dev.qdistill.security.DetectionCounts} of one block
 * into a {@link dev.qdistill.security.KeyLength}; {@link dev.qdistill.security.UnequalBasisCheck} decides whether the
 * block may have a key at all.
 */
@NullMarked
package dev.qdistill.security;

import org.jspecify.annotations.NullMarked;
