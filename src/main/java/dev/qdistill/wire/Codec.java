package dev.qdistill.wire;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.UnsafeByteOperations;
import dev.qdistill.auth.PadId;
import dev.qdistill.bits.BitString;
import dev.qdistill.dump.IndexColumn;
import dev.qdistill.dump.RecordBatch;
import dev.qdistill.ldpc.Profile;
import dev.qdistill.link.Message;
import dev.qdistill.link.Parameters;
import dev.qdistill.link.ProtocolException;
import dev.qdistill.link.Rendezvous;
import dev.qdistill.reconcile.CascadeVariant;
import dev.qdistill.reconcile.ReconcileMessage;
import dev.qdistill.security.Protocol;
import dev.qdistill.wire.v1.Abort;
import dev.qdistill.wire.v1.AliceBases;
import dev.qdistill.wire.v1.AliceBits;
import dev.qdistill.wire.v1.Amplification;
import dev.qdistill.wire.v1.Bits;
import dev.qdistill.wire.v1.BobBases;
import dev.qdistill.wire.v1.BobBits;
import dev.qdistill.wire.v1.CascadePass;
import dev.qdistill.wire.v1.CascadeStart;
import dev.qdistill.wire.v1.Choice;
import dev.qdistill.wire.v1.Detections;
import dev.qdistill.wire.v1.Done;
import dev.qdistill.wire.v1.EndOfMeasurement;
import dev.qdistill.wire.v1.EndOfSession;
import dev.qdistill.wire.v1.Ended;
import dev.qdistill.wire.v1.Envelope;
import dev.qdistill.wire.v1.ErrorCounts;
import dev.qdistill.wire.v1.ExtensionRequest;
import dev.qdistill.wire.v1.Extensions;
import dev.qdistill.wire.v1.GiveUp;
import dev.qdistill.wire.v1.Hello;
import dev.qdistill.wire.v1.Offer;
import dev.qdistill.wire.v1.Offered;
import dev.qdistill.wire.v1.Open;
import dev.qdistill.wire.v1.Parities;
import dev.qdistill.wire.v1.ParityRequest;
import dev.qdistill.wire.v1.Positions;
import dev.qdistill.wire.v1.PublishRequest;
import dev.qdistill.wire.v1.Published;
import dev.qdistill.wire.v1.Reconciled;
import dev.qdistill.wire.v1.Resume;
import dev.qdistill.wire.v1.RevealRequest;
import dev.qdistill.wire.v1.Revealed;
import dev.qdistill.wire.v1.SyndromeRequest;
import dev.qdistill.wire.v1.Syndromes;
import dev.qdistill.wire.v1.Tag;
import dev.qdistill.wire.v1.Verification;
import dev.qdistill.wire.v1.Verified;
import dev.qdistill.wire.v1.WrongGroups;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;

/**
 * Messages to bytes and back. What comes from the peer is not trusted: every length and number is checked here against what the
 * block's number of detections allows, before memory is taken for it; what the numbers mean is checked by the roles.
 */
final class Codec {
    /** Beside what the detections need: a shortened frame's syndrome, a hash key. */
    private static final long SLACK_BITS = 1 << 16;

    private static final int SMALLEST_FRAME = 1 << 10;
    private static final int LARGEST_FRAME = 1 << 20;
    private static final int SLACK_ITEMS = 16;
    private static final int MAX_TEXT = 1024;
    private static final int MAX_SESSION = 64;
    private static final int MAX_PROBLEM = 256;
    private static final int MAX_STAGED = 4096;
    private static final int MAX_SUPPLIES = 1024;
    private static final int MAX_INTENSITIES = 8;

    private final long bits;
    private final long items;

    private Codec(long detections) {
        bits = detections + SLACK_BITS;
        items = detections / SMALLEST_FRAME + SLACK_ITEMS;
    }

    // ---- To bytes ----------------------------------------------------------------------------------------------

