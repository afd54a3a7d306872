package dev.qdistill.auth;

import dev.qdistill.keystore.Site;
import dev.qdistill.verify.PolynomialHash;
import java.util.Arrays;

/**
 * What both ends said in one conversation, as far as it is needed for tags: hashed as it passes, in constant memory.
 *
 * <p>A tag is over the string
 *
 * <pre>
 *   Alice's messages ‖ Bob's messages ‖ 16 words: name of the format, direction, conversation, number of the tag, both ends'
 *   nonces (two words each), and for each end the number of messages and the bytes
 * </pre>
 *
 * where each message is preceded by its length in eight bytes, and each end's part is padded with zeros to a multiple of
 * {@value PolynomialHash#GROUP_BYTES} bytes. The last words tell where the parts end, so different conversations are different
 * strings. With the string as L words of 64 bits, h is the polynomial (1) of {@link PolynomialHash} at the secret point k of 127
 * bits, and with a pad r of 127 bits
 *
 * <pre>
 *   (1)  tag = h + r mod p,  p = 2^127 - 1
 * </pre>
 *
 * <p>Bound (M. N. Wegman, J. L. Carter, J. Comput. Syst. Sci. 22, 265 (1981), for this hash). A forger who saw one string and its
 * tag needs h' - h = d for another string and a d of his choice: a polynomial in k of degree at most L without constant term,
 * not zero, has this value at no more than L points. A point that is not 0 is k with probability 2^-127, the point 0 with 2^-126.
 * The residue of r is uniform but for 0, which comes from two strings: that is a distance of less than 2^-127 from a uniform
 * pad, under which tags say nothing of k, so that k serves for any number of them. Together a tag is accepted wrongly, or
 * spoils the next ones, with probability at most
 *
 * <pre>
 *   (2)  ε(L) = (L + 2) / 2^127
 * </pre>
 *
 * <p>For a block of 10^8 detections L is about 4·10^6 and ε 3e-32. ε adds over the tags made and checked.
 */
public final class Transcript {
    private static final long FORMAT = 0x3176_6874_7561_6471L; // qdauthv1
    private static final int LENGTH_BYTES = 8;

    private final PadPool pool;
    private final AuthenticationLog log;
    private final Site site;
    private final long conversation;
    private final long[] nonces;
    private final Stream alice;
    private final Stream bob;
    private int made;
    private int checked;

    Transcript(PadPool pool, AuthenticationLog log, Site site, long conversation, long[] nonces) {
        this.pool = pool;
        this.log = log;
        this.site = site;
        this.conversation = conversation;
        this.nonces = nonces;
        this.alice = new Stream(pool.hash());
        this.bob = new Stream(pool.hash());
    }

    /** Adds a message of {@code speaker}'s, the whole array. */
    public void said(Site speaker, byte[] message) {
        (speaker == Site.ALICE ? alice : bob).message(message);
    }

    /**
     * This site's tag over all that was said so far.
     *
     * @throws AuthenticationException if there is no pad left
     */
    public Tag sign() {
        Direction direction = Direction.from(site);
        PolynomialHash hash = hash(direction, made++);
        try (PadPool.Pad pad = pool.take(direction)) {
            long[] value = PolynomialHash.plus(hash.value(), pad.value());
            log.made(epsilon(hash));
            return new Tag(pad.id(), value[0], value[1]);
        }
    }

    /**
     * Checks the peer's tag over all that was said so far. The pad is spent, whether it is right or wrong.
     *
     * @throws AuthenticationException if it is wrong, or its pad is spent or unknown
     */
    public void verify(Tag tag) {
        Direction direction = Direction.from(site).reverse();
        PolynomialHash hash = hash(direction, checked++);
        boolean right;
        try (PadPool.Pad pad = pool.claim(direction, tag.pad())) {
            long[] expected = PolynomialHash.plus(hash.value(), pad.value());
            // No early exit: the time tells nothing of the expected value.
            right = (expected[0] ^ tag.low() | expected[1] ^ tag.high()) == 0;
        } catch (AuthenticationException e) {
            log.refused();
            throw e;
        }
        log.checked(epsilon(hash), right);
        if (!right) {
            throw AuthenticationException.refused(
                    "the peer's tag does not fit what was received: it was changed on its way,"
                            + " or is not from the peer, or the two ends do not have the same authentication key");
        }
    }

    private PolynomialHash hash(Direction direction, int number) {
        PolynomialHash hash = alice.padded();
        hash.append(bob.padded());
        hash.update(new long[] {
            FORMAT,
            direction.code(),
            conversation,
            number,
            nonces[0],
            nonces[1],
            nonces[2],
            nonces[3],
            alice.messages,
            alice.bytes,
            bob.messages,
            bob.bytes,
            0,
            0,
            0,
            0
        });
        return hash;
    }

    private static double epsilon(PolynomialHash hash) {
        return Math.scalb((double) (hash.groups() * PolynomialHash.GROUP + 2), -PolynomialHash.FIELD_BITS);
    }

    /** One end's messages. */
    private static final class Stream {
        private final PolynomialHash hash;
        private final byte[] pending = new byte[PolynomialHash.GROUP_BYTES];
        private final byte[] length = new byte[LENGTH_BYTES];
        private int filled;
        long messages;
        long bytes;

        Stream(PolynomialHash hash) {
            this.hash = hash;
        }

        void message(byte[] message) {
            for (int i = 0; i < LENGTH_BYTES; i++) {
                length[i] = (byte) ((long) message.length >>> 8 * i);
            }
            update(length);
            update(message);
            messages++;
            bytes += message.length;
        }

        private void update(byte[] data) {
            int at = Math.min(data.length, pending.length - filled);
            System.arraycopy(data, 0, pending, filled, at);
            filled += at;
            if (filled < pending.length) {
                return;
            }
            hash.update(pending, 0, 1);
            int whole = (data.length - at) / pending.length;
            hash.update(data, at, whole);
            at += whole * pending.length;
            filled = data.length - at;
            System.arraycopy(data, at, pending, 0, filled);
        }

        /** The hash with what is pending, padded; this stream goes on. */
        PolynomialHash padded() {
            PolynomialHash copy = new PolynomialHash(hash);
            if (filled > 0) {
                copy.update(Arrays.copyOf(Arrays.copyOf(pending, filled), pending.length), 0, 1);
            }
            return copy;
        }
    }
}
