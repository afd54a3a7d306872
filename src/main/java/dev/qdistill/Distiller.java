package dev.qdistill;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.Offload;
import dev.qdistill.accel.Workers;
import dev.qdistill.amplify.EntropySource;
import dev.qdistill.amplify.ModifiedToeplitzHash;
import dev.qdistill.dump.BadInputException;
import dev.qdistill.dump.DumpReader;
import dev.qdistill.dump.Role;
import dev.qdistill.gf2.Gf2Multiplier;
import dev.qdistill.ldpc.CodeFamily;
import dev.qdistill.link.Amplifier;
import dev.qdistill.link.Channel;
import dev.qdistill.link.DistilledBlock;
import dev.qdistill.link.Engine;
import dev.qdistill.link.Progress;
import dev.qdistill.link.Session;
import dev.qdistill.link.Settings;
import dev.qdistill.link.Stage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Distils secret keys from the raw key dump of one side of a QKD link, together with the peer at the other end of a
 * channel. Start here:
 *
 * <pre>{@code
 * try (Distiller bob = Distiller.builder()
 *         .role(Role.BOB)
 *         .input(Path.of("bob.qraw"))
 *         .channel(channel)
 *         .build()) {
 *     Optional<DistilledKey> key = bob.distill();
 * }
 * }</pre>
 *
 * <p>Both sides must be built with the same {@link Settings}. One thread a distiller.
 */
public final class Distiller implements AutoCloseable {
    private final DumpReader dump;
    private final Session session;
    private final @Nullable Resources owned;

    private Distiller(DumpReader dump, Session session, @Nullable Resources owned) {
        this.dump = dump;
        this.session = session;
        this.owned = owned;
    }

    public static Builder builder() {
        return new Builder();
    }

    /**
     * Distils the next block with the peer.
     *
     * @return the block's key or the reason why there is none; empty if the session has no more blocks
     * @throws BadInputException if this side's dump is damaged or does not belong to the peer's
     * @throws dev.qdistill.link.ProtocolException if the peer breaks the protocol or goes away
     */
    public Optional<DistilledKey> distill() {
        return session.next().map(Distiller::key);
    }

    private static DistilledKey key(DistilledBlock block) {
        return new DistilledKey(block.id(), block.key(), block.summary());
    }

    /** The number of bytes of the dump read so far. */
    public long position() {
        return dump.position();
    }

    /** Ends a block in work, too. */
    @Override
    public void close() {
        session.close();
        dump.close();
        if (owned != null) {
            owned.close();
        }
    }

    /** What the kernels run on and with; two distillers in one process share one. */
    public static final class Resources implements AutoCloseable {
        private final Workers workers;
        private final Amplifier amplifier;
        private final Engine engine;
        private final Offload offload;

        /**
         * @param backend for all kernels
         * @param threads for parallel work, 1 or more
         * @param entropy random bits for hash functions, key ids and double clicks; not closed here
         * @throws dev.qdistill.accel.BackendUnavailableException if the backend cannot be had
         */
        public Resources(Backend backend, int threads, EntropySource entropy) {
            this(backend, threads, entropy, Long.MAX_VALUE);
        }

        /**
         * With a limit of memory.
         *
         * @param memory bytes for the privacy amplification of a block, beside the key; a block that needs more is hashed in
         *     parts, with the same result
         */
        public Resources(Backend backend, int threads, EntropySource entropy, long memory) {
            this(backend, threads, entropy, memory, Offload.none());
        }

        /**
         * With a device that takes work off the CPU.
         *
         * @param backend for what the CPU does
         * @param offload not closed here
         */
        public Resources(Backend backend, int threads, EntropySource entropy, long memory, Offload offload) {
            this.offload = offload;
            Backend onCpu = backend.onCpu();
            amplifier = new Amplifier(
                    offload.device().isPresent()
                            ? ModifiedToeplitzHash.create(Gf2Multiplier.create(offload))
                            : ModifiedToeplitzHash.create(onCpu),
                    threads,
                    memory);
            workers = new Workers(threads);
            engine = new Engine(CodeFamily.shipped(), onCpu, workers, amplifier, entropy, offload);
        }

