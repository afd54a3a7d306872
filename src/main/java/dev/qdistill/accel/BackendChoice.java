package dev.qdistill.accel;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * What was asked for on the command line: {@code auto}, {@code scalar}, {@code vector}, {@code native}, {@code opencl} or {@code
 * opencl:INDEX}.
 *
 * @param backend what kernels run on
 * @param device the index of the OpenCL device, 0 if there was none
 */
public record BackendChoice(Backend backend, int device) {
    public static final BackendChoice AUTO = new BackendChoice(Backend.AUTO, 0);

    /**
     * Reads a choice, in any case.
     *
     * @throws IllegalArgumentException if it is none
     */
    public static BackendChoice parse(String text) {
        int colon = text.indexOf(':');
        String name = colon < 0 ? text : text.substring(0, colon);
        for (Backend b : Backend.values()) {
            if (b.id().equals(name.toLowerCase(Locale.ROOT)) && (colon < 0 || b == Backend.OPENCL)) {
                try {
                    return new BackendChoice(
                            b, colon < 0 ? 0 : Integer.parseUnsignedInt(text, colon + 1, text.length(), 10));
                } catch (NumberFormatException e) {
                    break;
                }
            }
        }
        throw new IllegalArgumentException("'" + text + "' is not one of "
                + Arrays.stream(Backend.values()).map(Backend::id).collect(Collectors.joining(", "))
                + ", opencl:INDEX");
    }
}
