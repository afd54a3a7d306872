package dev.qdistill.link;

import dev.qdistill.auth.AuthenticationException;
import dev.qdistill.auth.PoolException;
import dev.qdistill.dump.BadInputException;
import dev.qdistill.dump.DumpHeader;
import dev.qdistill.dump.DumpKind;
import dev.qdistill.dump.DumpReader;
import dev.qdistill.dump.LinkParameters;
import dev.qdistill.dump.Role;
import dev.qdistill.keystore.KeyStoreException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/**
 * One side of a session: its dump, cut into blocks by pulses, and the channel to the peer. Each block is a statement of
 * security of its own; a block that is refused is over, the next one stands alone.
 *
 * <p>Several blocks may be in work at once, each in a conversation and on a thread of its own, so that neither end waits
 * while messages are on their way; the raw data are read in order. Where what fails is the block's own (what the two ends found in
 * it cannot be, it is too large, one end fails in it) it is given up at both ends, and the others go on. Where the peer breaks the
 * protocol, or a tag is wrong, the session ends, and with it the blocks in work; so it does where a key is in doubt: what becomes of
 * that only the {@link Opening} of another connection settles.
 */
public final class Session implements AutoCloseable {
    /** How long the oldest block may take to find that the session is over, after a later one has failed. */
    private static final long LAST_WORDS_MILLIS = 2000;

    private static final long POLL_MILLIS = 500;

    /** So many blocks given up one after another end the session: whatever it is, it does not go away by itself. */
    private static final int MOST_GIVEN_UP = 3;

    private final Role role;
    private final BlockReader records;
    private final List<BlockSummary> unreported = new ArrayList<>();
    private final Channel channel;
    private final Engine engine;
    private final Settings settings;
    private final Progress progress;
    private final Plan plan;
    private final ReadingTurns turns;
    private final String codes;
    private final Deque<Running> running = new ArrayDeque<>();
    private final Object changed = new Object();
    private @Nullable Throwable failure;
    private final Map<Long, Conversation> conversations = new HashMap<>();
    private long nextBlock;
    /** The number in place of which Bob said that there are no more blocks. */
    private long last = Long.MAX_VALUE;

    private boolean over;
    private int givenUpInARow;

    /**
     * How a session is run; {@code maximumDetections} must be the same at both ends.
     *
     * @param firstBlock the first block of this connection; the records of those before are passed over
     * @param conversation the number of its conversation
     * @param window blocks in work at once, 1 or more
     * @param maximumDetections a block with more detections ends the session
     * @param custody where keys go
     * @param rules what is decided from block to block
     */
    public record Plan(
            long firstBlock, long conversation, int window, long maximumDetections, KeyCustody custody, Rules rules) {
        /** From the first block on, one after another, no limit, the keys to the caller. */
        public static final Plan OFFLINE = new Plan(0, 0, 1, Long.MAX_VALUE, KeyCustody.CALLER, Rules.NONE);

        /** A plan whose conversations have the numbers of their blocks, and whose rules do not change. */
        public Plan(long firstBlock, int window, long maximumDetections, KeyCustody custody) {
            this(firstBlock, firstBlock, window, maximumDetections, custody, Rules.NONE);
        }

        /** Both roles in one process, from a block on, one block at a time, the keys to the caller. */
        public static Plan offlineFrom(long firstBlock) {
            return new Plan(firstBlock, 1, Long.MAX_VALUE, KeyCustody.CALLER);
        }

        /** Whether a block is run by whoever asks for it, and none before. */
        boolean isOffline() {
            return window == 1 && maximumDetections == Long.MAX_VALUE && custody.equals(KeyCustody.CALLER);
        }

        /** @throws IllegalArgumentException if a value is out of range */
        public Plan {
            if (firstBlock < 0 || conversation < 0 || window < 1 || maximumDetections < 1) {
                throw new IllegalArgumentException("First block " + firstBlock + ", window " + window + ", at most "
                        + maximumDetections + " detections a block");
            }
        }
    }

    /** What is decided anew for each block. Safe for use by many threads. */
    public interface Rules {
        /** Blocks may begin at any time, with the codes of the settings. */
        Rules NONE = () -> true;

        /** Whether a block may begin now. While it may not, it waits, and the peer with it. */
        boolean mayBegin();

        /** The codes of the next block, if they are not those of the settings; Alice's are taken, by Bob if he has any here. */
        default Optional<CodeChoice> codes() {
            return Optional.empty();
        }
    }