        /** All cores, the fastest kernels, the operating system's randomness. */
        public static Resources defaults() {
            return new Resources(Backend.AUTO, Runtime.getRuntime().availableProcessors(), EntropySource.system());
        }

        /** All of it, as sessions take it. */
        public Engine engine() {
            return engine;
        }

        /** What each stage's kernels run on, by the stage's name. */
        public Map<String, String> backends() {
            Map<String, String> names = new LinkedHashMap<>();
            names.put(Stage.SIFT.id(), Backend.SCALAR.id());
            names.put(Stage.RECONCILE.id(), decoder());
            names.put(Stage.VERIFY.id(), Backend.SCALAR.id());
            names.put(Stage.AMPLIFY.id(), amplifier.backend().id());
            return names;
        }

        private String decoder() {
            String onCpu = engine.decoderBackend().id();
            if (offload.device().isEmpty() || !offload.plan().decode()) {
                return onCpu;
            }
            return offload.plan().share() ? Backend.OPENCL.id() + "+" + onCpu : Backend.OPENCL.id();
        }

        @Override
        public void close() {
            amplifier.close();
            workers.close();
        }
    }

    /** Collects the parts of a {@link Distiller}. */
    public static final class Builder {
        private @Nullable Role role;
        private @Nullable Path input;
        private @Nullable Channel channel;
        private @Nullable Resources resources;
        private Settings settings = Settings.DEFAULT;
        private Progress progress = Progress.NONE;

        private Builder() {}

        /** Which side this is. Needed. */
        public Builder role(Role newRole) {
            role = newRole;
            return this;
        }

        /** This side's dump. Needed. */
        public Builder input(Path dump) {
            input = dump;
            return this;
        }

        /** The channel to the peer; not closed by the distiller. Needed. */
        public Builder channel(Channel newChannel) {
            channel = newChannel;
            return this;
        }

        public Builder settings(Settings newSettings) {
            settings = newSettings;
            return this;
        }

        /** What to run on; not closed by the distiller. By default it has its own. */
        public Builder resources(Resources newResources) {
            resources = newResources;
            return this;
        }

        public Builder progress(Progress newProgress) {
            progress = newProgress;
            return this;
        }

        /**
         * Opens the dump.
         *
         * @throws BadInputException if it is not a readable dump of this side's
         * @throws IllegalStateException if role, input or channel are missing
         */
        public Distiller build() {
            if (role == null || input == null || channel == null) {
                throw new IllegalStateException("role, input and channel are needed");
            }
            DumpReader dump = DumpReader.open(input);
            Resources own = null;
            boolean built = false;
            try {
                Resources used = resources;
                if (used == null) {
                    own = Resources.defaults();
                    used = own;
                }
                Session session = new Session(role, dump, channel, used.engine, settings, progress);
                built = true;
                return new Distiller(dump, session, own);
            } finally {
                if (!built) {
                    dump.close();
                    if (own != null) {
                        own.close();
                    }
                }
            }
        }
    }

    /**
     * The two keys of one block, at an offline run.
     *
     * @param alice Alice's
     * @param bob Bob's
     */
    public record Pair(DistilledKey alice, DistilledKey bob) implements AutoCloseable {
        @Override
        public void close() {
            alice.close();
            bob.close();
        }
    }

    /** Takes the keys of an offline run, block by block; closes them. */
    @FunctionalInterface
    public interface PairConsumer {
        /** A block is over on both sides. */
        void accept(Pair keys);
    }

