package dev.qdistill.reconcile;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.Workers;
import dev.qdistill.bits.BitString;
import dev.qdistill.ldpc.AdaptedCode;
import dev.qdistill.ldpc.CodeFamily;
import dev.qdistill.ldpc.QuasiCyclicCode;
import dev.qdistill.ldpc.SyndromeEncoder;
import dev.qdistill.reconcile.ReconcileMessage.CascadePass;
import dev.qdistill.reconcile.ReconcileMessage.CascadeStart;
import dev.qdistill.reconcile.ReconcileMessage.ExtensionRequest;
import dev.qdistill.reconcile.ReconcileMessage.Extensions;
import dev.qdistill.reconcile.ReconcileMessage.Parities;
import dev.qdistill.reconcile.ReconcileMessage.ParityRequest;
import dev.qdistill.reconcile.ReconcileMessage.PublishRequest;
import dev.qdistill.reconcile.ReconcileMessage.Published;
import dev.qdistill.reconcile.ReconcileMessage.RevealRequest;
import dev.qdistill.reconcile.ReconcileMessage.Revealed;
import dev.qdistill.reconcile.ReconcileMessage.SyndromeRequest;
import dev.qdistill.reconcile.ReconcileMessage.Syndromes;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Set;

/**
 * Alice's side of the reconciliation of a block: answers Bob's requests and counts what the answers leak. Her key stays
 * as it is.
 */
public final class AliceReconciler {
    /** The most positions of a frame that one request may ask for. */
    static final int MOST_REVEALED = 64;

    /** Bits that tell what is asked for about a frame that failed: more rows, single bits, Cascade, or all of it. */
    private static final int WHICH_REQUEST = 2;

    private final BitString key;
    private final List<Frame> frames;
    private final CodeFamily codes;
    private final Backend backend;
    private final Workers workers;
    private final AdaptedCodes adapted = new AdaptedCodes();
    /** For each frame the code of the latest syndrome sent. */
    private final Map<Integer, AdaptedCode> sent = new HashMap<>();

    private final Set<Integer> published = new HashSet<>();
    private final Map<Integer, AliceCascade> cascades = new HashMap<>();
    private final Map<Integer, CascadePermutations> permutations = new HashMap<>();
    private Leakage leakage = Leakage.NONE;

    /**
     * @param key Alice's raw key; not closed here
     * @param largestFrame the largest frame length to use
     */
    public AliceReconciler(BitString key, int largestFrame, CodeFamily codes, Backend backend, Workers workers) {
        this.key = key;
        this.frames = Frame.cut(key.length(), largestFrame, codes.frameLengths());
        this.codes = codes;
        this.backend = backend;
        this.workers = workers;
    }

    /**
     * Answers a request of Bob's.
     *
     * @throws IllegalArgumentException if Bob may not ask this
     */
    public ReconcileMessage answer(ReconcileMessage request) {
        return switch (request) {
            case SyndromeRequest r -> syndromes(r);
            case ExtensionRequest r -> extend(r);
            case RevealRequest r -> reveal(r);
            case CascadeStart r -> startCascade(r);
            case CascadePass r -> goOn(r.frame(), r);
            case ParityRequest r -> goOn(r.frame(), r);
            case PublishRequest r -> publish(r);
            default ->
                throw new IllegalArgumentException(
                        "Bob may not send " + request.getClass().getSimpleName());
        };
    }

    /** What was leaked so far. */
    public Leakage leakage() {
        return leakage;
    }

    /** The number of frames of the block. */
    public int frames() {
        return frames.size();
    }

