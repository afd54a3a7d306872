package dev.qdistill.reconcile;

import dev.qdistill.ldpc.AdaptedCode;
import dev.qdistill.ldpc.QuasiCyclicCode;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** The latest codes derived, so that they need not be derived again. For one thread at a time. */
final class AdaptedCodes {
    private static final int KEPT = 64;

    private record Key(String parent, int columns, int splits) {}

    private final Map<Key, AdaptedCode> latest = new LinkedHashMap<>(KEPT, 0.75f, true);

    /**
     * The code for a frame.
     *
     * @return empty if the frame is too short for the code
     * @throws IllegalArgumentException if {@code splits} is out of range
     */
    Optional<AdaptedCode> get(QuasiCyclicCode parent, Frame frame, int splits) {
        int columns = frame.columns(parent.circulant());
        if (!latest.containsKey(new Key(parent.name(), columns, splits)) && !AdaptedCode.possible(parent, columns)) {
            return Optional.empty();
        }
        return Optional.of(get(parent, columns, splits));
    }

    /** The code with more splits, as many as can be at most. */
    AdaptedCode more(AdaptedCode code, int splits) {
        return get(code.parent(), code.code().columns(), Math.min(splits, code.maximumSplits()));
    }

    private AdaptedCode get(QuasiCyclicCode parent, int columns, int splits) {
        Key key = new Key(parent.name(), columns, splits);
        AdaptedCode code = latest.get(key);
        if (code == null) {
            code = AdaptedCode.of(parent, columns, splits);
            if (latest.size() == KEPT) {
                latest.remove(latest.keySet().iterator().next());
            }
            latest.put(key, code);
        }
        return code;
    }
}
