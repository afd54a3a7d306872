package dev.qdistill.accel;

import static org.lwjgl.opencl.CL10.*;
import static org.lwjgl.opencl.CL12.clEnqueueMarkerWithWaitList;
import static org.lwjgl.opencl.CL12.nclEnqueueFillBuffer;
import static org.lwjgl.system.MemoryUtil.NULL;
import static org.lwjgl.system.MemoryUtil.memAddress;

import java.io.File;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.lwjgl.PointerBuffer;
import org.lwjgl.opencl.CL;
import org.lwjgl.system.Configuration;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.system.MemoryUtil;

/**
 * A device of an OpenCL 1.2 driver, through LWJGL: the one class that touches it.
 *
 * <p>The library is looked for once, under its usual names, or where the system property {@code qdistill.opencl} says ({@code
 * none}: nowhere). Devices are those of all platforms, in the drivers' order. Whatever the driver refuses is a {@link
 * DeviceException}; after a time-out nothing of the device is freed any more, since it may still write there.
 */
public final class OpenClDevice implements ComputeDevice {
    /** How long a device may take to answer by default. */
    public static final Duration PATIENCE = Duration.ofMinutes(1);

    private static final String PROPERTY = "qdistill.opencl";
    private static final List<String> NAMES = List.of(
            "libOpenCL.so.1",
            "libOpenCL.so",
            "/usr/lib/x86_64-linux-gnu/libOpenCL.so.1",
            "/usr/lib64/libOpenCL.so.1",
            "/usr/local/cuda/lib64/libOpenCL.so.1",
            "OpenCL");
    private static final int ALIGNMENT = 64;
    // A device is asked for this long without a pause.
    private static final long SPIN_NANOS = 30_000;
    private static final long PAUSE_NANOS = 50_000;

    /** The handles of a device in the driver. */
    private record Found(long platform, long device, DeviceDescription description) {}

    private final DeviceDescription description;
    private final long device;
    private final long context;
    private final long patienceNanos;
    private final OpenClQueue wiping;
    private final Map<String, OpenClProgram> programs = new HashMap<>();
    private final boolean prebuilt;
    private volatile boolean lost;
    private boolean closed;

    private OpenClDevice(Found found, Duration patience, Optional<byte[]> binary) {
        description = found.description;
        device = found.device;
        patienceNanos = patience.toNanos();
        try (MemoryStack stack = MemoryStack.stackPush()) {
            PointerBuffer properties = stack.mallocPointer(3);
            properties.put(0, CL_CONTEXT_PLATFORM).put(1, found.platform).put(2, NULL);
            IntBuffer error = stack.mallocInt(1);
            context = clCreateContext(properties, device, null, NULL, error);
            check("clCreateContext", error.get(0));
        }
        try {
            wiping = new OpenClQueue();
        } catch (DeviceException e) {
            clReleaseContext(context);
            throw e;
        }
        prebuilt = binary.isPresent();
        if (prebuilt) {
            try {
                programs.put("", load(binary.get()));
            } catch (DeviceException e) {
                close();
                throw e;
            }
        }
    }

    /** Why there is no OpenCL library or no device here; empty if there is one. */
    public static Optional<String> problem() {
        return Holder.FOUND instanceof String s ? Optional.of(s) : Optional.empty();
    }

    /** The devices; none if there is a {@link #problem}. */
    public static List<DeviceDescription> list() {
        return found().stream().map(Found::description).toList();
    }

