package dev.qdistill.cli;

import dev.qdistill.dump.Basis;
import dev.qdistill.dump.DumpKind;
import dev.qdistill.security.Protocol;
import dev.qdistill.simulate.Attenuation;
import dev.qdistill.simulate.ExpectedCounts;
import dev.qdistill.simulate.LinkModel;
import dev.qdistill.simulate.NamedLink;
import dev.qdistill.simulate.Network;
import dev.qdistill.simulate.Receiver;
import dev.qdistill.simulate.Simulation;
import dev.qdistill.simulate.Simulator;
import dev.qdistill.simulate.Source;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code simulate}: a session of a simulated link as two dumps. */
@Command(
        name = "simulate",
        description = {
            "Simulates a BB84 link and writes DIR/alice.qraw and DIR/bob.qraw; or, with --network, all links of a network.",
            "A named link gives all parameters; each option replaces one of them. For tests and demonstrations only: the"
                    + " dumps follow from the seed."
        },
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class SimulateCommand implements Callable<Integer> {
    private static final long DEFAULT_KEY_BITS = 2_000_000;
    private static final Set<String> NETWORK_OPTIONS =
            Set.of("--network", "--scale", "--threads", "--seed", "--out", "--json");

    @Option(
            names = "--link",
            paramLabel = "NAME",
            description = "${COMPLETION-CANDIDATES}; default: ${DEFAULT-VALUE}",
            defaultValue = "metro",
            converter = LinkName.class,
            completionCandidates = LinkNames.class)
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private NamedLink link;

    @Option(
            names = "--network",
            paramLabel = "NAME",
            description =
                    "instead of one link all of a network, with a manifest for distill --batch: national (144 links"
                            + " between trusted nodes, 20 metropolitan networks, six passes of a satellite) or trunk (the 144"
                            + " alone)",
            converter = NetworkName.class)
    private Network.@Nullable Named network;

    @Option(
            names = "--scale",
            paramLabel = "S",
            description = "of a network's sessions: 1 is 10^7 key-basis bits a fibre; default: ${DEFAULT-VALUE}",
            defaultValue = "0.1")
    private double scale;

    @Option(
            names = "--threads",
            paramLabel = "N",
            converter = ThreadCount.class,
            description = "links of a network at once; default: all cores")
    private int threads = Runtime.getRuntime().availableProcessors();

    @ArgGroup
    private @Nullable Length length;

    /** How long the session is: always a number of pulses fixed beforehand. */
    private static final class Length {
        @Option(names = "--duration", paramLabel = "S", description = "the session's length in seconds")
        @Nullable
        Double duration;

        @Option(
                names = "--key-bits",
                paramLabel = "N",
                description =
                        "as many pulses as give at least N key-basis bits by the model (default: 2000000; satellite: a"
                                + " whole pass)")
        @Nullable
        Long keyBits;

        @Option(names = "--pulses", paramLabel = "N", description = "the number of pulses")
        @Nullable
        Long pulses;
    }

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "of everything random, the session id too; default: ${DEFAULT-VALUE}",
            defaultValue = "1")
    private long seed;

    @Option(names = "--out", paramLabel = "DIR", required = true, description = "made if it does not exist")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private Path out;

    @Option(
            names = "--full-pulse",
            description = "Alice's dump with a record for every pulse (half a byte each): for short captures")
    private boolean fullPulse;

    @Option(names = "--json", description = "print one JSON object")
    private boolean json;

    @ArgGroup
    private @Nullable Channel channel;

    private static final class Channel {
        @Option(names = "--distance-km", paramLabel = "KM", description = "fibre of that length")
        @Nullable
        Double distanceKm;

        @Option(names = "--loss-db", paramLabel = "DB", description = "constant loss of the channel")
        @Nullable
        Double lossDb;
    }

    @Option(
            names = "--db-per-km",
            paramLabel = "DB",
            description = "loss of the fibre of --distance-km; default: ${DEFAULT-VALUE}",
            defaultValue = "0.2")
    private double dbPerKm;

    @Option(names = "--protocol", description = "one-decoy, two-decoy or single-photon", converter = ProtocolName.class)
    private @Nullable Protocol protocol;

    @Option(names = "--rate-hz", paramLabel = "HZ", description = "pulses a second")
    private @Nullable Double rateHz;

    @Option(
            names = {"--mu", "--intensities"},
            paramLabel = "MU",
            split = ",",
            description = "mean photon numbers, the signal first")
    private @Nullable List<Double> intensities;

    @Option(names = "--probabilities", paramLabel = "P", split = ",", description = "of the intensities")
    private @Nullable List<Double> probabilities;

    @Option(names = "--key-basis-probability", paramLabel = "P", description = "of both sides' choice of Z")
    private @Nullable Double keyBasisProbability;

    @Option(names = "--receiver-loss-db", paramLabel = "DB", description = "from Bob's input to his detectors")
    private @Nullable Double receiverLossDb;

    @Option(names = "--efficiency", paramLabel = "P", description = "of a detector")
    private @Nullable Double efficiency;

    @Option(names = "--dark", paramLabel = "P", description = "dark counts of a detector for each pulse")
    private @Nullable Double dark;

    @Option(names = "--dead-time-ns", paramLabel = "NS", description = "of the receiver after a click")
    private @Nullable Double deadTimeNs;

    @Option(
            names = "--misalignment",
            paramLabel = "P",
            description = "of a photon going to the wrong detector (0.15: no key)")
    private @Nullable Double misalignment;

    @Option(
            names = "--intercept-resend",
            paramLabel = "P",
            description = "fraction of pulses that an eavesdropper measures and sends on")
    private @Nullable Double interceptResend;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    /** No option is passed over in silence. */
    private void requireFitting() {
        for (OptionSpec option : spec.commandLine().getParseResult().matchedOptions()) {
            String name = option.longestName();
            if (network != null && !NETWORK_OPTIONS.contains(name)) {
                throw new ParameterException(spec.commandLine(), name + " does not go with --network");
            }
            if (network == null && (name.equals("--scale") || name.equals("--threads"))) {
                throw new ParameterException(spec.commandLine(), name + " goes with --network");
            }
            if (name.equals("--db-per-km") && (channel == null || channel.distanceKm == null)) {
                throw new ParameterException(spec.commandLine(), name + " goes with --distance-km");
            }
        }
    }

    @Override
    public Integer call() throws IOException {
        requireFitting();
        if (network != null) {
            return network(network);
        }
        LinkModel model;
        long pulses;
        try {
            model = model();
            pulses = pulses(model);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
        Files.createDirectories(out);
        Path alice = out.resolve("alice.qraw");
        Path bob = out.resolve("bob.qraw");
        Simulation simulation;
        long start = System.nanoTime();
        try (Progress progress = new Progress("simulating", pulses, true)) {
            simulation = Simulator.run(
                    model, pulses, seed, fullPulse ? DumpKind.FULL_PULSE : DumpKind.RAW, alice, bob, progress::at);
        }
        double seconds = (System.nanoTime() - start) * 1e-9;
        PrintWriter to = spec.commandLine().getOut();
        ExpectedCounts expected = model.expectedCounts(pulses);
        if (json) {
            Map<String, Object> result = result(model, simulation, expected, seconds, alice, bob);
            to.println(JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(result));
        } else {
            print(to, model, simulation, expected, seconds, alice, bob);
        }
        to.flush();
        return ExitCode.OK;
    }

    private int network(Network.Named which) throws IOException {
        Network all;
        try {
            all = which.network(seed, scale);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
        ObjectNode result = new NetworkSimulation(all, out, threads).run();
        PrintWriter to = spec.commandLine().getOut();
        if (json) {
            to.println(JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(result));
        } else {
            to.printf(
                    Locale.ROOT,
                    "%s: %,d nodes, %,d links %s, %,d km of trunk; seed %d%n%,d detections in %.3f s%n%s%n",
                    which.id(),
                    result.get("nodes").asInt(),
                    result.get("links").asInt(),
                    result.get("groups"),
                    result.get("km").asInt(),
                    seed,
                    result.get("detections").asLong(),
                    result.get("seconds").asDouble(),
                    result.get("manifest").asString());
        }
        to.flush();
        return ExitCode.OK;
    }

    private LinkModel model() {
        LinkModel base = link.model();
        Source source = base.source();
        Receiver receiver = base.receiver();
        Protocol p = protocol != null ? protocol : source.protocol();
        List<Double> mu = intensities;
        List<Double> prob = probabilities;
        if (p != source.protocol()) {
            // Another protocol's usual intensities, unless given.
            mu = mu != null ? mu : p == Protocol.TWO_DECOY ? List.of(.5, .15, .001) : List.of(.1);
            prob = prob != null ? prob : p == Protocol.TWO_DECOY ? List.of(.6, .3, .1) : List.of(1.);
        }
        Attenuation attenuation = base.channel();
        if (channel != null && channel.distanceKm != null) {
            attenuation = new Attenuation.Fibre(channel.distanceKm, dbPerKm);
        } else if (channel != null && channel.lossDb != null) {
            attenuation = new Attenuation.Constant(channel.lossDb);
        }
        return new LinkModel(
                base.name(),
                new Source(
                        p,
                        or(rateHz, source.rateHz()),
                        mu != null ? mu : source.intensities(),
                        prob != null ? prob : source.probabilities(),
                        or(keyBasisProbability, source.keyBasisProbability())),
                attenuation,
                new Receiver(
                        or(keyBasisProbability, receiver.keyBasisProbability()),
                        or(receiverLossDb, receiver.lossDb()),
                        or(efficiency, receiver.detectorEfficiency()),
                        or(dark, receiver.darkCountProbability()),
                        deadTimeNs != null ? deadTimeNs * 1e-9 : receiver.deadTimeSeconds()),
                or(misalignment, base.misalignment()),
                or(interceptResend, base.interceptResend()));
    }

    private long pulses(LinkModel model) {
        if (length != null && length.pulses != null) {
            return requireLength(length.pulses, model);
        }
        if (length != null && length.duration != null) {
            if (!(length.duration >= 0 && length.duration <= 1e9)) {
                throw new IllegalArgumentException("The duration must be 0 to 1e9 s, not " + length.duration);
            }
            return requireLength(Math.round(length.duration * model.source().rateHz()), model);
        }
        if (length != null && length.keyBits != null) {
            return model.pulsesForKeyBits(length.keyBits);
        }
        return model.channel().duration() < Double.POSITIVE_INFINITY
                ? model.mostPulses()
                : model.pulsesForKeyBits(DEFAULT_KEY_BITS);
    }

    private static long requireLength(long pulses, LinkModel model) {
        if (pulses < 1 || pulses > model.mostPulses()) {
            throw new IllegalArgumentException(
                    "The session must have 1 to " + model.mostPulses() + " pulses, not " + pulses);
        }
        return pulses;
    }

    private static double or(@Nullable Double given, double usual) {
        return given != null ? given : usual;
    }

    private Map<String, Object> result(
            LinkModel model, Simulation simulation, ExpectedCounts expected, double seconds, Path alice, Path bob) {
        Map<String, Object> counts = new LinkedHashMap<>();
        counts.put("protocol", model.source().protocol().id());
        counts.put("intensities", model.source().intensities());
        counts.put("probabilities", model.source().probabilities());
        counts.put("keyBasis", counts(expected, Basis.Z));
        counts.put("testBasis", counts(expected, Basis.X));
        Map<String, Object> m = new LinkedHashMap<>();
        m.put("link", model.name());
        m.put("protocol", model.source().protocol().id());
        m.put("seed", seed);
        m.put("session", simulation.session().toString());
        m.put("alice", alice.toString());
        m.put("bob", bob.toString());
        m.put("sourceRateHz", model.source().rateHz());
        m.put("durationSeconds", expected.seconds());
        m.put("sentPulses", simulation.pulses());
        m.put("detections", simulation.detections());
        m.put("expectedDetections", expected.detections());
        m.put("expectedSiftedBits", expected.sifted());
        m.put("expectedKeyBasisBits", expected.detections(Basis.Z));
        m.put("expectedKeyBasisQber", expected.qber(Basis.Z));
        m.put("expectedTestBasisBits", expected.detections(Basis.X));
        m.put("expectedTestBasisQber", expected.qber(Basis.X));
        m.put("expectedCounts", counts);
        m.put("seconds", seconds);
        m.put("detectionsPerSecond", simulation.detections() / seconds);
        return m;
    }

    private static Map<String, Object> counts(ExpectedCounts expected, Basis basis) {
        List<Double> detections = new ArrayList<>();
        List<Double> errors = new ArrayList<>();
        for (int k = 0; k < expected.intensities(); k++) {
            detections.add(expected.detections(basis, k));
            errors.add(expected.errors(basis, k));
        }
        Map<String, Object> m = new LinkedHashMap<>();
        m.put("detections", detections);
        m.put("errors", errors);
        return m;
    }

    private void print(
            PrintWriter to,
            LinkModel model,
            Simulation simulation,
            ExpectedCounts expected,
            double seconds,
            Path alice,
            Path bob) {
        to.printf(
                Locale.ROOT,
                "%s: %s, %,d pulses in %.3f s at %.4g Hz; seed %d, session %s%n",
                model.name(),
                model.source().protocol().id(),
                simulation.pulses(),
                expected.seconds(),
                model.source().rateHz(),
                seed,
                simulation.session());
        to.printf(
                Locale.ROOT,
                "%,d detections in %.2f s; expected: %,.0f, of them %,.0f in Z (QBER %.2f %%) and %,.0f in X (QBER %.2f %%)%n",
                simulation.detections(),
                seconds,
                expected.detections(),
                expected.detections(Basis.Z),
                100 * expected.qber(Basis.Z),
                expected.detections(Basis.X),
                100 * expected.qber(Basis.X));
        to.println(alice);
        to.println(bob);
    }

    static final class LinkName implements picocli.CommandLine.ITypeConverter<NamedLink> {
        @Override
        public NamedLink convert(String value) {
            for (NamedLink link : NamedLink.values()) {
                if (link.id().equals(value)) {
                    return link;
                }
            }
            throw new picocli.CommandLine.TypeConversionException(
                    "'" + value + "' is not one of " + String.join(", ", new LinkNames()));
        }
    }

    static final class NetworkName implements picocli.CommandLine.ITypeConverter<Network.Named> {
        @Override
        public Network.Named convert(String value) {
            for (Network.Named network : Network.Named.values()) {
                if (network.id().equals(value)) {
                    return network;
                }
            }
            throw new picocli.CommandLine.TypeConversionException("'" + value + "' is not one of national, trunk");
        }
    }

    static final class LinkNames implements Iterable<String> {
        @Override
        public java.util.Iterator<String> iterator() {
            return java.util.Arrays.stream(NamedLink.values())
                    .map(NamedLink::id)
                    .iterator();
        }
    }

    static final class ProtocolName implements picocli.CommandLine.ITypeConverter<Protocol> {
        @Override
        public Protocol convert(String value) {
            return Protocol.of(value)
                    .orElseThrow(
                            () -> new picocli.CommandLine.TypeConversionException("'" + value + "' is no protocol"));
        }
    }
}
