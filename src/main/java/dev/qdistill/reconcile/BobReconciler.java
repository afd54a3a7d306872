package dev.qdistill.reconcile;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.Offload;
import dev.qdistill.accel.Workers;
import dev.qdistill.accel.Workers.Loop;
import dev.qdistill.bits.BitString;
import dev.qdistill.ldpc.AdaptedCode;
import dev.qdistill.ldpc.CodeFamily;
import dev.qdistill.ldpc.OpenClSyndromeDecoder;
import dev.qdistill.ldpc.Profile;
import dev.qdistill.ldpc.QuasiCyclicCode;
import dev.qdistill.ldpc.SyndromeDecoder;
import dev.qdistill.ldpc.SyndromeEncoder;
import dev.qdistill.ldpc.UpdateRule;
import dev.qdistill.reconcile.ReconcileMessage.ExtensionRequest;
import dev.qdistill.reconcile.ReconcileMessage.Extensions;
import dev.qdistill.reconcile.ReconcileMessage.Parities;
import dev.qdistill.reconcile.ReconcileMessage.PublishRequest;
import dev.qdistill.reconcile.ReconcileMessage.Published;
import dev.qdistill.reconcile.ReconcileMessage.Reconciled;
import dev.qdistill.reconcile.ReconcileMessage.RevealRequest;
import dev.qdistill.reconcile.ReconcileMessage.Revealed;
import dev.qdistill.reconcile.ReconcileMessage.SyndromeRequest;
import dev.qdistill.reconcile.ReconcileMessage.Syndromes;
import dev.qdistill.reconcile.Seats.Seat;
import java.lang.foreign.Arena;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Bob's side of the reconciliation of a block: he asks for syndromes, batch by batch, and decodes the errors.
 *
 * <p>How much is asked for at first follows from the error rate seen in the batches before ({@link RateControl}); the first,
 * small batch goes by the test basis, which is public. The next batches are asked for before the present one is decoded, and a
 * batch is begun before the last frames of the one before have ended, so that no thread waits for another. About a frame that fails Bob asks for more rows of the syndrome, up to three times; where only a few bits are left that the decoder
 * cannot get right, for the values of the least reliable ones; then he tries Cascade; then the frame is given up: published
 * in full. Frames that got more are decoded together with the batch that is begun next.
 */
public final class BobReconciler implements AutoCloseable {
    /** Bits of a full batch: a pause for the next choice of the code. */
    private static final long BATCH_BITS = 1 << 23;

    /** Frames of a full batch at least, for each thread. */
    private static final int BATCH_FRAMES = 8;

    /** Frames of the first batch, whose errors tell the code of the next. */
    private static final int FIRST_FRAMES = 4;

    private static final int MAXIMUM_REVEALS = 2;

    /** Batches asked for at once, in the end: so that 50 ms to Alice and back do not stall a large block. */
    private static final int MAXIMUM_AHEAD = 3;

    /** Parities that Cascade needs, in entropies of the errors: somewhat more than usual. */
    private static final double CASCADE_SHARE = 1.15;
    /** Bytes of idle decoders for each thread. */
    private static final long IDLE_BYTES = 1 << 27;

    /**
     * How hard a frame is tried.
     *
     * @param iterations at most, of the rule PHI
     * @param otherRule at most, of the rule MIN_SUM where few checks are left unsatisfied
     */
    record Effort(int iterations, int otherRule) {
        static Effort of(Profile profile) {
            return profile == Profile.FAST ? new Effort(60, 40) : new Effort(120, 60);
        }
    }

    private final BitString key;
    private final List<Frame> frames;
    private final CodeFamily codes;
    private final Effort effort;
    private final Backend backend;
    private final Workers workers;
    private final LongConsumer progress;
    private final QberEstimate qber;
    private final AdaptedCodes adapted = new AdaptedCodes();
    private final RateControl rates;
    private final Seats seats;
    private final DeviceShare<Attempt> device;
    private final Map<Integer, Attempt> failed = new TreeMap<>();
    private final Map<Integer, CascadePermutations> permutations = new HashMap<>();

