package dev.qdistill.accel;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The device that takes work off the CPU, as long as it works. The first failure is told once; from then on everybody who asks
 * gets no device, and computes on the CPU what the device was to do.
 *
 * <p>Safe for use by many threads.
 */
public final class Offload implements AutoCloseable {
    private final @Nullable ComputeDevice device;
    private final boolean owned;
    private final Plan plan;
    private final Consumer<String> warnings;
    private final AtomicReference<@Nullable String> lost = new AtomicReference<>();

    /**
     * What a device gets to do.
     *
     * @param decode whether it decodes frames
     * @param share whether the CPU decodes too
     * @param multiplyFrom bits of the shortest product of binary polynomials that it gets
     */
    public record Plan(boolean decode, boolean share, long multiplyFrom) {
        /** All of it. */
        public static final Plan EVERYTHING = new Plan(true, false, 0);
    }

    private Offload(@Nullable ComputeDevice device, boolean owned, Plan plan, Consumer<String> warnings) {
        this.device = device;
        this.owned = owned;
        this.plan = plan;
        this.warnings = warnings;
    }

    /** No device. */
    public static Offload none() {
        return new Offload(null, false, new Plan(false, false, Long.MAX_VALUE), w -> {});
    }

    /**
     * A device that takes work.
     *
     * @param device closed with this
     * @param warnings told in one sentence, once, when the device fails
     */
    public static Offload to(ComputeDevice device, Plan plan, Consumer<String> warnings) {
        return new Offload(device, true, plan, warnings);
    }

    /** The same for a device that somebody else closes. */
    public static Offload lent(ComputeDevice device, Plan plan, Consumer<String> warnings) {
        return new Offload(device, false, plan, warnings);
    }

    /** The device; empty if there is none or it failed. */
    public Optional<ComputeDevice> device() {
        return lost.get() == null ? Optional.ofNullable(device) : Optional.empty();
    }

    /** What it gets to do. */
    public Plan plan() {
        return plan;
    }

    /** Why it is not used any more; empty if it did not fail. */
    public Optional<String> failure() {
        return Optional.ofNullable(lost.get());
    }

    /** Gives the device up. */
    public void failed(DeviceException e) {
        if (device != null && lost.compareAndSet(null, String.valueOf(e.getMessage()))) {
            warnings.accept(e.getMessage() + "; the CPU does the rest, with the same result");
        }
    }

    /** Closes the device, unless it was lent; after everybody who uses it. */
    @Override
    public void close() {
        if (device != null && owned) {
            device.close();
        }
    }
}
