package dev.qdistill.amplify;

import dev.qdistill.bits.BitString;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.SplittableRandom;

/** Where the random bits of seeds come from. One caller at a time. */
public sealed interface EntropySource extends AutoCloseable {
    /**
     * Overwrites {@code bits} with fresh random bits.
     *
     * @throws EntropyException if the source cannot be read or has no more; the message says which
     */
    void fill(BitString bits);

    @Override
    void close();

    /**
     * The source for one purpose, which has a name of its own. Only the seeded one differs by it, so that what it gives does not
     * depend on which thread asks first.
     */
    default EntropySource of(String purpose) {
        return this;
    }

    /** Bits that anybody can compute from a seed: for tests and comparisons of runs, never for keys that are used. */
    static EntropySource seeded(long seed) {
        return new Seeded(seed, new SplittableRandom(seed));
    }

    /** The operating system's generator, expanded by a DRBG of NIST SP 800-90A: cryptographic, not information-theoretic. */
    static EntropySource system() {
        try {
            return new Drbg(SecureRandom.getInstance("DRBG"));
        } catch (NoSuchAlgorithmException e) {
            return new Drbg(new SecureRandom());
        }
    }

    /**
     * A file or device of random bytes, read from its start; no bit is used twice.
     *
     * @throws EntropyException if it cannot be opened
     */
    static EntropySource file(Path path) {
        try {
            return new Bytes(path, FileChannel.open(path, StandardOpenOption.READ));
        } catch (NoSuchFileException e) {
            throw new EntropyException(path, "no such file or device");
        } catch (IOException e) {
            throw new EntropyException(path, "cannot be opened: " + e.getMessage());
        }
    }

    /** A generator of this JVM. */
    record Drbg(SecureRandom random) implements EntropySource {
        @Override
        public void fill(BitString bits) {
            bits.randomize(random);
        }

        @Override
        public void close() {}
    }

    /** A generator that repeats itself. */
    record Seeded(long seed, SplittableRandom random) implements EntropySource {
        @Override
        public void fill(BitString bits) {
            bits.randomize(random);
        }

        @Override
        public EntropySource of(String purpose) {
            try {
                byte[] hash = MessageDigest.getInstance("SHA-256")
                        .digest((seed + " " + purpose).getBytes(StandardCharsets.UTF_8));
                return new Seeded(
                        seed, new SplittableRandom(ByteBuffer.wrap(hash).getLong()));
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void close() {}
    }

    /** A file or device. */
    record Bytes(Path path, FileChannel channel) implements EntropySource {
        @Override
        public void fill(BitString bits) {
            try {
                var buffer = bits.bytes().asByteBuffer();
                while (buffer.hasRemaining()) {
                    if (channel.read(buffer) < 0) {
                        throw new EOFException("random bytes run out: " + bits.byteCount() + " were needed, the last "
                                + buffer.remaining() + " are missing");
                    }
                }
                bits.clearPadding();
            } catch (IOException e) {
                throw new EntropyException(path, String.valueOf(e.getMessage()));
            }
        }

        @Override
        public void close() {
            try {
                channel.close();
            } catch (IOException e) {
                throw new UncheckedIOException(path + " cannot be closed", e);
            }
        }
    }
}
