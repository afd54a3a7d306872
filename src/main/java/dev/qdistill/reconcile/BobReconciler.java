package dev.qdistill.reconcile;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.Workers;
import dev.qdistill.bits.BitString;
import dev.qdistill.bits.SecretArena;
import dev.qdistill.ldpc.CodeFamily;
import dev.qdistill.ldpc.Profile;
import dev.qdistill.ldpc.QuasiCyclicCode;
import dev.qdistill.ldpc.SyndromeDecoder;
import dev.qdistill.ldpc.SyndromeEncoder;
import dev.qdistill.ldpc.UpdateRule;
import dev.qdistill.reconcile.ReconcileMessage.Parities;
import dev.qdistill.reconcile.ReconcileMessage.PublishRequest;
import dev.qdistill.reconcile.ReconcileMessage.Published;
import dev.qdistill.reconcile.ReconcileMessage.Reconciled;
import dev.qdistill.reconcile.ReconcileMessage.RevealRequest;
import dev.qdistill.reconcile.ReconcileMessage.Revealed;
import dev.qdistill.reconcile.ReconcileMessage.SyndromeRequest;
import dev.qdistill.reconcile.ReconcileMessage.Syndromes;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Bob's side of the reconciliation of a block: he asks for syndromes, batch by batch, and decodes the errors.
 *
 * <p>The code of a batch is the one of the highest rate that is good for the error rate seen in the batches before; the
 * first, small batch goes by the test basis, which is public. The next batch is asked for before the present one is
 * decoded. A frame that fails is tried with the other update rule; then its least reliable bits are asked for, up to
 * three times (or, where the code was far too weak, the syndrome under a stronger code); then it is given up: published
 * in full.
 */
public final class BobReconciler implements AutoCloseable {
    /** Bits of a full batch: some frames for every thread, and a pause for the next choice of the code. */
    private static final long BATCH_BITS = 1 << 22;

    /** Frames of the first batch, whose errors tell the code of the next. */
    private static final int FIRST_FRAMES = 4;

    private static final int MAXIMUM_ITERATIONS = 100;
    private static final int MAXIMUM_REVEALS = 3;
    /** Parities that Cascade needs, in entropies of the errors: somewhat more than usual. */
    private static final double CASCADE_SHARE = 1.15;
    /** Bits revealed in each round, as a share of the frame's entropy of errors. */
    private static final double[] REVEAL_SHARE = {0.01, 0.02, 0.04};

    private final BitString key;
    private final List<Frame> frames;
    private final CodeFamily codes;
    private final Profile profile;
    private final Backend backend;
    private final Workers workers;
    private final LongConsumer progress;
    private final QberEstimate qber;
    private final Map<QuasiCyclicCode, Queue<Seat>> seats = new ConcurrentHashMap<>();
    private final Map<Integer, Attempt> failed = new TreeMap<>();
    private final Map<Integer, CascadePermutations> permutations = new HashMap<>();

    private Leakage leakage = Leakage.NONE;
    private int requested;
    private boolean calibrated;
    private int open;
    private int awaited;
    private long correctedBits;
    private int firstFailures;
    private int givenUp;
    private long iterations;
    private long attempts;
    private final TreeSet<String> usedCodes = new TreeSet<>();

    /** A frame in work. */
    private static final class Attempt {
        final Frame frame;
        QuasiCyclicCode code;
        /** Alice's syndrome XOR Bob's; kept of a frame that failed. */
        @Nullable
        BitString difference;
        /** Positions whose errors are known, and the errors; null before the first reveal. */
        @Nullable
        BitString known;

        @Nullable
        BitString knownErrors;
        /** Cascade on this frame, and the frame as it was before; null before that. */
        @Nullable
        BobCascade cascade;

        @Nullable
        BitString before;
        /** The next positions to ask for. */
        @Nullable
        BitString wanted;

        int reveals;
        int iterations;
        long errors;
        boolean decoded;
        double estimate;
        boolean again;

        Attempt(Frame frame, QuasiCyclicCode code) {
            this.frame = frame;
            this.code = code;
        }

        void keep(BitString failedDifference) {
            if (difference != null) {
                difference.close();
            }
            difference = failedDifference.copy();
        }
    }

    /** What a worker decodes the frames of one code with: reused, since memory of its own for each frame would cost more. */
    private static final class Seat implements AutoCloseable {
        final SyndromeDecoder decoder;
        final SyndromeEncoder encoder;
        final BitString difference;
        final BitString own;
        final BitString frame;
        private final SecretArena arena = new SecretArena();

