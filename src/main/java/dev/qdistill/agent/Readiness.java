package dev.qdistill.agent;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Supplier;

/** Whether the agent can do its work at the moment: nothing that was added here has a problem. */
public final class Readiness {
    private final Map<String, Supplier<Optional<String>>> checks = new ConcurrentSkipListMap<>();

    /**
     * Adds something to look at.
     *
     * @param name what it is, such as {@code link metro}
     * @param problem what is wrong with it at the moment, if anything; asked often, must answer at once
     */
    public void add(String name, Supplier<Optional<String>> problem) {
        checks.put(name, problem);
    }

    /** All problems of the moment, each with the name of what has it. */
    public List<String> problems() {
        List<String> problems = new ArrayList<>();
        checks.forEach((name, check) -> check.get().ifPresent(problem -> problems.add(name + ": " + problem)));
        return problems;
    }
}