    private Syndromes syndromes(SyndromeRequest r) {
        QuasiCyclicCode parent = parent(r.code());
        if (r.frames().isEmpty()
                || new HashSet<>(r.frames()).size() != r.frames().size()) {
            throw new IllegalArgumentException("Bob asks for no syndromes, or for two of the same frame");
        }
        Frame first = frame(r.frames().getFirst());
        for (int f : r.frames()) {
            if (frame(f).codeBits() != parent.frameBits()
                    || frame(f).columns(parent.circulant()) != first.columns(parent.circulant())) {
                throw new IllegalArgumentException("Frame " + f + " of " + frame(f).bits() + " bits does not fit code "
                        + parent.name() + " or is not as long as frame " + first.index());
            }
        }
        AdaptedCode code = adapted.get(parent, first, r.splits())
                .orElseThrow(() -> new IllegalArgumentException(
                        "Code " + parent.name() + " cannot be cut to " + first.bits() + " bits"));
        int bits = code.code().syndromeBits();
        BitString syndromes =
                BitString.allocate(Arena.ofAuto(), (long) bits * r.frames().size());
        int count = r.frames().size();
        int parts = Math.min(count, workers.threads());
        workers.forEach(parts, part -> {
            SyndromeEncoder encoder = SyndromeEncoder.create(code.code(), backend);
            for (int i = count * part / parts; i < count * (part + 1) / parts; i++) {
                Frame frame = frame(r.frames().get(i));
                if (frame.padded(parent.circulant())) {
                    try (BitString padded = BitString.allocate(code.code().frameBits())) {
                        padded.copyFrom(key, frame.offset(), 0, frame.bits());
                        encoder.encode(padded, 0, syndromes, (long) bits * i);
                    }
                } else {
                    encoder.encode(key, frame.offset(), syndromes, (long) bits * i);
                }
            }
        });
        r.frames().forEach(f -> sent.put(f, code));
        leakage = countSyndromes(leakage, count, code, codes);
        return new Syndromes(r.frames(), r.code(), r.splits(), syndromes);
    }

    private Extensions extend(ExtensionRequest r) {
        if (r.splits().size() != r.frames().size()
                || new HashSet<>(r.frames()).size() != r.frames().size()) {
            throw new IllegalArgumentException(
                    "Bob asks for more about " + r.frames().size() + " frames with "
                            + r.splits().size() + " numbers of rows, or about a frame twice");
        }
        List<AdaptedCode> more = new ArrayList<>();
        for (int i = 0; i < r.frames().size(); i++) {
            Frame frame = frame(r.frames().get(i));
            AdaptedCode before = sent.get(frame.index());
            int splits = r.splits().get(i);
            if (before == null || splits <= before.splits() || splits > before.maximumSplits()) {
                throw new IllegalArgumentException("Bob asks for " + splits + " split rows of frame " + frame.index()
                        + (before == null
                                ? ", of which no syndrome was sent"
                                : "; " + (before.splits() + 1) + " to " + before.maximumSplits() + " are possible"));
            }
            more.add(adapted.more(before, splits));
        }
        List<BitString> bits = new ArrayList<>();
        for (int i = 0; i < more.size(); i++) {
            int f = r.frames().get(i);
            AdaptedCode before = Objects.requireNonNull(sent.put(f, more.get(i)));
            bits.add(BitString.allocate(Arena.ofAuto(), more.get(i).extraBits(before)));
            leakage = countExtension(leakage, before, more.get(i));
            extra(frame(f), before, more.get(i), bits.get(i));
        }
        return new Extensions(r.frames(), List.copyOf(bits));
    }

    private void extra(Frame frame, AdaptedCode before, AdaptedCode code, BitString bits) {
        try (BitString padded = BitString.allocate(code.code().frameBits());
                BitString syndrome = BitString.allocate(code.code().syndromeBits())) {
            padded.copyFrom(key, frame.offset(), 0, frame.bits());
            SyndromeEncoder.create(code.code(), backend).encode(padded, 0, syndrome, 0);
            code.extra(before, syndrome, bits);
        }
    }

    private Revealed reveal(RevealRequest r) {
        if (r.positions().size() != r.frames().size()) {
            throw new IllegalArgumentException("Bob asks for bits of "
                    + r.frames().size() + " frames with " + r.positions().size() + " masks");
        }
        for (BitString positions : r.positions()) {
            if (positions.bitCount() > MOST_REVEALED) {
                throw new IllegalArgumentException("Bob asks for " + positions.bitCount() + " bits of a frame; at most "
                        + MOST_REVEALED + " are revealed at once");
            }
        }
        List<BitString> bits = new ArrayList<>();
        for (int i = 0; i < r.frames().size(); i++) {
            Frame frame = frame(r.frames().get(i));
            try (BitString own = key.slice(frame.offset(), frame.bits())) {
                bits.add(publicCopy(own.compress(r.positions().get(i))));
            }
        }
        leakage = countRevealed(leakage, r);
        return new Revealed(r.frames(), bits);
    }

