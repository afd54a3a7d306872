package dev.qdistill.cli;

import dev.qdistill.Calibration;
import dev.qdistill.accel.Backend;
import dev.qdistill.accel.BackendUnavailableException;
import dev.qdistill.accel.ComputeDevice;
import dev.qdistill.accel.DeviceDescription;
import dev.qdistill.accel.DeviceException;
import dev.qdistill.accel.DeviceRates;
import dev.qdistill.accel.KernelSources;
import dev.qdistill.accel.NativeIsa;
import dev.qdistill.accel.NativeLibrary;
import dev.qdistill.accel.OpenClDevice;
import dev.qdistill.accel.VectorSupport;
import dev.qdistill.gf2.Gf2Multiplier;
import dev.qdistill.ldpc.CodeFamily;
import dev.qdistill.ldpc.OpenClSyndromeDecoder;
import dev.qdistill.ldpc.Profile;
import dev.qdistill.ldpc.QuasiCyclicCode;
import dev.qdistill.ldpc.SyndromeDecoder;
import dev.qdistill.ldpc.SyndromeEncoder;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
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

    @Option(
            names = "--calibrate",
            description = "measure what each OpenCL device does beside the CPU, as auto does on first use")
    private boolean calibrate;

    @Option(
            names = "--save-cl-binary",
            paramLabel = "FILE",
            description = "save the kernels, compiled for an OpenCL device, for --cl-binary")
    private @Nullable Path saveBinary;

    @Option(names = "--device", paramLabel = "INDEX", description = "the device of --save-cl-binary; default: 0")
    private int device;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    private static String openCl() {
        return OpenClDevice.problem()
                .orElse(
                        OpenClDevice.list().stream().allMatch(DeviceDescription::isCpu)
                                ? "the only devices are this machine's CPU; --backend opencl takes one"
                                : "taken by commands that compute, where a device is faster (devices --calibrate)");
    }

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
    public Integer call() throws IOException {
        if (saveBinary != null) {
            return save(saveBinary);
        }
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
            all.put("openCl", OpenClDevice.problem().<Object>map(p -> p).orElseGet(this::devices));
            all.put("kernels", choices);
            out.println(JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(all));
        } else {
            machine.forEach((name, value) -> out.printf(Locale.ROOT, "%-14s %s%n", name, value));
            OpenClDevice.problem().ifPresent(p -> out.printf("%-14s none: %s%n", "openCl", p));
            for (Map<String, Object> d : devices()) {
                out.printf("%nopencl:%-6s %s%n", d.get("index"), d.get("name"));
                d.forEach((name, value) -> out.printf(Locale.ROOT, "  %-16s %s%n", name, value));
            }
            for (Choice c : choices) {
                out.printf(Locale.ROOT, "%n%-14s %s%n", c.operation, (c.chosen + " " + c.isa).trim());
                c.passedOver.forEach((name, why) -> out.printf(Locale.ROOT, "  not %-10s %s%n", name + ":", why));
            }
        }
        out.flush();
        return ExitCode.OK;
    }

    /** The OpenCL devices, with their rates. */
    private List<Map<String, Object>> devices() {
        List<Map<String, Object>> all = new ArrayList<>();
        for (DeviceDescription d : OpenClDevice.list()) {
            Map<String, Object> m = new LinkedHashMap<>();
            m.put("index", d.index());
            m.put("name", d.name());
            m.put("platform", d.platform());
            m.put("kind", d.kind());
            m.put("version", d.version());
            m.put("driver", d.driver());
            m.put("computeUnits", d.computeUnits());
            m.put("memoryBytes", d.globalBytes());
            try (ComputeDevice opened = OpenClDevice.open(d.index(), OpenClDevice.PATIENCE, Optional.empty())) {
                DeviceRates rates = DeviceRates.measure(opened);
                m.put("memoryGBps", rates.memory() * 1e-9);
                m.put("toDeviceGBps", rates.toDevice() * 1e-9);
                m.put("fromDeviceGBps", rates.fromDevice() * 1e-9);
                if (calibrate) {
                    Calibration c =
                            Calibration.measure(opened, Runtime.getRuntime().availableProcessors());
                    m.put("decoderMbps", c.decoderMbps());
                    m.put("cpuDecoderMbps", c.cpuDecoderMbps());
                    m.put("multiplyFromBits", c.multiplyFrom() == Long.MAX_VALUE ? "never" : c.multiplyFrom());
                }
                m.put("auto", d.isCpu() ? "never used: it is this machine's CPU" : "used for what it does faster");
            } catch (DeviceException e) {
                m.put("problem", String.valueOf(e.getMessage()));
            }
            all.add(m);
        }
        return all;
    }

    private int save(Path file) throws IOException {
        try (ComputeDevice opened = OpenClDevice.open(device, OpenClDevice.PATIENCE, Optional.empty())) {
            // A driver may compile a kernel when it runs first only.
            new OpenClSyndromeDecoder(opened).close();
            Files.write(file, opened.program(KernelSources.all(), "-D WIDTH=1").binary());
        } catch (DeviceException e) {
            throw new BackendUnavailableException(Backend.OPENCL, String.valueOf(e.getMessage()));
        }
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
                passedOver.put(b.id(), b == Backend.OPENCL ? openCl() : e.reason());
            }
        }
        return new Choice(operation, chosen.id(), "", passedOver);
    }
}