    /** Frames about which something new is known, to be decoded with the next batch. */
    private final List<Attempt> ready = new ArrayList<>();

    /** Batches in work: one, and for a moment the next. */
    private final Deque<Batch> running = new ArrayDeque<>();

    private final Deque<SyndromeRequest> askedSyndromes = new ArrayDeque<>();
    private final Set<Integer> askedPublished = new HashSet<>();

    private Leakage leakage = Leakage.NONE;
    private int requested;
    private boolean calibrated;
    /** Batches to have asked for: few at first, while the error rate is not well known. */
    private int ahead = 1;

    private int open;
    private int awaited;
    private long correctedBits;
    private long iterations;
    private final Map<Means, Integer> correctedBy = new EnumMap<>(Means.class);
    private final Set<String> usedCodes = new LinkedHashSet<>();

    private enum Means {
        FIRST,
        EXTENSION,
        REVEAL,
        CASCADE,
        PUBLICATION
    }

    /** Frames that are decoded together. */
    private record Batch(List<Attempt> attempts, Loop loop) {}

    /** A frame in work. */
    private static final class Attempt {
        final Frame frame;
        AdaptedCode code;

        /** Alice's syndrome, from {@code at} up; null once it was compared. */
        @Nullable
        BitString syndromes;

        final long at;

        /** Alice's syndrome XOR Bob's under {@code differenceCode}; kept of a frame that failed. */
        @Nullable
        BitString difference;

        @Nullable
        AdaptedCode differenceCode;
        /** What Alice sent for {@code code} beyond that; null if nothing. */
        @Nullable
        BitString extra;
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

        int extensions;
        int reveals;
        boolean first = true;
        boolean decoded;
        /** Whether only few checks were left unsatisfied. */
        boolean nearly;

        int iterations;
        long errors;
        RateControl.Guess qber = new RateControl.Guess(0, 0);
        /** When this attempt began; null before the first. */
        RateControl.@Nullable Outlook outlook;

        Attempt(Frame frame, AdaptedCode code, BitString syndromes, long at) {
            this.frame = frame;
            this.code = code;
            this.syndromes = syndromes;
            this.at = at;
        }

        Means means() {
            return reveals > 0 ? Means.REVEAL : first ? Means.FIRST : Means.EXTENSION;
        }
    }

    /**
     * @param key Bob's raw key; corrected in place, not closed here
     * @param expected the error rate to expect at first
     * @param largestFrame the largest frame length to use
     * @param profile what the codes are chosen for
     * @param offload a device that decodes frames too, or none
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
            Offload offload,
            LongConsumer progress) {
        this(key, expected, largestFrame, codes, profile, Effort.of(profile), backend, workers, offload, progress);
    }

    BobReconciler(
            BitString key,
            QberEstimate expected,
            int largestFrame,
            CodeFamily codes,
            Profile profile,
            Effort effort,
            Backend backend,
            Workers workers,
            Offload offload,
            LongConsumer progress) {
        this.key = key;
        this.qber = expected;
        this.frames = Frame.cut(key.length(), largestFrame, codes.frameLengths());
        this.codes = codes;
        this.effort = effort;
        this.backend = backend;
        this.workers = workers;
        this.progress = progress;
        this.open = frames.size();
        this.rates = new RateControl(codes, profile, expected, adapted);
        this.seats = new Seats(backend, IDLE_BYTES * workers.threads());
        this.device = new DeviceShare<>(offload, workers, new DeviceWork());
    }

    /** Whether even the strongest code is too weak for this error rate. */
    public static boolean beyondEveryCode(double qber, CodeFamily codes) {
        int longest = codes.frameLengths().getLast();
        return qber > codes.codes(longest, Profile.EFFICIENT).getLast().operatingQber(Profile.EFFICIENT);
    }

