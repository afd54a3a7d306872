package dev.qdistill.cli;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.ComputeDevice;
import dev.qdistill.accel.DeviceDescription;
import dev.qdistill.accel.DeviceRates;
import dev.qdistill.accel.Offload;
import dev.qdistill.amplify.ModifiedToeplitzHash;
import dev.qdistill.amplify.PreparedHash;
import dev.qdistill.bits.BitString;
import dev.qdistill.gf2.Gf2Multiplier;
import dev.qdistill.ldpc.CodeFamily;
import dev.qdistill.ldpc.OpenClSyndromeDecoder;
import dev.qdistill.ldpc.Profile;
import dev.qdistill.ldpc.QuasiCyclicCode;
import dev.qdistill.ldpc.SyndromeEncoder;
import dev.qdistill.ldpc.UpdateRule;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.function.DoubleSupplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code bench offload}: a device alone. */
@Command(
        name = "offload",
        description = {
            "An OpenCL device alone: decoder and Toeplitz hash, with transfers and without.",
            "",
            "mbps counts bits of frames or input bits, transfers and the host's copies included, two pieces of frames in"
                    + " flight; residentMbps is the same work on data that stay on the device. memoryFraction is the"
                    + " device memory's traffic that the kernels cause, as if nothing were cached, as a share of what a"
                    + " copying kernel reaches; above 1 the caches do it."
        },
        mixinStandardHelpOptions = true)