        Seat(QuasiCyclicCode code, Backend backend) {
            decoder = SyndromeDecoder.create(code, backend);
            encoder = SyndromeEncoder.create(code, backend);
            difference = BitString.allocate(arena, code.syndromeBits());
            own = BitString.allocate(arena, code.syndromeBits());
            frame = BitString.allocate(arena, code.frameBits());
        }

        @Override
        public void close() {
            decoder.close();
            arena.close();
        }
    }

    /**
     * @param key Bob's raw key; corrected in place, not closed here
     * @param expected the error rate to expect at first
     * @param largestFrame the largest frame length to use
     * @param profile what the codes are chosen for
     * @param progress told the corrected bits
     */
    public BobReconciler(
            BitString key,
            QberEstimate expected,
            int largestFrame,
            CodeFamily codes,
            Profile profile,
            Backend backend,
            Workers workers,
            LongConsumer progress) {
        this.key = key;
        this.qber = expected;
        this.frames = Frame.cut(key.length(), largestFrame, codes.frameLengths());
        this.codes = codes;
        this.profile = profile;
        this.backend = backend;
        this.workers = workers;
        this.progress = progress;
        this.open = frames.size();
    }

    /** Whether even the strongest code is too weak for this error rate. */
    public static boolean beyondEveryCode(double qber, CodeFamily codes) {
        int longest = codes.frameLengths().getLast();
        return qber > codes.codes(longest, Profile.EFFICIENT).getLast().operatingQber(Profile.EFFICIENT);
    }

    /** Asks for the first batch. */
    public void start(Consumer<ReconcileMessage> out) {
        requestNext(out);
        finishIfDone(out);
    }

    /**
     * Takes an answer of Alice's.
     *
     * @throws IllegalArgumentException if it does not answer what was asked
     */
    public void receive(ReconcileMessage message, Consumer<ReconcileMessage> out) {
        awaited--;
        switch (message) {
            case Syndromes m -> decode(m, out);
            case Revealed m -> decodeRevealed(m, out);
            case Parities m -> cascade(m, out);
            case Published m -> takePublished(m);
            default ->
                throw new IllegalArgumentException(
                        "Alice may not send " + message.getClass().getSimpleName());
        }
        if (awaited < 0) {
            throw new IllegalArgumentException("Alice answers more than was asked");
        }
        finishIfDone(out);
    }

    /** Whether there is a candidate for every frame. */
    public boolean done() {
        return open == 0;
    }

    /** What was leaked so far. */
    public Leakage leakage() {
        return leakage;
    }

    /** How it went, for reports. */
    public ReconcileStatistics statistics() {
        return new ReconcileStatistics(
                frames.size(),
                firstFailures,
                givenUp,
                attempts == 0 ? 0 : (double) iterations / attempts,
                List.copyOf(usedCodes));
    }

    @Override
    public void close() {
        seats.values().forEach(q -> q.forEach(Seat::close));
        seats.clear();
        failed.values().forEach(BobReconciler::wipe);
        failed.clear();
    }

    private void finishIfDone(Consumer<ReconcileMessage> out) {
        if (open == 0 && awaited == 0) {
            awaited = Integer.MAX_VALUE;
            out.accept(new Reconciled());
        }
    }

    private void send(Consumer<ReconcileMessage> out, ReconcileMessage message) {
        awaited++;
        out.accept(message);
    }

    /** Asks for the syndromes of the next batch of frames of one length, if there are any left. */
    private void requestNext(Consumer<ReconcileMessage> out) {
        if (requested == frames.size()) {
            return;
        }
        Frame first = frames.get(requested);
        QuasiCyclicCode code = codeFor(first, qber.value());
        if (first.shortened() && code.syndromeBits() >= first.bits()) {
            // So short a tail that its syndrome would tell all of it.
            requested++;
            leakage = leakage.plusPublished(first.bits());
            send(out, new PublishRequest(List.of(first.index())));
            return;
        }
        long wanted = calibrated ? BATCH_BITS : (long) first.codeBits() * FIRST_FRAMES;
        List<Integer> batch = new ArrayList<>();
        for (long bits = 0; bits < wanted && requested < frames.size(); bits += first.bits()) {
            Frame f = frames.get(requested);
            if (f.codeBits() != first.codeBits() || f.shortened() != first.shortened()) {
                break;
            }
            batch.add(f.index());
            requested++;
        }
        request(new SyndromeRequest(List.copyOf(batch), code.name()), code, out);
    }

    private void request(SyndromeRequest request, QuasiCyclicCode code, Consumer<ReconcileMessage> out) {
        usedCodes.add(code.name());
        leakage = AliceReconciler.countSyndromes(leakage, request, code, codes);
        send(out, request);
    }

