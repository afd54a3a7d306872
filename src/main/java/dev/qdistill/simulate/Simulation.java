package dev.qdistill.simulate;

import dev.qdistill.dump.SessionId;

/**
 * What a run of the simulator wrote.
 *
 * @param session the session's id
 * @param pulses sent
 * @param detections written to either dump
 */
public record Simulation(SessionId session, long pulses, long detections) {}
