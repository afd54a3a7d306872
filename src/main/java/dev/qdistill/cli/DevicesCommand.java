package dev.qdistill.cli;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.BackendUnavailableException;
import dev.qdistill.accel.NativeIsa;
import dev.qdistill.accel.NativeLibrary;
import dev.qdistill.accel.VectorSupport;
import dev.qdistill.gf2.Gf2Multiplier;
import dev.qdistill.ldpc.CodeFamily;
import dev.qdistill.ldpc.Profile;
import dev.qdistill.ldpc.QuasiCyclicCode;
import dev.qdistill.ldpc.SyndromeDecoder;
import dev.qdistill.ldpc.SyndromeEncoder;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/** {@code devices}: what this machine has and which kernel each stage will use. */
@Command(
        name = "devices",
        description =
                "Shows what this machine has, which kernel each stage will use, and why each other one was passed over.",
        mixinStandardHelpOptions = true)
final class DevicesCommand implements Callable<Integer> {
    @Option(names = "--json", description = "print one JSON object")
    private boolean json;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    /**
     * One kind of kernel.
     *
     * @param operation what it does
     * @param chosen what {@code --backend auto} takes
     * @param isa the instruction set of its C kernels; empty for other back ends
     * @param passedOver why each of the others cannot be had, or that it can be
     */
    private record Choice(String operation, String chosen, String isa, Map<String, String> passedOver) {
        Choice with(Optional<NativeIsa> used) {
            return new Choice(operation, chosen, used.map(NativeIsa::id).orElse(""), passedOver);
        }
    }

    @Override
    public Integer call() {
        QuasiCyclicCode code =
                CodeFamily.shipped().select(1 << 16, 0.02, Profile.FAST).orElseThrow();
        List<Choice> choices = new ArrayList<>();
        choices.add(choice("LDPC decoder", b -> {
            try (SyndromeDecoder d = SyndromeDecoder.create(code, b)) {
                return d.backend();
            }
        }));
        choices.add(choice("LDPC encoder", b -> SyndromeEncoder.create(code, b).backend()));
        choices.add(choice("Toeplitz hash", b -> Gf2Multiplier.create(b).backend())
                .with(Gf2Multiplier.create(Backend.AUTO).isa()));
        Map<String, Object> machine = new LinkedHashMap<>();
        machine.put("cpu", BenchCommand.cpu());
        machine.put("cores", Runtime.getRuntime().availableProcessors());
        machine.put("vectorBits", VectorSupport.bits());
        machine.put(
                "nativeIsas", NativeLibrary.isas().stream().map(NativeIsa::id).toList());
        machine.put("jdk", Runtime.version().toString());
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            Map<String, Object> all = new LinkedHashMap<>(machine);
            all.put("kernels", choices);
            out.println(JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(all));
        } else {
            machine.forEach((name, value) -> out.printf(Locale.ROOT, "%-14s %s%n", name, value));
            for (Choice c : choices) {
                out.printf(Locale.ROOT, "%n%-14s %s%n", c.operation, (c.chosen + " " + c.isa).trim());
                c.passedOver.forEach((name, why) -> out.printf(Locale.ROOT, "  not %-10s %s%n", name + ":", why));
            }
        }
        out.flush();
        return ExitCode.OK;
    }

    private static Choice choice(String operation, Function<Backend, Backend> create) {
        Backend chosen = create.apply(Backend.AUTO);
        Map<String, String> passedOver = new LinkedHashMap<>();
        for (Backend b : Backend.values()) {
            if (b == Backend.AUTO || b == chosen) {
                continue;
            }
            try {
                passedOver.put(create.apply(b).id(), "works here, but is slower");
            } catch (BackendUnavailableException e) {
                passedOver.put(b.id(), e.reason());
            }
        }
        return new Choice(operation, chosen.id(), "", passedOver);
    }
}
