package dev.qdistill.dump;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.security.Protocol;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class QrawTest {
    private static final LinkParameters LINK = new LinkParameters(
            "metro Ä",
            1e9,
            Instant.parse("2026-03-01T12:00:00.123456789Z"),
            List.of(.51, .15),
            List.of(.7, .3),
            .9,
            .8);

    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 63, 64, 65, 65_535, 65_536, 65_537, 200_000})
    void readsWhatWasWritten(int records) {
        // Gaps of many widths, and one beyond the widest: that starts a new chunk.
        SplittableRandom random = new SplittableRandom(records);
        long[] pulses = new long[records];
        int[] flags = new int[records];
        long pulse = -1;
        for (int i = 0; i < records; i++) {
            int bits = i % 1000 == 999 ? random.nextInt(1, 50) : random.nextInt(1, 15);
            pulse += 1 + random.nextLong(1L << bits);
            if (i == 100 || i == 300) {
                pulse += 1L << 56 - i / 300;
            }
            pulses[i] = pulse;
            flags[i] = random.nextInt(8);
        }
        Path alice = directory.resolve("a");
        Path bob = directory.resolve("b");
        DumpHeader a = header(DumpKind.RAW, Role.ALICE, Protocol.ONE_DECOY);
        DumpHeader b = header(DumpKind.RAW, Role.BOB, Protocol.ONE_DECOY);
        SentPulses sent = new SentPulses(new long[] {pulse + 1, 2}, new long[] {3, 4});
        try (DumpWriter aw = DumpWriter.create(alice, a);
                DumpWriter bw = DumpWriter.create(bob, b)) {
            for (int i = 0; i < records; i++) {
                aw.alice(pulses[i], flags[i] & 1, flags[i] >> 1 & 1, flags[i] >> 2);
                bw.bob(pulses[i], flags[i] & 1, flags[i] >> 1 & 1, flags[i] >> 2);
            }
            aw.finish(sent);
            bw.finish(sent.total());
        }
        try (DumpReader ar = DumpReader.open(alice);
                DumpReader br = DumpReader.open(bob)) {
            DumpReader.requirePair(ar, br);
            assertEquals(a, ar.header());
            assertEquals(b, br.header());
            int at = 0;
            while (ar.next()) {
                assertTrue(br.next());
                RecordBatch ab = ar.batch();
                RecordBatch bb = br.batch();
                assertEquals(ab.count(), bb.count());
                assertEquals(ab.count(), ab.basis().length());
                assertArrayEquals(
                        Arrays.copyOfRange(pulses, at, at + ab.count()), Arrays.copyOf(ab.pulses(), ab.count()));
                assertArrayEquals(
                        Arrays.copyOfRange(pulses, at, at + ab.count()), Arrays.copyOf(bb.pulses(), ab.count()));
                for (int i = 0; i < ab.count(); i++, at++) {
                    assertEquals((flags[at] & 1) != 0, ab.basis().get(i));
                    assertEquals((flags[at] & 2) != 0, ab.bits().get(i));
                    assertEquals((flags[at] & 4) != 0, ab.intensityLow().get(i));
                    assertFalse(ab.intensityHigh().get(i));
                    assertEquals((flags[at] & 1) != 0, bb.basis().get(i));
                    assertEquals((flags[at] & 2) != 0, bb.bits().get(i));
                    assertEquals((flags[at] & 4) != 0, bb.doubleClicks().get(i));
                }
            }
            assertFalse(br.next());
            assertEquals(records, at);
            assertEquals(records, ar.totals().records());
            assertEquals(sent, ar.totals().sent().orElseThrow());
            assertEquals(sent.total(), br.totals().pulses().orElseThrow());
        }
    }

    @Test
    void readsEveryKindRoleAndProtocol() throws IOException {
        Map<Protocol, Integer> codes = Map.of(Protocol.ONE_DECOY, 1, Protocol.TWO_DECOY, 2, Protocol.SINGLE_PHOTON, 3);
        for (DumpKind kind : DumpKind.values()) {
            for (Protocol protocol : Protocol.values()) {
                Path file = directory.resolve(kind.id() + protocol.id());
                List<Double> mu = List.of(.5, .1, .01).subList(0, protocol.intensities());
                List<Double> p = List.of(List.of(1.), List.of(.6, .4), List.of(.6, .3, .1))
                        .get(mu.size() - 1);
                LinkParameters link = new LinkParameters("", 1e6, Instant.EPOCH, mu, p, 1, 0);
                SessionId session = new SessionId(-1, 1);
                DumpHeader a = DumpHeader.qraw(kind, Role.ALICE, protocol, session, link);
                long[] z = new long[mu.size()];
                long[] x = new long[mu.size()];
                try (DumpWriter writer = DumpWriter.create(file, a)) {
                    for (int i = 0; i < 70_000; i++) {
                        writer.alice(i, i % 7 & 1, i % 5 & 1, i % mu.size());
                        (i % 7 % 2 == 0 ? z : x)[i % mu.size()]++;
                    }
                    writer.finish(new SentPulses(z, x));
                }
                try (InputStream in = Files.newInputStream(file)) {
                    assertEquals(codes.get(protocol), (int) in.readNBytes(15)[14]);
                }
                try (DumpReader reader = DumpReader.open(file)) {
                    assertEquals(a, reader.header());
                    assertEquals(protocol != Protocol.SINGLE_PHOTON, a.has(Column.INTENSITY));
                    int n = 0;
                    while (reader.next()) {
                        RecordBatch batch = reader.batch();
                        for (int i = 0; i < batch.count(); i++, n++) {
                            assertEquals(n, batch.pulses()[i]);
                            assertEquals(n % 7 % 2 != 0, batch.basis().get(i));
                            assertEquals(n % 5 % 2 != 0, batch.bits().get(i));
                            if (a.has(Column.INTENSITY)) {
                                assertEquals(
                                        n % mu.size(),
                                        (batch.intensityLow().get(i) ? 1 : 0)
                                                + (batch.intensityHigh().get(i) ? 2 : 0));
                            }
                        }
                    }
                    assertEquals(new SentPulses(z, x), reader.totals().sent().orElseThrow());
                }
            }
        }
        assertThrows(IllegalArgumentException.class, () -> header(DumpKind.FULL_PULSE, Role.BOB, Protocol.ONE_DECOY));
        assertThrows(IllegalArgumentException.class, () -> header(DumpKind.RAW, Role.BOB, Protocol.TWO_DECOY));
    }

    @Test
    void leavesNothingWithoutFinish() throws IOException {
        Path file = Files.writeString(directory.resolve("old"), "old");
        try (DumpWriter writer = DumpWriter.create(file, header(DumpKind.RAW, Role.BOB, Protocol.ONE_DECOY))) {
            writer.bob(1, 0, 0, 0);
        }
        assertEquals("old", Files.readString(file));
        assertEquals(List.of("old"), names());
    }

    @Test
    void writesOnlyForTheOwner() throws IOException {
        Path file = directory.resolve("f");
        try (DumpWriter writer = DumpWriter.create(file, header(DumpKind.RAW, Role.BOB, Protocol.ONE_DECOY))) {
            writer.finish(0);
        }
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        assertEquals(List.of("f"), names());
    }

    @Test
    void refusesIndicesThatDoNotIncrease() {
        Path file = directory.resolve("f");
        try (DumpWriter writer = DumpWriter.create(file, header(DumpKind.RAW, Role.BOB, Protocol.ONE_DECOY))) {
            writer.bob(5, 0, 0, 0);
            assertThrows(IllegalArgumentException.class, () -> writer.bob(5, 0, 0, 0));
        }
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(f -> f.getFileName().toString()).sorted().toList();
        }
    }

    private static DumpHeader header(DumpKind kind, Role role, Protocol protocol) {
        return DumpHeader.qraw(kind, role, protocol, new SessionId(0x0123456789abcdefL, 7), LINK);
    }
}
