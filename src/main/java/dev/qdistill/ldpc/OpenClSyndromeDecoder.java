package dev.qdistill.ldpc;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.qdistill.accel.ComputeDevice;
import dev.qdistill.accel.ComputeDevice.Buffer;
import dev.qdistill.accel.ComputeDevice.HostMemory;
import dev.qdistill.accel.ComputeDevice.Kernel;
import dev.qdistill.accel.ComputeDevice.Program;
import dev.qdistill.accel.ComputeDevice.Queue;
import dev.qdistill.accel.DeviceDescription;
import dev.qdistill.accel.DeviceException;
import dev.qdistill.accel.KernelSources;
import dev.qdistill.bits.BitString;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A piece of many frames that an OpenCL device decodes together, each with the decisions, the iterations and the end that {@link
 * SyndromeDecoder} gives it (kernels: native/opencl/ldpc.cl).
 *
 * <pre>{@code
 * decoder.take(code, frames);
 * decoder.begin(frame, difference, 0, qber);      // for each frame
 * decoder.start(UpdateRule.PHI, 60);              // returns at once
 * decoder.await();
 * if (decoder.decoded(frame)) {
 *     decoder.error(frame, error, 0);
 * }
 * }</pre>
 *
 * <p>Two of these on one device overlap: while one computes, the other's frames are prepared, and copied by a queue of its
 * own. One thread at a time. All methods may throw {@link DeviceException}; the frames of the piece are then lost.
 */
public final class OpenClSyndromeDecoder implements AutoCloseable {
    private static final int STATUS = 8;
    private static final int PRIOR = 0;
    private static final int FLAGS = 1;
    private static final int ITERATIONS = 2;
    private static final int UNSATISFIED = 4;
    private static final int CONVERGED = 6;
    private static final int RUN = 1;
    private static final int KNOWN = 2;
    private static final int RESET = 4;

    // What a work-group of a GPU has at most; groups for each compute unit.
    private static final int GPU_GROUP = 512;
    private static final int GPU_GROUPS = 4;
    // Frames side by side on a GPU: one 32-bit access for each check.
    private static final int GPU_WIDTH = 4;
    // A processor has its vectors over the lanes of a group.
    private static final int CPU_GROUP = 64;
    private static final int CPU_GROUPS = 4;
    private static final int CPU_FRAME = 1 << 16;
    // Of the device's memory, for one of several that may be at work.
    private static final int MEMORY_SHARE = 32;

    private final ComputeDevice device;
    private final DeviceDescription description;
    private final String options;
    private final int preferredWidth;
    private final Queue queue;
    private final List<Variant> variants = new ArrayList<>();

    // Grown as needed, in the order of the kernel's arguments.
    private final Grown posteriors = new Grown();
    private final Grown messages = new Grown();
    private final Grown syndromes = new Grown();
    private final Grown known = new Grown();
    private final Grown errors = new Grown();
    private final Grown status = new Grown();
    private final Grown decisions = new Grown();
    private final Grown layout = new Grown();
    private final Grown edgeTable = new Grown();
    private final Grown tables = new Grown();
    private final Grown geometry = new Grown();

    private @Nullable HostMemory posteriorHost;
    private @Nullable QuasiCyclicCode code;
    private @Nullable Variant variant;
    private int frames;
    private boolean running;
    private boolean anyKnown;

    /** The kernels for a number of frames side by side. */
    private record Variant(int width, int circulant, boolean single, Kernel kernel) {}

    /** A buffer with host memory for what goes there or comes from there. */
    private final class Grown {
        private @Nullable Buffer buffer;
        private @Nullable HostMemory host;

        void require(long bytes, boolean withHost) {
            Buffer b = buffer;
            if (b == null || b.bytes() < bytes) {
                close();
                buffer = device.allocate(bytes);
            }
            HostMemory h = host;
            if (withHost && (h == null || h.segment().byteSize() < bytes)) {
                if (h != null) {
                    h.close();
                }
                host = device.allocateHost(bytes);
            }
        }

        Buffer buffer() {
            if (buffer == null) {
                throw new IllegalStateException("No piece was taken");
            }
            return buffer;
        }

