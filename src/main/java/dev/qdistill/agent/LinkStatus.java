package dev.qdistill.agent;

import dev.qdistill.link.BlockSummary;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * How a link is at the moment; nothing in it is secret.
 *
 * @param link its name
 * @param connected whether the peer is there, and is who it should be
 * @param since when that began
 * @param problem what went wrong last, if the peer is not there or the link has stopped
 * @param running the session in work
 * @param waiting the sessions that wait, in their order
 * @param full whether the key store has as many bits as it may have, so that no block begins
 * @param blocks blocks that ended with a key or a refusal since the agent started
 * @param failedBlocks blocks that were begun and lost
 * @param authenticatedBlocksLeft for how many blocks there is authentication key
 * @param keyBasisBitsPerSecond the rate of the link by its last blocks; 0 before there are any
 * @param last the last block
 */
public record LinkStatus(
        String link,
        boolean connected,
        Instant since,
        Optional<String> problem,
        Optional<String> running,
        List<String> waiting,
        boolean full,
        long blocks,
        long failedBlocks,
        int authenticatedBlocksLeft,
        double keyBasisBitsPerSecond,
        Optional<BlockSummary> last) {}
