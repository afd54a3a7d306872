package dev.qdistill.link;

import dev.qdistill.dump.DumpHeader;
import dev.qdistill.dump.DumpKind;
import dev.qdistill.dump.DumpReader;
import dev.qdistill.dump.LinkParameters;
import dev.qdistill.dump.Role;
import java.util.List;
import java.util.Optional;

/**
 * One side of a session: its dump, cut into blocks by pulses, and the channel to the peer. Each block is a statement of
 * security of its own; a block that fails or is refused is over, the next one stands alone.
 */
public final class Session {
    private final Role role;
    private final BlockReader records;
    private final Channel channel;
    private final Engine engine;
    private final Settings settings;
    private final Progress progress;
    private long block;

    /**
     * @param dump this side's dump; not closed here
     * @param channel to the peer; not closed here
     */
    public Session(Role role, DumpReader dump, Channel channel, Engine engine, Settings settings, Progress progress) {
        dump.requireRole(role);
        this.role = role;
        this.records = new BlockReader(dump);
        this.channel = channel;
        this.engine = engine;
        this.settings = settings;
        this.progress = progress;
    }

    /**
     * Runs the next block with the peer.
     *
     * @return its result, which the caller closes; empty if there are no more blocks
     * @throws ProtocolException if the peer breaks the protocol or goes away
     * @throws dev.qdistill.dump.BadInputException if this side's dump is damaged, or is not of the peer's session
     */
    public Optional<DistilledBlock> next() {
        if (role == Role.BOB && block > 0 && records.exhausted()) {
            channel.send(new Message.EndOfSession(block));
            return Optional.empty();
        }
        try (Party party = party(parameters())) {
            party.start(channel::send);
            Message first = channel.receive();
            if (first instanceof Message.EndOfSession end && role == Role.ALICE) {
                finish(end);
                return Optional.empty();
            }
            party.receive(first, channel::send);
            while (!party.done()) {
                party.receive(channel.receive(), channel::send);
            }
            block++;
            return Optional.of(party.result());
        }
    }

    private void finish(Message.EndOfSession end) {
        if (end.blocks() != block) {
            throw new ProtocolException("Bob ends the session after " + end.blocks() + " blocks, Alice saw " + block);
        }
        // The rest is read, so that a damaged dump does not pass for a whole one.
        while (records.next(Long.MAX_VALUE)) {}
    }

    private Party party(Parameters parameters) {
        return role == Role.ALICE
                ? new Alice(parameters, records, engine, progress)
                : new Bob(parameters, records, engine, progress);
    }

    private Parameters parameters() {
        DumpHeader header = records.dump().header();
        boolean single = settings.blockPulses() == Long.MAX_VALUE;
        return new Parameters(
                Parameters.VERSION,
                header.session().map(Object::toString).orElse("unknown"),
                header.link().map(LinkParameters::name).orElse("unknown"),
                block,
                single ? 0 : Math.multiplyExact(block, settings.blockPulses()),
                single ? Long.MAX_VALUE : Math.multiplyExact(block + 1, settings.blockPulses()),
                header.protocol(),
                header.link().map(LinkParameters::intensities).orElse(List.of(1.0)),
                header.link().map(LinkParameters::probabilities).orElse(List.of(1.0)),
                settings.epsilonSecrecy(),
                settings.epsilonCorrectness(),
                settings.maximumQber(),
                settings.unequalBasisTolerance(),
                header.kind() != DumpKind.SIFTED,
                settings.frameBits(),
                settings.profile(),
                engine.codes().fingerprint());
    }
}