        MemorySegment host() {
            if (host == null) {
                throw new IllegalStateException("No piece was taken");
            }
            return host.segment();
        }

        void write(long bytes) {
            host();
            if (host != null) {
                queue.write(host, 0, buffer(), 0, bytes);
            }
        }

        void read(long from, long bytes) {
            host();
            if (host != null) {
                queue.read(buffer(), from, host, from, bytes);
            }
        }

        void close() {
            if (buffer != null) {
                buffer.close();
                buffer = null;
            }
            if (host != null) {
                host.close();
                host = null;
            }
        }
    }

    /** A decoder on {@code device}, which outlives it. */
    public OpenClSyndromeDecoder(ComputeDevice device) {
        this(device, device.description().isCpu() ? 1 : GPU_WIDTH, "");
    }

    /**
     * @param width frames side by side where there are enough
     * @param options more options of the kernels' compiler
     */
    OpenClSyndromeDecoder(ComputeDevice device, int width, String options) {
        this.device = device;
        this.options = options;
        description = device.description();
        queue = device.queue();
        preferredWidth = width;
        try {
            // Whatever is wrong with the kernels shows here.
            variant(width);
            variant(1);
        } catch (DeviceException e) {
            close();
            throw e;
        }
    }

    private void variant(int width) {
        if (variants.stream().anyMatch(v -> v.width == width)) {
            return;
        }
        Program program = device.program(
                width == 1 ? KernelSources.all() : KernelSources.decoder(), "-D WIDTH=" + width + options);
        if (!program.has("decode")) {
            return;
        }
        int[] properties = new int[4];
        try (Kernel tell = program.kernel("ldpc_properties");
                Buffer buffer = device.allocate(16);
                HostMemory host = device.allocateHost(16)) {
            queue.launch(tell, 1, 1, buffer);
            queue.read(buffer, 0, host, 0, 16);
            queue.finish();
            MemorySegment.copy(host.segment(), JAVA_INT, 0, properties, 0, 4);
        }
        // A program compiled before has a width of its own.
        if (variants.stream().noneMatch(v -> v.width == properties[0])) {
            variants.add(new Variant(properties[0], properties[1], properties[2] != 0, program.kernel("decode")));
        }
    }

    /**
     * Whether the kernels can decode frames of a code; those compiled before may be for one size of circulant only, or
     * have no decoder at all.
     */
    public boolean takes(QuasiCyclicCode c) {
        if (variants.isEmpty()) {
            return false;
        }
        int only = variants.getFirst().circulant;
        return only == 0 || only == c.circulant();
    }

    /** The frames of a code that make a piece of a good size for the device: 1 or more. */
    public int capacity(QuasiCyclicCode c) {
        // A CPU takes so long over long frames that more would only delay the first.
        long groups = (long) description.computeUnits()
                * (!description.isCpu() ? GPU_GROUPS : c.frameBits() > CPU_FRAME ? 1 : CPU_GROUPS);
        long edgeBytes = (long) c.edges() * c.circulant();
        long bytes = edgeBytes + c.frameBits() + 4L * c.frameBits() / 8 + c.syndromeBits() / 8;
        long fit = Math.min(description.largestBuffer() / edgeBytes, description.globalBytes() / MEMORY_SHARE / bytes);
        // No address in a buffer of one group above 2^31.
        return (int) Math.clamp(groups * preferredWidth, 1, Math.max(1, Math.min(fit, 1 << 16)));
    }

