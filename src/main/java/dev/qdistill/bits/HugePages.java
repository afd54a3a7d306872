package dev.qdistill.bits;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * Memory in pages of 2 MB where the system has them (Linux, transparent huge pages): what is read at random from megabytes, such as
 * the state of an LDPC decoder, waits for addresses to be translated otherwise.
 */
final class HugePages {
    private static final long PAGE = 1 << 21;
    /** From half a page on: below, most of the page would be wasted. */
    private static final long LEAST = PAGE / 2;

    private static final int READ_WRITE = 3;
    private static final int PRIVATE_ANONYMOUS = 0x22;
    private static final int HUGE_PAGE = 14;

    private static final Optional<HugePages> SYSTEM = find();

    private final MethodHandle map;
    private final MethodHandle advise;
    private final MethodHandle unmap;

    private HugePages(MethodHandle map, MethodHandle advise, MethodHandle unmap) {
        this.map = map;
        this.advise = advise;
        this.unmap = unmap;
    }

    private static Optional<HugePages> find() {
        if (!System.getProperty("os.name").equals("Linux")
                || !HugePages.class.getModule().isNativeAccessEnabled()) {
            return Optional.empty();
        }
        try {
            return Optional.of(new HugePages(
                    bind(
                            "mmap",
                            FunctionDescriptor.of(
                                    JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG)),
                    bind("madvise", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT)),
                    bind("munmap", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG))));
        } catch (UnsupportedOperationException | java.util.NoSuchElementException e) {
            return Optional.empty();
        }
    }

    @SuppressWarnings("restricted") // the signatures are those of the system's C library
    private static MethodHandle bind(String name, FunctionDescriptor descriptor) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor);
    }

    /**
     * Zeroed memory that lives as long as {@code arena}.
     *
     * @param alignment at most 2 MB
     * @return empty if it is too little for such a page, or there are none
     */
    static Optional<MemorySegment> allocate(Arena arena, long bytes, long alignment) {
        return bytes < LEAST || alignment > PAGE ? Optional.empty() : SYSTEM.flatMap(s -> s.mapped(arena, bytes));
    }

    @SuppressWarnings("restricted") // the memory is what mmap gave
    private Optional<MemorySegment> mapped(Arena arena, long bytes) {
        try {
            long size = (bytes + PAGE - 1) / PAGE * PAGE;
            long all = size + PAGE;
            long start = (long) map.invokeExact(MemorySegment.NULL, all, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0L);
            if (start == -1) {
                return Optional.empty();
            }
            long aligned = (start + PAGE - 1) / PAGE * PAGE;
            // Where it fails the pages are small ones.
            int advised = (int) advise.invokeExact(aligned, size, HUGE_PAGE);
            assert advised <= 0;
            return Optional.of(MemorySegment.ofAddress(aligned).reinterpret(bytes, arena, s -> release(start, all)));
        } catch (Throwable e) {
            throw new IllegalStateException("mmap failed", e);
        }
    }

    private void release(long start, long size) {
        try {
            int failure = (int) unmap.invokeExact(start, size);
            assert failure == 0;
        } catch (Throwable e) {
            throw new IllegalStateException("munmap failed", e);
        }
    }
}
