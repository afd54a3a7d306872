package dev.qdistill.agent;

import dev.qdistill.bits.BitString;
import dev.qdistill.dump.Role;
import dev.qdistill.link.BlockReader;
import dev.qdistill.link.BlockSummary;
import dev.qdistill.link.DistilledBlock;
import dev.qdistill.link.Engine;
import dev.qdistill.link.KeyCustody;
import dev.qdistill.link.Opening;
import dev.qdistill.link.Progress;
import dev.qdistill.link.ProtocolException;
import dev.qdistill.link.Rendezvous;
import dev.qdistill.link.Session;
import dev.qdistill.link.Settings;
import dev.qdistill.link.Stage;
import dev.qdistill.wire.Connection;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What passes over one connection to the peer: the opening, then one session after another. Used by one thread; closed by its owner. */
final class LinkConnection {
    private final Role role;
    private final Connection connection;
    private final Engine engine;
    private @Nullable Rendezvous rendezvous;
    private long conversation;

    /** As {@link Progress#givenUp}. */
    @FunctionalInterface
    interface GivenUp {
        void tell(long block, ProtocolException why);
    }

    LinkConnection(Role role, Connection connection, Engine engine) {
        this.role = role;
        this.connection = connection;
        this.engine = engine;
    }

    /**
     * Makes sure that the peer is there and who it should be, and settles what is in doubt.
     *
     * @param keys the link's, of whatever session
     */
    void open(String link, KeyCustody keys) {
        rendezvous = new Opening(role, link, nonce(), keys).run(connection.channel());
    }

    private long[] nonce() {
        try (BitString random = BitString.allocate(128)) {
            engine.random(random);
            return new long[] {random.word(0), random.word(1)};
        }
    }

    /** One attempt to agree on a session. */
    Optional<Rendezvous.Agreement> agree(Rendezvous.Sessions own) {
        return opened().attempt(own, conversation);
    }

    List<String> peersSessions() {
        return opened().peersSessions();
    }

    private Rendezvous opened() {
        if (rendezvous == null) {
            throw new IllegalStateException("The connection is not open");
        }
        return rendezvous;
    }

    /**
     * Runs a session to its end.
     *
     * @param records not closed here
     * @param blocks told of each block when it is over, by this thread
     * @param givenUp told of each block that could not be finished, by this thread
     */
    void run(
            BlockReader records, Settings settings, Session.Plan plan, Consumer<BlockSummary> blocks, GivenUp givenUp) {
        Progress progress = new Progress() {
            @Override
            public void advanced(Stage stage, long done, long total) {}

            @Override
            public void givenUp(long block, ProtocolException why) {
                givenUp.tell(block, why);
            }
        };
        Session session = new Session(role, records, connection.channel(), engine, settings, plan, progress);
        try {
            for (Optional<DistilledBlock> b = session.next(); b.isPresent(); b = session.next()) {
                try (DistilledBlock block = b.get()) {
                    blocks.accept(block.summary());
                }
            }
        } finally {
            conversation = session.nextConversation();
            session.close();
            session.unreported().forEach(blocks);
        }
    }
}