    /**
     * Begins a piece; the one before is forgotten.
     *
     * @param count frames, at least 1 and at most {@link #capacity}, or what memory allows
     * @throws IllegalArgumentException if the kernels do not {@linkplain #takes take} the code
     */
    public void take(QuasiCyclicCode newCode, int count) {
        if (!takes(newCode)) {
            throw new IllegalArgumentException(
                    "The kernels were compiled for another circulant than that of " + newCode);
        }
        if (running) {
            await();
        }
        Variant v = variants.getFirst();
        for (Variant other : variants) {
            // As many groups as there are units, if that can be had.
            if (other.width > 1 || v.width > 1) {
                Variant wide = other.width > v.width ? other : v;
                Variant narrow = other.width > v.width ? v : other;
                v = count >= wide.width * description.computeUnits() ? wide : narrow;
            }
        }
        variant = v;
        frames = count;
        anyKnown = false;
        long bits = newCode.frameBits();
        long padded = (count + v.width - 1L) / v.width * v.width;
        posteriors.require(padded * bits, false);
        messages.require(padded * newCode.edges() * newCode.circulant(), false);
        syndromes.require(padded * newCode.syndromeBits() / 8, true);
        known.require(padded * bits / 8, true);
        errors.require(padded * bits / 8, true);
        decisions.require(padded * bits / 8, true);
        status.require(padded * STATUS * 4, true);
        status.host().fill((byte) 0);
        if (code == null || !newCode.equals(code)) {
            code = null;
            describe(newCode);
            code = newCode;
        }
    }

    private void describe(QuasiCyclicCode c) {
        layout.require(4L * (c.rows() + 1), true);
        for (int r = 0; r <= c.rows(); r++) {
            layout.host().setAtIndex(JAVA_INT, r, c.rowStart(r));
        }
        edgeTable.require(8L * c.edges(), true);
        for (int e = 0; e < c.edges(); e++) {
            edgeTable.host().setAtIndex(JAVA_INT, 2L * e, c.column(e));
            edgeTable.host().setAtIndex(JAVA_INT, 2L * e + 1, c.shift(e));
        }
        DecoderTables t = c.tables();
        long size = DecoderTables.SIZE;
        tables.require(size * (1 + 2L * DecoderTables.STATES), true);
        MemorySegment m = tables.host();
        MemorySegment.copy(t.phi(), 0, m, JAVA_BYTE, 0, DecoderTables.SIZE);
        for (int s = 0; s < DecoderTables.STATES; s++) {
            MemorySegment.copy(t.psi()[s], 0, m, JAVA_BYTE, size * (1 + s), DecoderTables.SIZE);
            MemorySegment.copy(
                    t.minSum()[s], 0, m, JAVA_BYTE, size * (1 + DecoderTables.STATES + s), DecoderTables.SIZE);
        }
        int[] numbers = new int[5 + DecoderTables.STATES];
        numbers[0] = c.circulant();
        numbers[1] = c.rows();
        numbers[2] = c.columns();
        numbers[3] = c.edges();
        numbers[4] = t.minSumBelow();
        for (int s = 0; s < 30; s++) {
            numbers[5 + s] = firstAbove(s, c.syndromeBits());
        }
        geometry.require(4L * numbers.length, true);
        MemorySegment.copy(numbers, 0, geometry.host(), JAVA_INT, 0, numbers.length);
        layout.write(4L * (c.rows() + 1));
        edgeTable.write(8L * c.edges());
        tables.write(size * (1 + 2L * DecoderTables.STATES));
        geometry.write(4L * numbers.length);
        queue.finish();
    }

    // The smallest number of unsatisfied checks whose state is above `state`: the device compares whole numbers only.
    private static int firstAbove(int state, int checks) {
        int low = 0;
        int high = checks + 1;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (DecoderTables.state(middle, checks) > state) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }

    private QuasiCyclicCode requireCode(int frame) {
        QuasiCyclicCode c = code;
        if (c == null || frame < 0 || frame >= frames) {
            throw new IndexOutOfBoundsException("Frame " + frame + " of a piece of " + frames);
        }
        return c;
    }

    private int get(int frame, int field) {
        requireCode(frame);
        return status.host().getAtIndex(JAVA_INT, (long) frame * STATUS + field);
    }

    private void set(int frame, int field, int value) {
        status.host().setAtIndex(JAVA_INT, (long) frame * STATUS + field, value);
    }

