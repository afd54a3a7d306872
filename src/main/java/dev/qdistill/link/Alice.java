package dev.qdistill.link;

import dev.qdistill.bits.BitString;
import dev.qdistill.bits.BitStringBuilder;
import dev.qdistill.dump.BadInputException;
import dev.qdistill.dump.Column;
import dev.qdistill.dump.RecordBatch;
import dev.qdistill.dump.Role;
import dev.qdistill.reconcile.AliceReconciler;
import dev.qdistill.reconcile.BobReconciler;
import dev.qdistill.reconcile.ReconcileMessage.Reconciled;
import dev.qdistill.sift.Intensities;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Alice's role: the sender of the pulses, the reference of the key, the one who draws the hash functions. */
final class Alice implements Party {
    private enum State {
        HELLO,
        DETECTIONS,
        MEASURED,
        ANNOUNCED,
        BASES,
        RECONCILE,
        VERIFY,
        ERRORS,
        DONE,
        PROVEN,
        OVER
    }

    private final Engine engine;
    private final BlockReader records;
    private final ReadingTurns turns;
    private final KeyCustody custody;
    private final Block block;
    private final BitStringBuilder bits = new BitStringBuilder();
    private final BitStringBuilder bases = new BitStringBuilder();
    private final BitStringBuilder low = new BitStringBuilder();
    private final BitStringBuilder high = new BitStringBuilder();
    private State state = State.HELLO;
    /** Whether Bob's tag over his detections is checked and the block stands on the disk as begun. */
    private boolean begun;
    /** Whether Bob may have been told what makes the key. */
    private boolean offered;

    /** Whether it is this block's turn to read. */
    private boolean reading;

    private int next;
    private List<UUID> supplies = List.of();
    private @Nullable BadInputException missing;
    private @Nullable BitString own;
    private @Nullable BitString announcedBases;
    private @Nullable Intensities intensities;
    private Message.@Nullable BobBases hisBases;
    private @Nullable SiftedBlock sifted;
    /** Bob's disclosed bits, as far as he has said them. */
    private @Nullable BitString hisBits;

    private boolean beyond;
    private @Nullable AliceReconciler reconciler;

    Alice(
            Parameters parameters,
            BlockReader records,
            ReadingTurns turns,
            KeyCustody custody,
            Engine engine,
            Progress progress) {
        this.engine = engine.of(Role.ALICE, parameters);
        this.records = records;
        this.turns = turns;
        this.custody = custody;
        this.block = new Block(parameters, engine, custody, progress);
    }

    @Override
    public void start(Conversation peer) {
        peer.send(new Message.Hello(block.parameters));
    }

    private void beginReading(Conversation peer) {
        turns.await(block.parameters.block());
        reading = true;
        records.turn(block.parameters.block(), peer::waiting);
        next = records.from();
        if (!records.exhausted()) {
            records.next(block.parameters.endPulse());
            next = records.from();
        }
    }

    @Override
    public void receive(Message message, Conversation peer) {
        switch (message) {
            case Message.Hello m
            when state == State.HELLO -> {
                block.parameters.requireEqual(m.parameters());
                beginReading(peer);
                state = State.DETECTIONS;
            }
            case Message.Detections m when state == State.DETECTIONS -> match(m.pulses());
            case Message.EndOfMeasurement m when state == State.DETECTIONS -> measured(m, peer);
            case Message.BobBases m when state == State.MEASURED -> take(m);
            case Message.Authentication m
            when state == State.ANNOUNCED -> {
                peer.verify(m);
                announceBases(peer);
            }
            case Message.BobBits m when state == State.BASES -> take(m);
            case Message.Reconciliation m when state == State.RECONCILE -> reconcile(m, peer);
            case Message.Verified m when state == State.VERIFY -> publishWrongGroups(m, peer);
            case Message.ErrorCounts m when state == State.ERRORS -> decide(m, peer);
            case Message.Done m
            when state == State.DONE -> {
                block.requireSameOutcome("Bob", m);
                state = State.PROVEN;
            }
            case Message.Authentication m
            when state == State.PROVEN -> {
                // Bob's tag is over both ends' messages: all is right, and he has staged his key.
                peer.verify(m);
                block.stage(custody);
                block.commit(custody);
                peer.send(block.outcome());
                peer.send(peer.sign());
                state = State.OVER;
            }
            default -> throw Block.unexpected("Bob", message, state);
        }
    }

    @Override
    public boolean mayGiveUp() {
        return begun && !offered;
    }

