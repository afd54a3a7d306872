package dev.qdistill.link;

import dev.qdistill.dump.Role;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * The first exchange on a new connection: the two ends make sure that they are each other, and settle what a crash or a lost
 * connection has left undecided.
 *
 * <ol>
 *   <li>Both send {@link Message.Open}; Bob's names the keys that he has staged and does not know the fate of.
 *   <li>Bob sends a tag over both.
 *   <li>Alice answers with {@link Message.Resume}, which names those of the keys that she has committed, and her tag.
 *   <li>Bob commits those and discards the others: Alice has none of them, and can no longer come by one, since no block of an
 *       earlier connection is at work any more.
 * </ol>
 *
 * <p>In the same conversation the two ends then agree on one session after another ({@link Rendezvous}).
 */
public final class Opening {
    /** More keys in doubt than blocks can have been in flight. */
    static final int MAXIMUM_STAGED = 4096;

    private final Role role;
    private final Message.Open own;
    private final KeyCustody custody;

    /**
     * @param link the link's name
     * @param nonce two random words
     * @param custody of the link's keys, of whatever session
     */
    public Opening(Role role, String link, long[] nonce, KeyCustody custody) {
        this.role = role;
        this.custody = custody;
        this.own = new Message.Open(
                Parameters.VERSION,
                link,
                nonce[0],
                nonce[1],
                role == Role.BOB ? custody.staged() : List.of(),
                role == Role.BOB ? custody.supplies() : List.of());
    }

    /**
     * Runs it.
     *
     * @return where the sessions are agreed on
     * @throws ProtocolException if the two ends cannot work together
     * @throws dev.qdistill.auth.AuthenticationException if the peer is not who it should be
     */
    public Rendezvous run(Channel channel) {
        Conversation peer = channel.conversation(Channel.LINK);
        peer.send(own);
        Message.Open other = expect(Message.Open.class, peer);
        requireSame("protocol version", own.version(), other.version());
        requireSame("link", own.link(), other.link());
        Message.Open alice = role == Role.ALICE ? own : other;
        Message.Open bob = role == Role.ALICE ? other : own;
        if (role == Role.ALICE) {
            answer(peer, other);
        } else {
            settle(peer);
        }
        channel.opened(new long[] {alice.nonceLow(), alice.nonceHigh(), bob.nonceLow(), bob.nonceHigh()});
        return new Rendezvous(role, channel, peer);
    }

    private void answer(Conversation peer, Message.Open bob) {
        peer.verify(expect(Message.Authentication.class, peer));
        custody.peerSupplies(bob.supplies());
        // What she has staged and not committed was never said to be hers.
        custody.staged().forEach(custody::discard);
        List<UUID> stored = new ArrayList<>();
        for (UUID id : bob.staged()) {
            if (custody.holds(id)) {
                stored.add(id);
            }
        }
        peer.send(new Message.Resume(List.copyOf(stored), custody.supplies()));
        peer.send(peer.sign());
    }

    private void settle(Conversation peer) {
        peer.send(peer.sign());
        Message.Resume answer = expect(Message.Resume.class, peer);
        peer.verify(expect(Message.Authentication.class, peer));
        for (UUID id : answer.stored()) {
            if (!own.staged().contains(id)) {
                throw new ProtocolException("Alice has stored key " + id + ", which Bob did not ask for");
            }
        }
        for (UUID id : own.staged()) {
            if (answer.stored().contains(id)) {
                custody.commit(id);
            } else {
                custody.discard(id);
            }
        }
        custody.peerSupplies(answer.supplies());
    }

    /** The next message, which must be of this kind. */
    static <M extends Message> M expect(Class<M> kind, Conversation peer) {
        Message message = peer.receive();
        if (!kind.isInstance(message)) {
            throw new ProtocolException("the peer sent " + message.getClass().getSimpleName() + " where "
                    + kind.getSimpleName() + " is due");
        }
        return kind.cast(message);
    }

    private static void requireSame(String what, Object own, Object other) {
        if (!own.equals(other)) {
            throw new ProtocolException("the peer has " + what + " " + other + ", this side " + own);
        }
    }
}