    /** A block in work. A thread of the platform: it computes for long, and must not hold up those that pass messages on. */
    private final class Running {
        private final long number;
        private final Thread thread;
        private boolean ended;
        private @Nullable ProtocolException closed;
        private @Nullable ProtocolException givenUp;
        private boolean failed;
        private @Nullable BadInputException damaged;
        private Optional<DistilledBlock> result = Optional.empty();

        Running(long number) {
            this.number = number;
            thread = Thread.ofPlatform()
                    .daemon()
                    .name("qdistill-" + role + "-block-" + number)
                    .start(() -> {
                        try {
                            done(run(number));
                        } catch (ProtocolException e) {
                            if (e.isClosedInOrder()) {
                                closed(e);
                            } else if (e.endsOneBlock()) {
                                givenUp(e);
                            } else {
                                fail(number, e);
                                failed();
                            }
                        } catch (BadInputException e) {
                            stopReading(number, e);
                        } catch (Throwable e) {
                            fail(number, e);
                            failed();
                        }
                    });
        }

        /** Matters only if no block before this one is the last. */
        private void closed(ProtocolException e) {
            synchronized (changed) {
                ended = true;
                closed = e;
                changed.notifyAll();
            }
        }

        private void givenUp(ProtocolException e) {
            synchronized (changed) {
                ended = true;
                givenUp = e;
                changed.notifyAll();
            }
        }

        private void failed() {
            synchronized (changed) {
                failed = true;
                changed.notifyAll();
            }
        }

        /** The blocks before this one have what they need, and come to their end; then this one is what the session ends with. */
        private void stopReading(long number, BadInputException e) {
            synchronized (changed) {
                damaged = e;
                last = Math.min(last, number);
                changed.notifyAll();
            }
            turns.fail();
        }

        private void done(Optional<DistilledBlock> block) {
            synchronized (changed) {
                ended = true;
                result = block;
                changed.notifyAll();
            }
        }
    }

    /** A session that is run by {@link Plan#OFFLINE}. */
    public Session(Role role, DumpReader dump, Channel channel, Engine engine, Settings settings, Progress progress) {
        this(role, dump, channel, engine, settings, Plan.OFFLINE, progress);
    }

    /**
     * @param dump this side's dump; not closed here
     * @param channel to the peer; not closed here
     * @param progress told by several threads if there are several blocks in work
     */
    public Session(
            Role role,
            DumpReader dump,
            Channel channel,
            Engine engine,
            Settings settings,
            Plan plan,
            Progress progress) {
        this(role, new BlockReader(dump), channel, engine, settings, plan, progress);
    }

    /**
     * @param records of this side; not closed here
     * @param channel to the peer; not closed here
     * @param progress told by several threads if there are several blocks in work
     */
    public Session(
            Role role,
            BlockReader records,
            Channel channel,
            Engine engine,
            Settings settings,
            Plan plan,
            Progress progress) {
        records.dump().requireRole(role);
        this.role = role;
        this.records = records;
        this.channel = channel;
        this.engine = engine;
        this.settings = settings;
        this.progress = progress;
        this.plan = plan;
        this.codes = engine.codes().fingerprint();
        this.nextBlock = plan.firstBlock();
        this.turns = new ReadingTurns(nextBlock);
    }

    /** Passes over the records of the blocks that were begun before. */
    private void passOver(Conversation peer) {
        records.look(peer::waiting);
        // What is one block as a whole has no second one.
        boolean single = settings.blockPulses() == Long.MAX_VALUE;
        records.skipTo(single ? Long.MAX_VALUE : Math.multiplyExact(plan.firstBlock(), settings.blockPulses()));
    }

    /** The first conversation number that is free after the session. */
    public long nextConversation() {
        return plan.conversation() + (nextBlock - plan.firstBlock());
    }

    /** The blocks that came to their end, but were not returned because another one failed. After {@link #close}. */
    public List<BlockSummary> unreported() {
        return List.copyOf(unreported);
    }

    /**
     * Runs the next block with the peer, or waits for it.
     *
     * @return its result, which the caller closes; empty if there are no more blocks
     * @throws ProtocolException if the peer breaks the protocol or goes away
     * @throws dev.qdistill.auth.AuthenticationException if a tag is wrong, or there is no key to authenticate with
     * @throws dev.qdistill.dump.BadInputException if this side's dump is damaged, or is not of the peer's session
     */
    public Optional<DistilledBlock> next() {
        if (over) {
            return Optional.empty();
        }
        Optional<DistilledBlock> result = plan.isOffline() ? run(nextBlock++) : awaitResult();
        over = result.isEmpty();
        return result;
    }