final class BenchOffloadCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Mixin
    private BenchCommand.Options options = new BenchCommand.Options();

    @Option(names = "--qber", paramLabel = "Q", description = "error rate of the frames. Default: ${DEFAULT-VALUE}")
    private double qber = 0.02;

    @Option(
            names = "--frame-bits",
            paramLabel = "N",
            split = ",",
            description = "frame lengths. Default: ${DEFAULT-VALUE}")
    private List<Integer> frameBits = List.of(1 << 16, 1 << 20);

    @Option(
            names = "--input-bits",
            paramLabel = "N",
            split = ",",
            description = "blocks to hash to half their length. Default: ${DEFAULT-VALUE}")
    private List<Long> inputBits = List.of(1L << 20, 1L << 22, 1L << 24, 1L << 26, 1L << 28);

    @Override
    public Integer call() {
        if (options.backend() != Backend.OPENCL) {
            throw new ParameterException(spec.commandLine(), "bench offload needs --backend opencl or opencl:INDEX");
        }
        for (int n : frameBits) {
            if (!CodeFamily.shipped().frameLengths().contains(n)) {
                throw new ParameterException(
                        spec.commandLine(),
                        "--frame-bits is one of " + CodeFamily.shipped().frameLengths() + ", not " + n);
            }
        }
        try (Offload offload = options.offload(spec)) {
            if (offload.device().isEmpty()) {
                return ExitCode.USAGE;
            }
            Resident device = new Resident(offload.device().get());
            DeviceRates rates = DeviceRates.measure(device);
            for (int n : frameBits) {
                print(device, rates, decoder(device, rates, n));
            }
            for (long n : inputBits) {
                print(device, rates, hash(device, rates, n));
            }
        }
        return ExitCode.OK;
    }

    private void print(Resident device, DeviceRates rates, Map<String, Object> result) {
        Map<String, Object> all = new LinkedHashMap<>(result);
        all.put("device", device.description().name());
        all.put("driver", device.description().driver());
        all.put("memoryGBps", rates.memory() * 1e-9);
        all.put("toDeviceGBps", rates.toDevice() * 1e-9);
        all.put("fromDeviceGBps", rates.fromDevice() * 1e-9);
        options.print(spec, all);
    }

    private Map<String, Object> decoder(Resident device, DeviceRates rates, int n) {
        QuasiCyclicCode code = CodeFamily.shipped()
                .select(n, qber, Profile.FAST)
                .or(() -> CodeFamily.shipped().select(n, qber, Profile.EFFICIENT))
                .orElseThrow();
        List<BitString> syndromes = new ArrayList<>();
        var random = new SplittableRandom(1);
        for (int i = 0; i < 16; i++) {
            try (BitString error = BitString.allocate(code.frameBits())) {
                for (int k = 0; k < n; k++) {
                    error.set(k, random.nextDouble() < qber);
                }
                BitString syndrome = BitString.allocate(code.syndromeBits());
                SyndromeEncoder.create(code, Backend.AUTO).encode(error, 0, syndrome, 0);
                syndromes.add(syndrome);
            }
        }
        Map<String, Object> result = new LinkedHashMap<>();
        try (OpenClSyndromeDecoder one = new OpenClSyndromeDecoder(device);
                OpenClSyndromeDecoder two = new OpenClSyndromeDecoder(device);
                BitString error = BitString.allocate(n)) {
            OpenClSyndromeDecoder[] both = {one, two};
            int frames = one.capacity(code);
            for (OpenClSyndromeDecoder d : both) {
                prepare(d, code, frames, syndromes);
                d.start(UpdateRule.PHI, 60);
                d.await();
            }
            long iterations = 0;
            int failed = 0;
            for (int f = 0; f < frames; f++) {
                iterations += one.iterations(f);
                failed += one.decoded(f) ? 0 : 1;
            }
            prepare(one, code, frames, syndromes);
            one.start(UpdateRule.PHI, 60);
            int[] turn = {1};
            double nanos = BenchCommand.medianNanos(() -> {
                OpenClSyndromeDecoder next = both[turn[0]];
                turn[0] ^= 1;
                prepare(next, code, frames, syndromes);
                next.start(UpdateRule.PHI, 60);
                OpenClSyndromeDecoder last = both[turn[0]];
                last.await();
                for (int f = 0; f < frames; f++) {
                    last.error(f, error, 0);
                }
            });
            both[turn[0] ^ 1].await();
            // The status of each frame must go and come; nothing longer does.
            double resident = device.withoutTransfers(
                    64L * frames,
                    () -> BenchCommand.medianNanos(() -> {
                        for (int f = 0; f < frames; f++) {
                            one.restart(f);
                        }
                        one.start(UpdateRule.PHI, 60);
                        one.await();
                    }));
            double mean = (double) iterations / frames;
            // Posterior and message of each edge, read twice and written once.
            double bytes = 6.0 * code.edges() * code.circulant() * frames * mean;
            result.put("stage", "decoder");
            result.put("code", code.name());
            result.put("qber", qber);
            result.put("frameBits", n);
            result.put("frames", frames);
            result.put("failedFrames", failed);
            result.put("iterations", mean);
            result.put("mbps", (double) frames * n / nanos * 1e3);
            result.put("residentMbps", (double) frames * n / resident * 1e3);
            result.put("memoryFraction", bytes / resident * 1e9 / rates.memory());
        }
        syndromes.forEach(BitString::close);
        return result;
    }

    private void prepare(OpenClSyndromeDecoder d, QuasiCyclicCode code, int frames, List<BitString> syndromes) {
        d.take(code, frames);
        for (int f = 0; f < frames; f++) {
            d.begin(f, syndromes.get(f % syndromes.size()), 0, qber);
        }
    }

    private Map<String, Object> hash(Resident device, DeviceRates rates, long n) {
        Map<String, Object> result = new LinkedHashMap<>();
        var random = new SplittableRandom(1);
        try (Offload offload = Offload.lent(device, Offload.Plan.EVERYTHING, w -> {})) {
            ModifiedToeplitzHash hash = ModifiedToeplitzHash.create(Gf2Multiplier.create(offload));
            try (BitString seed = BitString.random(hash.seedBits(n, n / 2), random);
                    BitString input = BitString.random(n, random);
                    BitString output = BitString.allocate(n / 2);
                    PreparedHash prepared = hash.prepare(n, n / 2, options.threads)) {
                Runnable work = () -> {
                    prepared.seed(seed);
                    prepared.hash(input, output);
                };
                double nanos = BenchCommand.medianNanos(work);
                double resident = device.withoutTransfers(0, () -> BenchCommand.medianNanos(work));
                result.put("stage", "modified Toeplitz hash");
                result.put("inputBits", n);
                result.put("milliseconds", nanos * 1e-6);
                result.put("mbps", n / nanos * 1e3);
                result.put("residentMbps", n / resident * 1e3);
                // Three transforms with a pass of all memory for each stage, and three conversions, a third as long
                // again each.
                int m = 64 - Long.numberOfLeadingZeros(Math.max(1 << 21, n) - 1);
                result.put("memoryFraction", 3 * 2 * 1.7 * (m - 6) * (1L << m - 3) / resident * 1e9 / rates.memory());
            }
        }
        return result;
    }

    /** The device, and the same without transfers: what lies on it is computed with again and again. */
    private static final class Resident implements ComputeDevice {
        private final ComputeDevice device;
        private volatile long largest = Long.MAX_VALUE;

        Resident(ComputeDevice device) {
            this.device = device;
        }

        double withoutTransfers(long allowed, DoubleSupplier work) {
            largest = allowed;
            try {
                return work.getAsDouble();
            } finally {
                largest = Long.MAX_VALUE;
            }
        }

        @Override
        public DeviceDescription description() {
            return device.description();
        }

        @Override
        public Buffer allocate(long bytes) {
            return device.allocate(bytes);
        }

        @Override
        public HostMemory allocateHost(long bytes) {
            return device.allocateHost(bytes);
        }

        @Override
        public Program program(String source, String compilerOptions) {
            return device.program(source, compilerOptions);
        }

        @Override
        public Queue queue() {
            Queue queue = device.queue();
            return new Queue() {
                @Override
                public void write(HostMemory from, long fromOffset, Buffer to, long toOffset, long bytes) {
                    if (bytes <= largest) {
                        queue.write(from, fromOffset, to, toOffset, bytes);
                    }
                }

                @Override
                public void read(Buffer from, long fromOffset, HostMemory to, long toOffset, long bytes) {
                    if (bytes <= largest) {
                        queue.read(from, fromOffset, to, toOffset, bytes);
                    }
                }

                @Override
                public void copy(Buffer from, long fromOffset, Buffer to, long toOffset, long bytes) {
                    queue.copy(from, fromOffset, to, toOffset, bytes);
                }

                @Override
                public void clear(Buffer buffer, long offset, long bytes) {
                    queue.clear(buffer, offset, bytes);
                }

                @Override
                public void launch(Kernel kernel, long items, int groupSize, Object... arguments) {
                    queue.launch(kernel, items, groupSize, arguments);
                }

                @Override
                public void flush() {
                    queue.flush();
                }

                @Override
                public void finish() {
                    queue.finish();
                }

                @Override
                public void close() {
                    queue.close();
                }
            };
        }

        @Override
        public void close() {
            // Whoever opened the device closes it.
        }
    }
}