    static byte[] encode(Message message) {
        Envelope.Builder e = Envelope.newBuilder();
        switch (message) {
            case Message.Open m ->
                e.setOpen(Open.newBuilder()
                        .setVersion(m.version())
                        .setLink(m.link())
                        .setNonce(words(m.nonceLow(), m.nonceHigh()))
                        .addAllStaged(ids(m.staged()))
                        .addAllSupplies(ids(m.supplies())));
            case Message.Resume m ->
                e.setResume(Resume.newBuilder().addAllStored(ids(m.stored())).addAllSupplies(ids(m.supplies())));
            case Message.Offer m ->
                e.setOffer(Offer.newBuilder()
                        .addAllSessions(m.sessions().stream()
                                .map(s -> Offered.newBuilder()
                                        .setSession(s.session())
                                        .setNextBlock(s.nextBlock())
                                        .build())
                                .toList())
                        .addAllOver(ended(m.over()))
                        .setConversation(m.conversation()));
            case Message.Choice m ->
                e.setChoice(Choice.newBuilder()
                        .setSession(m.session().orElse(""))
                        .setFirstBlock(m.firstBlock())
                        .setConversation(m.conversation())
                        .addAllSessions(m.sessions())
                        .addAllOver(ended(m.over())));
            case Message.Authentication m -> e.setTag(tag(m));
            case Message.Hello m -> e.setHello(hello(m.parameters()));
            case Message.EndOfSession m ->
                e.setEndOfSession(EndOfSession.newBuilder().setBlocks(m.blocks()));
            case Message.Detections m -> e.setDetections(detections(m.pulses()));
            case Message.EndOfMeasurement m ->
                e.setEndOfMeasurement(EndOfMeasurement.newBuilder()
                        .setDetections(m.detections())
                        .addAllSupplies(ids(m.supplies())));
            case Message.AliceBases m ->
                e.setAliceBases(AliceBases.newBuilder()
                        .setBases(bits(m.bases()))
                        .setIntensityLow(bits(m.intensityLow()))
                        .setIntensityHigh(bits(m.intensityHigh())));
            case Message.BobBases m ->
                e.setBobBases(BobBases.newBuilder().setBases(bits(m.bases())).setTestBits(bits(m.bits())));
            case Message.AliceBits m -> e.setAliceBits(AliceBits.newBuilder().setBits(bits(m.bits())));
            case Message.BobBits m -> e.setBobBits(BobBits.newBuilder().setBits(bits(m.bits())));
            case Message.Verification m -> e.setVerification(verification(m));
            case Message.Verified m -> e.setVerified(Verified.newBuilder().addAllWrongGroups(m.wrongGroups()));
            case Message.WrongGroups m ->
                e.setWrongGroups(
                        WrongGroups.newBuilder().addAllGroups(m.groups()).addAllBits(bits(m.bits())));
            case Message.ErrorCounts m ->
                e.setErrorCounts(ErrorCounts.newBuilder().addAllErrors(m.errors()));
            case Message.Amplification m ->
                e.setAmplification(Amplification.newBuilder()
                        .setKeyId(id(m.keyId()))
                        .setSecretBits(m.secretBits())
                        .setSupplyBits(m.supplyBits())
                        .setSeed(bits(m.seed())));
            case Message.Abort m -> e.setAbort(Abort.newBuilder().setReason(m.reason()));
            case Message.GiveUp m -> e.setGiveUp(GiveUp.newBuilder().setReason(m.reason()));
            case Message.Done m ->
                e.setDone(Done.newBuilder().setKeyId(id(m.keyId())).setLeakedBits(m.leakedBits()));
            case Message.Reconciliation m -> encode(m.step(), e);
        }
        return e.build().toByteArray();
    }