    /**
     * Whether a driver seems to be installed: asked before the library is loaded, which takes a quarter of a second.
     */
    public static boolean seemsInstalled() {
        if (System.getProperty(PROPERTY) != null || System.getenv("OCL_ICD_VENDORS") != null) {
            return true;
        }
        try (var vendors = Files.list(Path.of("/etc/OpenCL/vendors"))) {
            return vendors.anyMatch(v -> v.toString().endsWith(".icd"));
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * Opens a device.
     *
     * @param index of {@link #list}
     * @param patience how long it may take to answer
     * @param binary the kernels, compiled before for this device; empty: they are compiled here
     * @throws DeviceException if it is not there or cannot be opened, or does not take the binary
     */
    public static ComputeDevice open(int index, Duration patience, Optional<byte[]> binary) {
        problem().ifPresent(p -> {
            throw new DeviceException(p);
        });
        List<Found> all = found();
        if (index < 0 || index >= all.size()) {
            throw new DeviceException(
                    "there is no OpenCL device " + index + "; there are " + all.size() + ", counted from 0");
        }
        return new OpenClDevice(all.get(index), patience, binary);
    }

    @SuppressWarnings("unchecked")
    private static List<Found> found() {
        return Holder.FOUND instanceof List<?> l ? (List<Found>) l : List.of();
    }

    @Override
    public DeviceDescription description() {
        return description;
    }

    @Override
    public Buffer allocate(long bytes) {
        return new OpenClBuffer(bytes);
    }

    @Override
    public HostMemory allocateHost(long bytes) {
        return new OpenClHostMemory(bytes);
    }

    @Override
    public Program program(String source, String options) {
        synchronized (programs) {
            String key = prebuilt ? "" : options + "\n" + source;
            OpenClProgram known = programs.get(key);
            if (known == null) {
                known = build(source, options);
                programs.put(key, known);
            }
            return known;
        }
    }

    private OpenClProgram build(String source, String options) {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            IntBuffer error = stack.mallocInt(1);
            long program = clCreateProgramWithSource(context, source, error);
            check("clCreateProgramWithSource", error.get(0));
            return built(program, options);
        }
    }

    private OpenClProgram load(byte[] binary) {
        ByteBuffer bytes = MemoryUtil.memAlloc(Math.max(1, binary.length));
        try (MemoryStack stack = MemoryStack.stackPush()) {
            bytes.put(0, binary);
            IntBuffer error = stack.mallocInt(1);
            IntBuffer status = stack.mallocInt(1);
            long program = clCreateProgramWithBinary(context, stack.pointers(device), bytes, status, error);
            check("clCreateProgramWithBinary", error.get(0));
            if (status.get(0) != CL_SUCCESS) {
                clReleaseProgram(program);
            }
            check("clCreateProgramWithBinary", status.get(0));
            return built(program, "");
        } finally {
            MemoryUtil.memFree(bytes);
        }
    }

    private OpenClProgram built(long program, String options) {
        int error = clBuildProgram(program, device, options, null, NULL);
        if (error != CL_SUCCESS) {
            String log = log(program);
            clReleaseProgram(program);
            throw new DeviceException("the kernels cannot be built for " + description.name() + " (clBuildProgram "
                    + error + "): " + log);
        }
        return new OpenClProgram(program);
    }

    // The first lines that tell something.
    private String log(long program) {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            PointerBuffer size = stack.callocPointer(1);
            clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, (ByteBuffer) null, size);
            ByteBuffer text = MemoryUtil.memCalloc(Math.clamp(size.get(0), 1, 1 << 20));
            try {
                clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, text, null);
                String all = StandardCharsets.UTF_8.decode(text).toString();
                return all.lines()
                        .map(l -> l.replace("\0", "").strip())
                        .filter(l -> l.toLowerCase(Locale.ROOT).contains("error"))
                        .findFirst()
                        .orElse("the compiler says nothing");
            } finally {
                MemoryUtil.memFree(text);
            }
        }
    }

    @Override
    public Queue queue() {
        return new OpenClQueue();
    }

    @Override
    public void close() {
        synchronized (wiping) {
            if (closed) {
                return;
            }
            closed = true;
        }
        wiping.close();
        if (!lost) {
            programs.values().forEach(p -> clReleaseProgram(p.handle));
            clReleaseContext(context);
        }
    }

    private void check(String call, int error) {
        if (error != CL_SUCCESS) {
            throw new DeviceException(call + " of " + description.name() + " failed with " + error(error));
        }
    }

    private static String error(int code) {
        return switch (code) {
            case CL_DEVICE_NOT_AVAILABLE -> "device not available (-2)";
            case CL_MEM_OBJECT_ALLOCATION_FAILURE -> "no memory left on the device (-4)";
            case CL_OUT_OF_RESOURCES -> "out of resources (-5)";
            case CL_OUT_OF_HOST_MEMORY -> "out of host memory (-6)";
            case CL_INVALID_BUFFER_SIZE -> "a buffer that is too large (-61)";
            case CL_INVALID_BINARY -> "a binary that is not for this device (-42)";
            case CL_INVALID_KERNEL_NAME -> "no such kernel in the program (-46)";
            case CL_INVALID_WORK_GROUP_SIZE -> "a work-group size that the kernel does not take (-54)";
            default -> "error " + code;
        };
    }

    private final class OpenClBuffer implements Buffer {
        private final long bytes;
        private final long memory;
        private boolean freed;

        OpenClBuffer(long bytes) {
            this.bytes = bytes;
            try (MemoryStack stack = MemoryStack.stackPush()) {
                IntBuffer error = stack.mallocInt(1);
                memory = clCreateBuffer(context, CL_MEM_READ_WRITE, bytes, error);
                check("clCreateBuffer", error.get(0));
            }
        }

        @Override
        public long bytes() {
            return bytes;
        }

        @Override
        public void close() {
            if (freed) {
                return;
            }
            freed = true;
            if (lost) {
                return;
            }
            try {
                synchronized (wiping) {
                    wiping.clear(this, 0, bytes);
                    wiping.finish();
                }
            } catch (DeviceException e) {
                // Nothing can be done about it: the device does not answer.
                return;
            }
            clReleaseMemObject(memory);
        }
    }

    private final class OpenClHostMemory implements HostMemory {
        private final long memory;
        private final long address;
        private final MemorySegment segment;
        private boolean freed;

        @SuppressWarnings("restricted") // the driver says where it is; it stays until it is unmapped
        OpenClHostMemory(long bytes) {
            long size = Math.max(ALIGNMENT, bytes + ALIGNMENT - 1 & -ALIGNMENT);
            try (MemoryStack stack = MemoryStack.stackPush()) {
                IntBuffer error = stack.mallocInt(1);
                memory = clCreateBuffer(context, CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR, size, error);
                check("clCreateBuffer", error.get(0));
                synchronized (wiping) {
                    address = nclEnqueueMapBuffer(
                            wiping.handle,
                            memory,
                            CL_TRUE,
                            CL_MAP_READ | CL_MAP_WRITE,
                            0,
                            size,
                            0,
                            NULL,
                            NULL,
                            memAddress(error));
                }
                if (error.get(0) != CL_SUCCESS) {
                    clReleaseMemObject(memory);
                }
                check("clEnqueueMapBuffer", error.get(0));
            }
            if (address % ALIGNMENT != 0) {
                clReleaseMemObject(memory);
                throw new DeviceException(
                        "host memory of " + description.name() + " is not aligned to " + ALIGNMENT + " bytes");
            }
            segment = MemorySegment.ofAddress(address).reinterpret(size);
            segment.fill((byte) 0);
        }

        @Override
        public MemorySegment segment() {
            return segment;
        }

        @Override
        public void close() {
            if (freed) {
                return;
            }
            freed = true;
            segment.fill((byte) 0);
            if (lost) {
                return;
            }
            try {
                synchronized (wiping) {
                    check(
                            "clEnqueueUnmapMemObject",
                            nclEnqueueUnmapMemObject(wiping.handle, memory, address, 0, NULL, NULL));
                    wiping.finish();
                }
            } catch (DeviceException e) {
                return;
            }
            clReleaseMemObject(memory);
        }
    }

    private final class OpenClProgram implements Program {
        private final long handle;

        OpenClProgram(long handle) {
            this.handle = handle;
        }

        @Override
        public boolean has(String name) {
            try (MemoryStack stack = MemoryStack.stackPush()) {
                IntBuffer error = stack.mallocInt(1);
                long kernel = clCreateKernel(handle, name, error);
                if (error.get(0) == CL_INVALID_KERNEL_NAME) {
                    return false;
                }
                check("clCreateKernel(" + name + ")", error.get(0));
                clReleaseKernel(kernel);
                return true;
            }
        }

        @Override
        public Kernel kernel(String name) {
            try (MemoryStack stack = MemoryStack.stackPush()) {
                IntBuffer error = stack.mallocInt(1);
                long kernel = clCreateKernel(handle, name, error);
                check("clCreateKernel(" + name + ")", error.get(0));
                PointerBuffer size = stack.callocPointer(1);
                clGetKernelWorkGroupInfo(kernel, device, CL_KERNEL_WORK_GROUP_SIZE, size, null);
                return new OpenClKernel(name, kernel, (int) size.get(0));
            }
        }

        @Override
        public byte[] binary() {
            try (MemoryStack stack = MemoryStack.stackPush()) {
                // One device in the context, so one binary.
                PointerBuffer size = stack.callocPointer(1);
                check("clGetProgramInfo", clGetProgramInfo(handle, CL_PROGRAM_BINARY_SIZES, size, null));
                ByteBuffer bytes = MemoryUtil.memAlloc(Math.toIntExact(Math.max(1, size.get(0))));
                try {
                    check(
                            "clGetProgramInfo",
                            clGetProgramInfo(handle, CL_PROGRAM_BINARIES, stack.pointers(memAddress(bytes)), null));
                    byte[] copy = new byte[(int) size.get(0)];
                    bytes.get(0, copy);
                    return copy;
                } finally {
                    MemoryUtil.memFree(bytes);
                }
            }
        }
    }

    private final class OpenClKernel implements Kernel {
        private final String name;
        private final long handle;
        private final int groupSize;
        private boolean freed;

        OpenClKernel(String name, long handle, int groupSize) {
            this.name = name;
            this.handle = handle;
            this.groupSize = groupSize;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public int groupSize() {
            return groupSize;
        }

        @Override
        public void close() {
            if (!freed && !lost) {
                clReleaseKernel(handle);
            }
            freed = true;
        }
    }

    private final class OpenClQueue implements Queue {
        private final long handle;
        private boolean freed;

        OpenClQueue() {
            try (MemoryStack stack = MemoryStack.stackPush()) {
                IntBuffer error = stack.mallocInt(1);
                handle = clCreateCommandQueue(context, device, 0, error);
                check("clCreateCommandQueue", error.get(0));
            }
        }

        private static long memory(Buffer b) {
            return ((OpenClBuffer) b).memory;
        }

        @Override
        public void write(HostMemory from, long fromOffset, Buffer to, long toOffset, long bytes) {
            long at = from.segment().asSlice(fromOffset, bytes).address();
            check(
                    "clEnqueueWriteBuffer",
                    nclEnqueueWriteBuffer(handle, memory(to), CL_FALSE, toOffset, bytes, at, 0, NULL, NULL));
        }

        @Override
        public void read(Buffer from, long fromOffset, HostMemory to, long toOffset, long bytes) {
            long at = to.segment().asSlice(toOffset, bytes).address();
            check(
                    "clEnqueueReadBuffer",
                    nclEnqueueReadBuffer(handle, memory(from), CL_FALSE, fromOffset, bytes, at, 0, NULL, NULL));
        }

        @Override
        public void copy(Buffer from, long fromOffset, Buffer to, long toOffset, long bytes) {
            check(
                    "clEnqueueCopyBuffer",
                    nclEnqueueCopyBuffer(handle, memory(from), memory(to), fromOffset, toOffset, bytes, 0, NULL, NULL));
        }

        @Override
        public void clear(Buffer buffer, long offset, long bytes) {
            if (bytes == 0) {
                return;
            }
            try (MemoryStack stack = MemoryStack.stackPush()) {
                int width = bytes % 4 == 0 && offset % 4 == 0 ? 4 : 1;
                check(
                        "clEnqueueFillBuffer",
                        nclEnqueueFillBuffer(
                                handle,
                                memory(buffer),
                                memAddress(stack.ints(0)),
                                width,
                                offset,
                                bytes,
                                0,
                                NULL,
                                NULL));
            }
        }

        @Override
        public void launch(Kernel kernel, long items, int groupSize, Object... arguments) {
            long k = ((OpenClKernel) kernel).handle;
            for (int i = 0; i < arguments.length; i++) {
                int error = switch (arguments[i]) {
                    case OpenClBuffer b -> clSetKernelArg1p(k, i, b.memory);
                    case Integer v -> clSetKernelArg1i(k, i, v);
                    default -> throw new IllegalArgumentException("Argument " + i + " of " + kernel.name());
                };
                check("clSetKernelArg(" + kernel.name() + ", " + i + ")", error);
            }
            try (MemoryStack stack = MemoryStack.stackPush()) {
                LongBuffer global = stack.longs(items);
                LongBuffer local = stack.longs(groupSize);
                check(
                        "clEnqueueNDRangeKernel(" + kernel.name() + ")",
                        nclEnqueueNDRangeKernel(
                                handle,
                                k,
                                1,
                                NULL,
                                memAddress(global),
                                groupSize == 0 ? NULL : memAddress(local),
                                0,
                                NULL,
                                NULL));
            }
        }

        @Override
        public void flush() {
            check("clFlush", clFlush(handle));
        }

        @Override
        public void finish() {
            if (lost) {
                throw new DeviceException(description.name() + " did not answer before");
            }
            try (MemoryStack stack = MemoryStack.stackPush()) {
                PointerBuffer event = stack.mallocPointer(1);
                check("clEnqueueMarkerWithWaitList", clEnqueueMarkerWithWaitList(handle, null, event));
                flush();
                await(event.get(0), stack.mallocInt(1));
            }
        }

        // The driver's own waiting has no time limit.
        private void await(long event, IntBuffer status) {
            long start = System.nanoTime();
            while (true) {
                check("clGetEventInfo", clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, status, null));
                int s = status.get(0);
                if (s == CL_COMPLETE) {
                    clReleaseEvent(event);
                    return;
                }
                if (s < 0) {
                    lost = true;
                    throw new DeviceException("work on " + description.name() + " ended with " + error(s));
                }
                long waited = System.nanoTime() - start;
                if (waited > patienceNanos) {
                    lost = true;
                    throw new DeviceException(description.name() + " did not answer within "
                            + Duration.ofNanos(patienceNanos).toMillis() + " ms");
                }
                if (waited < SPIN_NANOS) {
                    Thread.onSpinWait();
                } else {
                    LockSupport.parkNanos(PAUSE_NANOS);
                }
            }
        }

        @Override
        public void close() {
            if (!freed && !lost) {
                clReleaseCommandQueue(handle);
            }
            freed = true;
        }
    }

    // Looked for once, on first use.
    private static final class Holder {
        // The devices, or why there are none.
        static final Object FOUND = probe();

        private static Object probe() {
            String set = System.getProperty(PROPERTY);
            if ("none".equals(set)) {
                return PROPERTY + " is none";
            }
            try {
                // Not by sun.misc.Unsafe, of which JDKs warn.
                Configuration.MEMORY_BACKEND.set("ffm");
                Configuration.OPENCL_EXPLICIT_INIT.set(true);
                String problem = load(set == null ? NAMES : List.of(set));
                if (!problem.isEmpty()) {
                    return problem;
                }
                List<Found> all = devices();
                return all.isEmpty() ? "no OpenCL driver here has a device" : all;
            } catch (LinkageError | RuntimeException e) {
                return "OpenCL cannot be used: " + e.getMessage();
            }
        }

        private static String load(List<String> names) {
            for (String name : names) {
                if (name.startsWith(File.separator) && !Files.isReadable(Path.of(name))) {
                    continue;
                }
                try {
                    CL.create(name);
                    return "";
                } catch (UnsatisfiedLinkError e) {
                    // The next name.
                }
            }
            return "there is no OpenCL library (" + String.join(", ", names) + "); the property " + PROPERTY
                    + " can name one";
        }

        private static List<Found> devices() {
            List<Found> all = new ArrayList<>();
            try (MemoryStack stack = MemoryStack.stackPush()) {
                IntBuffer n = stack.callocInt(1);
                // No platform is an error to the loader.
                if (clGetPlatformIDs(null, n) != CL_SUCCESS || n.get(0) == 0) {
                    return all;
                }
                PointerBuffer platforms = stack.mallocPointer(n.get(0));
                clGetPlatformIDs(platforms, (IntBuffer) null);
                for (int p = 0; p < platforms.capacity(); p++) {
                    long platform = platforms.get(p);
                    if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, null, n) != CL_SUCCESS || n.get(0) == 0) {
                        continue;
                    }
                    PointerBuffer devices = stack.mallocPointer(n.get(0));
                    clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, devices, (IntBuffer) null);
                    for (int d = 0; d < devices.capacity(); d++) {
                        all.add(new Found(
                                platform,
                                devices.get(d),
                                describe(all.size(), platformName(platform), devices.get(d))));
                    }
                }
            }
            return List.copyOf(all);
        }

        private static DeviceDescription describe(int index, String platform, long device) {
            long type = number(device, CL_DEVICE_TYPE);
            String kind = (type & CL_DEVICE_TYPE_GPU) != 0
                    ? "gpu"
                    : (type & CL_DEVICE_TYPE_CPU) != 0
                            ? "cpu"
                            : (type & CL_DEVICE_TYPE_ACCELERATOR) != 0 ? "accelerator" : "other";
            return new DeviceDescription(
                    index,
                    platform,
                    text(device, CL_DEVICE_NAME),
                    kind,
                    text(device, CL_DEVICE_VERSION),
                    text(device, CL_DRIVER_VERSION),
                    (int) number(device, CL_DEVICE_MAX_COMPUTE_UNITS),
                    (int) number(device, CL_DEVICE_MAX_WORK_GROUP_SIZE),
                    number(device, CL_DEVICE_LOCAL_MEM_SIZE),
                    number(device, CL_DEVICE_GLOBAL_MEM_SIZE),
                    number(device, CL_DEVICE_MAX_MEM_ALLOC_SIZE));
        }

        // Numbers have 4 or 8 bytes; the rest stays zero.
        private static long number(long device, int name) {
            try (MemoryStack stack = MemoryStack.stackPush()) {
                LongBuffer value = stack.callocLong(1);
                return nclGetDeviceInfo(device, name, 8, memAddress(value), NULL) == CL_SUCCESS ? value.get(0) : 0;
            }
        }

        private static String text(long device, int name) {
            try (MemoryStack stack = MemoryStack.stackPush()) {
                ByteBuffer bytes = stack.calloc(1024);
                return nclGetDeviceInfo(device, name, 1023, memAddress(bytes), NULL) == CL_SUCCESS
                        ? MemoryUtil.memASCII(memAddress(bytes)).strip()
                        : "";
            }
        }

        private static String platformName(long platform) {
            try (MemoryStack stack = MemoryStack.stackPush()) {
                ByteBuffer bytes = stack.calloc(1024);
                clGetPlatformInfo(platform, CL_PLATFORM_NAME, bytes, null);
                return MemoryUtil.memASCII(memAddress(bytes)).strip();
            }
        }
    }
}
