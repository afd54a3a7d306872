package dev.qdistill.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The values of {@code --threads}: 1 or more. */
final class ThreadCount implements ITypeConverter<Integer> {
    private static final int MOST = 1 << 14;

    @Override
    public Integer convert(String value) {
        try {
            int threads = Integer.parseInt(value);
            if (threads >= 1 && threads <= MOST) {
                return threads;
            }
        } catch (NumberFormatException e) {
            // told below
        }
        throw new TypeConversionException("'" + value + "' is no number of threads, 1 to " + MOST);
    }
}
