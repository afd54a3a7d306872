package dev.qdistill.auth;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.amplify.EntropySource;
import dev.qdistill.keystore.Site;
import dev.qdistill.verify.PolynomialHash;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tags over both ends' messages. */
final class TranscriptTest {
    private static final BigInteger P = BigInteger.ONE.shiftLeft(127).subtract(BigInteger.ONE);

    @TempDir
    Path dir;

    private PadPool alicePool;
    private PadPool bobPool;
    private final AuthenticationLog aliceLog = new AuthenticationLog();
    private final AuthenticationLog bobLog = new AuthenticationLog();
    private Authenticator alice;
    private Authenticator bob;

    @BeforeEach
    void open() {
        try (EntropySource entropy = EntropySource.system()) {
            PadPool.makePreShared(dir.resolve("a.qpad"), dir.resolve("b.qpad"), "lab", 40, entropy);
        }
        PadPool.install(dir.resolve("a.qpad"), dir.resolve("a"));
        PadPool.install(dir.resolve("b.qpad"), dir.resolve("b"));
        alicePool = PadPool.open(dir.resolve("a"), "lab", Site.ALICE);
        bobPool = PadPool.open(dir.resolve("b"), "lab", Site.BOB);
        alice = new Authenticator(alicePool, Site.ALICE, aliceLog);
        bob = new Authenticator(bobPool, Site.BOB, bobLog);
    }

    @AfterEach
    void close() {
        alicePool.close();
        bobPool.close();
    }

    private static byte[] bytes(Random random, int n) {
        byte[] b = new byte[n];
        random.nextBytes(b);
        return b;
    }

    @Test
    void theOtherEndAcceptsTheTagAndBothCountIt() {
        Random random = new Random(1);
        for (int n = 0; n < 5; n++) {
            Transcript a = alice.transcript(n);
            Transcript b = bob.transcript(n);
            for (int i = 0; i < 20; i++) {
                byte[] message = bytes(random, random.nextInt(400));
                Site speaker = random.nextBoolean() ? Site.ALICE : Site.BOB;
                a.said(speaker, message);
                b.said(speaker, message);
            }
            a.verify(b.sign());
            b.verify(a.sign());
            a.verify(b.sign());
        }
        assertEquals(5, aliceLog.counts().made());
        assertEquals(10, aliceLog.counts().checked());
        assertEquals(0, aliceLog.counts().refused());
        assertEquals(aliceLog.counts().epsilon(), bobLog.counts().epsilon(), 1e-45);
        assertTrue(aliceLog.counts().epsilon() > 0 && aliceLog.counts().epsilon() < 1e-33);
    }

    @Test
    void theOrderInWhichTheTwoEndsSpokeTogetherDoesNotMatterButEachOnesDoes() {
        byte[] one = {1};
        byte[] two = {2};
        Transcript a = alice.transcript(0);
        Transcript b = bob.transcript(0);
        a.said(Site.ALICE, one);
        a.said(Site.BOB, two);
        b.said(Site.BOB, two);
        b.said(Site.ALICE, one);
        a.verify(b.sign());
        a.said(Site.ALICE, one);
        a.said(Site.ALICE, two);
        b.said(Site.ALICE, two);
        b.said(Site.ALICE, one);
        refused(() -> a.verify(b.sign()));
    }

