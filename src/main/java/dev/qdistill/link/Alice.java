package dev.qdistill.link;

import dev.qdistill.bits.BitString;
import dev.qdistill.bits.BitStringBuilder;
import dev.qdistill.dump.BadInputException;
import dev.qdistill.dump.Column;
import dev.qdistill.dump.RecordBatch;
import dev.qdistill.reconcile.AliceReconciler;
import dev.qdistill.reconcile.ReconcileMessage.Reconciled;
import dev.qdistill.sift.Intensities;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Alice's role: the sender of the pulses, the reference of the key, the one who draws the hash functions. */
final class Alice implements Party {
    private enum State {
        HELLO,
        DETECTIONS,
        BASES,
        RECONCILE,
        VERIFY,
        ERRORS,
        DONE,
        OVER
    }

    private final Engine engine;
    private final BlockReader records;
    private final Block block;
    private final BitStringBuilder bits = new BitStringBuilder();
    private final BitStringBuilder bases = new BitStringBuilder();
    private final BitStringBuilder low = new BitStringBuilder();
    private final BitStringBuilder high = new BitStringBuilder();
    private State state = State.HELLO;
    private int next;
    private @Nullable BitString announcedBases;
    private @Nullable Intensities intensities;
    private @Nullable AliceReconciler reconciler;

    Alice(Parameters parameters, BlockReader records, Engine engine, Progress progress) {
        this.engine = engine;
        this.records = records;
        this.block = new Block(parameters, engine, progress);
    }

    @Override
    public void start(Consumer<Message> out) {
        out.accept(new Message.Hello(block.parameters));
        next = records.from();
        if (!records.exhausted()) {
            records.next(block.parameters.endPulse());
            next = records.from();
        }
    }

    @Override
    public void receive(Message message, Consumer<Message> out) {
        switch (message) {
            case Message.Hello m
            when state == State.HELLO -> {
                block.parameters.requireEqual(m.parameters());
                state = State.DETECTIONS;
            }
            case Message.Detections m when state == State.DETECTIONS -> match(m.pulses());
            case Message.EndOfMeasurement m when state == State.DETECTIONS -> announceBases(m, out);
            case Message.BobBases m when state == State.BASES -> sift(m, out);
            case Message.Reconciliation m when state == State.RECONCILE -> reconcile(m, out);
            case Message.Verified m when state == State.VERIFY -> publishWrongGroups(m, out);
            case Message.ErrorCounts m when state == State.ERRORS -> decide(m, out);
            case Message.Done m
            when state == State.DONE -> {
                block.requireSameOutcome("Bob", m);
                out.accept(block.outcome());
                state = State.OVER;
            }
            default -> throw Block.unexpected("Bob", message, state);
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
        if (announcedBases != null) {
            announcedBases.close();
        }
        if (intensities != null) {
            intensities.close();
        }
        block.close();
    }

    /** Takes the records of the pulses that Bob detected; records of other pulses are passed over. */
    private void match(long[] pulses) {
        int i = 0;
        while (i < pulses.length) {
            if (next == records.to()) {
                if (!records.next(block.parameters.endPulse())) {
                    throw noRecord(pulses[i]);
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
                    throw noRecord(pulses[i]);
                }
            }
        }
        block.progress.advanced(
                Stage.SIFT, records.dump().position(), records.dump().size());
    }

    private BadInputException noRecord(long pulse) {
        return new BadInputException(
                records.dump().file(),
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

    private void announceBases(Message.EndOfMeasurement m, Consumer<Message> out) {
        if (m.detections() != bits.length()) {
            throw new ProtocolException("Bob says he had " + m.detections() + " detections, but sent " + bits.length());
        }
        // The rest of the block is read too: a dump that is damaged there gives no key.
        while (records.next(block.parameters.endPulse())) {}
        announcedBases = bases.build();
        intensities = new Intensities(low.build(), high.build());
        out.accept(new Message.AliceBases(
                Block.publicCopy(announcedBases),
                Block.publicCopy(intensities.low()),
                Block.publicCopy(intensities.high())));
        state = State.BASES;
    }

    private void sift(Message.BobBases m, Consumer<Message> out) {
        try (BitString own = bits.build();
                BitString ownBases = Objects.requireNonNull(announcedBases);
                Intensities ownIntensities = Objects.requireNonNull(intensities)) {
            SiftedBlock sifted = SiftedBlock.of(own, ownBases, m.bases(), ownIntensities);
            out.accept(new Message.AliceBits(Block.publicCopy(sifted.disclosed())));
            block.sifted(sifted, own.length(), sifted.disclosed(), m.bits());
        }
        if (block.beyondEveryCode()) {
            state = State.OVER;
            return;
        }
        block.clock.enter(Stage.RECONCILE);
        reconciler = new AliceReconciler(
                block.key(), block.parameters.frameBits(), engine.codes(), engine.backend(), engine.workers());
        state = State.RECONCILE;
    }

    private void reconcile(Message.Reconciliation m, Consumer<Message> out) {
        AliceReconciler r = Objects.requireNonNull(reconciler);
        if (m.step() instanceof Reconciled) {
            block.reconciled(r.leakage());
            BitString hashKey = BitString.allocate(Arena.ofAuto(), block.verificationKeyBits());
            engine.entropy().fill(hashKey);
            out.accept(new Message.Verification(hashKey, block.tags(hashKey)));
            state = State.VERIFY;
            return;
        }
        try {
            out.accept(new Message.Reconciliation(r.answer(m.step())));
        } catch (IllegalArgumentException e) {
            throw new ProtocolException(String.valueOf(e.getMessage()));
        }
    }

    private void publishWrongGroups(Message.Verified m, Consumer<Message> out) {
        block.requireGroups(m.wrongGroups());
        if (!m.wrongGroups().isEmpty()) {
            List<BitString> published = new ArrayList<>();
            for (int g : m.wrongGroups()) {
                try (BitString group = block.key().slice(block.groupOffset(g), block.groupBits(g))) {
                    published.add(Block.publicCopy(group));
                }
            }
            out.accept(new Message.WrongGroups(m.wrongGroups(), published));
        }
        block.verified(m.wrongGroups());
        state = State.ERRORS;
    }

    private void decide(Message.ErrorCounts m, Consumer<Message> out) {
        block.decide(m.errors());
        if (block.abort().isPresent()) {
            out.accept(new Message.Abort(block.abort().get()));
            state = State.OVER;
            return;
        }
        UUID id = randomId();
        BitString seed = BitString.allocate(Arena.ofAuto(), block.seedBits());
        engine.entropy().fill(seed);
        out.accept(new Message.Amplification(id, block.secretBits(), seed));
        block.amplify(id, seed);
        state = State.DONE;
    }

    /** A random UUID, version 4 of RFC 9562. */
    private UUID randomId() {
        try (BitString random = BitString.allocate(128)) {
            engine.entropy().fill(random);
            return new UUID(
                    random.word(0) & 0xffff_ffff_ffff_0fffL | 0x4000L,
                    random.word(1) & 0x3fff_ffff_ffff_ffffL | 0x8000_0000_0000_0000L);
        }
    }
}