    /** The code for a frame: by rate for a full frame, by the length of the syndrome for a shortened one. */
    private QuasiCyclicCode codeFor(Frame frame, double rate) {
        List<CodeFamily.Entry> family = codes.codes(frame.codeBits(), profile);
        QuasiCyclicCode full = codes.select(frame.codeBits(), rate, profile)
                .orElseGet(() -> codes.code(family.getLast().name()));
        if (!frame.shortened()) {
            return full;
        }
        // The same ratio of syndrome to entropy as the full-length code that is good at this rate, and counting error.
        double share = (double) frame.bits() / frame.codeBits();
        double needed = full.syndromeBits() * share + 3 * Math.sqrt(full.syndromeBits() * share);
        return family.stream()
                .filter(e -> e.syndromeBits() >= needed)
                .findFirst()
                .map(e -> codes.code(e.name()))
                .orElse(full);
    }

    private void decode(Syndromes m, Consumer<ReconcileMessage> out) {
        QuasiCyclicCode code = codes.code(m.code());
        if (m.syndromes().length() != (long) code.syndromeBits() * m.frames().size()) {
            throw new IllegalArgumentException(
                    "Alice's syndromes have " + m.syndromes().length() + " bits, not "
                            + (long) code.syndromeBits() * m.frames().size());
        }
        if (calibrated) {
            requestNext(out);
        }
        double expected = qber.value();
        List<Attempt> batch = new ArrayList<>();
        for (int f : m.frames()) {
            Attempt a = failed.remove(f);
            if (a == null) {
                a = new Attempt(frames.get(f), code);
            } else {
                a.again = true;
                a.code = code;
            }
            batch.add(a);
        }
        workers.forEach(batch.size(), i -> {
            Attempt a = batch.get(i);
            Seat seat = take(code);
            try {
                difference(seat, a.frame, m.syndromes(), (long) i * code.syndromeBits());
                a.estimate = code.estimateQber(seat.difference.bitCount());
                attempt(a, seat, seat.difference, expected);
                if (!a.decoded) {
                    a.keep(seat.difference);
                }
            } finally {
                give(code, seat);
            }
        });
        int failures = 0;
        for (Attempt a : batch) {
            failures += a.decoded || a.again ? 0 : 1;
        }
        firstFailures += failures;
        settle(batch, failures, out);
        if (!calibrated) {
            calibrated = true;
            requestNext(out);
        }
    }

    private void decodeRevealed(Revealed m, Consumer<ReconcileMessage> out) {
        if (m.bits().size() != m.frames().size()) {
            throw new IllegalArgumentException("Alice reveals bits of "
                    + m.bits().size() + " frames, not of " + m.frames().size());
        }
        List<Attempt> batch = new ArrayList<>();
        for (int i = 0; i < m.frames().size(); i++) {
            Attempt a = failed.remove(m.frames().get(i));
            if (a == null
                    || a.wanted == null
                    || a.wanted.bitCount() != m.bits().get(i).length()) {
                throw new IllegalArgumentException(
                        "Alice reveals bits of frame " + m.frames().get(i) + " that were not asked for");
            }
            learn(a, a.wanted, m.bits().get(i));
            batch.add(a);
        }
        double expected = qber.value();
        workers.forEach(batch.size(), i -> {
            Attempt a = batch.get(i);
            Seat seat = take(a.code);
            try {
                attempt(a, seat, Objects.requireNonNull(a.difference), expected);
            } finally {
                give(a.code, seat);
            }
        });
        settle(batch, 0, out);
    }

    private void takePublished(Published m) {
        for (int i = 0; i < m.frames().size(); i++) {
            Frame f = frames.get(m.frames().get(i));
            if (m.bits().get(i).length() != f.bits()) {
                throw new IllegalArgumentException("Alice publishes "
                        + m.bits().get(i).length() + " bits of frame " + f.index() + ", which has " + f.bits());
            }
            key.copyFrom(m.bits().get(i), 0, f.offset(), f.bits());
            Attempt a = failed.remove(f.index());
            if (a != null) {
                wipe(a);
            }
            close(f);
        }
    }