    private Parities startCascade(CascadeStart r) {
        Frame frame = frame(r.frame());
        if (cascades.containsKey(r.frame()) || published.contains(r.frame())) {
            throw new IllegalArgumentException("Bob starts Cascade on frame " + r.frame() + " twice or too late");
        }
        AliceCascade cascade = new AliceCascade(
                key, frame.offset(), r, permutations.computeIfAbsent(frame.bits(), CascadePermutations::new));
        Parities parities = cascade.answer(r);
        cascades.put(r.frame(), cascade);
        leakage = countCascade(leakage, r.variant(), frame.bits());
        leakage = BobCascade.countParities(leakage, parities.parities().length());
        return parities;
    }

    private Parities goOn(int frame, ReconcileMessage request) {
        AliceCascade cascade = cascades.get(frame);
        if (cascade == null || published.contains(frame)) {
            throw new IllegalArgumentException("Bob asks for parities of frame " + frame + " outside of Cascade");
        }
        Parities parities = cascade.answer(request);
        leakage = BobCascade.countParities(leakage, parities.parities().length());
        return parities;
    }

    private Published publish(PublishRequest r) {
        List<BitString> bits = new ArrayList<>();
        for (int f : r.frames()) {
            if (!published.add(f)) {
                throw new IllegalArgumentException("Bob gives frame " + f + " up twice");
            }
            bits.add(publicCopy(key.slice(frame(f).offset(), frame(f).bits())));
            leakage = countPublished(leakage, frame(f).bits());
        }
        return new Published(r.frames(), bits);
    }

    private QuasiCyclicCode parent(String name) {
        try {
            return codes.code(name);
        } catch (NoSuchElementException e) {
            throw new IllegalArgumentException("Bob asks for a code that is not in the family", e);
        }
    }

    private Frame frame(int index) {
        if (index < 0 || index >= frames.size()) {
            throw new IllegalArgumentException("Frame " + index + " of " + frames.size());
        }
        return frames.get(index);
    }

    /** A copy for a message, whose memory the garbage collector frees; the original is closed. */
    private static BitString publicCopy(BitString bits) {
        try (bits) {
            BitString copy = BitString.allocate(Arena.ofAuto(), bits.length());
            copy.copyFrom(bits, 0, 0, bits.length());
            return copy;
        }
    }

    /**
     * What the answer to a request for syndromes leaks: also that Bob will say whether each frame was decoded, which code he chose, and that
     * he did not give the frames up at once.
     */
    static Leakage countSyndromes(Leakage leakage, int frames, AdaptedCode code, CodeFamily codes) {
        long choices = codes.codes(code.parent().frameBits()).size() * (code.maximumSplits() + 1L);
        return leakage.plusSyndromes((long) code.code().syndromeBits() * frames)
                .plusFeedback(frames)
                .plusChoices(1 + Leakage.bitsOfOne(choices));
    }

    /** What more rows of a syndrome leak: also how many Bob wants, and that he will say whether the frame was decoded. */
    static Leakage countExtension(Leakage leakage, AdaptedCode before, AdaptedCode code) {
        return leakage.plusExtensions(code.extraBits(before))
                .plusFeedback(1)
                .plusChoices(WHICH_REQUEST + Leakage.bitsOfOne(before.maximumSplits() - before.splits()));
    }

    /** What revealed bits leak: also how many, and which, Bob wants, and that he will say whether the frame was decoded. */
    static Leakage countRevealed(Leakage leakage, RevealRequest r) {
        Leakage sum = leakage.plusFeedback(r.frames().size());
        for (BitString positions : r.positions()) {
            long k = positions.bitCount();
            sum = sum.plusRevealed(k)
                    .plusChoices(WHICH_REQUEST
                            + Leakage.bitsOfOne(MOST_REVEALED + 1L)
                            + Leakage.bitsOfChoice(positions.length(), k));
        }
        return sum;
    }

    /** What the start of Cascade on a frame leaks, before any parity. */
    static Leakage countCascade(Leakage leakage, CascadeVariant variant, int bits) {
        return BobCascade.countStart(leakage, variant, bits).plusChoices(WHICH_REQUEST);
    }

    /** What a frame given up leaks: all of it, and that it was given up. */
    static Leakage countPublished(Leakage leakage, long bits) {
        return leakage.plusPublished(bits).plusChoices(WHICH_REQUEST);
    }
}