    @Override
    public boolean mayBeGivenUp() {
        return switch (state) {
            case HELLO, PROVEN, OVER -> false;
            case DETECTIONS, MEASURED, ANNOUNCED, BASES, RECONCILE, VERIFY, ERRORS, DONE -> true;
        };
    }

    @Override
    public void finishReading() {
        if (reading) {
            while (records.next(block.parameters.endPulse())) {}
            // Before the next block may begin: in order.
            custody.begin(block.parameters.block());
            reading = false;
            turns.release(block.parameters.block());
        }
    }

    @Override
    public boolean done() {
        return state == State.OVER;
    }

    @Override
    public DistilledBlock result() {
        if (!done()) {
            throw new IllegalStateException("The block is not over");
        }
        return block.result(records);
    }

    @Override
    public void close() {
        bits.close();
        bases.close();
        low.close();
        high.close();
        if (own != null) {
            own.close();
        }
        if (announcedBases != null) {
            announcedBases.close();
        }
        if (intensities != null) {
            intensities.close();
        }
        block.close();
    }

    /**
     * Takes the records of the pulses that Bob detected; records of other pulses are passed over. A pulse without a record
     * is an error of the dumps only if it is really Bob's: that is seen from his tag.
     */
    private void match(long[] pulses) {
        if (bits.length() + pulses.length > block.parameters.maximumDetections()) {
            throw new ProtocolException(
                    "Bob has more detections than the " + block.parameters.maximumDetections() + " agreed on");
        }
        int i = 0;
        while (i < pulses.length && missing == null) {
            if (next == records.to()) {
                if (!records.next(block.parameters.endPulse())) {
                    missing = noRecord(pulses[i]);
                    return;
                }
                next = records.from();
            }
            long[] own = records.pulses();
            int differs = Arrays.mismatch(own, next, records.to(), pulses, i, pulses.length);
            int same = differs < 0 ? pulses.length - i : differs;
            append(next, same);
            next += same;
            i += same;
            if (i < pulses.length && next < records.to()) {
                int at = Arrays.binarySearch(own, next, records.to(), pulses[i]);
                next = at < 0 ? -at - 1 : at;
                if (next < records.to() && own[next] > pulses[i]) {
                    missing = noRecord(pulses[i]);
                }
            }
        }
        block.progress.advanced(
                Stage.SIFT, records.dump().position(), records.dump().size());
    }

    private BadInputException noRecord(long pulse) {
        return new BadInputException(
                records.dump().name(),
                "Bob detected pulse " + pulse + ", of which this dump has no record; a record of every pulse that Bob"
                        + " detected is expected");
    }

    private void append(int from, int count) {
        RecordBatch batch = records.batch();
        bits.append(batch.bits(), from, count);
        if (records.dump().header().has(Column.BASIS)) {
            bases.append(batch.basis(), from, count);
        } else {
            bases.appendZeros(count);
        }
        if (records.dump().header().has(Column.INTENSITY)) {
            low.append(batch.intensityLow(), from, count);
            high.append(batch.intensityHigh(), from, count);
        } else {
            low.appendZeros(count);
            high.appendZeros(count);
        }
    }

    private void measured(Message.EndOfMeasurement m, Conversation peer) {
        if (missing == null && m.detections() != bits.length()) {
            throw new ProtocolException("Bob says he had " + m.detections() + " detections, but sent " + bits.length());
        }
        peer.allow(bits.length());
        supplies = m.supplies();
        // The rest of the block is read too: a dump that is damaged there gives no key. Then the next block's
        // detections may be taken: they
        // can come before the tag, which would wait behind them.
        finishReading();
        state = State.MEASURED;
    }

    /** Not looked at before his tag over it is checked. */
    private void take(Message.BobBases m) {
        if (missing == null && m.bases().length() != bits.length()
                || m.bases().bitCount() != m.bits().length()) {
            throw new ProtocolException("Bob announced " + m.bases().length() + " bases and "
                    + m.bits().length() + " bits for " + bits.length() + " detections");
        }
        hisBases = m;
        state = State.ANNOUNCED;
    }

    private void announceBases(Conversation peer) {
        custody.peerSupplies(supplies);
        if (missing != null) {
            throw missing;
        }
        begun = true;
        own = bits.build();
        announcedBases = bases.build();
        intensities = new Intensities(low.build(), high.build());
        peer.send(new Message.AliceBases(
                Block.publicCopy(announcedBases),
                plane(intensities.low(), block.parameters.intensityPlanes() > 0),
                plane(intensities.high(), block.parameters.intensityPlanes() > 1)));
        sift(peer);
    }

    /** A plane that is zero with so few intensities is not sent. */
    private static BitString plane(BitString plane, boolean sent) {
        return sent ? Block.publicCopy(plane) : BitString.allocate(Arena.ofAuto(), 0);
    }