    /**
     * What Bob asks for first, if it is for syndromes: it follows from numbers that both ends know, so that Alice can answer before
     * she is asked.
     *
     * @param keyBits bits of the raw key
     * @param expected as for {@link #BobReconciler}, and so the others
     */
    public static Optional<SyndromeRequest> first(
            long keyBits, QberEstimate expected, int largestFrame, CodeFamily codes, Profile profile) {
        List<Frame> frames = Frame.cut(keyBits, largestFrame, codes.frameLengths());
        if (frames.isEmpty()) {
            return Optional.empty();
        }
        return new RateControl(codes, profile, expected, new AdaptedCodes())
                .first(frames.getFirst())
                .map(code -> new SyndromeRequest(
                        batch(frames, 0, FIRST_FRAMES, code), code.parent().name(), code.splits()));
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
        if (awaited < 0) {
            throw new IllegalArgumentException("Alice answers more than was asked");
        }
        switch (message) {
            case Syndromes m -> takeSyndromes(m);
            case Extensions m -> takeExtensions(m);
            case Revealed m -> takeRevealed(m);
            case Parities m -> cascade(m, out);
            case Published m -> takePublished(m);
            default ->
                throw new IllegalArgumentException(
                        "Alice may not send " + message.getClass().getSimpleName());
        }
        if (message instanceof Syndromes || askedSyndromes.isEmpty()) {
            begin();
        }
        while (running.size() > 1 || !calibrated && !running.isEmpty()) {
            settleOldest(out);
        }
        if (message instanceof Syndromes) {
            boolean before = calibrated;
            calibrated = true;
            // Nothing will be known of the first of these when the second one is due.
            requestAhead(before ? ahead : 2, out);
            ahead = before ? Math.min(ahead + 1, MAXIMUM_AHEAD) : ahead;
        }
        while (awaited == 0 && !running.isEmpty()) {
            settleOldest(out);
        }
        // The others have something to do until the next answer is here.
        running.forEach(b -> b.loop.help(2 * (workers.threads() - 1)));
        if (awaited == 0 && open > 0) {
            throw new IllegalArgumentException("Alice answers less than was asked: " + open + " frames are left");
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
                correctedBy.getOrDefault(Means.FIRST, 0),
                correctedBy.getOrDefault(Means.EXTENSION, 0),
                correctedBy.getOrDefault(Means.REVEAL, 0),
                correctedBy.getOrDefault(Means.CASCADE, 0),
                correctedBy.getOrDefault(Means.PUBLICATION, 0),
                frames.isEmpty() ? 0 : (double) iterations / frames.size(),
                List.copyOf(usedCodes));
    }

    @Override
    public void close() {
        running.forEach(b -> b.loop.abandon());
        running.forEach(b -> b.attempts.forEach(BobReconciler::wipe));
        running.clear();
        device.close();
        seats.close();
        failed.values().forEach(BobReconciler::wipe);
        failed.clear();
        ready.forEach(BobReconciler::wipe);
        ready.clear();
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
        Optional<AdaptedCode> code = rates.first(first);
        if (code.isEmpty()) {
            // So short that a syndrome would tell all of it, and the others are as short.
            giveUp(
                    frames.subList(requested, frames.size()).stream()
                            .map(Frame::index)
                            .toList(),
                    out);
            requested = frames.size();
            return;
        }
        long most = FIRST_FRAMES;
        if (calibrated) {
            most = Math.max((long) BATCH_FRAMES * workers.threads(), BATCH_BITS / first.bits());
            most = Math.max(most, device.frames(code.get().code()));
        }
        List<Integer> batch = batch(frames, requested, most, code.get());
        requested += batch.size();
        request(batch, code.get(), out);
    }

    /** The next frames of one length. */
    private static List<Integer> batch(List<Frame> frames, int from, long most, AdaptedCode code) {
        int circulant = code.code().circulant();
        long columns = frames.get(from).columns(circulant);
        List<Integer> batch = new ArrayList<>();
        for (int i = from; i < frames.size() && batch.size() < most; i++) {
            if (frames.get(i).columns(circulant) != columns) {
                break;
            }
            batch.add(frames.get(i).index());
        }
        return List.copyOf(batch);
    }

