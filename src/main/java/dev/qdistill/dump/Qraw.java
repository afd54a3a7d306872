package dev.qdistill.dump;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.qdistill.security.Protocol;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;
import java.util.zip.CRC32C;

/** The layout of a QRAW file, as docs/formats.md has it: everything that reader and writer must agree on. */
final class Qraw {
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** "QRAW", CR LF, control Z, LF: a transfer in text mode damages it. */
    static final long MAGIC = 0x0A1A0A0D_57415251L;

    static final int VERSION = 1;
    static final int HEADER_BYTES = 256;

    /** "CHNK" */
    static final int CHUNK = 0x4B4E4843;

    static final int CHUNK_HEADER_BYTES = 48;

    /** "QEND" */
    static final int END = 0x444E4551;

    static final int END_BYTES = 96;

    static final int MAX_PAYLOAD_BYTES =
            4 * RecordBatch.CAPACITY / 8 + IndexColumn.bytes(RecordBatch.CAPACITY, IndexColumn.MAX_WIDTH);

    private Qraw() {}

    /** Whether the first four bytes are "QRAW"; the rest of the magic and the version are the header's matter. */
    static boolean isMagic(ByteBuffer head) {
        return head.remaining() >= 4
                && head.duplicate().order(ByteOrder.LITTLE_ENDIAN).getInt(head.position()) == (int) MAGIC;
    }

    static int planes(Role role) {
        return role == Role.ALICE ? 4 : 3;
    }

    private static int code(Protocol protocol) {
        return switch (protocol) {
            case ONE_DECOY -> 1;
            case TWO_DECOY -> 2;
            case SINGLE_PHOTON -> 3;
        };
    }

    /** The bytes of one plane: whole 64-bit words. */
    static int planeBytes(int records) {
        return (records + 63) / 64 * 8;
    }

    static int crc(MemorySegment bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes.asByteBuffer());
        return (int) crc.getValue();
    }

    static void writeHeader(DumpHeader header, MemorySegment to) {
        LinkParameters link = header.link().orElseThrow();
        SessionId session = header.session().orElseThrow();
        to.fill((byte) 0);
        to.set(LONG, 0, MAGIC);
        to.set(SHORT, 8, (short) VERSION);
        to.set(SHORT, 10, (short) HEADER_BYTES);
        to.set(JAVA_BYTE, 12, (byte) header.kind().code());
        to.set(JAVA_BYTE, 13, (byte) header.role().orElseThrow().code());
        to.set(JAVA_BYTE, 14, (byte) code(header.protocol()));
        to.set(JAVA_BYTE, 15, (byte) link.intensities().size());
        to.set(LONG, 16, Long.reverseBytes(session.high()));
        to.set(LONG, 24, Long.reverseBytes(session.low()));
        to.set(DOUBLE, 32, link.sourceRateHz());
        to.set(LONG, 40, ChronoUnit.NANOS.between(Instant.EPOCH, link.start()));
        byte[] name = link.name().getBytes(StandardCharsets.UTF_8);
        to.set(SHORT, 48, (short) name.length);
        to.set(DOUBLE, 56, link.aliceKeyBasisProbability());
        to.set(DOUBLE, 64, link.bobKeyBasisProbability());
        for (int k = 0; k < link.intensities().size(); k++) {
            to.set(DOUBLE, 72 + 8L * k, link.intensities().get(k));
            to.set(DOUBLE, 96 + 8L * k, link.probabilities().get(k));
        }
        MemorySegment.copy(name, 0, to, JAVA_BYTE, 120, name.length);
        to.set(INT, 252, crc(to.asSlice(0, 252)));
    }

    static DumpHeader readHeader(String name, MemorySegment from) {
        int version = Short.toUnsignedInt(from.get(SHORT, 8));
        if (from.get(LONG, 0) != MAGIC) {
            throw new BadInputException(name, 4, "the QRAW signature is damaged, as by a transfer in text mode");
        }
        if (version != VERSION) {
            throw new BadInputException(
                    name, 8, "QRAW version " + version + " is unknown; this program reads version " + VERSION);
        }
        int crc = crc(from.asSlice(0, 252));
        if (from.get(INT, 252) != crc) {
            throw new BadInputException(
                    name,
                    252,
                    "the header is damaged: its checksum is " + hex(crc) + ", the file says "
                            + hex(from.get(INT, 252)));
        }
        if (from.get(SHORT, 10) != HEADER_BYTES) {
            throw new BadInputException(
                    name, 10, "header of " + from.get(SHORT, 10) + " bytes; " + HEADER_BYTES + " expected");
        }
        DumpKind kind = choice(name, from, 12, "kind", DumpKind.values(), DumpKind::code);
        Role role = choice(name, from, 13, "role", Role.values(), Role::code);
        Protocol protocol = choice(name, from, 14, "protocol", Protocol.values(), Qraw::code);
        int intensities = from.get(JAVA_BYTE, 15);
        int nameBytes = Short.toUnsignedInt(from.get(SHORT, 48));
        if (intensities != protocol.intensities()) {
            throw new BadInputException(
                    name,
                    15,
                    intensities + " intensities; the protocol " + protocol.id() + " has " + protocol.intensities());
        }
        if (nameBytes > LinkParameters.MAX_NAME_BYTES) {
            throw new BadInputException(
                    name, 48, "link name of " + nameBytes + " bytes; at most " + LinkParameters.MAX_NAME_BYTES);
        }
        List<Double> mu = new ArrayList<>();
        List<Double> p = new ArrayList<>();
        for (int k = 0; k < intensities; k++) {
            mu.add(from.get(DOUBLE, 72 + 8L * k));
            p.add(from.get(DOUBLE, 96 + 8L * k));
        }
        try {
            byte[] linkName = from.asSlice(120, nameBytes).toArray(JAVA_BYTE);
            LinkParameters link = new LinkParameters(
                    StandardCharsets.UTF_8
                            .newDecoder()
                            .decode(ByteBuffer.wrap(linkName))
                            .toString(),
                    from.get(DOUBLE, 32),
                    Instant.EPOCH.plusNanos(from.get(LONG, 40)),
                    mu,
                    p,
                    from.get(DOUBLE, 56),
                    from.get(DOUBLE, 64));
            SessionId session =
                    new SessionId(Long.reverseBytes(from.get(LONG, 16)), Long.reverseBytes(from.get(LONG, 24)));
            return DumpHeader.qraw(kind, role, protocol, session, link);
        } catch (IllegalArgumentException | CharacterCodingException e) {
            throw new BadInputException(name, "the header is wrong: " + e.getMessage());
        }
    }

    static String hex(int value) {
        return String.format("%08x", value);
    }

    private static <E> E choice(
            String name, MemorySegment from, long offset, String what, E[] values, ToIntFunction<E> code) {
        int found = Byte.toUnsignedInt(from.get(JAVA_BYTE, offset));
        for (E value : values) {
            if (code.applyAsInt(value) == found) {
                return value;
            }
        }
        throw new BadInputException(
                name, offset, "unknown " + what + " " + found + "; 1 to " + values.length + " are known");
    }
}
