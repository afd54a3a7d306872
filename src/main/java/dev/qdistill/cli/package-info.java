/** The command line. */
@NullMarked
package dev.qdistill.cli;

import org.jspecify.annotations.NullMarked;
