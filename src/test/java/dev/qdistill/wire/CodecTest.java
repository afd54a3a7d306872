package dev.qdistill.wire;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import dev.qdistill.auth.PadId;
import dev.qdistill.auth.Tag;
import dev.qdistill.bits.BitString;
import dev.qdistill.ldpc.Profile;
import dev.qdistill.link.Message;
import dev.qdistill.link.Parameters;
import dev.qdistill.link.ProtocolException;
import dev.qdistill.reconcile.CascadeVariant;
import dev.qdistill.reconcile.ReconcileMessage;
import dev.qdistill.security.Protocol;
import dev.qdistill.wire.v1.AliceBits;
import dev.qdistill.wire.v1.Bits;
import dev.qdistill.wire.v1.Detections;
import dev.qdistill.wire.v1.Envelope;
import dev.qdistill.wire.v1.Positions;
import dev.qdistill.wire.v1.RevealRequest;
import dev.qdistill.wire.v1.Revealed;
import dev.qdistill.wire.v1.Verification;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Messages as bytes: every one of them, and what is none. */
final class CodecTest {
    private static final long DETECTIONS = 100_000;
    private static final Random RANDOM = new Random(11);

    private static BitString bits(long n) {
        return BitString.random(n, RANDOM);
    }

    private static final Parameters PARAMETERS = new Parameters(
            1,
            "0123456789abcdef0123456789abcdef",
            "metro",
            7,
            7_000_000_000L,
            Long.MAX_VALUE,
            Protocol.ONE_DECOY,
            List.of(0.4, 0.1),
            List.of(0.6, 0.4),
            1e-9,
            1e-15,
            0.12,
            0.15,
            true,
            65_536,
            Profile.EFFICIENT,
            "0011223344556677",
            1L << 28);

    /** One of each kind. */
    static List<Message> messages() {
        long[] pulses = new long[1000];
        long at = 5_000_000_000L;
        for (int i = 0; i < pulses.length; i++) {
            at += 1 + RANDOM.nextInt(300);
            pulses[i] = at;
        }
        BitString mask = bits(4096);
        mask.and(bits(4096));
        List<Message> all = new ArrayList<>(List.of(
                new Message.Open(1, "metro", -5, 6, List.of(UUID.randomUUID(), new UUID(0, 1)), List.of()),
                new Message.Offer(
                        List.of(new Message.Offered("abc", 77), new Message.Offered("def", 0)),
                        List.of(new Message.Ended("xyz", Optional.of("because"))),
                        12),
                new Message.Offer(List.of(), List.of(), 0),
                new Message.Choice(
                        Optional.of("abc"),
                        78,
                        13,
                        List.of("abc", "ghi"),
                        List.of(new Message.Ended("def", Optional.empty()))),
                new Message.Choice(Optional.empty(), 0, 0, List.of(), List.of()),
                new Message.Resume(List.of(new UUID(3, 4)), List.of(new UUID(5, 6))),
                new Message.Authentication(Optional.of(new Tag(new PadId(new UUID(1, 2), 9), -1, Long.MAX_VALUE))),
                new Message.Hello(PARAMETERS),
                new Message.EndOfSession(12),
                new Message.Detections(pulses),
                new Message.Detections(new long[] {Long.MAX_VALUE - 1}),
                new Message.EndOfMeasurement(99_999, List.of(new UUID(8, 8))),
                new Message.AliceBases(bits(1001), bits(1001), bits(1001)),
                new Message.BobBases(bits(77), bits(0)),
                new Message.BobBits(bits(5)),
                new Message.AliceBits(bits(64)),
                new Message.Verification(bits(303), List.of(bits(51), bits(51), bits(51))),
                new Message.Verification(bits(303), List.of()),
                new Message.Verified(List.of(0, 3)),
                new Message.WrongGroups(List.of(1), List.of(bits(4099))),
                new Message.ErrorCounts(List.of(5L, 1L << 40, 0L)),
                new Message.Amplification(UUID.randomUUID(), 12_345, 381, bits(99_999)),
                new Message.Abort("because"),
                new Message.GiveUp("it is too large"),
                new Message.Done(UUID.randomUUID(), 4567)));
        for (ReconcileMessage step : List.of(
                new ReconcileMessage.SyndromeRequest(List.of(0, 1, 2), "name-1", 17),
                new ReconcileMessage.ExtensionRequest(List.of(1, 9), List.of(20, 40)),
                new ReconcileMessage.Extensions(List.of(1, 9), List.of(bits(3), bits(23))),
                new ReconcileMessage.Syndromes(List.of(0, 1, 2), "name-1", 17, bits(3000)),
                new ReconcileMessage.RevealRequest(List.of(4, 2), List.of(mask, BitString.allocate(100))),
                new ReconcileMessage.Revealed(List.of(4, 2), List.of(bits(9), bits(0))),
                new ReconcileMessage.PublishRequest(List.of(1)),
                new ReconcileMessage.Published(List.of(1), List.of(bits(4096))),
                new ReconcileMessage.CascadeStart(3, CascadeVariant.OPTIMISED, 32),
                new ReconcileMessage.CascadePass(3),
                new ReconcileMessage.ParityRequest(3, new int[] {5, 0, 70_000}),
                new ReconcileMessage.Parities(3, bits(17)),
                new ReconcileMessage.Reconciled())) {
            all.add(new Message.Reconciliation(step));
        }
        return all;
    }

