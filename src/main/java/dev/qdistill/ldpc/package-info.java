/** Quasi-cyclic LDPC codes, their construction, syndrome encoding and decoding. */
@NullMarked
package dev.qdistill.ldpc;

import org.jspecify.annotations.NullMarked;