    private void request(List<Integer> batch, AdaptedCode code, Consumer<ReconcileMessage> out) {
        usedCodes.add(code.parent().name());
        leakage = AliceReconciler.countSyndromes(leakage, batch.size(), code, codes);
        SyndromeRequest request = new SyndromeRequest(batch, code.parent().name(), code.splits());
        askedSyndromes.add(request);
        send(out, request);
    }

    private void takeSyndromes(Syndromes m) {
        SyndromeRequest asked = askedSyndromes.poll();
        if (asked == null || !asked.equals(new SyndromeRequest(m.frames(), m.code(), m.splits()))) {
            throw new IllegalArgumentException("Alice sends syndromes that were not asked for");
        }
        AdaptedCode code = adapted.get(
                        codes.code(m.code()), frames.get(m.frames().getFirst()), m.splits())
                .orElseThrow();
        long bits = code.code().syndromeBits();
        if (m.syndromes().length() != bits * m.frames().size()) {
            throw new IllegalArgumentException("Alice's syndromes have "
                    + m.syndromes().length() + " bits, not " + bits * m.frames().size());
        }
        for (int i = 0; i < m.frames().size(); i++) {
            ready.add(new Attempt(frames.get(m.frames().get(i)), code, m.syndromes(), bits * i));
        }
    }

    private void requestAhead(int most, Consumer<ReconcileMessage> out) {
        while (askedSyndromes.size() < most && requested < frames.size()) {
            requestNext(out);
        }
    }

    private void takeExtensions(Extensions m) {
        if (m.bits().size() != m.frames().size()) {
            throw new IllegalArgumentException("Alice adds to the syndromes of "
                    + m.bits().size() + " frames, not of " + m.frames().size());
        }
        for (int i = 0; i < m.frames().size(); i++) {
            Attempt a = failed.get(m.frames().get(i));
            if (a == null
                    || a.differenceCode == null
                    || a.code == a.differenceCode
                    || m.bits().get(i).length() != a.code.extraBits(a.differenceCode)) {
                throw new IllegalArgumentException(
                        "Alice adds to the syndrome of frame " + m.frames().get(i) + " what was not asked for");
            }
            a.extra = m.bits().get(i);
            failed.remove(a.frame.index());
            ready.add(a);
        }
    }

    private void takeRevealed(Revealed m) {
        if (m.bits().size() != m.frames().size()) {
            throw new IllegalArgumentException("Alice reveals bits of "
                    + m.bits().size() + " frames, not of " + m.frames().size());
        }
        for (int i = 0; i < m.frames().size(); i++) {
            Attempt a = failed.get(m.frames().get(i));
            if (a == null
                    || a.wanted == null
                    || a.wanted.bitCount() != m.bits().get(i).length()) {
                throw new IllegalArgumentException(
                        "Alice reveals bits of frame " + m.frames().get(i) + " that were not asked for");
            }
            learn(a, a.wanted, m.bits().get(i));
            failed.remove(a.frame.index());
            ready.add(a);
        }
    }

    private void takePublished(Published m) {
        if (m.bits().size() != m.frames().size()) {
            throw new IllegalArgumentException("Alice publishes " + m.bits().size() + " frames, not "
                    + m.frames().size());
        }
        for (int i = 0; i < m.frames().size(); i++) {
            if (!askedPublished.remove(m.frames().get(i))) {
                throw new IllegalArgumentException(
                        "Alice publishes frame " + m.frames().get(i) + ", which was not asked for");
            }
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
            close(f, Means.PUBLICATION);
        }
    }

    /** Begins to decode the frames about which something new is known. */
    private void begin() {
        if (ready.isEmpty()) {
            return;
        }
        List<Attempt> batch = List.copyOf(ready);
        ready.clear();
        batch.forEach(a -> a.outlook = rates.outlook(a.frame));
        if (device.isThere()) {
            running.add(new Batch(batch, workers.start(0, i -> {})));
            device.forEach(batch, this::onCpu);
        } else {
            running.add(new Batch(batch, workers.start(batch.size(), i -> onCpu(batch.get(i)))));
        }
    }

