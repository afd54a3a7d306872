/** Summaries of runs. */
@NullMarked
package dev.qdistill.report;

import org.jspecify.annotations.NullMarked;
