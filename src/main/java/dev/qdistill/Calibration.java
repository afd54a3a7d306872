package dev.qdistill;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.BackendChoice;
import dev.qdistill.accel.ComputeDevice;
import dev.qdistill.accel.DeviceDescription;
import dev.qdistill.accel.DeviceException;
import dev.qdistill.accel.Offload;
import dev.qdistill.accel.OpenClDevice;
import dev.qdistill.bits.BitString;
import dev.qdistill.gf2.Gf2Multiplier;
import dev.qdistill.gf2.MiddleProduct;
import dev.qdistill.ldpc.CodeFamily;
import dev.qdistill.ldpc.OpenClSyndromeDecoder;
import dev.qdistill.ldpc.Profile;
import dev.qdistill.ldpc.QuasiCyclicCode;
import dev.qdistill.ldpc.SyndromeDecoder;
import dev.qdistill.ldpc.SyndromeEncoder;
import dev.qdistill.ldpc.UpdateRule;
import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * What a device does beside this machine's CPU, measured once in about a second, transfers included, and kept in a file of
 * the user's cache directory.
 *
 * @param decoderMbps bits of frames a second, in 10^6, that the device decodes: frames of 2^16 bits at 2 %
 * @param cpuDecoderMbps the same of the CPU's threads
 * @param multiplyFrom bits of the shortest product that the device makes faster than the CPU; {@link Long#MAX_VALUE} if none
 */
public record Calibration(double decoderMbps, double cpuDecoderMbps, long multiplyFrom) {
    private static final double QBER = 0.02;
    private static final int FRAME = 1 << 16;
    private static final long NANOS = 200_000_000;
    private static final double MUCH_FASTER = 8;

    /** To load the drivers and list their devices takes about as long: a quarter of a second. */
    private static final double SEARCH_SECONDS = 0.25;

    /** About how long this CPU takes, in seconds, to hash so many bits, on one thread, with the slowest of the kernels it may have. */
    public static double hashSeconds(double inputBits) {
        return inputBits / (Gf2Multiplier.create(Backend.AUTO).backend() == Backend.SCALAR ? 1e6 : 5e8);
    }

    /** The same for the reconciliation of so many bits. */
    public static double reconcileSeconds(double keyBits) {
        boolean plain = SyndromeDecoder.nativeProblem().isPresent()
                && SyndromeDecoder.vectorProblem().isPresent();
        return keyBits / (plain ? 1e6 : 5e7);
    }

    /**
     * The device for what was asked for: opened and, for {@code auto}, calibrated.
     *
     * @param binary kernels compiled before
     * @param threads of the CPU
     * @param cpuSeconds about how long the CPU would take for all there is to do, infinite if that is not known: {@code auto} looks
     *     for no device where the CPU is done sooner
     * @param warnings told in one sentence why there is no device though one was asked for, or that it failed
     * @return a device, or none: then the CPU does all
     */
    public static Offload open(
            BackendChoice choice, Optional<byte[]> binary, int threads, double cpuSeconds, Consumer<String> warnings) {
        try {
            return switch (choice.backend()) {
                case OPENCL ->
                    Offload.to(
                            OpenClDevice.open(choice.device(), OpenClDevice.PATIENCE, binary),
                            Offload.Plan.EVERYTHING,
                            warnings);
                case AUTO -> cpuSeconds < SEARCH_SECONDS ? Offload.none() : best(binary, threads, warnings);
                default -> Offload.none();
            };
        } catch (DeviceException e) {
            warnings.accept(e.getMessage() + "; the CPU does all of it, with the same result");
            return Offload.none();
        }
    }

    // The first device that is not this CPU again, where it is worth something.
    private static Offload best(Optional<byte[]> binary, int threads, Consumer<String> warnings) {
        if (!OpenClDevice.seemsInstalled()) {
            return Offload.none();
        }
        Optional<DeviceDescription> found =
                OpenClDevice.list().stream().filter(d -> !d.isCpu()).findFirst();
        if (found.isEmpty()) {
            return Offload.none();
        }
        ComputeDevice device = OpenClDevice.open(found.get().index(), OpenClDevice.PATIENCE, binary);
        try {
            Offload.Plan plan = cached(device, threads, cacheDirectory()).plan();
            if (plan.decode() || plan.multiplyFrom() < Long.MAX_VALUE) {
                return Offload.to(device, plan, warnings);
            }
        } catch (DeviceException e) {
            device.close();
            throw e;
        }
        device.close();
        return Offload.none();
    }

    /** Where the device wins. Where it is not much faster than the CPU, both decode. */
    public Offload.Plan plan() {
        return new Offload.Plan(decoderMbps > cpuDecoderMbps, decoderMbps < MUCH_FASTER * cpuDecoderMbps, multiplyFrom);
    }

    /** Measures a device against {@code threads} threads. */
    public static Calibration measure(ComputeDevice device, int threads) {
        QuasiCyclicCode code =
                CodeFamily.shipped().select(FRAME, 1.1 * QBER, Profile.FAST).orElseThrow();
        try (BitString error = BitString.allocate(code.frameBits());
                BitString syndrome = BitString.allocate(code.syndromeBits())) {
            var random = new SplittableRandom(1);
            for (int i = 0; i < code.frameBits(); i++) {
                error.set(i, random.nextDouble() < QBER);
            }
            SyndromeEncoder.create(code, Backend.AUTO).encode(error, 0, syndrome, 0);
            return new Calibration(
                    deviceDecoder(device, code, syndrome),
                    threads * cpuDecoder(code, syndrome),
                    products(device, threads));
        }
    }

    private static double deviceDecoder(ComputeDevice device, QuasiCyclicCode code, BitString syndrome) {
        try (OpenClSyndromeDecoder decoder = new OpenClSyndromeDecoder(device);
                BitString error = BitString.allocate(code.frameBits())) {
            int frames = decoder.takes(code) ? decoder.capacity(code) : 0;
            return frames == 0
                    ? 0
                    : (double) frames
                            * code.frameBits()
                            / 1e6
                            / seconds(() -> {
                                decoder.take(code, frames);
                                for (int f = 0; f < frames; f++) {
                                    decoder.begin(f, syndrome, 0, QBER);
                                }
                                decoder.start(UpdateRule.PHI, 60);
                                decoder.await();
                                for (int f = 0; f < frames; f++) {
                                    decoder.error(f, error, 0);
                                }
                            });
        }
    }

    private static double cpuDecoder(QuasiCyclicCode code, BitString syndrome) {
        try (SyndromeDecoder decoder = SyndromeDecoder.create(code, Backend.AUTO)) {
            return code.frameBits()
                    / 1e6
                    / seconds(() -> {
                        decoder.begin(syndrome, 0, QBER);
                        decoder.run(UpdateRule.PHI, 60);
                    });
        }
    }

    // Halves of the lengths are hashed, as in a block; a device that wins with a length wins with longer ones.
    private static long products(ComputeDevice device, int threads) {
        Gf2Multiplier cpu = Gf2Multiplier.create(Backend.AUTO);
        boolean[] failed = new boolean[1];
        try (Offload offload = Offload.lent(device, Offload.Plan.EVERYTHING, w -> failed[0] = true)) {
            Gf2Multiplier gpu = Gf2Multiplier.create(offload);
            for (int log = 21; log <= 25; log += 2) {
                long half = 1L << log - 1;
                double onDevice = product(gpu, half, threads);
                if (failed[0]) {
                    throw new DeviceException(offload.failure().orElse(""));
                }
                if (onDevice < product(cpu, half, threads)) {
                    return 3 * half - 2;
                }
            }
            return Long.MAX_VALUE;
        }
    }

    private static double product(Gf2Multiplier multiplier, long half, int threads) {
        var random = new SplittableRandom(2);
        try (BitString a = BitString.random(2 * half - 1, random);
                BitString b = BitString.random(half, random);
                BitString c = BitString.allocate(half);
                MiddleProduct p = multiplier.middleProduct(2 * half - 1, half, half - 1, half, threads)) {
            return seconds(() -> {
                p.setFirst(a);
                p.multiply(b, c);
            });
        }
    }

    // The best time of a call: the first one compiles.
    private static double seconds(Runnable work) {
        work.run();
        double best = Double.MAX_VALUE;
        long begin = System.nanoTime();
        for (int i = 0; i < 2 || i < 1000 && System.nanoTime() - begin < NANOS; i++) {
            long start = System.nanoTime();
            work.run();
            best = Math.min(best, (System.nanoTime() - start) * 1e-9);
        }
        return best;
    }

    /** {@code $XDG_CACHE_HOME/qdistill} or {@code ~/.cache/qdistill}. */
    public static Path cacheDirectory() {
        String cache = System.getenv("XDG_CACHE_HOME");
        return (cache == null || cache.isEmpty() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(cache))
                .resolve("qdistill");
    }

    /**
     * The calibration of a device by this version of the program: from the cache, or measured and kept there. A cache that
     * cannot be read or written costs the measurement each time, no more.
     *
     * @param directory made if it is not there
     */
    public static Calibration cached(ComputeDevice device, int threads, Path directory) {
        String key = key(device.description(), threads);
        Path file = directory.resolve("opencl-" + Integer.toHexString(key.hashCode()) + ".properties");
        Optional<Calibration> kept = read(file, key);
        if (kept.isPresent()) {
            return kept.get();
        }
        Calibration measured = measure(device, threads);
        measured.write(file, key);
        return measured;
    }

    private static String key(DeviceDescription d, int threads) {
        String version =
                Objects.requireNonNullElse(Calibration.class.getPackage().getImplementationVersion(), "unpacked");
        return String.join(
                "; ", d.platform(), d.name(), d.version(), d.driver(), "qdistill " + version, threads + " threads");
    }

    private static Optional<Calibration> read(Path file, String key) {
        Properties p = new Properties();
        try (Reader in = Files.newBufferedReader(file)) {
            p.load(in);
            return key.equals(p.getProperty("device"))
                    ? Optional.of(new Calibration(
                            Double.parseDouble(p.getProperty("decoderMbps", "")),
                            Double.parseDouble(p.getProperty("cpuDecoderMbps", "")),
                            Long.parseLong(p.getProperty("multiplyFrom", ""))))
                    : Optional.empty();
        } catch (IOException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private void write(Path file, String key) {
        Properties p = new Properties();
        p.setProperty("device", key);
        p.setProperty("decoderMbps", Double.toString(decoderMbps));
        p.setProperty("cpuDecoderMbps", Double.toString(cpuDecoderMbps));
        p.setProperty("multiplyFrom", Long.toString(multiplyFrom));
        try {
            Path directory = Objects.requireNonNull(file.getParent());
            Files.createDirectories(
                    directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            // Readable by its owner alone.
            Path temporary = Files.createTempFile(directory, ".opencl", ".properties");
            try (Writer out = Files.newBufferedWriter(temporary)) {
                p.store(out, "What an OpenCL device does beside the CPU; may be deleted at any time");
            }
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            // Measured again the next time.
        }
    }
}
