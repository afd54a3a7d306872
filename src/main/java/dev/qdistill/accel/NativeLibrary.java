package dev.qdistill.accel;

import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The library of C kernels, {@code target/native/libqdistill.so}, which {@code scripts/build-native} makes: looked for once, beside
 * the program's jar or classes, or where the system property {@code qdistill.native} says.
 */
public final class NativeLibrary {
    private static final String NAME = "libqdistill.so";
    private static final Object FOUND = find();

    private NativeLibrary() {}

    /** Its symbols; empty if it cannot be had. */
    public static Optional<SymbolLookup> symbols() {
        return FOUND instanceof SymbolLookup s ? Optional.of(s) : Optional.empty();
    }

    /** Why it cannot be had; empty if it can. */
    public static Optional<String> problem() {
        return FOUND instanceof String s ? Optional.of(s) : Optional.empty();
    }

    @SuppressWarnings("restricted") // the one place where the library is loaded
    private static Object find() {
        Path path = path();
        if (path == null || !Files.isReadable(path)) {
            return "there is no " + (path == null ? NAME : path) + "; scripts/build-native makes it, with gcc or clang";
        }
        try {
            return SymbolLookup.libraryLookup(path, Arena.global());
        } catch (IllegalArgumentException e) {
            return path + " cannot be loaded: " + e.getMessage();
        }
    }

    private static @Nullable Path path() {
        String set = System.getProperty("qdistill.native");
        if (set != null) {
            return Path.of(set);
        }
        try {
            var source = NativeLibrary.class.getProtectionDomain().getCodeSource();
            Path directory = source == null
                    ? null
                    : Path.of(source.getLocation().toURI()).getParent();
            return directory == null ? null : directory.resolve("native").resolve(NAME);
        } catch (URISyntaxException e) {
            return null;
        }
    }
}
