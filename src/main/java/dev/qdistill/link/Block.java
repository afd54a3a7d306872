package dev.qdistill.link;

import dev.qdistill.bits.BitString;
import dev.qdistill.reconcile.BobReconciler;
import dev.qdistill.reconcile.Leakage;
import dev.qdistill.reconcile.QberEstimate;
import dev.qdistill.reconcile.ReconcileStatistics;
import dev.qdistill.security.DetectionCounts;
import dev.qdistill.security.UnequalBasisCounts;
import dev.qdistill.security.UnequalBasisCounts.Outcomes;
import dev.qdistill.verify.VerificationHash;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What both roles know and do alike in a block after sifting: counts, leakage, tags, the verdict, the key. The two sides
 * call its methods in the same order with the same public arguments, so they come to the same numbers.
 */
final class Block implements AutoCloseable {
    /** Key bits under one verification tag. */
    private static final long GROUP_BITS = 1 << 20;

    Parameters parameters;
    final Progress progress;
    final StageClock clock;
    private final Engine engine;

    private @Nullable SiftedBlock sifted;
    private VerificationHash verification = new VerificationHash(128);
    private long detections;
    private long[] testErrors = new long[0];
    private UnequalBasisCounts unequal =
            new UnequalBasisCounts(Outcomes.NONE, Outcomes.NONE, Outcomes.NONE, Outcomes.NONE);
    private List<Long> keyErrors = List.of();
    private Leakage leakage = Leakage.NONE;
    private long errorCountBits;
    private Optional<ReconcileStatistics> statistics = Optional.empty();
    private boolean verified;
    private int wrongGroups;
    private Optional<Verdict> verdict = Optional.empty();
    private Optional<String> abort = Optional.empty();
    private UUID keyId = DistilledBlock.NO_ID;
    private long supplyBits;
    private BitString secret = BitString.allocate(0);

    /** @param custody where the key goes; a block whose key stays with the caller does not measure processor time */
    Block(Parameters parameters, Engine engine, KeyCustody custody, Progress progress) {
        this.parameters = parameters;
        this.engine = engine;
        this.progress = progress;
        this.clock = new StageClock(KeyCustody.CALLER.equals(custody) ? () -> 0 : engine.workers()::processorNanos);
    }

    static ProtocolException unexpected(String peer, Message message, Enum<?> state) {
        return new ProtocolException(peer + " sent " + message.getClass().getSimpleName() + " in state "
                + state.name().toLowerCase(Locale.ROOT));
    }

    /** A copy for a message, whose memory the garbage collector frees. */
    static BitString publicCopy(BitString bits) {
        BitString copy = BitString.allocate(Arena.ofAuto(), bits.length());
        copy.copyFrom(bits, 0, 0, bits.length());
        return copy;
    }

    /**
     * Takes the sifted block and what the peer has disclosed so far.
     *
     * @param peer disclosed bits, those at least where both used X
     */
    void sifted(SiftedBlock own, long detected, BitString peer) {
        sifted = own;
        detections = detected;
        if (peer.length() != own.disclosed().length()) {
            throw ProtocolException.ofBlock("the peer disclosed " + peer.length() + " bits, but "
                    + own.disclosed().length() + " detections are not in the key basis");
        }
        testErrors = own.testErrors(peer, intensities());
    }

    /** Takes all disclosed bits of both sides. */
    void disclosed(BitString aliceBits, BitString bobBits) {
        unequal = sift().unequal(aliceBits, bobBits);
    }

    /** What Bob reconciles with at first, by the test basis. */
    QberEstimate expected() {
        return QberEstimate.fromSample(testErrors(), testBits());
    }

    long testBits() {
        return sift().testBits();
    }

    long testErrors() {
        return java.util.Arrays.stream(testErrors).sum();
    }

    /** The raw key; Bob's is corrected in place. */
    BitString key() {
        return sift().key();
    }

    /** Whether the test basis has more errors than any code corrects; then the block ends here. */
    boolean beyondEveryCode() {
        double qber = Verdict.rate(testErrors(), testBits());
        if (!BobReconciler.beyondEveryCode(qber, engine.codes())) {
            return false;
        }
        abort = Optional.of(String.format(
                Locale.ROOT, "test-basis QBER %.2f %% is beyond every code, and beyond any key", 100 * qber));
        return true;
    }

    void reconciled(Leakage leaked) {
        leakage = leaked;
        verification = VerificationHash.forBound(parameters.epsilonCorrectness() / Math.max(1, groups()), GROUP_BITS);
        clock.enter(Stage.VERIFY);
    }

    void reconciled(Leakage leaked, ReconcileStatistics how) {
        statistics = Optional.of(how);
        reconciled(leaked);
    }

    private int groups() {
        return Math.toIntExact((key().length() + GROUP_BITS - 1) / GROUP_BITS);
    }

    long groupOffset(int group) {
        return group * GROUP_BITS;
    }

    long groupBits(int group) {
        return Math.min(GROUP_BITS, key().length() - groupOffset(group));
    }

    /** The bits of the hash's key; its tag is long enough that all groups together stay below ε_cor. */
    int verificationKeyBits() {
        return verification.keyBits();
    }

    /** The tag of each group of frames. */
    List<BitString> tags(BitString hashKey) {
        if (hashKey.length() != verification.keyBits()) {
            throw new ProtocolException(
                    "the verification key has " + hashKey.length() + " bits, not " + verification.keyBits());
        }
        BitString[] tags = new BitString[groups()];
        engine.workers().forEach(tags.length, g -> {
            try (BitString tag = verification.tag(hashKey, key(), groupOffset(g), groupBits(g))) {
                tags[g] = publicCopy(tag);
            }
        });
        return List.of(tags);
    }

