package dev.qdistill.accel;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** The OpenCL C sources of native/opencl, as they are packed with the program: one program holds all kernels. */
public final class KernelSources {
    private KernelSources() {}

    /** The decoder alone: for widths other than 1. */
    public static String decoder() {
        return Holder.DECODER;
    }

    /** What rates are measured with. */
    static String rates() {
        return Holder.RATES;
    }

    /** All of it, for {@link ComputeDevice#program}. */
    public static String all() {
        return Holder.ALL;
    }

    private static final class Holder {
        static final String DECODER = read("ldpc.cl");
        static final String ALL = DECODER + read("gf2.cl");
        static final String RATES = read("rate.cl");
    }

    private static String read(String name) {
        try (InputStream in = KernelSources.class.getResourceAsStream("/dev/qdistill/opencl/" + name)) {
            if (in == null) {
                throw new IllegalStateException("the program was packed without native/opencl/" + name);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
