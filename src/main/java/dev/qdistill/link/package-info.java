/** The two-party protocol: messages, Alice, Bob, Channel. */
@NullMarked
package dev.qdistill.link;

import org.jspecify.annotations.NullMarked;
