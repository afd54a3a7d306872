package dev.qdistill.link;

import dev.qdistill.auth.PadPool;
import dev.qdistill.bits.BitString;
import dev.qdistill.bits.BitStringBuilder;
import dev.qdistill.dump.Column;
import dev.qdistill.dump.Role;
import dev.qdistill.reconcile.BobReconciler;
import dev.qdistill.reconcile.ReconcileMessage.SyndromeRequest;
import dev.qdistill.sift.Intensities;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Bob's role: the receiver of the pulses, the one who corrects. */
final class Bob implements Party {
    private enum State {
        HELLO,
        ALICE_BASES,
        ALICE_BITS,
        RECONCILE,
        WRONG_GROUPS,
        AMPLIFY,
        DONE,
        PROVEN,
        OVER
    }

    private final Engine engine;
    private final BlockReader records;
    private final ReadingTurns turns;
    private final KeyCustody custody;
    private final Block block;
    private final boolean adaptive;
    private final BitStringBuilder bits = new BitStringBuilder();
    private final BitStringBuilder bases = new BitStringBuilder();
    private final BitStringBuilder doubleClicks = new BitStringBuilder();
    private State state = State.HELLO;
    private @Nullable BitString own;
    private @Nullable BitString ownBases;
    private @Nullable SiftedBlock sifted;
    private @Nullable BitString raw;
    private @Nullable BobReconciler reconciler;
    private List<Integer> wrongGroups = List.of();
    private long detections;
    /** Whether it is on the disk that the block was begun. */
    private boolean begun;
    /** Whether it is this block's turn to read. */
    private boolean reading;
    /** Whether there may be a key of it on the disk. */
    private boolean staging;

    /** @param adaptive whether Alice chooses the codes */
    Bob(
            Parameters parameters,
            boolean adaptive,
            BlockReader records,
            ReadingTurns turns,
            KeyCustody custody,
            Engine engine,
            Progress progress) {
        this.engine = engine.of(Role.BOB, parameters);
        this.adaptive = adaptive;
        this.records = records;
        this.turns = turns;
        this.custody = custody;
        this.block = new Block(parameters, engine, custody, progress);
    }

    @Override
    public void start(Conversation peer) {
        if (!adaptive) {
            peer.send(new Message.Hello(block.parameters));
        }
    }

    /** Says what she says, once it is a choice that can be. */
    private void takeCodes(Parameters hers, Conversation peer) {
        if (hers.frameBits() < Settings.LEAST_FRAME_BITS || hers.frameBits() > CodeChoice.EFFICIENT.frameBits()) {
            throw new ProtocolException("Alice chose frames of " + hers.frameBits() + " bits; "
                    + Settings.LEAST_FRAME_BITS + " to " + CodeChoice.EFFICIENT.frameBits() + " are possible");
        }
        block.parameters = block.parameters.withCodes(new CodeChoice(hers.profile(), hers.frameBits()));
        peer.send(new Message.Hello(block.parameters));
    }

    @Override
    public void receive(Message message, Conversation peer) {
        switch (message) {
            case Message.Hello m
            when state == State.HELLO -> {
                if (adaptive) {
                    takeCodes(m.parameters(), peer);
                }
                block.parameters.requireEqual(m.parameters());
                announceDetections(peer);
                state = State.ALICE_BASES;
            }
            case Message.AliceBases m when state == State.ALICE_BASES -> sift(m);
            case Message.AliceBits m when state == State.ALICE_BITS -> beginReconciliation(m, peer);
            case Message.Reconciliation m
            when state == State.RECONCILE -> {
                try {
                    Objects.requireNonNull(reconciler)
                            .receive(m.step(), step -> peer.send(new Message.Reconciliation(step)));
                } catch (IllegalArgumentException e) {
                    throw new ProtocolException(String.valueOf(e.getMessage()));
                }
            }
            case Message.Verification m when state == State.RECONCILE -> verify(m, peer);
            case Message.WrongGroups m when state == State.WRONG_GROUPS -> takeWrongGroups(m, peer);
            case Message.Abort m
            when state == State.AMPLIFY -> {
                if (block.abort().isEmpty()) {
                    throw ProtocolException.ofBlock("Alice found no key (" + m.reason() + "), Bob did");
                }
                state = State.OVER;
            }
            case Message.Amplification m when state == State.AMPLIFY -> amplify(m, peer);
            case Message.Done m
            when state == State.DONE -> {
                block.requireSameOutcome("Alice", m);
                state = State.PROVEN;
            }
            case Message.Authentication m
            when state == State.PROVEN -> {
                peer.verify(m);
                block.commit(custody);
                state = State.OVER;
            }
            default -> throw Block.unexpected("Alice", message, state);
        }
    }

