package dev.qdistill.cli;

import dev.qdistill.agent.Agent;
import dev.qdistill.agent.AgentConfiguration;
import dev.qdistill.agent.ConfigurationFile;
import dev.qdistill.agent.JsonLog;
import dev.qdistill.keystore.Site;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code agent}: the service at one end of links. */
@Command(
        name = "agent",
        description = {
            "Runs the service at one end of one or more links, until it is told to stop (SIGTERM, SIGINT).",
            "",
            "Distils what device agents and watched directories give it with the agent at the other end of each link.",
            "Hands out keys to applications over HTTPS with client certificates (ETSI GS QKD 014), and metrics and health"
                    + " to the operator. docs/agent.md describes every key of the configuration file. The log goes to"
                    + " the standard error stream, one JSON object a line."
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class AgentCommand implements Callable<Integer> {
    @Option(
            names = "--role",
            paramLabel = "alice|bob",
            required = true,
            description = "at which end of its links it is")
    @SuppressWarnings("NullAway.Init") // picocli sets a required option
    private Site role;

    @Option(names = "--config", paramLabel = "FILE", required = true, description = "the configuration, YAML")
    @SuppressWarnings("NullAway.Init") // picocli sets a required option
    private Path config;

    @Option(
            names = "--check",
            description = "read the configuration, look at the pools of authentication key, say what is wrong, and end")
    private boolean check;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Override
    public Integer call() throws InterruptedException {
        AgentConfiguration configuration = ConfigurationFile.read(config);
        if (check) {
            Agent.check(configuration, role);
            spec.commandLine().getErr().println(config + ": a valid configuration");
            return ExitCode.OK;
        }
        JsonLog.install(configuration.logLevel());
        Agent agent = Agent.start(configuration, role);
        // The JVM ends when the hook has: after everything is closed.
        Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().name("stop").unstarted(() -> {
            agent.close();
            JsonLog.last("Agent " + configuration.name() + " stopped");
        }));
        agent.awaitClose();
        return ExitCode.OK;
    }
}