    /** Applies what was decoded and asks for more about what was not. */
    private void settle(List<Attempt> batch, int failures, Consumer<ReconcileMessage> out) {
        long bits = 0;
        double errors = 0;
        List<Integer> reveal = new ArrayList<>();
        List<BitString> positions = new ArrayList<>();
        List<Integer> publish = new ArrayList<>();
        for (Attempt a : batch) {
            bits += a.frame.bits();
            errors += a.decoded ? a.errors : a.estimate * a.frame.bits();
            attempts++;
            iterations += a.iterations;
            if (a.decoded) {
                close(a.frame);
                wipe(a);
                continue;
            }
            failed.put(a.frame.index(), a);
            QuasiCyclicCode stronger = codeFor(a.frame, a.estimate);
            if (a.estimate > 1.1 * a.code.operatingQber(profile)
                    && stronger.syndromeBits() > 1.05 * a.code.syndromeBits()) {
                request(new SyndromeRequest(List.of(a.frame.index()), stronger.name()), stronger, out);
            } else if (a.reveals < MAXIMUM_REVEALS) {
                a.reveals++;
                reveal.add(a.frame.index());
                positions.add(Objects.requireNonNull(a.wanted));
            } else if (!startCascade(a, out)) {
                publish.add(a.frame.index());
            }
        }
        qber.observe(errors, bits, failures, batch.size());
        if (!reveal.isEmpty()) {
            RevealRequest request = new RevealRequest(List.copyOf(reveal), List.copyOf(positions));
            leakage = AliceReconciler.countRevealed(leakage, request);
            send(out, request);
        }
        giveUp(publish, out);
    }

    private void giveUp(List<Integer> publish, Consumer<ReconcileMessage> out) {
        if (publish.isEmpty()) {
            return;
        }
        for (int f : publish) {
            givenUp++;
            leakage = leakage.plusPublished(frames.get(f).bits());
        }
        send(out, new PublishRequest(List.copyOf(publish)));
    }

    /**
     * Starts Cascade on a frame, unless it would tell as much as publishing the frame: two bits a parity.
     *
     * @return false if it was not started
     */
    private boolean startCascade(Attempt a, Consumer<ReconcileMessage> out) {
        // A shortened frame has all its errors in its own bits.
        double expected = Math.max(a.estimate * a.frame.codeBits(), 1) / a.frame.bits();
        int limit = (a.frame.bits() - 1) / 2;
        if (!(expected < 0.5) || CASCADE_SHARE * a.frame.bits() * entropy(expected) > limit) {
            return false;
        }
        BobCascade cascade = new BobCascade(
                key,
                a.frame.offset(),
                a.frame.index(),
                CascadeVariant.OPTIMISED,
                expected,
                limit,
                permutations.computeIfAbsent(a.frame.bits(), CascadePermutations::new));
        Optional<ReconcileMessage> request = cascade.start();
        if (request.isEmpty()) {
            return false;
        }
        a.cascade = cascade;
        a.before = key.slice(a.frame.offset(), a.frame.bits());
        if (a.knownErrors != null) {
            // Errors that the reveals told need not be found again.
            xorIntoKey(a.frame, a.knownErrors);
        }
        leakage = BobCascade.countStart(leakage, CascadeVariant.OPTIMISED, a.frame.bits());
        sendCascade(cascade, request.get(), out);
        return true;
    }

    private void sendCascade(BobCascade cascade, ReconcileMessage request, Consumer<ReconcileMessage> out) {
        leakage = BobCascade.countParities(leakage, cascade.latest());
        send(out, request);
    }

    private void cascade(Parities m, Consumer<ReconcileMessage> out) {
        Attempt a = failed.get(m.frame());
        if (a == null || a.cascade == null) {
            throw new IllegalArgumentException(
                    "Alice tells parities of frame " + m.frame() + " that were not asked for");
        }
        Optional<ReconcileMessage> request = a.cascade.receive(m);
        if (request.isPresent()) {
            sendCascade(a.cascade, request.get(), out);
        } else if (!a.cascade.givenUp() && cascadeAgreesWithSyndrome(a)) {
            failed.remove(m.frame());
            wipe(a);
            close(a.frame);
        } else {
            giveUp(List.of(m.frame()), out);
        }
    }

    /** Whether what Cascade corrected has the syndrome that Alice sent; nothing more needs to be told for that. */
    private boolean cascadeAgreesWithSyndrome(Attempt a) {
        try (BitString error = BitString.allocate(a.frame.codeBits());
                BitString after = key.slice(a.frame.offset(), a.frame.bits());
                BitString syndrome = BitString.allocate(a.code.syndromeBits())) {
            after.xor(Objects.requireNonNull(a.before));
            error.copyFrom(after, 0, 0, a.frame.bits());
            SyndromeEncoder.create(a.code, backend).encode(error, 0, syndrome, 0);
            return syndrome.contentEquals(Objects.requireNonNull(a.difference));
        }
    }

