/** Raw key dumps: the QRAW container, its reader and writer, importers of other formats. */
@NullMarked
package dev.qdistill.dump;

import org.jspecify.annotations.NullMarked;