    @Test
    void whateverDiffersIsRefused() {
        byte[] message =
                "some bytes that are not short, so that there are several words".getBytes(StandardCharsets.UTF_8);
        differs(t -> t.said(Site.ALICE, message), t -> t.said(Site.BOB, message));
        differs(t -> t.said(Site.ALICE, message), t -> {});
        differs(t -> t.said(Site.ALICE, message), t -> {
            t.said(Site.ALICE, Arrays.copyOf(message, 10));
            t.said(Site.ALICE, Arrays.copyOfRange(message, 10, message.length));
        });
        differs(t -> t.said(Site.ALICE, message), t -> t.said(Site.ALICE, Arrays.copyOf(message, message.length + 1)));
        for (int bit = 0; bit < 8 * message.length; bit += 37) {
            byte[] flipped = message.clone();
            flipped[bit >> 3] ^= (byte) (1 << (bit & 7));
            differs(t -> t.said(Site.BOB, message), t -> t.said(Site.BOB, flipped));
        }
        // The same words in another conversation, under other nonces, as another tag, by the other end.
        Transcript other = alice.transcript(8);
        refused(() -> other.verify(bob.transcript(7).sign()));
        Transcript before = alice.transcript(9);
        bob.nonces(new long[] {1, 2, 3, 4});
        refused(() -> before.verify(bob.transcript(9).sign()));
        bob.nonces(new long[4]);
        Transcript b = bob.transcript(10);
        Transcript a = alice.transcript(10);
        b.sign();
        refused(() -> a.verify(b.sign()));
        assertEquals(aliceLog.counts().refused(), aliceLog.counts().checked());
    }

    private void differs(Consumer<Transcript> atAlice, Consumer<Transcript> atBob) {
        Transcript a = alice.transcript(3);
        Transcript b = bob.transcript(3);
        atAlice.accept(a);
        atBob.accept(b);
        refused(() -> a.verify(b.sign()));
    }

    private static void refused(Runnable verification) {
        assertThrows(AuthenticationException.class, verification::run);
    }

    @Test
    void aPadServesOneVerificationRightOrWrong() {
        Transcript a = alice.transcript(0);
        Transcript b = bob.transcript(0);
        Tag tag = b.sign();
        Tag forged = new Tag(tag.pad(), tag.low() ^ 1, tag.high());
        refused(() -> a.verify(forged));
        refused(() -> alice.transcript(0).verify(tag));
        Tag second = b.sign();
        Transcript fresh = alice.transcript(0);
        refused(() -> fresh.verify(second)); // the first of this transcript is due
        assertEquals(3, aliceLog.counts().refused());
    }

    @Test
    void theHashIsThePolynomialOfTheDescription() {
        Random random = new Random(5);
        for (int groups : new int[] {1, 2, 3, 7, 40}) {
            long low = random.nextLong();
            long high = random.nextLong() & Long.MAX_VALUE;
            byte[] data = bytes(random, groups * PolynomialHash.GROUP_BYTES);
            PolynomialHash hash = new PolynomialHash(low, high);
            hash.update(data, 0, groups);
            BigInteger k = number(low, high);
            BigInteger expected = BigInteger.ZERO;
            ByteBuffer words = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
            while (words.hasRemaining()) {
                expected = expected.add(number(words.getLong(), 0)).multiply(k).mod(P);
            }
            assertEquals(expected, number(hash.value()[0], hash.value()[1]));

            int first = random.nextInt(groups + 1);
            PolynomialHash front = new PolynomialHash(low, high);
            front.update(data, 0, first);
            PolynomialHash back = new PolynomialHash(low, high);
            back.update(data, first * PolynomialHash.GROUP_BYTES, groups - first);
            front.append(back);
            assertEquals(expected, number(front.value()[0], front.value()[1]));
            assertEquals(groups, front.groups());
        }
        long[] all = {-1, Long.MAX_VALUE};
        assertEquals(BigInteger.ZERO, number(PolynomialHash.plus(all, new long[2])));
        assertEquals(BigInteger.ONE, number(PolynomialHash.plus(all, new long[] {1, 0})));
    }

    private static BigInteger number(long... words) {
        BigInteger low = new BigInteger(Long.toUnsignedString(words[0]));
        return low.add(new BigInteger(Long.toUnsignedString(words[1])).shiftLeft(64));
    }

    @Test
    void memoryDoesNotGrowWithTheMessages() {
        Transcript a = alice.transcript(0);
        Transcript b = bob.transcript(0);
        byte[] chunk = bytes(new Random(3), 100_003);
        for (int i = 0; i < 300; i++) {
            a.said(Site.BOB, chunk);
            b.said(Site.BOB, chunk);
        }
        a.verify(b.sign());
    }
}
