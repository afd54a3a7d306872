/** Packed off-heap strings of bits and the memory they live in. */
@NullMarked
package dev.qdistill.bits;

import org.jspecify.annotations.NullMarked;