    @Test
    void everyMessageComesBackAsItWas() throws ReflectiveOperationException {
        List<Message> all = messages();
        for (Class<?> kind : Message.class.getPermittedSubclasses()) {
            assertTrue(all.stream().anyMatch(kind::isInstance), kind + " is not among the tests");
        }
        for (Class<?> kind : ReconcileMessage.class.getPermittedSubclasses()) {
            assertTrue(
                    all.stream().anyMatch(m -> m instanceof Message.Reconciliation r && kind.isInstance(r.step())),
                    kind + " is not among the tests");
        }
        for (Message m : all) {
            byte[] bytes = Codec.encode(m);
            Message back = Codec.decode(bytes, DETECTIONS);
            requireSame(m, back);
            assertArrayEquals(bytes, Codec.encode(back));
        }
    }

    private static void requireSame(Object a, Object b) throws ReflectiveOperationException {
        switch (a) {
            case BitString s -> assertTrue(s.contentEquals((BitString) b));
            case List<?> list -> {
                assertEquals(list.size(), ((List<?>) b).size());
                for (int i = 0; i < list.size(); i++) {
                    requireSame(list.get(i), ((List<?>) b).get(i));
                }
            }
            case long[] x -> assertArrayEquals(x, (long[]) b);
            case int[] x -> assertArrayEquals(x, (int[]) b);
            case Record r -> {
                assertEquals(r.getClass(), b.getClass());
                for (RecordComponent c : r.getClass().getRecordComponents()) {
                    c.getAccessor().setAccessible(true);
                    requireSame(c.getAccessor().invoke(a), c.getAccessor().invoke(b));
                }
            }
            default -> assertEquals(a, b);
        }
    }

    @Test
    void detectionsTakeHardlyMoreThanTheirEntropy() {
        long[] pulses = new long[65_536];
        long at = 0;
        for (int i = 0; i < pulses.length; i++) {
            at += 1 + (long) (-100 * Math.log(1 - RANDOM.nextDouble()));
            pulses[i] = at;
        }
        int bytes = Codec.encode(new Message.Detections(pulses)).length;
        assertTrue(bytes < pulses.length * 1.6, "bytes: " + bytes);
    }

    @Test
    void cutMessagesAreNoMessages() {
        for (Message m : messages()) {
            byte[] bytes = Codec.encode(m);
            for (int cut = 0; cut < bytes.length; cut += 1 + bytes.length / 50) {
                byte[] part = java.util.Arrays.copyOf(bytes, cut);
                refusedOrOther(part, m);
            }
        }
    }

    /** What decodes at all is a message within its limits: nothing but {@link ProtocolException} is thrown. */
    private static void refusedOrOther(byte[] bytes, Message m) {
        try {
            Codec.decode(bytes, DETECTIONS);
        } catch (ProtocolException e) {
            assertTrue(String.valueOf(e.getMessage()).startsWith("the peer"), m + ": " + e);
        }
    }

