package dev.qdistill.link;

import dev.qdistill.dump.Role;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Where the two ends agree on the session to work on next: each may have raw data of several, in another order, and one end's may
 * not be there yet.
 *
 * <ol>
 *   <li>Bob sends {@link Message.Offer}: the sessions that wait at his end.
 *   <li>Alice answers with {@link Message.Choice}: the first of hers that he offered too, and with which block it goes on. If there
 *       is none she waits a moment for one, then says so, and Bob offers anew.
 *   <li>If something was decided, both send a tag over everything said in this conversation, Bob first.
 * </ol>
 *
 * <p>A session that is over at one end and waits at the other (the connection broke in between, or one end's raw data were
 * damaged) is named by the one, and ended by the other.
 */
public final class Rendezvous {
    /** Sessions that an end names. */
    public static final int MAXIMUM_SESSIONS = 256;

    /** How long Alice waits for a session that both have before she answers. */
    private static final Duration PAUSE = Duration.ofSeconds(1);

    private final Role role;
    private final Channel channel;
    private final Conversation peer;
    private List<String> hers = List.of();

    /** What one end has raw data of. */
    public interface Sessions {
        /** The sessions that wait, in the order in which they should be worked on; {@link #MAXIMUM_SESSIONS} at most. */
        List<Message.Offered> waiting();

        /** How a session ended here, if it was here and is over. */
        Optional<Message.Ended> over(String session);

        /** A session that waits here is over at the other end, which said so under a tag. */
        void overThere(Message.Ended ended);

        /** Waits until there may be another session that waits, for so long at most. */
        void await(Duration patience);
    }

    /**
     * The session to work on.
     *
     * @param session its id
     * @param firstBlock the first block that neither end has begun
     * @param conversation the number of its conversation
     */
    public record Agreement(String session, long firstBlock, long conversation) {}

    Rendezvous(Role role, Channel channel, Conversation peer) {
        this.role = role;
        this.channel = channel;
        this.peer = peer;
    }

    /**
     * Makes one attempt, of about a second at most if the peer answers.
     *
     * @param conversation the first number that no conversation at this end had
     * @return empty if there is no session in common yet
     * @throws ProtocolException if the peer breaks the protocol or goes away
     * @throws dev.qdistill.auth.AuthenticationException if a tag is wrong, or there is no key to authenticate with
     */
    public Optional<Agreement> attempt(Sessions own, long conversation) {
        Optional<Agreement> agreed = role == Role.ALICE ? choose(own, conversation) : offer(own, conversation);
        agreed.ifPresent(a -> channel.passOver(a.conversation()));
        return agreed;
    }

    /** The sessions that the peer named last. */
    public List<String> peersSessions() {
        return hers;
    }

    private Optional<Agreement> offer(Sessions own, long conversation) {
        List<Message.Offered> sessions = own.waiting();
        List<Message.Ended> over = over(own, hers);
        peer.send(new Message.Offer(sessions, over, conversation));
        Message.Choice choice = Opening.expect(Message.Choice.class, peer);
        // How the one that is worked on now ends, both will see.
        hers = choice.sessions().stream()
                .filter(id -> !choice.session().equals(Optional.of(id)))
                .toList();
        if (choice.session().isEmpty() && choice.over().isEmpty() && over.isEmpty()) {
            return Optional.empty();
        }
        Map<String, Message.Offered> offered = byId(sessions);
        choice.over().forEach(ended -> requireOffered(offered, ended.session()));
        peer.send(peer.sign());
        peer.verify(Opening.expect(Message.Authentication.class, peer));
        choice.over().forEach(own::overThere);
        return choice.session().map(id -> {
            Message.Offered chosen = requireOffered(offered, id);
            if (choice.firstBlock() < chosen.nextBlock() || choice.conversation() < conversation) {
                throw new ProtocolException("Alice goes on with block " + choice.firstBlock() + " in conversation "
                        + choice.conversation() + "; Bob offered block " + chosen.nextBlock() + " from conversation "
                        + conversation + " on");
            }
            return new Agreement(id, choice.firstBlock(), choice.conversation());
        });
    }

    private static Message.Offered requireOffered(Map<String, Message.Offered> offered, String session) {
        Message.Offered found = offered.get(session);
        if (found == null) {
            throw new ProtocolException("Alice speaks of session " + session + ", which Bob did not offer");
        }
        return found;
    }

    private Optional<Agreement> choose(Sessions own, long conversation) {
        Message.Offer offer = Opening.expect(Message.Offer.class, peer);
        Map<String, Message.Offered> offered = byId(offer.sessions());
        hers = List.copyOf(offered.keySet());
        List<Message.Ended> over = over(own, hers);
        Optional<Message.Offered> mine = common(own, offered);
        long end = System.nanoTime() + PAUSE.toNanos();
        for (long left = PAUSE.toNanos();
                mine.isEmpty() && over.isEmpty() && offer.over().isEmpty() && left > 0;
                left = end - System.nanoTime()) {
            own.await(Duration.ofNanos(left));
            mine = common(own, offered);
        }
        Optional<Agreement> agreed = mine.map(m -> new Agreement(
                m.session(),
                Math.max(m.nextBlock(), requireFound(offered, m).nextBlock()),
                Math.max(conversation, offer.conversation())));
        peer.send(new Message.Choice(
                agreed.map(Agreement::session),
                agreed.map(Agreement::firstBlock).orElse(0L),
                agreed.map(Agreement::conversation).orElse(0L),
                own.waiting().stream()
                        .map(Message.Offered::session)
                        .filter(id ->
                                offer.over().stream().noneMatch(e -> e.session().equals(id)))
                        .toList(),
                over));
        if (agreed.isPresent() || !over.isEmpty() || !offer.over().isEmpty()) {
            peer.verify(Opening.expect(Message.Authentication.class, peer));
            peer.send(peer.sign());
            offer.over().forEach(own::overThere);
        }
        return agreed;
    }

    private static Message.Offered requireFound(Map<String, Message.Offered> offered, Message.Offered mine) {
        return java.util.Objects.requireNonNull(offered.get(mine.session()));
    }

    private static Optional<Message.Offered> common(Sessions own, Map<String, Message.Offered> offered) {
        return own.waiting().stream()
                .filter(m -> offered.containsKey(m.session()))
                .findFirst();
    }

    private static Map<String, Message.Offered> byId(List<Message.Offered> sessions) {
        Map<String, Message.Offered> map = new HashMap<>();
        for (Message.Offered s : sessions) {
            if (s.nextBlock() < 0 || s.nextBlock() > Long.MAX_VALUE / 2) {
                throw new ProtocolException(
                        "the peer goes on with block " + Long.toUnsignedString(s.nextBlock()) + " of a session");
            }
            map.put(s.session(), s);
        }
        return map;
    }

    private static List<Message.Ended> over(Sessions own, List<String> theirs) {
        List<Message.Ended> over = new ArrayList<>();
        theirs.forEach(id -> own.over(id).ifPresent(over::add));
        return List.copyOf(over);
    }
}