    /** His bases and test bits are here, so all is said that does not wait for him. */
    private void sift(Conversation peer) {
        Message.BobBases his = Objects.requireNonNull(hisBases);
        try (BitString all = Objects.requireNonNull(own);
                BitString ownBases = Objects.requireNonNull(announcedBases);
                Intensities ownIntensities = Objects.requireNonNull(intensities)) {
            SiftedBlock both = SiftedBlock.of(all, ownBases, his.bases(), ownIntensities);
            sifted = both;
            peer.send(new Message.AliceBits(Block.publicCopy(both.disclosed())));
            BitString disclosed =
                    BitString.allocate(Arena.ofAuto(), both.disclosed().length());
            try (BitString bobUsedX = both.aliceAlone()) {
                bobUsedX.invert();
                disclosed.expand(bobUsedX, his.bits());
            }
            hisBits = disclosed;
            block.sifted(both, all.length(), disclosed);
        }
        hisBases = null;
        beyond = block.beyondEveryCode();
        if (!beyond) {
            block.clock.enter(Stage.RECONCILE);
            AliceReconciler r = new AliceReconciler(
                    block.key(), block.parameters.frameBits(), engine.codes(), engine.backend(), engine.workers());
            reconciler = r;
            // What Bob asks for first follows from what both know.
            BobReconciler.first(
                            block.key().length(),
                            block.expected(),
                            block.parameters.frameBits(),
                            engine.codes(),
                            block.parameters.profile())
                    .ifPresent(request -> peer.send(new Message.Reconciliation(r.answer(request))));
        }
        state = State.BASES;
    }

    private void take(Message.BobBits m) {
        SiftedBlock both = Objects.requireNonNull(sifted);
        BitString his = Objects.requireNonNull(hisBits);
        try (BitString alone = both.aliceAlone()) {
            if (alone.bitCount() != m.bits().length()) {
                throw ProtocolException.ofBlock("Bob disclosed " + m.bits().length()
                        + " bits where Alice alone used X, in " + alone.bitCount() + " detections");
            }
            his.expand(alone, m.bits());
        }
        block.disclosed(both.disclosed(), his);
        state = beyond ? State.OVER : State.RECONCILE;
    }

    private void reconcile(Message.Reconciliation m, Conversation peer) {
        AliceReconciler r = Objects.requireNonNull(reconciler);
        if (m.step() instanceof Reconciled) {
            block.reconciled(r.leakage());
            BitString hashKey = BitString.allocate(Arena.ofAuto(), block.verificationKeyBits());
            engine.random(hashKey);
            peer.send(new Message.Verification(hashKey, block.tags(hashKey)));
            state = State.VERIFY;
            return;
        }
        try {
            peer.send(new Message.Reconciliation(r.answer(m.step())));
        } catch (IllegalArgumentException e) {
            throw new ProtocolException(String.valueOf(e.getMessage()));
        }
    }

    private void publishWrongGroups(Message.Verified m, Conversation peer) {
        block.requireGroups(m.wrongGroups());
        if (!m.wrongGroups().isEmpty()) {
            List<BitString> published = new ArrayList<>();
            for (int g : m.wrongGroups()) {
                try (BitString group = block.key().slice(block.groupOffset(g), block.groupBits(g))) {
                    published.add(Block.publicCopy(group));
                }
            }
            peer.send(new Message.WrongGroups(m.wrongGroups(), published));
        }
        block.verified(m.wrongGroups());
        state = State.ERRORS;
    }

    private void decide(Message.ErrorCounts m, Conversation peer) {
        block.decide(m.errors());
        if (block.abort().isPresent()) {
            peer.send(new Message.Abort(block.abort().get()));
            state = State.OVER;
            return;
        }
        UUID id = randomId();
        BitString seed = BitString.allocate(Arena.ofAuto(), block.seedBits());
        engine.random(seed);
        long supplyBits = custody.supplyBits(block.secretBits());
        offered = true;
        peer.send(new Message.Amplification(id, block.secretBits(), supplyBits, seed));
        block.amplify(id, supplyBits, seed);
        state = State.DONE;
    }

    /** A random UUID, version 4 of RFC 9562. */
    private UUID randomId() {
        try (BitString random = BitString.allocate(128)) {
            engine.random(random);
            return new UUID(
                    random.word(0) & 0xffff_ffff_ffff_0fffL | 0x4000L,
                    random.word(1) & 0x3fff_ffff_ffff_ffffL | 0x8000_0000_0000_0000L);
        }
    }
}
