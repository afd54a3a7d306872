/** Final keys on disk. */
@NullMarked
package dev.qdistill.keystore;

import org.jspecify.annotations.NullMarked;
