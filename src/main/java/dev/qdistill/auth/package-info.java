/** Wegman-Carter authentication: tags, the pool of authentication key, the ledger of ε. */
@NullMarked
package dev.qdistill.auth;

import org.jspecify.annotations.NullMarked;