    /** As {@link SyndromeDecoder#begin}. */
    public void begin(int frame, BitString difference, long offset, double qber) {
        QuasiCyclicCode c = requireCode(frame);
        SyndromeEncoder.requireRange(difference, offset, c.syndromeBits());
        if (!(qber > 0 && qber < .5)) {
            throw new IllegalArgumentException("QBER " + qber + " is not between 0 and 0.5");
        }
        copyWords(difference, offset, syndromes.host(), frame, c.syndromeBits());
        set(frame, PRIOR, c.tables().prior(qber));
        set(frame, FLAGS, RUN | RESET);
        set(frame, ITERATIONS, 0);
        set(frame, CONVERGED, 0);
    }

    private static void copyWords(BitString from, long offset, MemorySegment to, int row, int bits) {
        MemorySegment.copy(from.segment(), offset >>> 3, to, (long) row * bits / 8, bits / 8);
    }

    /** As {@link SyndromeDecoder#reveal}; the next run goes on with the frame. */
    public void reveal(int frame, BitString mask, long maskOffset, BitString values, long valuesOffset) {
        QuasiCyclicCode c = requireCode(frame);
        SyndromeEncoder.requireRange(mask, maskOffset, c.frameBits());
        SyndromeEncoder.requireRange(values, valuesOffset, c.frameBits());
        boolean fresh = (get(frame, FLAGS) & KNOWN) == 0;
        long words = c.frameBits() / 64;
        for (int w = 0; w < words; w++) {
            long at = frame * words + w;
            long now = mask.word((maskOffset >>> 6) + w);
            long before = fresh ? 0 : known.host().getAtIndex(JAVA_LONG, at);
            long value = fresh ? 0 : errors.host().getAtIndex(JAVA_LONG, at);
            known.host().setAtIndex(JAVA_LONG, at, before | now);
            errors.host().setAtIndex(JAVA_LONG, at, value & ~now | values.word((valuesOffset >>> 6) + w) & now);
        }
        set(frame, FLAGS, get(frame, FLAGS) | RUN | KNOWN);
        set(frame, CONVERGED, 0);
        anyKnown = true;
    }

    /** Keeps the difference of syndromes of a frame that is not to be decoded. */
    public void hold(int frame, BitString difference) {
        QuasiCyclicCode c = requireCode(frame);
        SyndromeEncoder.requireRange(difference, 0, c.syndromeBits());
        copyWords(difference, 0, syndromes.host(), frame, c.syndromeBits());
    }

    /** The difference of syndromes of a frame. */
    public void difference(int frame, BitString to) {
        QuasiCyclicCode c = requireCode(frame);
        SyndromeEncoder.requireRange(to, 0, c.syndromeBits());
        long bytes = c.syndromeBits() / 8;
        MemorySegment.copy(syndromes.host(), frame * bytes, to.segment(), 0, bytes);
    }

    /** As {@link SyndromeDecoder#restart}. */
    public void restart(int frame) {
        requireCode(frame);
        set(frame, FLAGS, get(frame, FLAGS) | RUN | RESET);
        set(frame, CONVERGED, 0);
    }

    /**
     * Starts {@link SyndromeDecoder#run} for the frames that were begun, restarted or told more since the last run, and returns.
     * The piece may not be touched until {@link #await}.
     */
    public void start(UpdateRule rule, int maxIterations) {
        QuasiCyclicCode c = requireCode(0);
        Variant v = variant;
        if (v == null || running) {
            throw new IllegalStateException("start before take, or twice");
        }
        long bits = c.frameBits();
        syndromes.write((long) frames * c.syndromeBits() / 8);
        if (anyKnown) {
            known.write(frames * bits / 8);
            errors.write(frames * bits / 8);
        }
        int groups = (frames + v.width - 1) / v.width;
        long statusBytes = (long) groups * v.width * STATUS * 4;
        status.write(statusBytes);
        int size = v.single ? 1 : groupSize(c.circulant(), v.kernel);
        queue.launch(
                v.kernel,
                v.single ? 1 : (long) groups * size,
                size,
                posteriors.buffer(),
                messages.buffer(),
                syndromes.buffer(),
                known.buffer(),
                errors.buffer(),
                status.buffer(),
                decisions.buffer(),
                layout.buffer(),
                edgeTable.buffer(),
                tables.buffer(),
                geometry.buffer(),
                rule == UpdateRule.PHI ? 0 : 1,
                maxIterations,
                groups);
        status.read(0, statusBytes);
        decisions.read(0, frames * bits / 8);
        queue.flush();
        running = true;
    }

