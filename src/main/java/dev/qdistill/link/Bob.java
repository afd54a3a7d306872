package dev.qdistill.link;

import dev.qdistill.bits.BitString;
import dev.qdistill.bits.BitStringBuilder;
import dev.qdistill.dump.Column;
import dev.qdistill.reconcile.BobReconciler;
import dev.qdistill.reconcile.QberEstimate;
import dev.qdistill.sift.Intensities;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
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
        OVER
    }

    private final Engine engine;
    private final BlockReader records;
    private final Block block;
    private final BitStringBuilder bits = new BitStringBuilder();
    private final BitStringBuilder bases = new BitStringBuilder();
    private final BitStringBuilder doubleClicks = new BitStringBuilder();
    private State state = State.HELLO;
    private @Nullable SiftedBlock sifted;
    private @Nullable BitString raw;
    private @Nullable BobReconciler reconciler;
    private List<Integer> wrongGroups = List.of();
    private long detections;

    Bob(Parameters parameters, BlockReader records, Engine engine, Progress progress) {
        this.engine = engine;
        this.records = records;
        this.block = new Block(parameters, engine, progress);
    }

    @Override
    public void start(Consumer<Message> out) {
        out.accept(new Message.Hello(block.parameters));
    }

    @Override
    public void receive(Message message, Consumer<Message> out) {
        switch (message) {
            case Message.Hello m
            when state == State.HELLO -> {
                block.parameters.requireEqual(m.parameters());
                announceDetections(out);
                state = State.ALICE_BASES;
            }
            case Message.AliceBases m when state == State.ALICE_BASES -> sift(m, out);
            case Message.AliceBits m when state == State.ALICE_BITS -> beginReconciliation(m, out);
            case Message.Reconciliation m
            when state == State.RECONCILE -> {
                try {
                    Objects.requireNonNull(reconciler)
                            .receive(m.step(), step -> out.accept(new Message.Reconciliation(step)));
                } catch (IllegalArgumentException e) {
                    throw new ProtocolException(String.valueOf(e.getMessage()));
                }
            }
            case Message.Verification m when state == State.RECONCILE -> verify(m, out);
            case Message.WrongGroups m when state == State.WRONG_GROUPS -> takeWrongGroups(m, out);
            case Message.Abort m
            when state == State.AMPLIFY -> {
                if (block.abort().isEmpty()) {
                    throw new ProtocolException("Alice found no key (" + m.reason() + "), Bob did");
                }
                state = State.OVER;
            }
            case Message.Amplification m when state == State.AMPLIFY -> amplify(m, out);
            case Message.Done m
            when state == State.DONE -> {
                block.requireSameOutcome("Alice", m);
                state = State.OVER;
            }
            default -> throw Block.unexpected("Alice", message, state);
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

    private void announceDetections(Consumer<Message> out) {
        boolean doubles = records.dump().header().has(Column.DOUBLE_CLICK);
        while (records.next(block.parameters.endPulse())) {
            records.append(bits, records.batch().bits());
            records.appendBases(bases);
            if (doubles) {
                records.append(doubleClicks, records.batch().doubleClicks());
            }
            out.accept(new Message.Detections(Arrays.copyOfRange(records.pulses(), records.from(), records.to())));
            block.progress.advanced(
                    Stage.SIFT, records.dump().position(), records.dump().size());
        }
        out.accept(new Message.EndOfMeasurement(bits.length()));
    }

    /** A double click gets a random bit (rule of squashing); whatever the device wrote is not used. */
    private void assignDoubleClicks(BitString values, BitString doubles) {
        long count = doubles.bitCount();
        if (count > 0) {
            try (BitString random = BitString.allocate(count)) {
                engine.entropy().fill(random);
                values.expand(doubles, random);
            }
        }
    }

    private void sift(Message.AliceBases m, Consumer<Message> out) {
        try (BitString own = bits.build();
                BitString ownBases = bases.build();
                BitString doubles = doubleClicks.build()) {
            assignDoubleClicks(own, doubles);
            if (m.bases().length() != own.length()
                    || m.intensityLow().length() != own.length()
                    || m.intensityHigh().length() != own.length()) {
                throw new ProtocolException(
                        "Alice announced " + m.bases().length() + " bases for " + own.length() + " detections");
            }
            detections = own.length();
            sifted = SiftedBlock.of(own, m.bases(), ownBases, new Intensities(m.intensityLow(), m.intensityHigh()));
            out.accept(new Message.BobBases(Block.publicCopy(ownBases), Block.publicCopy(sifted.disclosed())));
        }
        state = State.ALICE_BITS;
    }

    private void beginReconciliation(Message.AliceBits m, Consumer<Message> out) {
        SiftedBlock own = Objects.requireNonNull(sifted);
        block.sifted(own, detections, m.bits(), own.disclosed());
        if (block.beyondEveryCode()) {
            state = State.OVER;
            return;
        }
        block.clock.enter(Stage.RECONCILE);
        raw = block.key().copy();
        reconciler = new BobReconciler(
                block.key(),
                QberEstimate.fromSample(block.testErrors(), block.testBits()),
                block.parameters.frameBits(),
                engine.codes(),
                block.parameters.profile(),
                engine.backend(),
                engine.workers(),
                done -> block.progress.advanced(
                        Stage.RECONCILE, done, block.key().length()));
        state = State.RECONCILE;
        reconciler.start(step -> out.accept(new Message.Reconciliation(step)));
    }

    private void verify(Message.Verification m, Consumer<Message> out) {
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
        out.accept(new Message.Verified(wrongGroups));
        if (wrongGroups.isEmpty()) {
            countErrors(out);
        } else {
            state = State.WRONG_GROUPS;
        }
    }

    private void takeWrongGroups(Message.WrongGroups m, Consumer<Message> out) {
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
        countErrors(out);
    }

    private void countErrors(Consumer<Message> out) {
        block.verified(wrongGroups);
        List<Long> errors;
        try (BitString difference = Objects.requireNonNull(raw)) {
            difference.xor(block.key());
            errors = block.keyErrors(difference);
        }
        out.accept(new Message.ErrorCounts(errors));
        block.decide(errors);
        state = State.AMPLIFY;
    }

    private void amplify(Message.Amplification m, Consumer<Message> out) {
        if (block.abort().isPresent()) {
            throw new ProtocolException(
                    "Alice found a key, Bob did not (" + block.abort().get() + ")");
        }
        if (m.secretBits() != block.secretBits() || m.seed().length() != block.seedBits()) {
            throw new ProtocolException(
                    "Alice announces a key of " + m.secretBits() + " bits, Bob finds " + block.secretBits());
        }
        block.amplify(m.keyId(), m.seed());
        out.accept(block.outcome());
        state = State.DONE;
    }
}
