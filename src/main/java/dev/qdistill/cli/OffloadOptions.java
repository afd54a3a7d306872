package dev.qdistill.cli;

import dev.qdistill.Calibration;
import dev.qdistill.accel.Backend;
import dev.qdistill.accel.BackendChoice;
import dev.qdistill.accel.Offload;
import dev.qdistill.dump.BadInputException;
import dev.qdistill.keystore.KeyStoreException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** What kernels run on: the options of all commands that can use a device. */
final class OffloadOptions {
    @Option(
            names = "--backend",
            paramLabel = "NAME",
            converter = Converter.class,
            description = "auto, scalar, vector, native, opencl or opencl:INDEX (see devices): what the kernels run on;"
                    + " default: auto, the fastest")
    private BackendChoice choice = BackendChoice.AUTO;

    @Option(
            names = "--cl-binary",
            paramLabel = "FILE",
            description = "kernels compiled before for the OpenCL device: .xclbin, .aocx, or devices --save-cl-binary")
    private @Nullable Path binary;

    static final class Converter implements ITypeConverter<BackendChoice> {
        @Override
        public BackendChoice convert(String value) {
            try {
                return BackendChoice.parse(value);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }

    Backend backend() {
        return choice.backend();
    }

    /**
     * Opens the device, if there is one for this choice; what is wrong with it goes to {@code err}, in one line.
     *
     * @param cpuSeconds see {@link Calibration#open}
     * @throws BadInputException if the binary cannot be read
     */
    Offload open(int threads, double cpuSeconds, PrintWriter err) {
        return Calibration.open(choice, binary(), threads, cpuSeconds, w -> {
            err.println("qdistill: warning: " + w);
            err.flush();
        });
    }

    private Optional<byte[]> binary() {
        if (binary == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(Files.readAllBytes(binary));
        } catch (IOException e) {
            throw new BadInputException(binary, "cannot be read: " + KeyStoreException.reason(e));
        }
    }
}
