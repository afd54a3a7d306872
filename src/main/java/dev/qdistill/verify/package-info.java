/** The epsilon-universal hash that verifies reconciled keys. */
@NullMarked
package dev.qdistill.verify;

import org.jspecify.annotations.NullMarked;
