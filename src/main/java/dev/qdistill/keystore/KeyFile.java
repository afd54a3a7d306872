package dev.qdistill.keystore;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.file.StandardOpenOption.READ;

import dev.qdistill.bits.BitString;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Set;
import java.util.UUID;

/**
 * One key file: a header of {@value #FIXED} bytes and the link's name, padded to a multiple of 64, the key bits, and the
 * SHA-256 of all before. Little-endian; {@code docs/formats.md} has every byte.
 */
final class KeyFile {
    static final int VERSION = 1;
    static final int FIXED = 128;

    /** {@code QKEY} and line ends that a transfer as text would change. */
    private static final byte[] MAGIC = {'Q', 'K', 'E', 'Y', '\r', '\n', 0x1a, '\n'};

    private static final int AT_VERSION = 8;
    private static final int AT_HEADER_BYTES = 12;
    private static final int AT_ID = 16;
    private static final int AT_SESSION = 32;
    private static final int AT_BLOCK = 48;
    private static final int AT_BITS = 56;
    private static final int AT_OFFSET = 64;
    private static final int AT_SECRET_BITS = 72;
    private static final int AT_EPSILON_SECRECY = 80;
    private static final int AT_EPSILON_CORRECTNESS = 88;
    private static final int AT_CREATED = 96;
    private static final int AT_SITE = 104;
    private static final int AT_LINK_BYTES = 105;
    private static final int AT_RESERVED = 106;
    private static final int MAX_HEADER = (FIXED + KeyRecord.MAX_LINK_BYTES + 63) / 64 * 64;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble DOUBLE =
            ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    // Ids are written as they are printed.
    private static final ValueLayout.OfLong UUID_HALF = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private KeyFile() {}

    /** Where the key bits of such a file begin, in bytes. */
    static long keyOffset(KeyRecord record) {
        return (FIXED + record.link().getBytes(StandardCharsets.UTF_8).length + 63L) / 64 * 64;
    }

    /** Writes a new file, forced to the disk. */
    static void write(Path file, KeyRecord record, BitString key) throws IOException {
        Durable.write(file, channel -> write(channel, record, key));
    }

    static void write(WritableByteChannel to, KeyRecord record, BitString key) throws IOException {
        try (Arena arena = Arena.ofShared();
                Sha256 sha = new Sha256()) {
            MemorySegment header = header(arena, record);
            sha.update(header);
            sha.update(key.bytes());
            MemorySegment checksum = arena.allocate(Sha256.BYTES);
            checksum.copyFrom(MemorySegment.ofArray(sha.digest()));
            Durable.append(to, header);
            Durable.append(to, key.bytes());
            Durable.append(to, checksum);
        }
    }

    /**
     * Reads the record and checks the header and the file's size, not the checksum.
     *
     * @throws KeyStoreException if the file is no complete key file
     */
    static KeyRecord readRecord(Path file) {
        try (FileChannel channel = open(file);
                Arena arena = Arena.ofShared()) {
            return parse(file, readHeader(file, channel, arena), channel.size());
        } catch (IOException e) {
            throw new KeyStoreException(file, "read", e);
        }
    }

    /**
     * Reads the key, checking everything.
     *
     * @return the key's bits, owning their memory
     * @throws KeyStoreException if anything is wrong with the file
     */
    static BitString readKey(Path file) {
        try (FileChannel channel = open(file);
                Arena arena = Arena.ofShared();
                Sha256 sha = new Sha256()) {
            MemorySegment header = readHeader(file, channel, arena);
            KeyRecord record = parse(file, header, channel.size());
            BitString key = BitString.allocate(record.bits());
            try {
                MemorySegment checksum = arena.allocate(Sha256.BYTES);
                long end = header.byteSize() + key.byteCount();
                if (Durable.fill(channel, key.bytes()) + Durable.fill(channel, checksum)
                        != key.byteCount() + Sha256.BYTES) {
                    throw new KeyStoreException(file, "became shorter while it was read");
                }
                sha.update(header);
                sha.update(key.bytes());
                byte[] expected = sha.digest();
                if (!MessageDigest.isEqual(expected, checksum.toArray(JAVA_BYTE))) {
                    throw new KeyStoreException(
                            file,
                            end,
                            "the checksum does not fit the " + end + " bytes before it: the file is damaged");
                }
                byte last = key.segment().get(JAVA_BYTE, key.byteCount() - 1);
                if ((last & 0xff) >>> ((record.bits() - 1 & 7) + 1) != 0) {
                    throw new KeyStoreException(file, end - 1, "the bits beyond the key's end are not zero");
                }
                return key;
            } catch (Throwable t) {
                key.close();
                throw t;
            }
        } catch (IOException e) {
            throw new KeyStoreException(file, "read", e);
        }
    }

