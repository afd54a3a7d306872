package dev.qdistill.auth;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.amplify.EntropySource;
import dev.qdistill.bits.BitString;
import dev.qdistill.keystore.Site;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pads are used once, whatever happens. */
final class PadPoolTest {
    private static final Direction OUT = Direction.ALICE_TO_BOB;
    private static final Direction IN = Direction.BOB_TO_ALICE;

    @TempDir
    Path dir;

    private PadPool pool(int blocks) {
        make(blocks);
        PadPool.install(dir.resolve("b.qpad"), dir.resolve("b"));
        return PadPool.open(dir.resolve("a"), "lab", Site.ALICE);
    }

    private void make(int blocks) {
        try (EntropySource entropy = EntropySource.system()) {
            PadPool.makePreShared(dir.resolve("a.qpad"), dir.resolve("b.qpad"), "lab", blocks, entropy);
        }
        PadPool.install(dir.resolve("a.qpad"), dir.resolve("a"));
    }

    @Test
    void bothSitesHaveTheSamePadsAndUseEachOnce() {
        Set<PadId> seen = new HashSet<>();
        try (PadPool a = pool(10);
                PadPool b = PadPool.open(dir.resolve("b"), "lab", Site.BOB)) {
            assertEquals(10, a.blocks());
            for (int i = 0; i < 10; i++) {
                try (PadPool.Pad mine = a.take(OUT);
                        PadPool.Pad theirs = b.claim(OUT, mine.id())) {
                    assertEquals(mine.value()[0], theirs.value()[0]);
                    assertEquals(mine.value()[1], theirs.value()[1]);
                    assertTrue(mine.value()[0] != 0 && seen.add(mine.id()));
                }
            }
            AuthenticationException e = assertThrows(AuthenticationException.class, () -> a.take(OUT));
            assertTrue(e.dry() && String.valueOf(e.getMessage()).contains("keys psk"));
            assertEquals(0, a.blocks());
            assertEquals(20, a.remaining(IN));
        }
    }

    @Test
    void aCrashAfterAnyStepBringsNoPadBack() throws IOException {
        PadPool a = pool(40);
        Set<PadId> used = new HashSet<>();
        try (a) {
            UUID supply = a.active().getFirst();
            for (int i = 0; i < 12; i++) {
                used.add(a.take(OUT).id());
                PadId claimed = new PadId(supply, 3 * i);
                a.claim(IN, claimed);
                // What is on the disk now is what a crash would leave.
                Path copy = copy(dir.resolve("a"), "crash" + i);
                try (PadPool after = PadPool.open(copy, "lab", Site.ALICE)) {
                    for (int j = 0; j < 5; j++) {
                        try (PadPool.Pad pad = after.take(OUT)) {
                            assertFalse(used.contains(pad.id()), "used again: " + pad.id());
                            assertTrue(pad.value()[0] != 0);
                        }
                    }
                    assertThrows(AuthenticationException.class, () -> after.claim(IN, claimed));
                }
            }
        }
    }

    @Test
    void markedButNotYetWipedPadsAreWipedWhenThePoolIsOpened() throws IOException {
        make(2);
        Path file;
        try (Stream<Path> files = Files.list(dir.resolve("a"))) {
            file = files.filter(f -> f.toString().endsWith(".qpad")).findFirst().orElseThrow();
        }
        byte[] bytes = Files.readAllBytes(file);
        bytes[Supply.HEADER] = 1; // as a crash right after marking leaves it
        Files.write(file, bytes);
        PadPool.open(dir.resolve("a"), "lab", Site.ALICE).close();
        byte[] after = Files.readAllBytes(file);
        int first = Supply.HEADER + 2 + 4;
        for (int i = 0; i < Supply.PAD_BYTES; i++) {
            assertEquals(0, after[first + i]);
        }
        assertFalse(allZero(after, first + Supply.PAD_BYTES));
    }

    private static boolean allZero(byte[] bytes, int from) {
        int or = 0;
        for (int i = from; i < from + Supply.PAD_BYTES; i++) {
            or |= bytes[i];
        }
        return or == 0;
    }

