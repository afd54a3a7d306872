/** Finite-key bounds: counts in, secret length and epsilon budget out. Pure functions. */
@NullMarked
package dev.qdistill.security;

import org.jspecify.annotations.NullMarked;
