package dev.qdistill.cli;

import com.google.protobuf.Message;
import dev.qdistill.agent.DeviceClient;
import dev.qdistill.agent.DeviceProblem;
import dev.qdistill.dump.BadInputException;
import dev.qdistill.dump.Column;
import dev.qdistill.dump.DumpFormat;
import dev.qdistill.dump.DumpReader;
import dev.qdistill.dump.DumpWriter;
import dev.qdistill.dump.RecordBatch;
import dev.qdistill.dump.Role;
import dev.qdistill.keystore.KeyStoreException;
import dev.qdistill.wire.v1.BlockResult;
import dev.qdistill.wire.v1.Key;
import dev.qdistill.wire.v1.KeysByIdRequest;
import dev.qdistill.wire.v1.KeysResponse;
import dev.qdistill.wire.v1.LinkStatus;
import dev.qdistill.wire.v1.NewKeysRequest;
import dev.qdistill.wire.v1.Result;
import dev.qdistill.wire.v1.ResultsRequest;
import dev.qdistill.wire.v1.SendResponse;
import dev.qdistill.wire.v1.SessionResult;
import dev.qdistill.wire.v1.StatusRequest;
import dev.qdistill.wire.v1.StatusResponse;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/** {@code device}: what device agents do at an agent's socket, from a shell. */
@Command(
        name = "device",
        mixinStandardHelpOptions = true,
        description =
                "Speaks to an agent over its device socket, as the programs beside the optics do: docs/device.md. A"
                        + " call that the agent refuses ends with the exit code that it says.",
        subcommands = {
            DeviceCommand.ShowStatus.class,
            DeviceCommand.Send.class,
            DeviceCommand.Results.class,
            DeviceCommand.Keys.class
        })
final class DeviceCommand {
    private DeviceCommand() {}

    /** What the subcommands have in common. */
    abstract static sealed class Call implements Callable<Integer> {
        @Option(names = "--socket", required = true, paramLabel = "FILE", description = "the agent's device socket")
        @SuppressWarnings("NullAway.Init") // picocli sets a required option
        Path socket;

        @Spec
        @SuppressWarnings("NullAway.Init") // picocli sets it
        CommandSpec spec;

        abstract int run(DeviceClient client) throws IOException;

        @Override
        public final Integer call() throws IOException {
            try (DeviceClient client = new DeviceClient(socket)) {
                return run(client);
            } catch (StatusRuntimeException e) {
                String said = DeviceProblem.of(e)
                        .map(DeviceProblem::message)
                        .orElseGet(() -> socket + ": no agent answers here ("
                                + e.getStatus().getCode()
                                + (e.getCause() == null
                                        ? ""
                                        : ": " + e.getCause().getMessage()) + ")");
                spec.commandLine().getErr().println("qdistill: " + said);
                return DeviceProblem.of(e).map(p -> p.code().getNumber()).orElse(ExitCode.PEER);
            }
        }

        final PrintWriter out() {
            return spec.commandLine().getOut();
        }

        final void json(Message message) {
            out().println(JsonMapper.shared()
                    .writerWithDefaultPrettyPrinter()
                    .writeValueAsString(ProtoJson.of(message)));
            out().flush();
        }
    }

    /** {@code device status}. */
    @Command(name = "status", mixinStandardHelpOptions = true, description = "Shows how the agent's links are.")
    static final class ShowStatus extends Call {
        @Option(names = "--link", paramLabel = "NAME", defaultValue = "", description = "this link only")
        @SuppressWarnings("NullAway.Init") // picocli sets it
        private String link;

        @Option(names = "--json", description = "print one JSON object")
        private boolean json;

        @Override
        int run(DeviceClient client) {
            StatusResponse status = client.calls()
                    .status(StatusRequest.newBuilder().setLink(link).build());
            if (json) {
                json(status);
                return ExitCode.OK;
            }
            out().printf("%s, at the site of %s%n", status.getAgent(), status.getRole());
            status.getLinksList().forEach(this::print);
            out().flush();
            return ExitCode.OK;
        }

        private void print(LinkStatus l) {
            out().printf("%s%n", l.getLink());
            line("peer", l.getPeer() + (l.getConnected() ? ", connected" : ", not connected"));
            if (!l.getProblem().isEmpty()) {
                line("problem", l.getProblem());
            }
            line(
                    "device",
                    l.getDeviceProblem().isEmpty()
                            ? l.getDeviceStreams() + " streams"
                            : l.getDeviceProblem() + " (" + l.getDeviceStreams() + " streams)");
            line("session in work", l.getRunning().isEmpty() ? "none" : l.getRunning());
            line("sessions waiting", Integer.toString(l.getWaitingCount()));
            line("blocks", l.getBlocks() + ", and " + l.getFailedBlocks() + " lost");
            line("key-basis bits/s", String.format(Locale.ROOT, "%,.0f", l.getKeyBasisBitsPerSecond()));
            line("authentication", "for " + l.getAuthenticatedBlocksLeft() + " blocks");
            line(
                    "key store",
                    String.format(
                            Locale.ROOT,
                            "%,d bits for this site, %,d for the other, %,d not confirmed, of %,d%s",
                            l.getOwnBits(),
                            l.getPeerBits(),
                            l.getStagedBits(),
                            l.getCapacityBits(),
                            l.getFull() ? "; full" : ""));
            l.getLastBlocksList().forEach(b -> line("block", text(b)));
        }