    private void onCpu(Attempt a) {
        Seat seat = seats.take(a.code.code());
        try {
            attempt(a, seat);
        } finally {
            seats.give(seat);
        }
    }

    /** Waits for a batch, takes note of it and asks for more about the frames that failed. */
    private void settleOldest(Consumer<ReconcileMessage> out) {
        Batch batch = running.getFirst();
        batch.loop.finish(running.stream().skip(1).map(Batch::loop).toList());
        settle(batch.attempts, out);
        running.removeFirst();
    }

    private void settle(List<Attempt> batch, Consumer<ReconcileMessage> out) {
        long bits = 0;
        double errors = 0;
        int firsts = 0;
        int failures = 0;
        List<Integer> extend = new ArrayList<>();
        List<Integer> splits = new ArrayList<>();
        List<Integer> reveal = new ArrayList<>();
        List<BitString> positions = new ArrayList<>();
        List<Integer> publish = new ArrayList<>();
        double work = 0;
        for (Attempt a : batch) {
            iterations += a.iterations;
            work += a.iterations * a.code.code().iterationWork();
            if (a.first) {
                bits += a.frame.bits();
                errors += a.decoded ? a.errors : a.qber.value() * a.frame.bits();
                firsts++;
                failures += a.decoded ? 0 : 1;
            }
            if (a.decoded) {
                close(a.frame, a.means());
                wipe(a);
                continue;
            }
            a.first = false;
            failed.put(a.frame.index(), a);
            Optional<AdaptedCode> more = a.extensions < RateControl.ROUNDS
                    ? rates.next(a.frame, a.code, a.qber, a.extensions)
                    : Optional.empty();
            if (a.nearly && a.reveals < MAXIMUM_REVEALS) {
                a.reveals++;
                reveal.add(a.frame.index());
                positions.add(Objects.requireNonNull(a.wanted));
            } else if (more.isPresent()) {
                leakage = AliceReconciler.countExtension(leakage, a.code, more.get());
                a.extensions++;
                a.code = more.get();
                extend.add(a.frame.index());
                splits.add(a.code.splits());
            } else if (!startCascade(a, out)) {
                publish.add(a.frame.index());
            }
        }
        if (firsts > 0) {
            qber.observe(errors, bits);
            rates.observe(batch.getFirst().frame, firsts, failures, work / bits);
        }
        if (!extend.isEmpty()) {
            send(out, new ExtensionRequest(List.copyOf(extend), List.copyOf(splits)));
        }
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
            askedPublished.add(f);
            leakage = AliceReconciler.countPublished(leakage, frames.get(f).bits());
        }
        send(out, new PublishRequest(List.copyOf(publish)));
    }

    /**
     * Starts Cascade on a frame, unless it would tell as much as publishing the frame: two bits a parity.
     *
     * @return false if it was not started
     */
    private boolean startCascade(Attempt a, Consumer<ReconcileMessage> out) {
        double expected = Math.max(a.qber.value(), 1.0 / a.frame.bits());
        int limit = (a.frame.bits() - 1) / 2;
        if (!(expected < 0.5) || CASCADE_SHARE * a.frame.bits() * QuasiCyclicCode.binaryEntropy(expected) > limit) {
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
        leakage = AliceReconciler.countCascade(leakage, CascadeVariant.OPTIMISED, a.frame.bits());
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
            close(a.frame, Means.CASCADE);
        } else {
            giveUp(List.of(m.frame()), out);
        }
    }

    /** Whether what Cascade corrected has the syndrome that Alice sent; nothing more needs to be told for that. */
    private boolean cascadeAgreesWithSyndrome(Attempt a) {
        QuasiCyclicCode code = Objects.requireNonNull(a.differenceCode).code();
        try (BitString error = BitString.allocate(code.frameBits());
                BitString after = key.slice(a.frame.offset(), a.frame.bits());
                BitString syndrome = BitString.allocate(code.syndromeBits())) {
            after.xor(Objects.requireNonNull(a.before));
            error.copyFrom(after, 0, 0, a.frame.bits());
            SyndromeEncoder.create(code, backend).encode(error, 0, syndrome, 0);
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

    private void close(Frame f, Means means) {
        open--;
        correctedBy.merge(means, 1, Integer::sum);
        correctedBits += f.bits();
        progress.accept(correctedBits);
    }

    /** Alice's syndrome XOR that of Bob's frame, to the seat. */
    private void difference(Attempt a, Seat seat) {
        if (a.syndromes == null && a.extra == null) {
            seat.difference.copyFrom(Objects.requireNonNull(a.difference), 0, 0, seat.difference.length());
            return;
        }
        if (a.frame.padded(seat.code.circulant())) {
            seat.frame.wipe();
            seat.frame.copyFrom(key, a.frame.offset(), 0, a.frame.bits());
            seat.encoder.encode(seat.frame, 0, seat.own, 0);
        } else {
            seat.encoder.encode(key, a.frame.offset(), seat.own, 0);
        }
        if (a.extra != null) {
            AdaptedCode before = Objects.requireNonNull(a.differenceCode);
            try (BitString extra = BitString.allocate(a.extra.length())) {
                a.code.extra(before, seat.own, extra);
                extra.xor(a.extra);
                a.code.extend(before, Objects.requireNonNull(a.difference), extra, seat.difference);
            }
        } else {
            seat.difference.copyFrom(Objects.requireNonNull(a.syndromes), a.at, 0, seat.difference.length());
            seat.difference.xor(seat.own);
        }
    }

    /** Tries to decode a frame with what is known of it; on success the key is corrected. Runs on a worker. */
    private void attempt(Attempt a, Seat seat) {
        if (worthDecoding(a, seat)) {
            decode(a, seat);
        }
        keep(a, seat.difference);
    }

    /** Computes the difference of the syndromes, and whether the frame should be decoded with it. */
    private boolean worthDecoding(Attempt a, Seat seat) {
        difference(a, seat);
        RateControl.Outlook outlook = Objects.requireNonNull(a.outlook);
        a.qber = outlook.guess(a.frame, seat.code, seat.difference.bitCount());
        a.iterations = 0;
        a.nearly = false;
        return !(a.first && outlook.hopeless(a.frame, a.code, a.qber));
    }

    /** The attempt is over: what Alice sent is in {@code difference}, which a frame that failed needs again. */
    private static void keep(Attempt a, BitString difference) {
        a.syndromes = null;
        a.extra = null;
        if (!a.decoded) {
            if (a.difference != null) {
                a.difference.close();
            }
            a.difference = difference.copy();
            a.differenceCode = a.code;
        }
    }

    /** {@link #attempt} in steps, for a device that decodes many frames together. */
    private final class DeviceWork implements DeviceShare.Work<Attempt> {
        @Override
        public QuasiCyclicCode code(Attempt a) {
            return a.code.code();
        }

        @Override
        public boolean begin(Attempt a, OpenClSyndromeDecoder decoder, int slot) {
            Seat seat = seats.take(a.code.code());
            try {
                if (!worthDecoding(a, seat)) {
                    decoder.hold(slot, seat.difference);
                    return false;
                }
                decoder.begin(slot, seat.difference, 0, startQber(a));
                if (a.frame.padded(seat.code.circulant())) {
                    try (BitString mask = BitString.allocate(seat.code.frameBits());
                            BitString zeros = BitString.allocate(seat.code.frameBits())) {
                        mask.invert();
                        mask.copyFrom(zeros, 0, 0, a.frame.bits());
                        decoder.reveal(slot, mask, 0, zeros, 0);
                    }
                }
                if (a.known != null && a.knownErrors != null) {
                    decoder.reveal(slot, a.known, 0, a.knownErrors, 0);
                }
                return true;
            } finally {
                seats.give(seat);
            }
        }

        @Override
        public void start(OpenClSyndromeDecoder decoder) {
            decoder.start(UpdateRule.PHI, effort.iterations);
        }

        @Override
        public boolean again(Attempt a, OpenClSyndromeDecoder decoder, int slot) {
            if (decoder.decoded(slot)) {
                return false;
            }
            a.nearly = decoder.unsatisfied(slot) * 100 <= a.code.code().syndromeBits();
            if (a.nearly) {
                int count = Math.clamp(2 * decoder.unsatisfied(slot), 8, AliceReconciler.MOST_REVEALED);
                BitString wanted =
                        BitString.allocate(Arena.ofAuto(), a.code.code().frameBits());
                decoder.leastReliable(slot, count, wanted);
                a.wanted = wanted.length() > a.frame.bits() ? shorten(wanted, a.frame.bits()) : wanted;
                decoder.restart(slot);
            }
            return a.nearly;
        }

        @Override
        public void startAgain(OpenClSyndromeDecoder decoder) {
            decoder.start(UpdateRule.MIN_SUM, effort.otherRule);
        }

        @Override
        public void end(Attempt a, OpenClSyndromeDecoder decoder, int slot, boolean begun) {
            Seat seat = seats.take(a.code.code());
            try {
                a.decoded = begun && decoder.decoded(slot);
                a.iterations = begun ? decoder.iterations(slot) : 0;
                if (a.decoded) {
                    decoder.error(slot, seat.frame, 0);
                    a.errors = seat.frame.bitCount();
                    key.xor(seat.frame, a.frame.offset(), a.frame.bits());
                } else {
                    decoder.difference(slot, seat.difference);
                }
                keep(a, seat.difference);
            } finally {
                seats.give(seat);
            }
        }
    }

    private static double startQber(Attempt a) {
        return Math.clamp(a.qber.value(), 1e-4, 0.25);
    }

    private void decode(Attempt a, Seat seat) {
        SyndromeDecoder decoder = seat.decoder;
        decoder.begin(seat.difference, 0, startQber(a));
        if (a.frame.padded(seat.code.circulant())) {
            try (BitString mask = BitString.allocate(seat.code.frameBits());
                    BitString zeros = BitString.allocate(seat.code.frameBits())) {
                mask.invert();
                mask.copyFrom(zeros, 0, 0, a.frame.bits());
                decoder.reveal(mask, 0, zeros, 0);
            }
        }
        if (a.known != null && a.knownErrors != null) {
            decoder.reveal(a.known, 0, a.knownErrors, 0);
        }
        a.decoded = decoder.run(UpdateRule.PHI, effort.iterations);
        a.nearly = !a.decoded && decoder.unsatisfied() * 100 <= seat.code.syndromeBits();
        if (a.nearly) {
            int count = Math.clamp(2 * decoder.unsatisfied(), 8, AliceReconciler.MOST_REVEALED);
            BitString wanted = BitString.allocate(Arena.ofAuto(), seat.code.frameBits());
            decoder.leastReliable(count, wanted);
            a.wanted = wanted.length() > a.frame.bits() ? shorten(wanted, a.frame.bits()) : wanted;
            decoder.restart();
            a.decoded = decoder.run(UpdateRule.MIN_SUM, effort.otherRule);
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
        int bits = a.code.code().frameBits();
        if (a.known == null || a.knownErrors == null) {
            a.known = BitString.allocate(bits);
            a.knownErrors = BitString.allocate(bits);
        }
        try (BitString own = key.slice(a.frame.offset(), a.frame.bits());
                BitString ownRevealed = own.compress(mask);
                BitString fullMask = BitString.allocate(bits);
                BitString revealed = BitString.allocate(bits)) {
            ownRevealed.xor(aliceBits);
            fullMask.copyFrom(mask, 0, 0, a.frame.bits());
            revealed.expand(fullMask, ownRevealed);
            a.knownErrors.or(revealed);
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
}
