/** Privacy amplification: Toeplitz and modified Toeplitz hashing. */
@NullMarked
package dev.qdistill.amplify;

import org.jspecify.annotations.NullMarked;