        private void line(String name, String value) {
            out().printf("  %-18s %s%n", name, value);
        }
    }

    private static String text(BlockResult b) {
        return String.format(
                        Locale.ROOT,
                        "%s %d: %,d detections, %,d sifted, QBER %.2f %% (test %.2f %%), f %.3f, ",
                        b.getSession(),
                        b.getBlock(),
                        b.getDetections(),
                        b.getSiftedBits(),
                        100 * b.getKeyBasisQber(),
                        100 * b.getTestBasisQber(),
                        b.getEfficiency())
                + (b.getSecretBits() > 0
                        ? String.format(Locale.ROOT, "%,d secret bits, key %s", b.getSecretBits(), b.getKeyId())
                        : "no key: " + b.getRefusal());
    }

    /** {@code device send}. */
    @Command(
            name = "send",
            mixinStandardHelpOptions = true,
            description =
                    "Sends a raw key dump to the agent as if it were being recorded, and waits until its blocks are"
                            + " over. Ends with 4 if no block gave a key.")
    static final class Send extends Call {
        private static final long SLICE_NANOS = 100_000_000;

        @Option(names = "--link", required = true, paramLabel = "NAME", description = "the link")
        @SuppressWarnings("NullAway.Init") // picocli sets a required option
        private String link;

        @Parameters(paramLabel = "FILE", description = "the dump, QRAW")
        @SuppressWarnings("NullAway.Init") // picocli sets it
        private Path file;

        @Option(
                names = "--rate",
                paramLabel = "N",
                description = "records a second, sent every 100 ms; default: as fast as the agent takes them")
        private @Nullable Double rate;

        @Option(names = "--json", description = "print one JSON object")
        private boolean json;

        @Override
        int run(DeviceClient client) throws IOException {
            if (rate != null && !(rate > 0)) {
                throw new ParameterException(spec.commandLine(), "--rate must be above 0");
            }
            SendResponse response;
            try (DumpReader reader = DumpReader.open(file)) {
                if (reader.header().format() != DumpFormat.QRAW) {
                    throw new BadInputException(file, "only QRAW dumps can be sent");
                }
                DeviceClient.Sending to = client.send(link, "");
                try {
                    if (rate == null) {
                        copy(to);
                    } else {
                        pace(reader, rate, to);
                    }
                } catch (IOException | java.io.UncheckedIOException e) {
                    if (to.isOpen()) {
                        to.cancel();
                        throw e;
                    } // else the agent has ended the call, and says why
                }
                response = to.await();
            }
            if (json) {
                json(response);
            } else {
                out().printf(
                                Locale.ROOT,
                                "session %s: %d keys, %d blocks without a key, %,d secret bits%n",
                                response.getSession(),
                                response.getKeys(),
                                response.getRefused(),
                                response.getSecretBits());
                out().flush();
            }
            return response.getKeys() > 0 ? ExitCode.OK : ExitCode.NO_KEY;
        }

        private void copy(DeviceClient.Sending to) throws IOException {
            ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 18);
            try (FileChannel from = FileChannel.open(file)) {
                while (from.read(buffer) >= 0) {
                    to.write(buffer.flip());
                    buffer.clear();
                }
            }
            to.close();
        }

        private static void pace(DumpReader reader, double rate, DeviceClient.Sending to) throws IOException {
            long start = System.nanoTime();
            try (DumpWriter writer = DumpWriter.stream("the device socket", to, reader.header())) {
                long due = 0;
                while (reader.next()) {
                    RecordBatch batch = reader.batch();
                    for (int i = 0; i < batch.count(); i++) {
                        while (writer.records() >= due) {
                            writer.flush();
                            sleep(SLICE_NANOS);
                            due = (long) (rate * 1e-9 * (double) (System.nanoTime() - start));
                        }
                        write(reader, batch, i, writer);
                    }
                }
                if (reader.header().role().orElseThrow() == Role.ALICE) {
                    writer.finish(reader.totals().sent().orElseThrow());
                } else {
                    writer.finish(reader.totals().pulses().orElseThrow());
                }
            }
        }

        private static void write(DumpReader reader, RecordBatch batch, int i, DumpWriter writer) {
            int basis = bit(batch.basis().get(i));
            int value = bit(batch.bits().get(i));
            if (reader.header().role().orElseThrow() == Role.BOB) {
                writer.bob(
                        batch.pulses()[i],
                        basis,
                        value,
                        bit(batch.doubleClicks().get(i)));
            } else {
                int intensity = reader.header().has(Column.INTENSITY)
                        ? bit(batch.intensityLow().get(i))
                                + 2 * bit(batch.intensityHigh().get(i))
                        : 0;
                writer.alice(batch.pulses()[i], basis, value, intensity);
            }
        }

