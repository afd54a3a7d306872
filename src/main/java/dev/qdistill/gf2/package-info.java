/** Products of binary polynomials, the arithmetic of Toeplitz hashing. */
@NullMarked
package dev.qdistill.gf2;

import org.jspecify.annotations.NullMarked;
