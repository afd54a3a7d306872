package dev.qdistill.cli;

import dev.qdistill.report.RunReport;
import java.util.Locale;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What became of one pair.
 *
 * @param pair the pair
 * @param state in a word
 * @param exitCode what {@code distill} would have ended with
 * @param problem why there is no key
 * @param report its report; empty if it failed
 * @param digests of its keys, if asked for
 * @param seconds of this run for it
 */
record BatchOutcome(
        BatchPair pair,
        State state,
        int exitCode,
        Optional<String> problem,
        Optional<ObjectNode> report,
        Optional<RunReport.Digests> digests,
        double seconds) {
    /** What can become of a pair. */
    enum State {
        /** It has keys, of this run. */
        DISTILLED,
        /** It has keys, of a run before. */
        FINISHED,
        /** No key, for a reason of security, in this run or one before. */
        NO_KEY,
        /** A dump is bad, a disk is full. Nothing is left of it; the next run tries again. */
        FAILED;

        String id() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    boolean hasKeys() {
        return state == State.DISTILLED || state == State.FINISHED;
    }

    /** A number of the report, 0 if there is none. */
    double number(String name) {
        return report.map(r -> r.path(name))
                .filter(JsonNode::isNumber)
                .map(JsonNode::asDouble)
                .orElse(0.0);
    }

    /** The line of {@code --json}, and of batch.jsonl. */
    ObjectNode json() {
        ObjectNode node = JsonMapper.shared().createObjectNode();
        node.put("name", pair.name());
        if (!pair.group().isEmpty()) {
            node.put("group", pair.group());
        }
        node.put("state", state.id());
        node.put("exitCode", exitCode);
        problem.ifPresent(p -> node.put("problem", p));
        report.ifPresent(r -> {
            for (String name : new String[] {
                "link",
                "session",
                "detections",
                "siftedBits",
                "keyBasisBits",
                "keyBasisQber",
                "testBasisQber",
                "frames",
                "failedFrames",
                "leakedBits",
                "efficiency",
                "secretBits",
                "epsilonSecrecy",
                "epsilonCorrectness"
            }) {
                node.set(name, r.path(name));
            }
        });
        node.put("seconds", Math.round(seconds * 1e6) * 1e-6);
        digests.ifPresent(d -> node.put("aliceKeyDigest", d.alice()).put("bobKeyDigest", d.bob()));
        return node;
    }
}
