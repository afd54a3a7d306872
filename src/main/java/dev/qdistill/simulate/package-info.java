/** A physical model of a decoy BB84 link that writes dumps. */
@NullMarked
package dev.qdistill.simulate;

import org.jspecify.annotations.NullMarked;