        private static int bit(boolean set) {
            return set ? 1 : 0;
        }

        private static void sleep(long nanos) throws IOException {
            try {
                Thread.sleep(nanos / 1_000_000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted while sending");
            }
        }
    }

    /** {@code device results}. */
    @Command(
            name = "results",
            mixinStandardHelpOptions = true,
            description = "Prints the results of blocks and the ends of sessions as they come, until it is stopped.")
    static final class Results extends Call {
        @Option(names = "--link", paramLabel = "NAME", defaultValue = "", description = "this link only")
        @SuppressWarnings("NullAway.Init") // picocli sets it
        private String link;

        @Option(names = "--recent", description = "first those that the agent remembers")
        private boolean recent;

        @Option(names = "--count", paramLabel = "N", description = "stop after so many results")
        private long count = Long.MAX_VALUE;

        @Option(names = "--json", description = "print each as one JSON object on one line")
        private boolean json;

        @Override
        int run(DeviceClient client) {
            Iterator<Result> results = client.calls()
                    .results(ResultsRequest.newBuilder()
                            .setLink(link)
                            .setRecent(recent)
                            .build());
            for (long n = 0; n < count && results.hasNext(); n++) {
                Result result = results.next();
                if (json) {
                    out().println(JsonMapper.shared().writeValueAsString(ProtoJson.of(result)));
                } else if (result.hasBlock()) {
                    out().println(result.getBlock().getLink() + " " + text(result.getBlock()));
                } else {
                    SessionResult s = result.getSession();
                    out().println(s.getLink() + " " + s.getSession()
                            + (s.getProblem().isEmpty() ? " is over" : " ended: " + s.getProblem()));
                }
                out().flush();
                if (System.out.checkError()) {
                    break; // nobody reads any more
                }
            }
            return ExitCode.OK;
        }
    }

    /** {@code device keys}. */
    @Command(
            name = "keys",
            mixinStandardHelpOptions = true,
            description = "Fetches new keys, or by their ids those that the other site has fetched. Each is handed out"
                    + " once, and written as {\"keys\":[{\"key_ID\":…,\"key\":…}]}, the bytes in Base64.")
    static final class Keys extends Call {
        @Option(names = "--link", required = true, paramLabel = "NAME", description = "the link")
        @SuppressWarnings("NullAway.Init") // picocli sets a required option
        private String link;

        @Option(names = "--size", paramLabel = "BITS", description = "of each; default: ${DEFAULT-VALUE}")
        private int size = 256;

        @Option(names = "--number", paramLabel = "N", description = "how many; default: ${DEFAULT-VALUE}")
        private int number = 1;

        @Option(names = "--id", paramLabel = "ID", description = "the keys with these ids instead of new ones")
        private List<String> ids = List.of();

        @Option(
                names = "--out",
                required = true,
                paramLabel = "FILE",
                description = "a new file, mode 0600; - is the standard output")
        @SuppressWarnings("NullAway.Init") // picocli sets a required option
        private Path out;

        @Override
        int run(DeviceClient client) {
            if (!out.toString().equals("-") && Files.exists(out, LinkOption.NOFOLLOW_LINKS)) {
                throw new KeyStoreException(out, "it exists already; nothing is overwritten");
            }
            // Whether it can be written is known before a key is taken.
            try (ByteTarget target = open()) {
                KeysResponse keys = ids.isEmpty()
                        ? client.calls()
                                .newKeys(NewKeysRequest.newBuilder()
                                        .setLink(link)
                                        .setSize(size)
                                        .setNumber(number)
                                        .build())
                        : client.calls()
                                .keysById(KeysByIdRequest.newBuilder()
                                        .setLink(link)
                                        .addAllKeyIds(ids)
                                        .build());
                byte[] text = container(keys);
                try {
                    target.write(MemorySegment.ofArray(text));
                    target.commit();
                } finally {
                    Arrays.fill(text, (byte) 0);
                }
            } catch (IOException e) {
                throw new KeyStoreException(
                        out, "the keys cannot be written, and are lost: " + KeyStoreException.reason(e));
            }
            return ExitCode.OK;
        }

        private ByteTarget open() {
            try {
                return ByteTarget.open(out);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private static byte[] container(KeysResponse keys) {
            StringBuilder text = new StringBuilder("{\"keys\":[");
            for (Key key : keys.getKeysList()) {
                text.append(text.length() > 9 ? "," : "")
                        .append("{\"key_ID\":\"")
                        .append(key.getKeyId())
                        .append("\",\"key\":\"")
                        .append(Base64.getEncoder().encodeToString(key.getKey().toByteArray()))
                        .append("\"}");
            }
            return text.append("]}\n").toString().getBytes(StandardCharsets.US_ASCII);
        }
    }
}