    // Equal shares of the circulant, a whole number of hardware's vectors each.
    private int groupSize(int circulant, Kernel kernel) {
        int most = Math.min(kernel.groupSize(), description.isCpu() ? CPU_GROUP : GPU_GROUP);
        int shares = (circulant + most - 1) / most;
        int size = (circulant + shares - 1) / shares;
        return Math.min(most, (size + 31) / 32 * 32);
    }

    /** Waits for the run that was started. */
    public void await() {
        if (!running) {
            throw new IllegalStateException("await before start");
        }
        running = false;
        queue.finish();
        for (int f = 0; f < frames; f++) {
            set(f, FLAGS, get(f, FLAGS) & KNOWN);
        }
    }

    /** Whether a frame's decisions have its syndrome. */
    public boolean decoded(int frame) {
        return get(frame, CONVERGED) != 0;
    }

    /** As {@link SyndromeDecoder#iterations}. */
    public int iterations(int frame) {
        return get(frame, ITERATIONS);
    }

    /** As {@link SyndromeDecoder#unsatisfied}. */
    public long unsatisfied(int frame) {
        return get(frame, UNSATISFIED);
    }

    /** As {@link SyndromeDecoder#error}. */
    public void error(int frame, BitString error, long offset) {
        QuasiCyclicCode c = requireCode(frame);
        SyndromeEncoder.requireRange(error, offset, c.frameBits());
        long bytes = c.frameBits() / 8;
        MemorySegment.copy(decisions.host(), frame * bytes, error.segment(), offset >>> 3, bytes);
    }

    /** As {@link SyndromeDecoder#leastReliable}; not while a run is under way. */
    public void leastReliable(int frame, int count, BitString mask) {
        QuasiCyclicCode c = requireCode(frame);
        SyndromeEncoder.requireRange(mask, 0, c.frameBits());
        MemorySegment all = readPosteriors(frame);
        long width = requireVariant().width;
        long own = frame % width;
        try (BitString revealed = BitString.allocate(c.frameBits())) {
            if ((get(frame, FLAGS) & KNOWN) != 0) {
                long bytes = c.frameBits() / 8;
                MemorySegment.copy(known.host(), frame * bytes, revealed.segment(), 0, bytes);
            }
            LeastReliable.mark(c.frameBits(), revealed, i -> all.get(JAVA_BYTE, i * width + own), count, mask);
        }
    }

    /** The posterior of a bit of a frame; slow, for tests. */
    int posterior(int frame, int bit) {
        Variant v = requireVariant();
        return readPosteriors(frame).get(JAVA_BYTE, (long) bit * v.width + frame % v.width);
    }

    private Variant requireVariant() {
        Variant v = variant;
        if (v == null || running) {
            throw new IllegalStateException("No piece was taken, or a run is under way");
        }
        return v;
    }

    // Those of the frames of a group: by bit and frame.
    private MemorySegment readPosteriors(int frame) {
        long bytes = (long) requireCode(frame).frameBits() * requireVariant().width;
        HostMemory h = posteriorHost;
        if (h == null || h.segment().byteSize() < bytes) {
            if (h != null) {
                h.close();
            }
            h = device.allocateHost(bytes);
            posteriorHost = h;
        }
        queue.read(posteriors.buffer(), frame / requireVariant().width * bytes, h, 0, bytes);
        queue.finish();
        return h.segment();
    }

    /** Wipes and frees the memory, as far as the device answers; never throws. */
    @Override
    public void close() {
        if (running) {
            running = false;
            try {
                queue.finish();
            } catch (DeviceException e) {
                // Then nothing is freed that the device may still write to.
            }
        }
        List.of(posteriors, messages, syndromes, known, errors, status, decisions, layout, edgeTable, tables, geometry)
                .forEach(Grown::close);
        if (posteriorHost != null) {
            posteriorHost.close();
            posteriorHost = null;
        }
        variants.forEach(v -> v.kernel.close());
        variants.clear();
        queue.close();
    }
}
