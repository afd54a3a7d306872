/** Basis sifting and the counts per basis and intensity. */
@NullMarked
package dev.qdistill.sift;

import org.jspecify.annotations.NullMarked;
