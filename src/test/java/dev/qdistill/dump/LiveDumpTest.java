package dev.qdistill.dump;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.security.Protocol;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A dump that is read while it is written. */
final class LiveDumpTest {
    private static final Duration SHORT = Duration.ofMillis(50);
    private static final Duration LONG = Duration.ofSeconds(20);

    private static final DumpHeader HEADER = DumpHeader.qraw(
            DumpKind.RAW,
            Role.BOB,
            Protocol.SINGLE_PHOTON,
            new SessionId(1, 2),
            new LinkParameters("metro", 1e9, Instant.EPOCH, List.of(.4), List.of(1.0), .9, .9));

    private Pipe pipe;
    private DumpWriter writer;
    private LiveDump reader;

    @BeforeEach
    void begin() throws IOException {
        pipe = Pipe.open();
        writer = DumpWriter.stream("pipe", pipe.sink(), HEADER);
        reader = new LiveDump("the stream", pipe.source());
    }

    @AfterEach
    void close() {
        reader.close();
        writer.close();
    }

    private void write(long firstPulse, int count) {
        for (int i = 0; i < count; i++) {
            writer.bob(firstPulse + i, i & 1, i >> 1 & 1, i >> 2 & 1);
        }
        writer.flush();
    }

    @Test
    void givesRecordsLongBeforeTheStreamEnds() throws InterruptedException {
        assertEquals(HEADER, reader.header());
        assertFalse(reader.await(SHORT));
        long pulse = 0;
        for (int count : new int[] {10, 1, 100, 70_000}) {
            write(pulse, count);
            for (int at = 0; at < count; at += reader.batch().count()) {
                assertTrue(reader.await(LONG));
                assertTrue(reader.next());
                assertEquals(pulse + at, reader.batch().pulses()[0]);
                assertTrue(reader.batch().bits().get(reader.batch().count() - 1) == ((count - 1 >> 1 & 1) == 1)
                        || at + reader.batch().count() < count);
            }
            pulse += count;
            assertFalse(reader.await(SHORT));
        }
        writer.finish(1_000_000);
        assertTrue(reader.await(LONG));
        assertFalse(reader.next());
        assertFalse(reader.next());
        assertEquals(pulse, reader.totals().records());
        assertEquals(reader.position(), reader.size());
    }

    @Test
    void whatIsCutGivesItsWholeChunksAndThenSaysWhere() throws IOException {
        write(5, 1000);
        long whole = wholeBytes();
        pipe.sink().write(ByteBuffer.wrap(new byte[] {'C', 'H', 'N', 'K', 1, 0}));
        pipe.sink().close();
        assertTrue(reader.next());
        assertEquals(1000, reader.batch().count());
        BadInputException e = assertThrows(BadInputException.class, reader::next);
        assertTrue(
                e.getMessage().startsWith("the stream at byte " + (whole + 6) + ": the stream is cut"), e.getMessage());
        assertEquals(whole + 6, e.offset().orElseThrow());
        assertEquals(e, reader.failure().orElseThrow());
        assertThrows(BadInputException.class, reader::next);
    }

    private long wholeBytes() {
        assertTrue(reader.next());
        long bytes = reader.position();
        write(10_000, 1000);
        return bytes + (bytes - Qraw.HEADER_BYTES);
    }

    @Test
    void whatIsDamagedOrTooLongSaysWhere() throws IOException {
        pipe.sink()
                .write(ByteBuffer.wrap("CHNKabcdefgh".repeat(4).getBytes(java.nio.charset.StandardCharsets.US_ASCII)));
        BadInputException e = assertThrows(BadInputException.class, reader::next);
        assertTrue(
                e.getMessage().startsWith("the stream at byte 300: the header of chunk 0 is damaged"), e.getMessage());
    }

    @Test
    void whatFollowsTheEndIsAnError() throws IOException {
        Pipe other = Pipe.open();
        ByteBuffer dump = ByteBuffer.allocate(1000);
        try (DumpWriter whole = DumpWriter.stream("memory", new Memory(dump), HEADER)) {
            whole.finish(10);
        }
        dump.put((byte) 1).flip();
        other.sink().write(dump);
        try (LiveDump longer = new LiveDump("long", other.source())) {
            BadInputException e = assertThrows(BadInputException.class, longer::next);
            assertEquals("long at byte 352: bytes follow the end of the dump", e.getMessage());
        }
    }

    private record Memory(ByteBuffer bytes) implements java.nio.channels.WritableByteChannel {
        @Override
        public int write(ByteBuffer source) {
            int length = source.remaining();
            bytes.put(source);
            return length;
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }

    @Test
    void closingEndsWaiting() throws Exception {
        CompletableFuture<Boolean> waiting = CompletableFuture.supplyAsync(reader::next);
        Thread.sleep(30);
        reader.close();
        assertThrows(CancellationException.class, () -> {
            try {
                waiting.join();
            } catch (java.util.concurrent.CompletionException e) {
                throw e.getCause();
            }
        });
    }
}
