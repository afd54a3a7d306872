package dev.qdistill.keystore;

import dev.qdistill.bits.BitString;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Locale;

/** How the bits of a key are written for another program. No format passes key bits through the heap. */
public enum KeyExport {
    /** The bytes, bit i being bit i&amp;7 of byte i&gt;&gt;3; the last one padded with zeros. */
    RAW,
    /** The same bytes as lower-case hexadecimal digits and a line feed. */
    HEX,
    /** The same bytes as Base64 (RFC 4648, padded) on one line, and a line feed. */
    BASE64,
    /**
     * A stream of type 7 of the qcrypto stack: a header of 16 bytes (docs/formats.md; epoch 0, one epoch), then words of 32
     * bits, the first bit of each the highest.
     */
    QCRYPTO_T7;

    private static final byte[] HEX_DIGITS = digits("0123456789abcdef");
    private static final byte[] BASE64_DIGITS =
            digits("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    private static final int LINE_FEED = '\n';
    // Bytes of key encoded at a time: a multiple of 3.
    private static final int CHUNK = 3 << 16;

    /** The name on the command line. */
    public String id() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** As {@link #id}. */
    @Override
    public String toString() {
        return id();
    }

    /**
     * Writes a key to a new file of mode 0600, complete or not at all.
     *
     * @throws KeyStoreException if the file exists or cannot be written
     */
    public void writeFile(BitString key, Path file) {
        Path directory = Durable.directory(file);
        Path temporary = directory.resolve("." + file.getFileName() + ".tmp");
        try {
            if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
                throw new KeyStoreException(file, "it exists already; nothing is overwritten");
            }
            Durable.write(temporary, channel -> write(key, channel));
            try {
                Durable.rename(temporary, file);
            } catch (IOException e) {
                Files.deleteIfExists(temporary);
                throw e;
            }
        } catch (IOException e) {
            throw new KeyStoreException(file, "write the key", e);
        }
    }

    /** Writes a key to an open channel, such as that of the standard output. */
    public void write(BitString key, FileChannel channel) throws IOException {
        if (this == RAW) {
            Durable.append(channel, key.bytes());
            return;
        }
        if (this == QCRYPTO_T7) {
            words(key, channel);
            return;
        }
        MemorySegment bytes = key.bytes();
        try (Arena arena = new dev.qdistill.bits.SecretArena()) {
            MemorySegment text = arena.allocate(2L * CHUNK);
            for (long at = 0; at < bytes.byteSize(); at += CHUNK) {
                MemorySegment chunk = bytes.asSlice(at, Math.min(CHUNK, bytes.byteSize() - at));
                long length = this == HEX ? hex(chunk, text) : base64(chunk, text);
                Durable.append(channel, text.asSlice(0, length));
            }
            text.set(ValueLayout.JAVA_BYTE, 0, (byte) LINE_FEED);
            Durable.append(channel, text.asSlice(0, 1));
        }
    }

    private static void words(BitString key, FileChannel channel) throws IOException {
        ValueLayout.OfInt little = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
        try (Arena arena = new dev.qdistill.bits.SecretArena()) {
            MemorySegment head = arena.allocate(16);
            head.set(little, 0, 7);
            head.set(little, 8, 1);
            head.set(little, 12, Math.toIntExact(key.length()));
            Durable.append(channel, head);
            MemorySegment words = arena.allocate(CHUNK);
            for (long at = 0; at < key.length(); at += 8L * CHUNK) {
                int count = (int) ((Math.min(8L * CHUNK, key.length() - at) + 31) / 32);
                for (int w = 0; w < count; w++) {
                    long from = at + 32L * w;
                    int valid = (int) Math.min(32, key.length() - from);
                    words.set(little, 4L * w, Integer.reverse((int) key.bits(from, valid)));
                }
                Durable.append(channel, words.asSlice(0, 4L * count));
            }
        }
    }

    private static long hex(MemorySegment in, MemorySegment out) {
        for (long i = 0; i < in.byteSize(); i++) {
            int b = byteAt(in, i);
            out.set(ValueLayout.JAVA_BYTE, 2 * i, HEX_DIGITS[b >> 4]);
            out.set(ValueLayout.JAVA_BYTE, 2 * i + 1, HEX_DIGITS[b & 15]);
        }
        return 2 * in.byteSize();
    }

    /**
     * Writes bytes as Base64 (RFC 4648, padded), from memory to memory.
     *
     * @param out has room for 4 characters for every 3 bytes begun
     * @return how many bytes of {@code out} were written
     */
    public static long base64(MemorySegment in, MemorySegment out) {
        long at = 0;
        for (long i = 0; i < in.byteSize(); i += 3) {
            long left = in.byteSize() - i;
            int three =
                    byteAt(in, i) << 16 | (left > 1 ? byteAt(in, i + 1) << 8 : 0) | (left > 2 ? byteAt(in, i + 2) : 0);
            for (int k = 0; k < 4; k++) {
                out.set(ValueLayout.JAVA_BYTE, at++, k <= left ? BASE64_DIGITS[three >> 18 - 6 * k & 63] : (byte) '=');
            }
        }
        return at;
    }

    private static int byteAt(MemorySegment in, long i) {
        return Byte.toUnsignedInt(in.get(ValueLayout.JAVA_BYTE, i));
    }

    private static byte[] digits(String alphabet) {
        return alphabet.getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    }
}
