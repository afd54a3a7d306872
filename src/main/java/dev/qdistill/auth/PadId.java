package dev.qdistill.auth;

import java.util.UUID;

/**
 * The name of a one-time pad, the same at both sites.
 *
 * @param supply the supply that it is of
 * @param index its number among those of its direction, from 0
 */
public record PadId(UUID supply, int index) {}