    private static void encode(ReconcileMessage message, Envelope.Builder e) {
        switch (message) {
            case ReconcileMessage.SyndromeRequest m ->
                e.setSyndromeRequest(SyndromeRequest.newBuilder()
                        .addAllFrames(m.frames())
                        .setCode(m.code())
                        .setSplits(m.splits()));
            case ReconcileMessage.Syndromes m ->
                e.setSyndromes(Syndromes.newBuilder()
                        .addAllFrames(m.frames())
                        .setCode(m.code())
                        .setSplits(m.splits())
                        .setSyndromes(bits(m.syndromes())));
            case ReconcileMessage.ExtensionRequest m ->
                e.setExtensionRequest(
                        ExtensionRequest.newBuilder().addAllFrames(m.frames()).addAllSplits(m.splits()));
            case ReconcileMessage.Extensions m ->
                e.setExtensions(Extensions.newBuilder().addAllFrames(m.frames()).addAllBits(bits(m.bits())));
            case ReconcileMessage.RevealRequest m ->
                e.setRevealRequest(RevealRequest.newBuilder()
                        .addAllFrames(m.frames())
                        .addAllPositions(
                                m.positions().stream().map(Codec::positions).toList()));
            case ReconcileMessage.Revealed m ->
                e.setRevealed(Revealed.newBuilder().addAllFrames(m.frames()).addAllBits(bits(m.bits())));
            case ReconcileMessage.PublishRequest m ->
                e.setPublishRequest(PublishRequest.newBuilder().addAllFrames(m.frames()));
            case ReconcileMessage.Published m ->
                e.setPublished(Published.newBuilder().addAllFrames(m.frames()).addAllBits(bits(m.bits())));
            case ReconcileMessage.CascadeStart m ->
                e.setCascadeStart(CascadeStart.newBuilder()
                        .setFrame(m.frame())
                        .setVariant(name(m.variant()))
                        .setFirstBlock(m.firstBlock()));
            case ReconcileMessage.CascadePass m ->
                e.setCascadePass(CascadePass.newBuilder().setFrame(m.frame()));
            case ReconcileMessage.ParityRequest m -> {
                ParityRequest.Builder b = ParityRequest.newBuilder().setFrame(m.frame());
                for (int block : m.blocks()) {
                    b.addBlocks(block);
                }
                e.setParityRequest(b);
            }
            case ReconcileMessage.Parities m ->
                e.setParities(Parities.newBuilder().setFrame(m.frame()).setParities(bits(m.parities())));
            case ReconcileMessage.Reconciled m -> e.setReconciled(Reconciled.getDefaultInstance());
        }
    }

    private static Bits bits(BitString s) {
        return Bits.newBuilder()
                .setLength(s.length())
                .setData(UnsafeByteOperations.unsafeWrap(s.bytes().asByteBuffer()))
                .build();
    }

    private static List<Bits> bits(List<BitString> strings) {
        return strings.stream().map(Codec::bits).toList();
    }

    private static ByteString words(long low, long high) {
        ByteBuffer b = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        return UnsafeByteOperations.unsafeWrap(b.putLong(low).putLong(high).flip());
    }

    private static ByteString id(UUID id) {
        ByteBuffer b = ByteBuffer.allocate(16);
        return UnsafeByteOperations.unsafeWrap(b.putLong(id.getMostSignificantBits())
                .putLong(id.getLeastSignificantBits())
                .flip());
    }

    private static List<ByteString> ids(List<UUID> ids) {
        return ids.stream().map(Codec::id).toList();
    }

    private static Tag tag(Message.Authentication m) {
        dev.qdistill.auth.Tag t =
                m.tag().orElseThrow(() -> new IllegalArgumentException("An empty tag is not sent over a network"));
        return Tag.newBuilder()
                .setSupply(id(t.pad().supply()))
                .setPad(t.pad().index())
                .setValue(words(t.low(), t.high()))
                .build();
    }

