package dev.qdistill.agent;

import dev.qdistill.link.BlockSummary;
import dev.qdistill.wire.v1.BlockResult;
import dev.qdistill.wire.v1.ExitCode;
import dev.qdistill.wire.v1.Result;
import dev.qdistill.wire.v1.SessionResult;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;

/** The results of blocks and sessions: the last ones of each link, and who wants to hear of new ones. */
final class DeviceResults {
    /** Results of a link that are remembered. */
    static final int MEMORY = 64;

    private final InstantSource clock;
    private final Map<String, Deque<Result>> last = new LinkedHashMap<>();
    private final List<Listener> listeners = new ArrayList<>();

    private record Listener(String link, Consumer<Result> consumer) {}

    DeviceResults(InstantSource clock) {
        this.clock = clock;
    }

    /** A block is over. */
    void block(String link, BlockSummary s) {
        publish(
                link,
                Result.newBuilder()
                        .setBlock(BlockResult.newBuilder()
                                .setLink(link)
                                .setSession(s.parameters().session())
                                .setBlock(s.parameters().block())
                                .setExitCode(s.secretBits() > 0 ? ExitCode.EXIT_CODE_OK : ExitCode.EXIT_CODE_NO_KEY)
                                .setRefusal(s.abort().orElse(""))
                                .setSentPulses(Math.max(0, s.sentPulses()))
                                .setDetections(s.detections())
                                .setSiftedBits(s.siftedBits())
                                .setKeyBasisBits(s.counts().keyDetections())
                                .setTestBasisBits(s.counts().testDetections())
                                .setKeyBasisQber(s.keyBasisQber())
                                .setTestBasisQber(s.testBasisQber())
                                .setLeakedBits(s.leakedBits())
                                .setEfficiency(s.efficiency())
                                .setSecretBits(s.secretBits())
                                .setKeyId(s.keyId().map(UUID::toString).orElse(""))
                                .setEnded(clock.millis()))
                        .build());
    }

    /**
     * A session is over.
     *
     * @param problem why, if it did not end in order; else empty
     */
    void session(String link, String session, ExitCode code, String problem) {
        publish(
                link,
                Result.newBuilder()
                        .setSession(SessionResult.newBuilder()
                                .setLink(link)
                                .setSession(session)
                                .setExitCode(code)
                                .setProblem(problem)
                                .setEnded(clock.millis()))
                        .build());
    }

    private synchronized void publish(String link, Result result) {
        Deque<Result> results = last.computeIfAbsent(link, l -> new ArrayDeque<>());
        results.add(result);
        if (results.size() > MEMORY) {
            results.remove();
        }
        for (Listener listener : listeners) {
            if (listener.link().isEmpty() || listener.link().equals(link)) {
                listener.consumer().accept(result);
            }
        }
    }

    /** The last results of a link, of all links if it is empty; the oldest first. */
    synchronized List<Result> last(String link) {
        if (!link.isEmpty()) {
            return List.copyOf(last.getOrDefault(link, new ArrayDeque<>()));
        }
        List<Result> all = new ArrayList<>();
        last.values().forEach(all::addAll);
        return all;
    }

    /**
     * Has somebody told of all results from now on.
     *
     * @param link empty for all
     * @param recent first the last ones
     * @param consumer must not wait
     * @return ends it
     */
    synchronized Runnable listen(String link, boolean recent, Consumer<Result> consumer) {
        if (recent) {
            last(link).forEach(consumer);
        }
        Listener listener = new Listener(link, consumer);
        listeners.add(listener);
        return () -> {
            synchronized (this) {
                listeners.remove(listener);
            }
        };
    }
}
