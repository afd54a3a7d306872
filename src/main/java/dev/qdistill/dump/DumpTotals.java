package dev.qdistill.dump;

import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a dump says about itself after its records.
 *
 * @param records the records, as counted
 * @param pulses the pulses sent in the session; empty if the format does not say
 * @param sent the pulses by basis and intensity: Alice's; empty if the format does not say
 */
public record DumpTotals(long records, OptionalLong pulses, Optional<SentPulses> sent) {}