    private long tagBits() {
        return (long) groups() * verification.tagBits();
    }

    void requireGroups(List<Integer> wrong) {
        int last = -1;
        for (int g : wrong) {
            if (g <= last || g >= groups()) {
                throw new ProtocolException("group " + g + " cannot be among the wrong ones of " + groups());
            }
            last = g;
        }
    }

    /** Bob told of each tag whether it is the same. The groups whose tag differs are published: their bits leak in full. */
    void verified(List<Integer> wrong) {
        leakage = leakage.plusFeedback(groups());
        for (int g : wrong) {
            leakage = leakage.plusPublished(groupBits(g));
        }
        wrongGroups = wrong.size();
        verified = true;
        clock.enter(Stage.ESTIMATE);
    }

    /** Errors of the key basis by intensity, from Bob's raw key XOR the verified one. */
    List<Long> keyErrors(BitString difference) {
        List<Long> errors = new ArrayList<>();
        for (long e : sift().keyIntensities().countMarked(difference, intensities())) {
            errors.add(e);
        }
        return List.copyOf(errors);
    }

    /** Decides over the block. The error counts are themselves counted: log2(n + 1) bits each. */
    void decide(List<Long> errors) {
        long[] detected = sift().keyIntensities().count(intensities());
        if (errors.size() != detected.length) {
            throw new ProtocolException(
                    "Bob counts errors of " + errors.size() + " intensities, not " + detected.length);
        }
        for (int k = 0; k < detected.length; k++) {
            if (errors.get(k) < 0 || errors.get(k) > detected[k]) {
                throw ProtocolException.ofBlock(
                        "Bob counts " + errors.get(k) + " errors in " + detected[k] + " detections");
            }
            errorCountBits += 64 - Long.numberOfLeadingZeros(detected[k]);
        }
        keyErrors = errors;
        Verdict v = Verdict.of(parameters, counts(), unequal, leakedBits(), tagBits());
        verdict = Optional.of(v);
        abort = v.abort();
        clock.enter(Stage.AMPLIFY);
    }

    Optional<String> abort() {
        return abort;
    }

    long leakedBits() {
        return leakage.total() + errorCountBits;
    }

    long secretBits() {
        return verdict.orElseThrow().length().secretBits();
    }

    long seedBits() {
        return engine.hash().seedBits(key().length(), secretBits());
    }

    void amplify(UUID id, long ofThemSupply, BitString seed) {
        keyId = id;
        supplyBits = ofThemSupply;
        secret.close();
        secret = engine.hash().hash(seed, key(), secretBits());
        progress.advanced(Stage.AMPLIFY, key().length(), key().length());
        key().wipe();
    }

    /** Gives the key away to where it is kept; it is not to be used yet. */
    void stage(KeyCustody custody) {
        custody.stage(keyId, parameters, secret, supplyBits);
    }

    /** The key may be used from now on. */
    void commit(KeyCustody custody) {
        custody.commit(keyId);
    }

    /** What this side says at the end. */
    Message.Done outcome() {
        return new Message.Done(keyId, leakedBits());
    }

    void requireSameOutcome(String peer, Message.Done said) {
        if (!said.equals(outcome())) {
            throw new ProtocolException(peer + " counted " + said.leakedBits() + " leaked bits for key " + said.keyId()
                    + ", this side " + leakedBits() + " for " + keyId);
        }
    }

    DistilledBlock result(BlockReader records) {
        BlockSummary summary = new BlockSummary(
                parameters,
                records.pulsesSent(parameters.firstPulse(), parameters.endPulse()),
                detections,
                counts(),
                unequal,
                statistics,
                leakage,
                leakedBits(),
                statistics.isEmpty() && !verified ? 0 : tagBits(),
                verified,
                wrongGroups,
                verdict,
                abort,
                keyId.equals(DistilledBlock.NO_ID) ? Optional.empty() : Optional.of(keyId),
                clock.stop());
        BitString key = secret;
        secret = BitString.allocate(0);
        if (supplyBits > 0) {
            try (BitString whole = key) {
                key = whole.slice(supplyBits, whole.length() - supplyBits);
            }
        }
        return new DistilledBlock(keyId, key, summary);
    }

    @Override
    public void close() {
        if (sifted != null) {
            sifted.close();
        }
        secret.close();
        // Both roles of an offline run have hashed by now: each waits for the other's last message.
        engine.hash().close();
    }

    private int intensities() {
        return parameters.intensities().size();
    }

    private SiftedBlock sift() {
        return Objects.requireNonNull(sifted, "The block is not sifted yet");
    }

    private DetectionCounts counts() {
        SiftedBlock s = sift();
        long[] key = s.keyIntensities().count(intensities());
        long[] test = s.testDetections(intensities());
        List<DetectionCounts.Intensity> rows = new ArrayList<>();
        for (int k = 0; k < intensities(); k++) {
            rows.add(new DetectionCounts.Intensity(
                    parameters.intensities().get(k),
                    parameters.probabilities().get(k),
                    key[k],
                    keyErrors.isEmpty() ? 0 : keyErrors.get(k),
                    test[k],
                    testErrors[k]));
        }
        return new DetectionCounts(parameters.protocol(), rows);
    }
}
