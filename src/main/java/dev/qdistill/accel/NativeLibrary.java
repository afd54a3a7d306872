package dev.qdistill.accel;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The library of C kernels, {@code target/native/libqdistill.so}, which {@code scripts/build-native} makes: looked for once, beside
 * the program's jar or classes, or where the system property {@code qdistill.native} says ({@code none}: nowhere).
 *
 * <p>It loads on any x86-64 processor. Kernels come in several instruction sets; which of them this CPU has is asked once. The
 * system property {@code qdistill.native.isa} leaves only one of them, for tests and comparisons.
 */
public final class NativeLibrary {
    private static final String NAME = "libqdistill.so";
    private static final String PROPERTY = "qdistill.native";
    private static final String ISA_PROPERTY = "qdistill.native.isa";
    // The library, or why there is none.
    private static final Object FOUND = find();

    /** The library with what was asked of it. */
    private record Found(SymbolLookup symbols, List<NativeIsa> isas) {}

    private NativeLibrary() {}

    /** Its symbols; empty if it cannot be had. */
    public static Optional<SymbolLookup> symbols() {
        return FOUND instanceof Found f ? Optional.of(f.symbols) : Optional.empty();
    }

    /** Why it cannot be had; empty if it can. */
    public static Optional<String> problem() {
        return FOUND instanceof String s ? Optional.of(s) : Optional.empty();
    }

    /** The instruction sets to take kernels from, the fastest first; empty without the library. */
    public static List<NativeIsa> isas() {
        return FOUND instanceof Found f ? f.isas : List.of();
    }

    /** Whether kernels of this instruction set may be called. */
    public static boolean has(NativeIsa isa) {
        return isas().contains(isa);
    }

    @SuppressWarnings("restricted") // int32_t qd_isas(void)
    private static List<NativeIsa> isas(SymbolLookup library) {
        int found;
        try {
            found = (int) Linker.nativeLinker()
                    .downcallHandle(library.findOrThrow("qd_isas"), FunctionDescriptor.of(ValueLayout.JAVA_INT))
                    .invokeExact();
        } catch (Throwable e) {
            throw new IllegalStateException("A call of native code failed", e);
        }
        String only = System.getProperty(ISA_PROPERTY);
        return Arrays.stream(NativeIsa.values())
                .filter(isa -> isa.isIn(found))
                .filter(isa -> only == null || isa.id().equals(only))
                .toList();
    }

    @SuppressWarnings("restricted") // the one place where the library is loaded
    private static Object find() {
        String only = System.getProperty(ISA_PROPERTY);
        List<String> ids = Arrays.stream(NativeIsa.values()).map(NativeIsa::id).toList();
        if (only != null && !ids.contains(only)) {
            return ISA_PROPERTY + " is " + only + "; there are " + String.join(", ", ids);
        }
        if ("none".equals(System.getProperty(PROPERTY))) {
            return PROPERTY + " is none";
        }
        Path path = path();
        if (path == null || !Files.isReadable(path)) {
            return "there is no " + (path == null ? NAME : path) + "; scripts/build-native makes it, with gcc or clang";
        }
        try {
            SymbolLookup library = SymbolLookup.libraryLookup(path, Arena.global());
            return library.find("qd_isas").isPresent()
                    ? new Found(library, isas(library))
                    : path + " is no library of this program's kernels, or an old one";
        } catch (IllegalArgumentException e) {
            return path + " cannot be loaded: " + e.getMessage();
        }
    }

    private static @Nullable Path path() {
        String set = System.getProperty(PROPERTY);
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