    /** Adds the first bits of a pattern of errors to a frame of the key. */
    private void xorIntoKey(Frame frame, BitString errors) {
        try (BitString own = key.slice(frame.offset(), frame.bits());
                BitString pattern = errors.slice(0, frame.bits())) {
            own.xor(pattern);
            key.copyFrom(own, 0, frame.offset(), frame.bits());
        }
    }

    private void close(Frame f) {
        open--;
        correctedBits += f.bits();
        progress.accept(correctedBits);
    }

    private Seat take(QuasiCyclicCode code) {
        Seat idle =
                seats.computeIfAbsent(code, c -> new ConcurrentLinkedQueue<>()).poll();
        return idle == null ? new Seat(code, backend) : idle;
    }

    private void give(QuasiCyclicCode code, Seat seat) {
        seats.computeIfAbsent(code, c -> new ConcurrentLinkedQueue<>()).add(seat);
    }

    /** Alice's syndrome XOR that of Bob's frame, to the seat. */
    private void difference(Seat seat, Frame frame, BitString syndromes, long at) {
        if (frame.shortened()) {
            seat.frame.wipe();
            seat.frame.copyFrom(key, frame.offset(), 0, frame.bits());
            seat.encoder.encode(seat.frame, 0, seat.own, 0);
        } else {
            seat.encoder.encode(key, frame.offset(), seat.own, 0);
        }
        seat.difference.copyFrom(syndromes, at, 0, seat.difference.length());
        seat.difference.xor(seat.own);
    }

    /** Tries to decode a frame with what is known of it; on success the key is corrected. Runs on a worker. */
    private void attempt(Attempt a, Seat seat, BitString difference, double expected) {
        SyndromeDecoder decoder = seat.decoder;
        double prior = Math.clamp(Math.max(expected, a.estimate), 1e-4, 0.25);
        decoder.begin(difference, 0, prior);
        if (a.frame.shortened()) {
            try (BitString mask = BitString.allocate(a.frame.codeBits());
                    BitString zeros = BitString.allocate(a.frame.codeBits())) {
                mask.invert();
                mask.copyFrom(zeros, 0, 0, a.frame.bits());
                decoder.reveal(mask, 0, zeros, 0);
            }
        }
        if (a.known != null && a.knownErrors != null) {
            decoder.reveal(a.known, 0, a.knownErrors, 0);
        }
        a.decoded = decoder.run(UpdateRule.PHI, MAXIMUM_ITERATIONS);
        if (!a.decoded) {
            double share = REVEAL_SHARE[Math.min(a.reveals, REVEAL_SHARE.length - 1)];
            int count = Math.max(8, (int) (share * a.frame.bits() * entropy(prior)));
            BitString wanted = BitString.allocate(Arena.ofAuto(), a.frame.codeBits());
            decoder.leastReliable(count, wanted);
            a.wanted = a.frame.shortened() ? shorten(wanted, a.frame.bits()) : wanted;
            decoder.restart();
            a.decoded = decoder.run(UpdateRule.MIN_SUM, MAXIMUM_ITERATIONS);
        }
        a.iterations = decoder.iterations();
        if (a.decoded) {
            decoder.error(seat.frame, 0);
            a.errors = seat.frame.bitCount();
            key.xor(seat.frame, a.frame.offset(), a.frame.bits());
        }
    }

    private static BitString shorten(BitString mask, int bits) {
        BitString shorter = BitString.allocate(Arena.ofAuto(), bits);
        shorter.copyFrom(mask, 0, 0, bits);
        return shorter;
    }

    /** Adds revealed bits of Alice's to what is known of a frame's errors. */
    private void learn(Attempt a, BitString mask, BitString aliceBits) {
        if (a.known == null || a.knownErrors == null) {
            a.known = BitString.allocate(a.frame.codeBits());
            a.knownErrors = BitString.allocate(a.frame.codeBits());
        }
        try (BitString own = key.slice(a.frame.offset(), a.frame.bits());
                BitString ownRevealed = own.compress(mask);
                BitString fullMask = BitString.allocate(a.frame.codeBits())) {
            ownRevealed.xor(aliceBits);
            fullMask.copyFrom(mask, 0, 0, a.frame.bits());
            a.knownErrors.expand(fullMask, ownRevealed);
            a.known.or(fullMask);
        }
        a.wanted = null;
    }

    private static void wipe(Attempt a) {
        if (a.difference != null) {
            a.difference.close();
        }
        if (a.known != null) {
            a.known.close();
        }
        if (a.knownErrors != null) {
            a.knownErrors.close();
        }
        if (a.before != null) {
            a.before.close();
        }
    }

    private static double entropy(double p) {
        return -(p * Math.log(p) + (1 - p) * Math.log(1 - p)) / Math.log(2);
    }
}