    @Override
    public boolean mayGiveUp() {
        return begun && !staging;
    }

    @Override
    public boolean mayBeGivenUp() {
        return mayGiveUp();
    }

    @Override
    public void finishReading() {
        if (reading) {
            while (records.next(block.parameters.endPulse())) {}
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
        doubleClicks.close();
        if (own != null) {
            own.close();
        }
        if (ownBases != null) {
            ownBases.close();
        }
        if (sifted != null) {
            sifted.close();
        }
        if (raw != null) {
            raw.close();
        }
        if (reconciler != null) {
            reconciler.close();
        }
        block.close();
    }

    private void announceDetections(Conversation peer) {
        custody.begin(block.parameters.block());
        begun = true;
        reading = true;
        records.turn(block.parameters.block(), peer::waiting);
        boolean doubles = records.dump().header().has(Column.DOUBLE_CLICK);
        while (records.next(block.parameters.endPulse())) {
            if (bits.length() + records.to() - records.from() > block.parameters.maximumDetections()) {
                throw ProtocolException.ofBlock("the block has more detections than the "
                        + block.parameters.maximumDetections() + " that are possible");
            }
            records.append(bits, records.batch().bits());
            records.appendBases(bases);
            if (doubles) {
                records.append(doubleClicks, records.batch().doubleClicks());
            }
            peer.send(new Message.Detections(Arrays.copyOfRange(records.pulses(), records.from(), records.to())));
            block.progress.advanced(
                    Stage.SIFT, records.dump().position(), records.dump().size());
        }
        peer.allow(bits.length());
        peer.send(new Message.EndOfMeasurement(bits.length(), custody.supplies()));
        // Not sooner: Alice reads the next block's detections only after this, and what she does not read yet may keep
        // it from coming.
        finishReading();
        announceBases(peer);
        peer.send(peer.sign());
    }

    /** His measurement is over, so that he may: only Alice's bases must wait until she knows. */
    private void announceBases(Conversation peer) {
        BitString all = bits.build();
        BitString used = bases.build();
        own = all;
        ownBases = used;
        try (BitString doubles = doubleClicks.build()) {
            assignDoubleClicks(all, doubles);
        }
        detections = all.length();
        try (BitString test = all.compress(used)) {
            peer.send(new Message.BobBases(Block.publicCopy(used), Block.publicCopy(test)));
        }
    }

    /** A double click gets a random bit (rule of squashing); whatever the device wrote is not used. */
    private void assignDoubleClicks(BitString values, BitString doubles) {
        long count = doubles.bitCount();
        if (count > 0) {
            try (BitString random = BitString.allocate(count)) {
                engine.random(random);
                values.expand(doubles, random);
            }
        }
    }

    private void sift(Message.AliceBases m) {
        try (BitString all = Objects.requireNonNull(own);
                BitString used = Objects.requireNonNull(ownBases)) {
            if (m.bases().length() != detections) {
                throw new ProtocolException(
                        "Alice announced " + m.bases().length() + " bases for " + detections + " detections");
            }
            Intensities intensities = new Intensities(
                    plane(m.intensityLow(), block.parameters.intensityPlanes() > 0),
                    plane(m.intensityHigh(), block.parameters.intensityPlanes() > 1));
            sifted = SiftedBlock.of(all, m.bases(), used, intensities);
        }
        state = State.ALICE_BITS;
    }

    private BitString plane(BitString said, boolean due) {
        if (said.length() != (due ? detections : 0)) {
            throw new ProtocolException("Alice announced " + said.length() + " intensities for " + detections
                    + " detections, " + block.parameters.intensities().size() + " intensities");
        }
        return due ? said : BitString.allocate(Arena.ofAuto(), detections);
    }

    private void beginReconciliation(Message.AliceBits m, Conversation peer) {
        SiftedBlock both = Objects.requireNonNull(sifted);
        block.sifted(both, detections, m.bits());
        block.disclosed(m.bits(), both.disclosed());
        try (BitString alone = both.aliceAlone();
                BitString rest = both.disclosed().compress(alone)) {
            peer.send(new Message.BobBits(Block.publicCopy(rest)));
        }
        if (block.beyondEveryCode()) {
            state = State.OVER;
            return;
        }
        block.clock.enter(Stage.RECONCILE);
        raw = block.key().copy();
        reconciler = new BobReconciler(
                block.key(),
                block.expected(),
                block.parameters.frameBits(),
                engine.codes(),
                block.parameters.profile(),
                engine.backend(),
                engine.workers(),
                engine.offload(),
                done -> block.progress.advanced(
                        Stage.RECONCILE, done, block.key().length()));
        state = State.RECONCILE;
        reconciler.start(step -> {
            // Alice knows what he wants first, and has sent it already.
            if (!(step instanceof SyndromeRequest)) {
                peer.send(new Message.Reconciliation(step));
            }
        });
    }

    private void verify(Message.Verification m, Conversation peer) {
        BobReconciler r = Objects.requireNonNull(reconciler);
        if (!r.done()) {
            throw new ProtocolException("Alice sent tags before the reconciliation was over");
        }
        block.reconciled(r.leakage(), r.statistics());
        r.close();
        List<BitString> own = block.tags(m.hashKey());
        if (own.size() != m.tags().size()) {
            throw new ProtocolException(
                    "Alice sent " + m.tags().size() + " tags for " + own.size() + " groups of frames");
        }
        List<Integer> wrong = new ArrayList<>();
        for (int g = 0; g < own.size(); g++) {
            if (!own.get(g).contentEquals(m.tags().get(g))) {
                wrong.add(g);
            }
        }
        wrongGroups = List.copyOf(wrong);
        peer.send(new Message.Verified(wrongGroups));
        if (wrongGroups.isEmpty()) {
            countErrors(peer);
        } else {
            state = State.WRONG_GROUPS;
        }
    }

    private void takeWrongGroups(Message.WrongGroups m, Conversation peer) {
        if (!m.groups().equals(wrongGroups) || m.bits().size() != wrongGroups.size()) {
            throw new ProtocolException("Alice published other groups than the wrong ones");
        }
        for (int i = 0; i < wrongGroups.size(); i++) {
            int g = wrongGroups.get(i);
            if (m.bits().get(i).length() != block.groupBits(g)) {
                throw new ProtocolException(
                        "Alice published " + m.bits().get(i).length() + " bits of a group of " + block.groupBits(g));
            }
            block.key().copyFrom(m.bits().get(i), 0, block.groupOffset(g), block.groupBits(g));
        }
        countErrors(peer);
    }

    private void countErrors(Conversation peer) {
        block.verified(wrongGroups);
        List<Long> errors;
        try (BitString difference = Objects.requireNonNull(raw)) {
            difference.xor(block.key());
            errors = block.keyErrors(difference);
        }
        peer.send(new Message.ErrorCounts(errors));
        block.decide(errors);
        state = State.AMPLIFY;
    }

    private void amplify(Message.Amplification m, Conversation peer) {
        if (block.abort().isPresent()) {
            throw ProtocolException.ofBlock(
                    "Alice found a key, Bob did not (" + block.abort().get() + ")");
        }
        if (m.secretBits() != block.secretBits() || m.seed().length() != block.seedBits()) {
            throw ProtocolException.ofBlock(
                    "Alice announces a key of " + m.secretBits() + " bits, Bob finds " + block.secretBits());
        }
        if (m.supplyBits() < 0
                || m.supplyBits() > m.secretBits()
                || m.supplyBits() % (PadPool.PADS_OF_BLOCK * PadPool.KEY_BITS) != 0) {
            throw new ProtocolException("Alice wants " + m.supplyBits() + " of " + m.secretBits()
                    + " bits as authentication key; a multiple of "
                    + PadPool.PADS_OF_BLOCK * PadPool.KEY_BITS + " is possible");
        }
        block.amplify(m.keyId(), m.supplyBits(), m.seed());
        staging = true;
        block.stage(custody);
        peer.send(block.outcome());
        peer.send(peer.sign());
        state = State.DONE;
    }
}
