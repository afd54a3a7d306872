package dev.qdistill.cli;

import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** {@code --memory}. */
final class MemoryOption {
    @Option(
            names = "--memory",
            paramLabel = "BYTES",
            converter = Bytes.class,
            description =
                    "memory for the hash of a block: with K, M or G, as 512M; a larger block is hashed in parts, with"
                            + " the same result, but slower. Default: half of this machine's memory")
    private @Nullable Long memory;

    /** The limit in bytes. */
    long bytes() {
        // The JVM's default heap limit is a quarter of the memory of machine or container.
        return memory == null ? 2 * Runtime.getRuntime().maxMemory() : memory;
    }

    /** 1048576, 1024K, 1M. */
    static final class Bytes implements ITypeConverter<Long> {
        @Override
        public Long convert(String value) {
            int shift = switch (value.isEmpty()
                    ? ""
                    : value.substring(value.length() - 1).toUpperCase(Locale.ROOT)) {
                case "K" -> 10;
                case "M" -> 20;
                case "G" -> 30;
                default -> 0;
            };
            try {
                long number = Long.parseLong(shift == 0 ? value : value.substring(0, value.length() - 1));
                if (number > 0 && number <= Long.MAX_VALUE >>> shift) {
                    return number << shift;
                }
            } catch (NumberFormatException e) {
                // told below
            }
            throw new TypeConversionException("'" + value + "' is no size; such are 800000000, 800M, 2G");
        }
    }
}