    private Optional<DistilledBlock> awaitResult() {
        for (; ; ) {
            Running head = await();
            running.remove();
            ProtocolException why = head.givenUp;
            if (why == null) {
                givenUpInARow = 0;
                return head.result;
            }
            progress.givenUp(head.number, why);
            if (++givenUpInARow == MOST_GIVEN_UP) {
                throw tooMany(head.number, why);
            }
        }
    }

    /** What failed here is thrown as it is, since it is not the peer's doing. */
    private RuntimeException tooMany(long number, ProtocolException why) {
        Throwable e = why.getCause() != null
                ? why.getCause()
                : new ProtocolException(
                        MOST_GIVEN_UP + " blocks in a row could not be finished; of the last, " + why.getMessage());
        fail(number, e);
        switch (e) {
            case RuntimeException r -> throw r;
            case Error r -> throw r;
            default -> throw new IllegalStateException(e);
        }
    }

    /**
     * Waits for the oldest block. One that is over makes room for another, also while an older one is still in work. A failure
     * of a later one ends the channel; but what the peer had said before may be enough for the older ones, and may be that
     * there is no later one.
     */
    private Running await() {
        synchronized (changed) {
            long patience = Long.MAX_VALUE;
            try {
                for (; ; ) {
                    while (failure == null
                            && nextBlock <= last
                            && running.size() < 2L * plan.window()
                            && running.stream().filter(r -> !r.ended).count() < plan.window()) {
                        running.add(new Running(nextBlock++));
                    }
                    Running head = running.element();
                    if (head.ended) {
                        if (head.closed != null) {
                            throw head.closed;
                        }
                        return head;
                    }
                    if (head.damaged != null) {
                        throw head.damaged;
                    }
                    if (failure == null) {
                        changed.wait();
                        continue;
                    }
                    // The block may have ended the session already, so that what failed was begun in vain.
                    patience = Math.min(patience, System.nanoTime() / 1_000_000 + LAST_WORDS_MILLIS);
                    long left = patience - System.nanoTime() / 1_000_000;
                    if (!head.failed && left > 0) {
                        changed.wait(left);
                        continue;
                    }
                    switch (failure) {
                        case RuntimeException e -> throw e;
                        case Error e -> throw e;
                        case null, default -> throw new IllegalStateException(failure);
                    }
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new ProtocolException("interrupted while waiting for a block");
            }
        }
    }

    private void fail(long number, Throwable e) {
        synchronized (changed) {
            if (number > last) {
                return; // it was begun in case there were more blocks
            }
            if (failure == null) {
                failure = e;
            }
            changed.notifyAll();
        }
        turns.fail();
        // Not by interrupts: they would close files that other blocks write to. The other blocks see the channel end.
        boolean tell = e instanceof ProtocolException || e instanceof AuthenticationException;
        channel.abort(tell ? String.valueOf(e.getMessage()) : "a block failed here");
    }

    /** Ends the blocks in work, and with them the channel, and waits until they are over; what they have is wiped. */
    @Override
    public void close() {
        turns.fail();
        synchronized (changed) {
            if (over) {
                conversations.values().forEach(Conversation::cancel);
            } else if (running.stream().anyMatch(r -> r.thread.isAlive())) {
                channel.abort("the session was closed here");
            }
        }
        boolean interrupted = false;
        for (Running r : running) {
            while (r.thread.isAlive()) {
                try {
                    r.thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (r.givenUp != null) {
                progress.givenUp(r.number, r.givenUp);
            }
            synchronized (changed) {
                r.result.ifPresent(block -> {
                    unreported.add(block.summary());
                    block.close();
                });
            }
        }
        running.clear();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private Optional<DistilledBlock> run(long number) {
        try (Conversation peer = conversation(number);
                Party party = party(parameters(number))) {
            if (number == plan.firstBlock() && number > 0) {
                passOver(peer);
            }
            if (role == Role.BOB) {
                turns.await(number);
                records.look(peer::waiting);
                if (number > 0 && records.exhausted()) {
                    // Hers is in the transcript that the tag is over.
                    if (!(peer.receive() instanceof Message.Hello)) {
                        throw new ProtocolException("Alice began a block without Hello");
                    }
                    peer.send(new Message.EndOfSession(number));
                    peer.send(peer.sign());
                    end(number);
                    return Optional.empty();
                }
            }
            awaitPermission(peer);
            party.start(peer);
            Message first = peer.receive();
            if (first instanceof Message.EndOfSession end && role == Role.ALICE) {
                finish(number, end, peer);
                return Optional.empty();
            }
            converse(party, first, peer);
            return Optional.of(party.result());
        } finally {
            synchronized (changed) {
                conversations.remove(number);
            }
        }
    }

    private void awaitPermission(Conversation peer) {
        while (!plan.rules().mayBegin()) {
            peer.waiting();
            if (turns.isBroken()) {
                throw new ProtocolException("the session ended before the block began");
            }
            try {
                Thread.sleep(POLL_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new ProtocolException("interrupted while waiting for room for keys");
            }
        }
    }

    /**
     * Runs the block to its end. Where it alone fails both ends give it up; its records are read all the same, so that the next
     * block finds its own.
     */
    private void converse(Party party, Message first, Conversation peer) {
        Message message = first;
        try {
            while (!(message instanceof Message.GiveUp && party.mayBeGivenUp())) {
                receive(party, message, peer);
                if (party.done()) {
                    return;
                }
                message = peer.receive();
            }
        } catch (RuntimeException | Error e) {
            if (plan.isOffline() || !endsOneBlock(e)) {
                throw e;
            }
            if (!party.mayGiveUp()) {
                if (e instanceof ProtocolException) {
                    throw new ProtocolException(String.valueOf(e.getMessage()));
                }
                throw e;
            }
            party.finishReading();
            if (e instanceof ProtocolException) {
                peer.send(new Message.GiveUp(String.valueOf(e.getMessage())));
                throw e;
            }
            peer.send(new Message.GiveUp("it failed there"));
            throw ProtocolException.ofBlock("it failed here: " + e.getClass().getSimpleName(), e);
        }
        party.finishReading();
        throw ProtocolException.ofBlock("the other end gave it up: " + ((Message.GiveUp) message).reason());
    }

    /** Whether it says nothing about other blocks: neither about the peer, nor about this end's raw data or disk. */
    private static boolean endsOneBlock(Throwable e) {
        return switch (e) {
            case ProtocolException p -> p.endsOneBlock();
            case AuthenticationException a -> false;
            case BadInputException b -> false;
            case KeyStoreException k -> false;
            case PoolException p -> false;
            case UncheckedIOException u -> false;
            case CancellationException c -> false;
            default -> true;
        };
    }

    /** What a message of the peer's leads to is the peer's doing, wherever it is noticed. */
    private void receive(Party party, Message message, Conversation peer) {
        try {
            party.receive(message, peer);
        } catch (IllegalArgumentException
                | IndexOutOfBoundsException
                | ArithmeticException
                | NoSuchElementException e) {
            String name = message instanceof Message.Reconciliation r
                    ? r.step().getClass().getSimpleName()
                    : message.getClass().getSimpleName();
            throw new ProtocolException("the peer's " + name + " does not fit: " + e.getMessage(), e);
        }
    }

    private Conversation conversation(long number) {
        Conversation peer = channel.conversation(plan.conversation() + (number - plan.firstBlock()));
        synchronized (changed) {
            conversations.put(number, peer);
            if (number > last) {
                peer.cancel();
            }
        }
        return peer;
    }

    /** Blocks beyond this one were begun in vain. */
    private void end(long number) {
        synchronized (changed) {
            last = number;
        }
        turns.fail();
    }

    private void finish(long number, Message.EndOfSession end, Conversation peer) {
        if (end.blocks() != number) {
            throw new ProtocolException("Bob ends the session after " + end.blocks() + " blocks, Alice saw " + number);
        }
        if (!(peer.receive() instanceof Message.Authentication tag)) {
            throw new ProtocolException("Bob ends the session without a tag");
        }
        peer.verify(tag);
        turns.await(number);
        records.look(peer::waiting);
        // The rest is read, so that a damaged dump does not pass for a whole one.
        while (records.next(Long.MAX_VALUE)) {}
        end(number);
    }

    private Party party(Parameters parameters) {
        return role == Role.ALICE
                ? new Alice(parameters, records, turns, plan.custody(), engine, progress)
                : new Bob(
                        parameters, plan.rules().codes().isPresent(), records, turns, plan.custody(), engine, progress);
    }

    private Parameters parameters(long block) {
        DumpHeader header = records.dump().header();
        CodeChoice choice = (role == Role.ALICE ? plan.rules().codes() : Optional.<CodeChoice>empty())
                .orElseGet(() -> new CodeChoice(settings.profile(), settings.frameBits()));
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
                choice.frameBits(),
                choice.profile(),
                codes,
                plan.maximumDetections());
    }
}
