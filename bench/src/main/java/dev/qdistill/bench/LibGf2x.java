package dev.qdistill.bench;

import dev.qdistill.bits.BitString;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** The library gf2x (Brent, Gaudry, Thomé, Zimmermann), as the distribution ships it: the yardstick. */
final class LibGf2x {
    private final MethodHandle multiply;

    private LibGf2x(MethodHandle multiply) {
        this.multiply = multiply;
    }

    /**
     * @throws IllegalArgumentException if it is not installed (Debian: package libgf2x3)
     */
    static LibGf2x load() {
        // int gf2x_mul(unsigned long *c, const unsigned long *a, unsigned long an, const unsigned long *b, unsigned
        // long bn)
        var lookup = SymbolLookup.libraryLookup("libgf2x.so.3", Arena.global());
        return new LibGf2x(Linker.nativeLinker()
                .downcallHandle(
                        lookup.findOrThrow("gf2x_mul"),
                        FunctionDescriptor.of(
                                ValueLayout.JAVA_INT,
                                ValueLayout.ADDRESS,
                                ValueLayout.ADDRESS,
                                ValueLayout.JAVA_LONG,
                                ValueLayout.ADDRESS,
                                ValueLayout.JAVA_LONG)));
    }

    /** {@code product = a·b}; product needs as many words as both factors together. */
    void multiply(BitString product, BitString a, BitString b) {
        try {
            int _ = (int)
                    multiply.invokeExact(product.segment(), a.segment(), a.wordCount(), b.segment(), b.wordCount());
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }
}
