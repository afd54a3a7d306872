package dev.qdistill.auth;

/**
 * An encrypted hash, and the pad that it was encrypted with.
 *
 * @param pad which pad
 * @param low the low 64 bits of the value
 * @param high the other 63
 */
public record Tag(PadId pad, long low, long high) {}