    @Test
    void flippedBitsAndRandomBytesNeverDoMoreThanFail() {
        Random random = new Random(12);
        for (Message m : messages()) {
            byte[] bytes = Codec.encode(m);
            for (int i = 0; i < 200; i++) {
                byte[] flipped = bytes.clone();
                int bit = random.nextInt(Math.min(8 * bytes.length, 800));
                flipped[bit >> 3] ^= (byte) (1 << (bit & 7));
                refusedOrOther(flipped, m);
            }
        }
        for (int i = 0; i < 2000; i++) {
            byte[] noise = new byte[random.nextInt(60)];
            random.nextBytes(noise);
            refusedOrOther(noise, new Message.Abort("noise"));
        }
    }

    @Test
    void lengthsBeyondWhatTheDetectionsAllowAreRefused() {
        Message.AliceBits large = new Message.AliceBits(bits(DETECTIONS + (1 << 16) + 1));
        refused(Codec.encode(large), "at most");
        Codec.decode(Codec.encode(large), DETECTIONS + 1);
        refused(
                body(Envelope.newBuilder()
                        .setAliceBits(
                                AliceBits.newBuilder().setBits(Bits.newBuilder().setLength(-1)))),
                "18446744073709551615 bits");
        refused(
                body(Envelope.newBuilder()
                        .setAliceBits(AliceBits.newBuilder()
                                .setBits(Bits.newBuilder()
                                        .setLength(90_000)
                                        .setData(ByteString.copyFrom(new byte[9]))))),
                "9 bytes for a string of 90000 bits");
        refused(
                body(Envelope.newBuilder()
                        .setAliceBits(AliceBits.newBuilder()
                                .setBits(Bits.newBuilder().setLength(3).setData(ByteString.copyFrom(new byte[] {8}))))),
                "beyond its end");
        // Little on the wire, much in memory.
        Revealed.Builder many = Revealed.newBuilder();
        RevealRequest.Builder masks = RevealRequest.newBuilder();
        for (int i = 0; i < 10_000; i++) {
            many.addBits(Bits.newBuilder().setLength(1).setData(ByteString.copyFrom(new byte[1])));
        }
        refused(body(Envelope.newBuilder().setRevealed(many)), "10000 strings");
        for (int i = 0; i < 3; i++) {
            masks.addPositions(Positions.newBuilder().setLength(90_000));
        }
        refused(body(Envelope.newBuilder().setRevealRequest(masks)), "90000 bits");
        refused(
                body(Envelope.newBuilder()
                        .setRevealRequest(RevealRequest.newBuilder()
                                .addPositions(Positions.newBuilder()
                                        .setLength(10)
                                        .addGaps(4)
                                        .addGaps(6)))),
                "bit 10 of a frame of 10 bits");
        refused(
                body(Envelope.newBuilder()
                        .setVerification(Verification.newBuilder().setTagBits(1).setGroups(1000))),
                "1000 tags");
        refused(
                body(Envelope.newBuilder()
                        .setDetections(Detections.newBuilder().setCount(65_537).setWidth(1))),
                "65537 detections");
        refused(
                body(Envelope.newBuilder()
                        .setDetections(Detections.newBuilder()
                                .setCount(2)
                                .setWidth(8)
                                .setLast(5)
                                .setGaps(ByteString.copyFrom(new byte[8])))),
                "do not ascend");
    }

    @Test
    void fieldsOfALaterVersionAreRefused() {
        UnknownFieldSet more = UnknownFieldSet.newBuilder()
                .addField(99, UnknownFieldSet.Field.newBuilder().addVarint(1).build())
                .build();
        refused(body(Envelope.newBuilder().setUnknownFields(more)), "does not know");
        refused(
                body(Envelope.newBuilder()
                        .setAliceBits(
                                AliceBits.newBuilder().setBits(Bits.newBuilder().setUnknownFields(more)))),
                "does not know");
    }

    @Test
    void whatAPeerSaysCannotForgeALogLine() {
        Message m = Codec.decode(Codec.encode(new Message.Abort("all well\nERROR: nothing is")), 0);
        assertEquals(
                "all well?ERROR: nothing is",
                assertInstanceOf(Message.Abort.class, m).reason());
    }

    private static byte[] body(Envelope.Builder e) {
        return e.build().toByteArray();
    }

    private static void refused(byte[] bytes, String reason) {
        ProtocolException e = assertThrows(ProtocolException.class, () -> Codec.decode(bytes, DETECTIONS));
        assertTrue(String.valueOf(e.getMessage()).contains(reason), e.getMessage());
    }
}
