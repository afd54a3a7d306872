package dev.qdistill.agent;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Whether the devices are there whose streams the links distil: known from the streams as they come, whether or not a link reads
 * them at the moment. A device is missed when its stream broke off, until another one begins, and when it says nothing though the agent
 * waits for it. Safe for use by many threads.
 */
final class DeviceStreams {
    private static final System.Logger LOG = System.getLogger(DeviceStreams.class.getName());

    private final Duration silence;
    private final InstantSource clock;
    private final Map<String, Device> devices = new HashMap<>();

    /** A link's. */
    private static final class Device {
        final Set<Stream> open = new HashSet<>();
        Optional<Instant> gone = Optional.empty();
        long broken;
        boolean missed;
    }

    /**
     * How a link's device is.
     *
     * @param streams that are open
     * @param silence for how long the agent has waited for all of them, and nothing came; zero if it does not wait
     * @param broken streams that broke off, since the agent was started
     * @param problem what is wrong, if anything
     */
    record State(int streams, Duration silence, long broken, Optional<String> problem) {}

    /** A stream of a device's. */
    final class Stream {
        private final String link;
        private Instant since = clock.instant();
        private boolean awaited;

        private Stream(String link) {
            this.link = link;
        }

        /** The agent has room for more, and has asked for it. */
        void await() {
            synchronized (DeviceStreams.this) {
                since = clock.instant();
                awaited = true;
            }
        }

        /** Something has come. */
        void heard() {
            synchronized (DeviceStreams.this) {
                awaited = false;
            }
        }

        /** It is over, in order or because the agent ended it. */
        void ended() {
            synchronized (DeviceStreams.this) {
                device(link).open.remove(this);
            }
        }

        /** It broke off: the device, or the connection to it, is gone. Nothing if it is over already. */
        void broke() {
            synchronized (DeviceStreams.this) {
                Device device = device(link);
                if (device.open.remove(this)) {
                    device.broken++;
                    device.gone = Optional.of(clock.instant());
                }
            }
            look(link);
        }
    }

    /** @param silence from when on a device that says nothing is missed */
    DeviceStreams(Duration silence, InstantSource clock) {
        this.silence = silence;
        this.clock = clock;
    }

    /** A stream of a link's begins. */
    Stream begin(String link) {
        Stream stream = new Stream(link);
        synchronized (this) {
            Device device = device(link);
            device.open.add(stream);
            device.gone = Optional.empty();
        }
        look(link);
        return stream;
    }

    private Device device(String link) {
        return devices.computeIfAbsent(link, l -> new Device());
    }

    synchronized State state(String link) {
        Device device = device(link);
        Instant now = clock.instant();
        // One that is heard of is enough: a session may wait for its turn while the next one is measured.
        Duration quiet = device.open.stream()
                .map(s -> s.awaited ? Duration.between(s.since, now) : Duration.ZERO)
                .min(Duration::compareTo)
                .orElse(Duration.ZERO);
        Optional<String> problem = Optional.empty();
        if (device.open.isEmpty()) {
            problem = device.gone.map(t -> "its device is gone since " + t.truncatedTo(ChronoUnit.SECONDS));
        } else if (quiet.compareTo(silence) >= 0) {
            problem = Optional.of(
                    "its device has said nothing since " + now.minus(quiet).truncatedTo(ChronoUnit.SECONDS));
        }
        return new State(device.open.size(), quiet, device.broken, problem);
    }

    /** What is wrong with the device of a link, if anything. */
    Optional<String> problem(String link) {
        return state(link).problem();
    }

    /** Logs what has changed; to be called every second or so. */
    void look(String link) {
        Optional<String> problem;
        synchronized (this) {
            problem = state(link).problem();
            Device device = device(link);
            if (problem.isPresent() == device.missed) {
                return;
            }
            device.missed = problem.isPresent();
        }
        LOG.log(
                problem.isPresent() ? Level.WARNING : Level.INFO,
                "Link {0}: {1}",
                link,
                problem.orElse("its device is there again"));
    }
}