    private static Hello hello(Parameters p) {
        return Hello.newBuilder()
                .setVersion(p.version())
                .setSession(p.session())
                .setLink(p.link())
                .setBlock(p.block())
                .setFirstPulse(p.firstPulse())
                .setEndPulse(p.endPulse())
                .setProtocol(p.protocol().id())
                .addAllIntensities(p.intensities())
                .addAllProbabilities(p.probabilities())
                .setEpsilonSecrecy(p.epsilonSecrecy())
                .setEpsilonCorrectness(p.epsilonCorrectness())
                .setMaximumQber(p.maximumQber())
                .setUnequalBasisTolerance(p.unequalBasisTolerance())
                .setRequireUnequalBasis(p.requireUnequalBasis())
                .setFrameBits(p.frameBits())
                .setProfile(name(p.profile()))
                .setCodes(p.codes())
                .setMaximumDetections(p.maximumDetections())
                .build();
    }

    private static Detections detections(long[] pulses) {
        int count = pulses.length;
        int width = IndexColumn.width(pulses, count);
        if (count < 1 || count > RecordBatch.CAPACITY || width > IndexColumn.MAX_WIDTH) {
            throw new IllegalArgumentException(count + " detections, gaps of " + width + " bits");
        }
        int bytes = IndexColumn.bytes(count, width);
        MemorySegment gaps = Arena.ofAuto().allocate(bytes + 8L, 8);
        IndexColumn.pack(pulses, count, width, gaps, 0);
        return Detections.newBuilder()
                .setCount(count)
                .setFirst(pulses[0])
                .setLast(pulses[count - 1])
                .setWidth(width)
                .setGaps(UnsafeByteOperations.unsafeWrap(gaps.asSlice(0, bytes).asByteBuffer()))
                .build();
    }

    private static Verification verification(Message.Verification m) {
        int groups = m.tags().size();
        int tagBits = groups == 0 ? 0 : Math.toIntExact(m.tags().getFirst().length());
        BitString all = BitString.allocate(Arena.ofAuto(), (long) groups * tagBits);
        for (int g = 0; g < groups; g++) {
            all.copyFrom(m.tags().get(g), 0, (long) g * tagBits, tagBits);
        }
        return Verification.newBuilder()
                .setHashKey(bits(m.hashKey()))
                .setTagBits(tagBits)
                .setGroups(groups)
                .setTags(bits(all))
                .build();
    }

    private static Positions positions(BitString mask) {
        Positions.Builder b = Positions.newBuilder().setLength(Math.toIntExact(mask.length()));
        long last = 0;
        for (long w = 0; w < mask.wordCount(); w++) {
            for (long rest = mask.word(w); rest != 0; rest &= rest - 1) {
                long position = 64 * w + Long.numberOfTrailingZeros(rest);
                b.addGaps((int) (position - last));
                last = position;
            }
        }
        return b.build();
    }