    @Test
    void usedPadsAreOverwrittenAndFilesAreTheOwnersAlone() throws IOException {
        try (PadPool a = pool(4)) {
            for (int i = 0; i < 4; i++) {
                a.take(OUT).close();
            }
        }
        Path file;
        try (Stream<Path> files = Files.list(dir.resolve("a"))) {
            file = files.filter(f -> f.toString().endsWith(".qpad")).findFirst().orElseThrow();
        }
        byte[] bytes = Files.readAllBytes(file);
        for (int i = 0; i < 4; i++) {
            assertTrue(allZero(bytes, Supply.HEADER + 12 + Supply.PAD_BYTES * i));
        }
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(dir.resolve("a"))));
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
        assertThrows(PoolException.class, () -> PadPool.open(dir.resolve("a"), "lab", Site.ALICE));
    }

    @Test
    void onlyTheRightPadsCanBeClaimed() {
        try (PadPool a = pool(1000)) {
            UUID supply = a.active().getFirst();
            assertThrows(AuthenticationException.class, () -> a.claim(IN, new PadId(new UUID(1, 2), 0)));
            assertThrows(AuthenticationException.class, () -> a.claim(IN, new PadId(supply, -1)));
            assertThrows(AuthenticationException.class, () -> a.claim(IN, new PadId(supply, 2000)));
            assertThrows(AuthenticationException.class, () -> a.claim(IN, new PadId(supply, 600)));
            a.claim(IN, new PadId(supply, 250)).close();
            // What lies too far behind is given up; what may be on its way is not.
            assertThrows(AuthenticationException.class, () -> a.claim(IN, new PadId(supply, 100)));
            a.claim(IN, new PadId(supply, 200)).close();
            assertEquals(2000 - 122 - 2, a.remaining(IN));
        }
    }

    @Test
    void aSupplyIsUsedWhenBothSitesHaveIt() {
        UUID id = new UUID(4, 4);
        try (PadPool a = pool(1);
                BitString bits = BitString.random(PadPool.PADS_OF_BLOCK * PadPool.KEY_BITS * 5L, new Random(4))) {
            a.take(OUT).close();
            a.stage(id, bits);
            assertEquals(List.of(id), a.staged());
            assertEquals(0, a.remaining(OUT));
            assertThrows(AuthenticationException.class, () -> a.take(OUT));
            assertThrows(AuthenticationException.class, () -> a.claim(IN, new PadId(id, 0)));
            a.receive(id);
            assertThrows(AuthenticationException.class, () -> a.take(OUT));
            a.claim(IN, new PadId(id, 0)).close();
            a.activate(id);
            try (PadPool.Pad pad = a.take(OUT)) {
                assertEquals(new PadId(id, 0), pad.id());
                assertEquals(bits.bits(0, 64), pad.value()[0]);
                assertEquals(bits.bits(64, 63), pad.value()[1]);
            }
        }
        try (PadPool a = PadPool.open(dir.resolve("a"), "lab", Site.ALICE)) {
            assertEquals(4 - 3, a.remaining(OUT)); // three were reserved when it was closed
            a.discard(id); // too late
            assertEquals(2, a.active().size());
        }
    }

    @Test
    void whatIsStagedCanBeDiscarded() throws IOException {
        UUID id = new UUID(4, 4);
        try (PadPool a = pool(1);
                BitString bits = BitString.random(PadPool.PADS_OF_BLOCK * PadPool.KEY_BITS, new Random(4))) {
            a.stage(id, bits);
            a.discard(id);
            a.activate(id);
            assertEquals(1, a.active().size());
        }
        assertFalse(Files.exists(dir.resolve("a").resolve(id + ".qpad")));
    }

    @Test
    void aPreSharedKeyIsInstalledOnceAtItsSite() throws IOException {
        make(3);
        assertFalse(Files.exists(dir.resolve("a.qpad")));
        Path again = dir.resolve("again.qpad");
        try (Stream<Path> files = Files.list(dir.resolve("a"))) {
            Files.copy(
                    files.filter(f -> f.toString().endsWith(".qpad"))
                            .findFirst()
                            .orElseThrow(),
                    again,
                    StandardCopyOption.COPY_ATTRIBUTES);
        }
        assertThrows(PoolException.class, () -> PadPool.install(again, dir.resolve("a")));
        assertThrows(PoolException.class, () -> PadPool.install(dir.resolve("b.qpad"), dir.resolve("a")));
        assertThrows(PoolException.class, () -> PadPool.open(dir.resolve("a"), "lab", Site.BOB));
        assertThrows(PoolException.class, () -> PadPool.open(dir.resolve("a"), "other", Site.ALICE));
        assertThrows(PoolException.class, () -> PadPool.open(dir.resolve("nowhere"), "lab", Site.ALICE));
        Files.write(again, new byte[100]);
        assertThrows(PoolException.class, () -> PadPool.install(again, dir.resolve("c")));
    }

    @Test
    void theLedgerOutlivesTheProcess() throws IOException {
        Files.createDirectories(dir.resolve("p"));
        AuthenticationLog log = new AuthenticationLog();
        EpsilonLedger ledger = new EpsilonLedger(dir.resolve("p"), log);
        log.made(1e-33);
        ledger.block(1e-9, 1e-15, 1000, 381);
        log.checked(2e-33, false);
        ledger.cut(1e-9);
        ledger.block(1e-9, 1e-15, 1000, 0);
        EpsilonLedger.Totals t = new EpsilonLedger(dir.resolve("p"), new AuthenticationLog()).totals();
        assertEquals(ledger.totals(), t);
        assertEquals(new EpsilonLedger.Totals(2, 2e-9, 2e-15, 1, 1, 1, 3e-33, 1e-9, 2000, 381), t);
        Files.writeString(dir.resolve("p").resolve(EpsilonLedger.FILE), "{");
        assertThrows(PoolException.class, () -> EpsilonLedger.read(dir.resolve("p")));
    }

    private Path copy(Path from, String name) throws IOException {
        Path to = dir.resolve(name);
        Files.createDirectory(to, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        try (Stream<Path> files = Files.list(from)) {
            for (Path f : files.toList()) {
                Files.copy(f, to.resolve(String.valueOf(f.getFileName())), StandardCopyOption.COPY_ATTRIBUTES);
            }
        }
        return to;
    }
}
