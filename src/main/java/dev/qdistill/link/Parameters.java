package dev.qdistill.link;

import dev.qdistill.ldpc.Profile;
import dev.qdistill.security.Protocol;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.List;
import java.util.Objects;
import java.util.UUID;

/**
 * What Alice and Bob agree on before a block. Fixed before data are seen.
 *
 * @param version of the protocol between the two sides
 * @param session the session's id; all of its blocks have it
 * @param link the link's name
 * @param block number of the block in the session, from 0
 * @param firstPulse the first pulse of the block
 * @param endPulse the first pulse after the block, {@link Long#MAX_VALUE} for the rest of the session
 * @param protocol what the source sends
 * @param intensities mean photon numbers, the signal first; 1 for single photons
 * @param probabilities of the intensities
 * @param epsilonSecrecy ε_sec of this block
 * @param epsilonCorrectness ε_cor of this block
 * @param maximumQber a key-basis error rate above it gives no key
 * @param unequalBasisTolerance how far the error rate of unequal bases may be from 1/2
 * @param requireUnequalBasis whether a block without detections in unequal bases is refused
 * @param frameBits the largest frame
 * @param profile what the codes are chosen for
 * @param codes fingerprint of the code family
 * @param maximumDetections a block with more detections ends
 */
public record Parameters(
        int version,
        String session,
        String link,
        long block,
        long firstPulse,
        long endPulse,
        Protocol protocol,
        List<Double> intensities,
        List<Double> probabilities,
        double epsilonSecrecy,
        double epsilonCorrectness,
        double maximumQber,
        double unequalBasisTolerance,
        boolean requireUnequalBasis,
        int frameBits,
        Profile profile,
        String codes,
        long maximumDetections) {
    /** The version this program speaks. */
    public static final int VERSION = 3;

    /** The same with other codes. */
    Parameters withCodes(CodeChoice choice) {
        return new Parameters(
                version,
                session,
                link,
                block,
                firstPulse,
                endPulse,
                protocol,
                intensities,
                probabilities,
                epsilonSecrecy,
                epsilonCorrectness,
                maximumQber,
                unequalBasisTolerance,
                requireUnequalBasis,
                choice.frameBits(),
                choice.profile(),
                codes,
                maximumDetections);
    }

    /** Bits that the number of an intensity needs: 0 to 2. */
    int intensityPlanes() {
        return Integer.SIZE - Integer.numberOfLeadingZeros(intensities.size() - 1);
    }

    /**
     * Makes sure that the peer wants the same.
     *
     * @throws ProtocolException naming the first difference
     */
    void requireEqual(Parameters peer) {
        for (RecordComponent component : Parameters.class.getRecordComponents()) {
            try {
                Object mine = component.getAccessor().invoke(this);
                Object theirs = component.getAccessor().invoke(peer);
                if (!Objects.equals(mine, theirs)) {
                    throw new ProtocolException(
                            "the peer has " + component.getName() + " " + theirs + ", this side " + mine);
                }
            } catch (IllegalAccessException | InvocationTargetException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** The session as the key stores name it; zero if it has no name of 128 bits. */
    public UUID sessionId() {
        return session.matches("[0-9a-f]{32}")
                ? new UUID(Long.parseUnsignedLong(session, 0, 16, 16), Long.parseUnsignedLong(session, 16, 32, 16))
                : new UUID(0, 0);
    }
}