    /**
     * Runs both sides in this process, over a channel in memory, with the roles' messages as on a link.
     *
     * @param alice Alice's dump
     * @param bob Bob's dump
     * @param progress told of Bob's progress
     * @param sink takes each block's keys
     * @throws BadInputException if a dump is damaged, or the two do not belong together
     */
    public static void distillBoth(
            Path alice, Path bob, Settings settings, Resources resources, Progress progress, PairConsumer sink) {
        try (DumpReader a = DumpReader.open(alice);
                DumpReader b = DumpReader.open(bob)) {
            DumpReader.requirePair(a, b);
        }
        Channel.Ends ends = Channel.inMemory();
        try (Channel aliceEnd = ends.alice();
                Channel bobEnd = ends.bob();
                Distiller aliceSide = builder()
                        .role(Role.ALICE)
                        .input(alice)
                        .channel(aliceEnd)
                        .settings(settings)
                        .resources(resources)
                        .build();
                Distiller bobSide = builder()
                        .role(Role.BOB)
                        .input(bob)
                        .channel(bobEnd)
                        .settings(settings)
                        .resources(resources)
                        .progress(progress)
                        .build()) {
            boolean more = true;
            while (more) {
                more = distillBoth(aliceSide, aliceEnd, bobSide, bobEnd, sink);
            }
        }
    }

    /**
     * Runs both sides of one block in this process.
     *
     * @param alice Alice's dump, not read yet; not closed here
     * @param bob Bob's dump, not read yet; not closed here
     * @param block its number, from 0
     * @return its keys, which the caller closes; empty if Bob has no records from this block on
     * @throws BadInputException if a dump is damaged, or the two do not belong together
     */
    public static Optional<Pair> distillBlock(
            DumpReader alice, DumpReader bob, long block, Settings settings, Resources resources) {
        DumpReader.requirePair(alice, bob);
        Session.Plan plan = Session.Plan.offlineFrom(block);
        Channel.Ends ends = Channel.inMemory();
        List<Pair> keys = new ArrayList<>();
        try (Channel aliceEnd = ends.alice();
                Channel bobEnd = ends.bob();
                Session aliceSession =
                        new Session(Role.ALICE, alice, aliceEnd, resources.engine, settings, plan, Progress.NONE);
                Session bobSession =
                        new Session(Role.BOB, bob, bobEnd, resources.engine, settings, plan, Progress.NONE)) {
            distillBoth(
                    new Distiller(alice, aliceSession, null),
                    aliceEnd,
                    new Distiller(bob, bobSession, null),
                    bobEnd,
                    keys::add);
        }
        return keys.stream().findFirst();
    }

    private static boolean distillBoth(
            Distiller alice, Channel aliceEnd, Distiller bob, Channel bobEnd, PairConsumer sink) {
        AtomicReference<Optional<DistilledKey>> aliceKey = new AtomicReference<>(Optional.empty());
        AtomicReference<@Nullable Throwable> aliceFailure = new AtomicReference<>();
        Thread thread = Thread.ofPlatform().name("qdistill-alice").start(() -> {
            try {
                aliceKey.set(alice.distill());
            } catch (Throwable e) {
                aliceFailure.set(e);
                aliceEnd.close();
            }
        });
        Optional<DistilledKey> bobKey = Optional.empty();
        Throwable bobFailure = null;
        try {
            bobKey = bob.distill();
        } catch (Throwable e) {
            bobFailure = e;
            bobEnd.close();
        }
        join(thread);
        Throwable failure = cause(aliceFailure.get(), bobFailure);
        if (failure != null) {
            aliceKey.get().ifPresent(DistilledKey::close);
            bobKey.ifPresent(DistilledKey::close);
            switch (failure) {
                case RuntimeException e -> throw e;
                case Error e -> throw e;
                default -> throw new IllegalStateException(failure);
            }
        }
        if (aliceKey.get().isEmpty() || bobKey.isEmpty()) {
            aliceKey.get().ifPresent(DistilledKey::close);
            bobKey.ifPresent(DistilledKey::close);
            return false;
        }
        sink.accept(new Pair(aliceKey.get().get(), bobKey.get()));
        return true;
    }

    /** Of two failures the one that came first: the other side then only sees the channel close. */
    private static @Nullable Throwable cause(@Nullable Throwable alice, @Nullable Throwable bob) {
        if (alice == null || bob == null) {
            return alice == null ? bob : alice;
        }
        return alice instanceof dev.qdistill.link.ProtocolException ? bob : alice;
    }

    private static void join(Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
                thread.interrupt();
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
