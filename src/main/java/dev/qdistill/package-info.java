/** The library's front door. */
@NullMarked
package dev.qdistill;

import org.jspecify.annotations.NullMarked;