    private static FileChannel open(Path file) throws IOException {
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            throw new KeyStoreException(
                    file, Files.exists(file, LinkOption.NOFOLLOW_LINKS) ? "not a regular file" : "no such file");
        }
        return FileChannel.open(file, Set.of(READ, LinkOption.NOFOLLOW_LINKS));
    }

    private static MemorySegment header(Arena arena, KeyRecord record) {
        byte[] link = record.link().getBytes(StandardCharsets.UTF_8);
        MemorySegment h = arena.allocate(keyOffset(record), 64);
        MemorySegment.copy(MAGIC, 0, h, JAVA_BYTE, 0, MAGIC.length);
        h.set(INT, AT_VERSION, VERSION);
        h.set(INT, AT_HEADER_BYTES, (int) h.byteSize());
        putId(h, AT_ID, record.id());
        putId(h, AT_SESSION, record.session());
        h.set(LONG, AT_BLOCK, record.block());
        h.set(LONG, AT_BITS, record.bits());
        h.set(LONG, AT_OFFSET, 0);
        h.set(LONG, AT_SECRET_BITS, record.bits());
        h.set(DOUBLE, AT_EPSILON_SECRECY, record.epsilonSecrecy());
        h.set(DOUBLE, AT_EPSILON_CORRECTNESS, record.epsilonCorrectness());
        h.set(LONG, AT_CREATED, record.created().toEpochMilli());
        h.set(JAVA_BYTE, AT_SITE, (byte) record.site().code());
        h.set(JAVA_BYTE, AT_LINK_BYTES, (byte) link.length);
        MemorySegment.copy(link, 0, h, JAVA_BYTE, FIXED, link.length);
        return h;
    }

    private static MemorySegment readHeader(Path file, FileChannel channel, Arena arena) throws IOException {
        MemorySegment h = arena.allocate(MAX_HEADER, 64);
        long got = Durable.fill(channel, h.asSlice(0, FIXED));
        for (int i = 0; i < MAGIC.length; i++) {
            if (i >= got) {
                throw new KeyStoreException(file, got, "the file ends; a key file begins with " + hex(MAGIC));
            }
            if (h.get(JAVA_BYTE, i) != MAGIC[i]) {
                throw new KeyStoreException(
                        file,
                        i,
                        "found " + hex(h.asSlice(0, got >= 8 ? 8 : got).toArray(JAVA_BYTE))
                                + ", a key file begins with " + hex(MAGIC));
            }
        }
        if (got < FIXED) {
            throw new KeyStoreException(file, got, "the file ends in its header of at least " + FIXED + " bytes");
        }
        int version = h.get(INT, AT_VERSION);
        if (version != VERSION) {
            throw new KeyStoreException(
                    file,
                    AT_VERSION,
                    "version " + Integer.toUnsignedString(version) + "; only version " + VERSION + " is supported");
        }
        int linkBytes = Byte.toUnsignedInt(h.get(JAVA_BYTE, AT_LINK_BYTES));
        if (linkBytes < 1 || linkBytes > KeyRecord.MAX_LINK_BYTES) {
            throw new KeyStoreException(
                    file, AT_LINK_BYTES, "a link name of " + linkBytes + " bytes; 1 to 200 are possible");
        }
        int headerBytes = h.get(INT, AT_HEADER_BYTES);
        int expected = (FIXED + linkBytes + 63) / 64 * 64;
        if (headerBytes != expected) {
            throw new KeyStoreException(
                    file,
                    AT_HEADER_BYTES,
                    "a header of " + Integer.toUnsignedString(headerBytes) + " bytes; with a link name of " + linkBytes
                            + " bytes it has " + expected);
        }
        got += Durable.fill(channel, h.asSlice(FIXED, headerBytes - FIXED));
        if (got < headerBytes) {
            throw new KeyStoreException(file, got, "the file ends in its header of " + headerBytes + " bytes");
        }
        return h.asSlice(0, headerBytes);
    }

    private static KeyRecord parse(Path file, MemorySegment h, long size) {
        long bits = h.get(LONG, AT_BITS);
        long room = size - h.byteSize() - Sha256.BYTES;
        if (bits < 1 || bits > Long.MAX_VALUE / 2) {
            throw new KeyStoreException(file, AT_BITS, "a length of " + bits + " bits; 1 or more are possible");
        }
        if ((bits + 7) / 8 != room) {
            throw new KeyStoreException(
                    file,
                    size,
                    "the file has " + size + " bytes; with a key of " + bits + " bits it has "
                            + (h.byteSize() + (bits + 7) / 8 + Sha256.BYTES));
        }
        if (h.get(LONG, AT_OFFSET) != 0 || h.get(LONG, AT_SECRET_BITS) != bits) {
            throw new KeyStoreException(
                    file, AT_OFFSET, "a part of a longer secret; version " + VERSION + " holds whole ones");
        }
        requireZeros(file, h, AT_RESERVED, FIXED);
        int linkBytes = Byte.toUnsignedInt(h.get(JAVA_BYTE, AT_LINK_BYTES));
        requireZeros(file, h, FIXED + linkBytes, h.byteSize());
        try {
            return new KeyRecord(
                    getId(h, AT_ID),
                    StandardCharsets.UTF_8
                            .newDecoder()
                            .decode(ByteBuffer.wrap(h.asSlice(FIXED, linkBytes).toArray(JAVA_BYTE)))
                            .toString(),
                    site(file, h.get(JAVA_BYTE, AT_SITE)),
                    getId(h, AT_SESSION),
                    h.get(LONG, AT_BLOCK),
                    bits,
                    h.get(DOUBLE, AT_EPSILON_SECRECY),
                    h.get(DOUBLE, AT_EPSILON_CORRECTNESS),
                    Instant.ofEpochMilli(h.get(LONG, AT_CREATED)));
        } catch (CharacterCodingException e) {
            throw new KeyStoreException(file, FIXED, "the link name is not UTF-8");
        } catch (IllegalArgumentException | DateTimeException e) {
            throw new KeyStoreException(file, AT_ID, String.valueOf(e.getMessage()));
        }
    }

    private static Site site(Path file, byte code) {
        for (Site s : Site.values()) {
            if (s.code() == code) {
                return s;
            }
        }
        throw new KeyStoreException(file, AT_SITE, "site " + code + "; 1 (Alice) and 2 (Bob) are possible");
    }

    private static void requireZeros(Path file, MemorySegment h, long from, long to) {
        for (long i = from; i < to; i++) {
            if (h.get(JAVA_BYTE, i) != 0) {
                throw new KeyStoreException(
                        file, i, "byte " + h.get(JAVA_BYTE, i) + " where version " + VERSION + " has zeros");
            }
        }
    }

    private static void putId(MemorySegment h, long at, UUID id) {
        h.set(UUID_HALF, at, id.getMostSignificantBits());
        h.set(UUID_HALF, at + 8, id.getLeastSignificantBits());
    }

    private static UUID getId(MemorySegment h, long at) {
        return new UUID(h.get(UUID_HALF, at), h.get(UUID_HALF, at + 8));
    }

    private static String hex(byte[] bytes) {
        return HexFormat.ofDelimiter(" ").formatHex(bytes);
    }
}
