/** Reconciliation of a block: code choice, frames, reveals, leakage. */
@NullMarked
package dev.qdistill.reconcile;

import org.jspecify.annotations.NullMarked;
