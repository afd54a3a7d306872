/**
 * Final keys on disk: one directory a site, one file a key, {@code <id>.qkey}.
 *
 * <p>A key file appears complete or not at all: it is written under another name, forced to the disk, and renamed. The
 * two sites' copies of a key that one process made appear together
 * ({@link dev.qdistill.keystore.KeyStore#addPair addPair}). {@code docs/formats.md} has the file byte by byte.
 */
@NullMarked
package dev.qdistill.keystore;

import org.jspecify.annotations.NullMarked;