    private static String name(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    // ---- From bytes --------------------------------------------------------------------------------------------

    /** The most bytes that a message may have when a block has so many detections: four bits for each, and a piece. */
    static long maximumBytes(long detections) {
        return detections / 2 + (1 << 20);
    }

    /**
     * Reads a message.
     *
     * @param detections of the block; 0 as long as they are not known
     * @throws ProtocolException if it is none, or has a length or number beyond what is possible
     */
    static Message decode(byte[] bytes, long detections) {
        try {
            Envelope e = Envelope.parseFrom(bytes);
            requireKnown(e);
            return new Codec(detections).message(e);
        } catch (InvalidProtocolBufferException e) {
            throw new ProtocolException(
                    "the peer sent " + bytes.length + " bytes that are no message: " + e.getMessage());
        }
    }

    /** A field that this version does not know would be in the tags, but not in what is done. */
    private static void requireKnown(MessageOrBuilder m) {
        if (!m.getUnknownFields().asMap().isEmpty()) {
            throw new ProtocolException("the peer sent a "
                    + m.getDescriptorForType().getName() + " with a field that this version does not know");
        }
        m.getAllFields().forEach((field, value) -> {
            if (field.getJavaType() != FieldDescriptor.JavaType.MESSAGE) {
                return;
            }
            if (value instanceof List<?> list) {
                list.forEach(x -> requireKnown((MessageOrBuilder) x));
            } else {
                requireKnown((MessageOrBuilder) value);
            }
        });
    }

    private Message message(Envelope e) {
        return switch (e.getBodyCase()) {
            case OPEN -> open(e.getOpen());
            case RESUME ->
                new Message.Resume(
                        ids(e.getResume().getStoredList(), MAX_STAGED),
                        ids(e.getResume().getSuppliesList(), MAX_SUPPLIES));
            case OFFER ->
                new Message.Offer(
                        limited(e.getOffer().getSessionsList(), Rendezvous.MAXIMUM_SESSIONS, "sessions").stream()
                                .map(s -> new Message.Offered(session(s.getSession()), number(s.getNextBlock())))
                                .toList(),
                        endings(e.getOffer().getOverList()),
                        number(e.getOffer().getConversation()));
            case CHOICE -> choice(e.getChoice());
            case TAG -> authentication(e.getTag());
            case HELLO -> new Message.Hello(parameters(e.getHello()));
            case END_OF_SESSION -> new Message.EndOfSession(e.getEndOfSession().getBlocks());
            case DETECTIONS -> detections(e.getDetections());
            case END_OF_MEASUREMENT ->
                new Message.EndOfMeasurement(
                        e.getEndOfMeasurement().getDetections(),
                        ids(e.getEndOfMeasurement().getSuppliesList(), MAX_SUPPLIES));
            case ALICE_BASES -> {
                AliceBases m = e.getAliceBases();
                yield new Message.AliceBases(bits(m.getBases()), bits(m.getIntensityLow()), bits(m.getIntensityHigh()));
            }
            case BOB_BASES ->
                new Message.BobBases(
                        bits(e.getBobBases().getBases()), bits(e.getBobBases().getTestBits()));
            case ALICE_BITS -> new Message.AliceBits(bits(e.getAliceBits().getBits()));
            case BOB_BITS -> new Message.BobBits(bits(e.getBobBits().getBits()));
            case VERIFICATION -> verification(e.getVerification());
            case VERIFIED -> new Message.Verified(numbers(e.getVerified().getWrongGroupsList()));
            case WRONG_GROUPS ->
                new Message.WrongGroups(
                        numbers(e.getWrongGroups().getGroupsList()),
                        strings(e.getWrongGroups().getBitsList()));
            case ERROR_COUNTS ->
                new Message.ErrorCounts(
                        List.copyOf(limited(e.getErrorCounts().getErrorsList(), MAX_INTENSITIES, "intensities")));
            case AMPLIFICATION -> {
                Amplification m = e.getAmplification();
                yield new Message.Amplification(
                        id(m.getKeyId()), m.getSecretBits(), m.getSupplyBits(), bits(m.getSeed()));
            }
            case ABORT -> new Message.Abort(printable(e.getAbort().getReason()));
            case GIVE_UP -> new Message.GiveUp(printable(e.getGiveUp().getReason()));
            case DONE ->
                new Message.Done(id(e.getDone().getKeyId()), e.getDone().getLeakedBits());
            case BODY_NOT_SET -> throw new ProtocolException("the peer sent a message without contents");
            default -> new Message.Reconciliation(step(e));
        };
    }

    private ReconcileMessage step(Envelope e) {
        return switch (e.getBodyCase()) {
            case SYNDROME_REQUEST ->
                new ReconcileMessage.SyndromeRequest(
                        numbers(e.getSyndromeRequest().getFramesList()),
                        text(e.getSyndromeRequest().getCode()),
                        e.getSyndromeRequest().getSplits());
            case SYNDROMES ->
                new ReconcileMessage.Syndromes(
                        numbers(e.getSyndromes().getFramesList()),
                        text(e.getSyndromes().getCode()),
                        e.getSyndromes().getSplits(),
                        bits(e.getSyndromes().getSyndromes()));
            case EXTENSION_REQUEST ->
                new ReconcileMessage.ExtensionRequest(
                        numbers(e.getExtensionRequest().getFramesList()),
                        numbers(e.getExtensionRequest().getSplitsList()));
            case EXTENSIONS ->
                new ReconcileMessage.Extensions(
                        numbers(e.getExtensions().getFramesList()),
                        strings(e.getExtensions().getBitsList()));
            case REVEAL_REQUEST -> revealRequest(e.getRevealRequest());
            case REVEALED ->
                new ReconcileMessage.Revealed(
                        numbers(e.getRevealed().getFramesList()),
                        strings(e.getRevealed().getBitsList()));
            case PUBLISH_REQUEST ->
                new ReconcileMessage.PublishRequest(
                        numbers(e.getPublishRequest().getFramesList()));
            case PUBLISHED ->
                new ReconcileMessage.Published(
                        numbers(e.getPublished().getFramesList()),
                        strings(e.getPublished().getBitsList()));
            case CASCADE_START -> {
                CascadeStart m = e.getCascadeStart();
                yield new ReconcileMessage.CascadeStart(
                        m.getFrame(), value(CascadeVariant.class, m.getVariant()), m.getFirstBlock());
            }
            case CASCADE_PASS ->
                new ReconcileMessage.CascadePass(e.getCascadePass().getFrame());
            case PARITY_REQUEST -> {
                ParityRequest m = e.getParityRequest();
                limited(m.getBlocksList(), bits, "blocks");
                int[] blocks = new int[m.getBlocksCount()];
                for (int i = 0; i < blocks.length; i++) {
                    blocks[i] = m.getBlocks(i);
                }
                yield new ReconcileMessage.ParityRequest(m.getFrame(), blocks);
            }
            case PARITIES ->
                new ReconcileMessage.Parities(
                        e.getParities().getFrame(), bits(e.getParities().getParities()));
            case RECONCILED -> new ReconcileMessage.Reconciled();
            default -> throw new ProtocolException("the peer sent a message of an unknown kind");
        };
    }

    private static Message.Open open(Open m) {
        long[] nonce = words(m.getNonce());
        return new Message.Open(
                m.getVersion(),
                text(m.getLink()),
                nonce[0],
                nonce[1],
                ids(m.getStagedList(), MAX_STAGED),
                ids(m.getSuppliesList(), MAX_SUPPLIES));
    }

    private static Message.Choice choice(Choice m) {
        boolean none = m.getSession().isEmpty();
        if (none && (m.getFirstBlock() != 0 || m.getConversation() != 0)) {
            throw new ProtocolException("the peer chose a block, but no session");
        }
        return new Message.Choice(
                none ? Optional.empty() : Optional.of(session(m.getSession())),
                number(m.getFirstBlock()),
                number(m.getConversation()),
                limited(m.getSessionsList(), Rendezvous.MAXIMUM_SESSIONS, "sessions").stream()
                        .map(Codec::session)
                        .toList(),
                endings(m.getOverList()));
    }

    private static List<Ended> ended(List<Message.Ended> list) {
        return list.stream()
                .map(e -> Ended.newBuilder()
                        .setSession(e.session())
                        .setProblem(cut(e.problem().orElse("")))
                        .build())
                .toList();
    }

    private static List<Message.Ended> endings(List<Ended> list) {
        return limited(list, Rendezvous.MAXIMUM_SESSIONS, "sessions").stream()
                .map(e -> new Message.Ended(
                        session(e.getSession()),
                        e.getProblem().isEmpty() ? Optional.empty() : Optional.of(cut(printable(e.getProblem())))))
                .toList();
    }

    private static String cut(String problem) {
        return problem.length() > MAX_PROBLEM ? problem.substring(0, MAX_PROBLEM) : problem;
    }

    private static String session(String id) {
        if (id.isEmpty() || id.length() > MAX_SESSION) {
            throw new ProtocolException("the peer names a session with " + id.length() + " characters");
        }
        return printable(id);
    }

    /** Of a block or a conversation: half of what there is, so that nothing overflows. */
    private static long number(long n) {
        if (n < 0 || n > Long.MAX_VALUE / 2) {
            throw new ProtocolException("the peer names block or conversation " + Long.toUnsignedString(n));
        }
        return n;
    }

    private static Message.Authentication authentication(Tag t) {
        long[] value = words(t.getValue());
        if (value[1] < 0) {
            throw new ProtocolException("the peer sent a tag of more than 127 bits");
        }
        return new Message.Authentication(
                Optional.of(new dev.qdistill.auth.Tag(new PadId(id(t.getSupply()), t.getPad()), value[0], value[1])));
    }

    private static Parameters parameters(Hello h) {
        return new Parameters(
                h.getVersion(),
                text(h.getSession()),
                text(h.getLink()),
                h.getBlock(),
                h.getFirstPulse(),
                h.getEndPulse(),
                Protocol.of(h.getProtocol())
                        .orElseThrow(() -> new ProtocolException("the peer names an unknown protocol")),
                List.copyOf(limited(h.getIntensitiesList(), MAX_INTENSITIES, "intensities")),
                List.copyOf(limited(h.getProbabilitiesList(), MAX_INTENSITIES, "probabilities")),
                h.getEpsilonSecrecy(),
                h.getEpsilonCorrectness(),
                h.getMaximumQber(),
                h.getUnequalBasisTolerance(),
                h.getRequireUnequalBasis(),
                h.getFrameBits(),
                value(Profile.class, h.getProfile()),
                text(h.getCodes()),
                h.getMaximumDetections());
    }

    private static Message.Detections detections(Detections m) {
        int count = m.getCount();
        int width = m.getWidth();
        if (count < 1 || count > RecordBatch.CAPACITY || width < 0 || width > IndexColumn.MAX_WIDTH) {
            throw new ProtocolException("the peer sent " + Integer.toUnsignedString(count)
                    + " detections in one message, with gaps of " + Integer.toUnsignedString(width) + " bits");
        }
        int bytes = IndexColumn.bytes(count, width);
        if (m.getGaps().size() != bytes) {
            throw new ProtocolException("the peer sent " + m.getGaps().size() + " bytes for " + count
                    + " detections with gaps of " + width + " bits, which take " + bytes);
        }
        MemorySegment gaps = Arena.ofAuto().allocate(bytes + 8L, 8);
        m.getGaps().copyTo(gaps.asSlice(0, bytes).asByteBuffer());
        long[] pulses = new long[count];
        if (m.getFirst() < 0
                || m.getLast() < 0
                || !IndexColumn.unpack(gaps, 0, width, m.getFirst(), m.getLast(), pulses, count)) {
            throw new ProtocolException("the peer's detections do not ascend from the first to the last");
        }
        return new Message.Detections(pulses);
    }

    private Message.Verification verification(Verification m) {
        int groups = m.getGroups();
        int tagBits = m.getTagBits();
        if (groups < 0
                || groups > items
                || tagBits < 0
                || tagBits > 128
                || m.getTags().getLength() != (long) groups * tagBits) {
            throw new ProtocolException("the peer sent " + Integer.toUnsignedString(groups) + " tags of "
                    + Integer.toUnsignedString(tagBits) + " bits in "
                    + m.getTags().getLength());
        }
        BitString all = bits(m.getTags());
        List<BitString> tags = new ArrayList<>();
        for (int g = 0; g < groups; g++) {
            BitString tag = BitString.allocate(Arena.ofAuto(), tagBits);
            tag.copyFrom(all, (long) g * tagBits, 0, tagBits);
            tags.add(tag);
        }
        return new Message.Verification(bits(m.getHashKey()), List.copyOf(tags));
    }

    private ReconcileMessage.RevealRequest revealRequest(RevealRequest m) {
        limited(m.getPositionsList(), items, "frames");
        long sum = 0;
        List<BitString> masks = new ArrayList<>();
        for (Positions p : m.getPositionsList()) {
            sum += Integer.toUnsignedLong(p.getLength());
            if (p.getLength() < 0 || p.getLength() > LARGEST_FRAME || sum > bits) {
                throw new ProtocolException(
                        "the peer asks for bits of a frame of " + Integer.toUnsignedString(p.getLength()) + " bits");
            }
            BitString mask = BitString.allocate(Arena.ofAuto(), p.getLength());
            long position = 0;
            for (int i = 0; i < p.getGapsCount(); i++) {
                long gap = Integer.toUnsignedLong(p.getGaps(i));
                position += gap;
                if (position >= p.getLength() || i > 0 && gap == 0) {
                    throw new ProtocolException("the peer asks for bit " + position + " of a frame of " + p.getLength()
                            + " bits, or for one twice");
                }
                mask.set(position, true);
            }
            masks.add(mask);
        }
        return new ReconcileMessage.RevealRequest(numbers(m.getFramesList()), List.copyOf(masks));
    }

    private BitString bits(Bits b) {
        long length = b.getLength();
        if (length < 0 || length > bits) {
            throw new ProtocolException("the peer sent a string of " + Long.toUnsignedString(length)
                    + " bits where at most " + bits + " are possible");
        }
        if (b.getData().size() != (length + 7) / 8) {
            throw new ProtocolException(
                    "the peer sent " + b.getData().size() + " bytes for a string of " + length + " bits");
        }
        if ((length & 7) != 0 && (b.getData().byteAt(b.getData().size() - 1) & 0xff) >>> (length & 7) != 0) {
            throw new ProtocolException("the peer sent a string of " + length + " bits with bits beyond its end");
        }
        BitString s = BitString.allocate(Arena.ofAuto(), length);
        b.getData().copyTo(s.bytes().asByteBuffer());
        return s;
    }

    private List<BitString> strings(List<Bits> list) {
        limited(list, items, "strings");
        return list.stream().map(this::bits).toList();
    }

    private List<Integer> numbers(List<Integer> list) {
        return List.copyOf(limited(list, items, "frames or groups"));
    }

    private static <T> List<T> limited(List<T> list, long most, String what) {
        if (list.size() > most) {
            throw new ProtocolException(
                    "the peer names " + list.size() + " " + what + "; at most " + most + " are possible");
        }
        return list;
    }

    private static long[] words(ByteString bytes) {
        if (bytes.size() != 16) {
            throw new ProtocolException("the peer sent " + bytes.size() + " bytes where 16 are due");
        }
        ByteBuffer b = bytes.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        return new long[] {b.getLong(), b.getLong()};
    }

    private static UUID id(ByteString bytes) {
        if (bytes.size() != 16) {
            throw new ProtocolException("the peer sent an id of " + bytes.size() + " bytes, not 16");
        }
        ByteBuffer b = bytes.asReadOnlyByteBuffer();
        return new UUID(b.getLong(), b.getLong());
    }

    private static List<UUID> ids(List<ByteString> list, int most) {
        return limited(list, most, "ids").stream().map(Codec::id).toList();
    }

    private static String text(String s) {
        if (s.length() > MAX_TEXT) {
            throw new ProtocolException("the peer sent a name of " + s.length() + " characters");
        }
        return printable(s);
    }

    /** What a peer says may come to a log: no control characters, no novels. */
    private static String printable(String s) {
        String cut = s.length() > MAX_TEXT ? s.substring(0, MAX_TEXT) : s;
        return cut.codePoints().anyMatch(Character::isISOControl) ? cut.replaceAll("\\p{Cntrl}", "?") : cut;
    }

    private static <E extends Enum<E>> E value(Class<E> type, String name) {
        for (E value : type.getEnumConstants()) {
            if (name(value).equals(name)) {
                return value;
            }
        }
        throw new ProtocolException("the peer names an unknown " + type.getSimpleName());
    }
}
