package dev.qdistill.agent;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.qdistill.accel.Backend;
import dev.qdistill.keystore.Limits;
import dev.qdistill.keystore.SaePair;
import dev.qdistill.ldpc.Profile;
import dev.qdistill.link.CodeChoice;
import dev.qdistill.link.Settings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What the operator decides, read from a YAML file; {@code docs/agent.md} describes every key.
 *
 * @param name the agent's name, as KME id in answers to applications
 * @param keyStore the directory of the keys
 * @param threads for parallel work
 * @param backend for all kernels
 * @param logLevel what is logged
 * @param links the links that end here, one or more
 * @param delivery key delivery to applications, if wanted
 * @param operations the operator's port, if wanted
 * @param device the socket for device agents, if wanted
 */
public record AgentConfiguration(
        String name,
        Path keyStore,
        int threads,
        Backend backend,
        System.Logger.Level logLevel,
        List<Link> links,
        Optional<Delivery> delivery,
        Optional<Operations> operations,
        Optional<Device> device) {

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._~-]{1,100}");

    @JsonCreator(mode = JsonCreator.Mode.PROPERTIES)
    static AgentConfiguration of(
            @JsonProperty("name") @Nullable String name,
            @JsonProperty("keyStore") @Nullable Path keyStore,
            @JsonProperty("threads") @Nullable Integer threads,
            @JsonProperty("backend") @Nullable Backend backend,
            @JsonProperty("logLevel") System.Logger.@Nullable Level logLevel,
            @JsonProperty("links") @Nullable List<Link> links,
            @JsonProperty("delivery") @Nullable Delivery delivery,
            @JsonProperty("operations") @Nullable Operations operations,
            @JsonProperty("device") @Nullable Device device) {
        return new AgentConfiguration(
                identifier("name", name),
                present("keyStore", keyStore),
                or(threads, Runtime.getRuntime().availableProcessors()),
                or(backend, Backend.AUTO),
                or(logLevel, System.Logger.Level.INFO),
                List.copyOf(present("links", links)),
                Optional.ofNullable(delivery),
                Optional.ofNullable(operations),
                Optional.ofNullable(device));
    }

    public AgentConfiguration {
        require(threads >= 1, "threads is " + threads + "; 1 or more is needed");
        require(!links.isEmpty(), "links is empty; one or more are needed");
        Map<String, Link> byName = unique("links", links, Link::name);
        if (delivery.isPresent()) {
            for (Pair pair : delivery.get().pairs()) {
                require(
                        byName.containsKey(pair.link()),
                        "a pair of delivery is for the link '" + pair.link() + "', which is not among links");
            }
        }
    }

    /** The limits of the key store, by link. */
    public Map<String, Limits> limits() {
        Map<String, Limits> limits = new HashMap<>();
        links.forEach(link -> limits.put(link.name(), link.limits()));
        return limits;
    }

    /** The link of this name. */
    public Link link(String linkName) {
        return links.stream()
                .filter(link -> link.name().equals(linkName))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("No link " + linkName));
    }

    /**
     * One link.
     *
     * @param name the same at both sites
     * @param peer the agent at the other end
     * @param settings what both sites must have alike; its pulses of a block are those of {@code block}, if given there
     * @param block where blocks end
     * @param adaptive whether the codes are chosen anew for each block, by the link's rate; those of the settings do not count then
     * @param blocksInFlight blocks that may be under way at once
     * @param sessionTimeout how long a session's raw data wait for those of the other site
     * @param limits how long and how many keys are kept
     * @param watch a directory that dumps are taken from, for equipment that only writes files
     */
    public record Link(
            String name,
            Peer peer,
            Settings settings,
            boolean adaptive,
            BlockLength block,
            int blocksInFlight,
            Duration sessionTimeout,
            Limits limits,
            Optional<Path> watch) {
        @JsonCreator(mode = JsonCreator.Mode.PROPERTIES)
        static Link of(
                @JsonProperty("name") @Nullable String name,
                @JsonProperty("peer") @Nullable Peer peer,
                @JsonProperty("block") @Nullable BlockLength block,
                @JsonProperty("blocksInFlight") @Nullable Integer blocksInFlight,
                @JsonProperty("sessionTimeout") @Nullable Duration sessionTimeout,
                @JsonProperty("profile") @Nullable Codes profile,
                @JsonProperty("frameBits") @Nullable Integer frameBits,
                @JsonProperty("epsilonSecrecy") @Nullable Double epsilonSecrecy,
                @JsonProperty("epsilonCorrectness") @Nullable Double epsilonCorrectness,
                @JsonProperty("maximumQber") @Nullable Double maximumQber,
                @JsonProperty("unequalBasisTolerance") @Nullable Double unequalBasisTolerance,
                @JsonProperty("timeToLive") @Nullable Duration timeToLive,
                @JsonProperty("grace") @Nullable Duration grace,
                @JsonProperty("capacityBits") @Nullable Long capacityBits,
                @JsonProperty("watch") @Nullable Path watch) {
            Codes codes = or(profile, Codes.FAST);
            Profile chosen = codes == Codes.EFFICIENT ? Profile.EFFICIENT : Profile.FAST;
            require(
                    codes != Codes.AUTO || frameBits == null,
                    "frameBits is for the profiles fast and efficient; auto chooses it");
            BlockLength length = present("block", block);
            return new Link(
                    identifier("name", name),
                    present("peer", peer),
                    new Settings(
                            or(epsilonSecrecy, Settings.DEFAULT.epsilonSecrecy()),
                            or(epsilonCorrectness, Settings.DEFAULT.epsilonCorrectness()),
                            length.pulses().orElse(Long.MAX_VALUE),
                            or(maximumQber, Settings.DEFAULT.maximumQber()),
                            or(unequalBasisTolerance, Settings.DEFAULT.unequalBasisTolerance()),
                            chosen,
                            or(frameBits, CodeChoice.of(chosen).frameBits())),
                    codes == Codes.AUTO,
                    length,
                    or(blocksInFlight, 8),
                    or(sessionTimeout, Duration.ofHours(24)),
                    new Limits(
                            or(timeToLive, Duration.ofHours(24)),
                            or(grace, Duration.ofHours(1)),
                            or(capacityBits, 1_000_000_000L)),
                    Optional.ofNullable(watch));
        }

        public Link {
            require(
                    blocksInFlight >= 1 && blocksInFlight <= 64,
                    "blocksInFlight is " + blocksInFlight + "; 1 to 64 are possible");
        }
    }

    /** What the codes are chosen for. */
    public enum Codes {
        /** Speed. */
        FAST,
        /** Little leakage. */
        EFFICIENT,
        /** The least leakage at which the agent keeps up with its links. */
        AUTO
    }

    /**
     * The agent at the other end of a link. One of the two connects, the other listens.
     *
     * @param name its name
     * @param connect where to connect to
     * @param listen where to listen
     * @param tls with what certificates; without them the connection is plain, its messages authenticated all the same
     * @param authenticationPool the directory of the pool of authentication key
     * @param silence how long the peer may say nothing while something is due
     */
    public record Peer(
            String name,
            Optional<Endpoint> connect,
            Optional<Endpoint> listen,
            Optional<Tls> tls,
            Path authenticationPool,
            Duration silence) {
        @JsonCreator(mode = JsonCreator.Mode.PROPERTIES)
        static Peer of(
                @JsonProperty("name") @Nullable String name,
                @JsonProperty("connect") @Nullable Endpoint connect,
                @JsonProperty("listen") @Nullable Endpoint listen,
                @JsonProperty("tls") @Nullable Tls tls,
                @JsonProperty("authenticationPool") @Nullable Path authenticationPool,
                @JsonProperty("silence") @Nullable Duration silence) {
            return new Peer(
                    identifier("name", name),
                    Optional.ofNullable(connect),
                    Optional.ofNullable(listen),
                    Optional.ofNullable(tls),
                    present("authenticationPool", authenticationPool),
                    or(silence, Duration.ofMinutes(2)));
        }

        public Peer {
            require(
                    connect.isPresent() != listen.isPresent(),
                    "a peer needs either connect or listen: one site connects, the other listens");
            require(silence.toMillis() >= 100, "silence is " + silence.toMillis() + " ms; 100 or more are needed");
        }
    }

    /**
     * PEM files for TLS, with certificates on both sides.
     *
     * @param certificate of this side, with intermediate certificates if there are any
     * @param key its private key, PKCS #8 without a password
     * @param authorities who must have signed the other side's certificate
     */
    public record Tls(Path certificate, Path key, Path authorities) {
        @JsonCreator(mode = JsonCreator.Mode.PROPERTIES)
        static Tls of(
                @JsonProperty("certificate") @Nullable Path certificate,
                @JsonProperty("key") @Nullable Path key,
                @JsonProperty("authorities") @Nullable Path authorities) {
            return new Tls(
                    present("certificate", certificate), present("key", key), present("authorities", authorities));
        }
    }

    /**
     * Where blocks end: after pulses or after time, never after detections.
     *
     * @param pulses pulses of a block
     * @param time time of a block
     */
    public record BlockLength(OptionalLong pulses, Optional<Duration> time) {
        @JsonCreator(mode = JsonCreator.Mode.PROPERTIES)
        static BlockLength of(
                @JsonProperty("pulses") @Nullable Long pulses, @JsonProperty("time") @Nullable Duration time) {
            return new BlockLength(
                    pulses == null ? OptionalLong.empty() : OptionalLong.of(pulses), Optional.ofNullable(time));
        }

        public BlockLength {
            require(pulses.isPresent() != time.isPresent(), "a block needs either pulses or time");
            require(pulses.orElse(1) >= 1, "a block of " + pulses.orElse(1) + " pulses; 1 or more are needed");
        }
    }

    /**
     * Key delivery by ETSI GS QKD 014.
     *
     * @param listen where
     * @param tls with what certificates; those of applications are required
     * @param keySize bits of a key where the application does not say
     * @param minimumKeySize bits
     * @param maximumKeySize bits
     * @param maximumKeysPerRequest how many an application may ask for at once
     * @param maximumConnections how many there may be at once
     * @param idleTimeout after which a silent connection is closed
     * @param auditLog the file that says who got which key ids
     * @param applications those of this site
     * @param pairs which of them share keys with which at the other sites
     */
    public record Delivery(
            Endpoint listen,
            Tls tls,
            int keySize,
            int minimumKeySize,
            int maximumKeySize,
            int maximumKeysPerRequest,
            int maximumConnections,
            Duration idleTimeout,
            Path auditLog,
            List<Application> applications,
            List<Pair> pairs) {
        /** What the format of a key's id has room for. */
        private static final int MAXIMUM_KEY_SIZE = 131_064;

        @JsonCreator(mode = JsonCreator.Mode.PROPERTIES)
        static Delivery of(
                @JsonProperty("listen") @Nullable Endpoint listen,
                @JsonProperty("tls") @Nullable Tls tls,
                @JsonProperty("keySize") @Nullable Integer keySize,
                @JsonProperty("minimumKeySize") @Nullable Integer minimumKeySize,
                @JsonProperty("maximumKeySize") @Nullable Integer maximumKeySize,
                @JsonProperty("maximumKeysPerRequest") @Nullable Integer maximumKeysPerRequest,
                @JsonProperty("maximumConnections") @Nullable Integer maximumConnections,
                @JsonProperty("idleTimeout") @Nullable Duration idleTimeout,
                @JsonProperty("auditLog") @Nullable Path auditLog,
                @JsonProperty("applications") @Nullable List<Application> applications,
                @JsonProperty("pairs") @Nullable List<Pair> pairs) {
            return new Delivery(
                    present("listen", listen),
                    present("tls", tls),
                    or(keySize, 256),
                    or(minimumKeySize, 64),
                    or(maximumKeySize, 4096),
                    or(maximumKeysPerRequest, 128),
                    or(maximumConnections, 256),
                    or(idleTimeout, Duration.ofSeconds(30)),
                    present("auditLog", auditLog),
                    List.copyOf(present("applications", applications)),
                    List.copyOf(present("pairs", pairs)));
        }

        public Delivery {
            for (int size : new int[] {keySize, minimumKeySize, maximumKeySize}) {
                require(
                        size >= 8 && size <= MAXIMUM_KEY_SIZE && size % 8 == 0,
                        "a key size of " + size + " bits; multiples of 8 from 8 to " + MAXIMUM_KEY_SIZE
                                + " are possible");
            }
            require(
                    minimumKeySize <= keySize && keySize <= maximumKeySize,
                    "keySize must lie between minimumKeySize and maximumKeySize");
            require(
                    maximumKeysPerRequest >= 1 && maximumKeysPerRequest <= 1024,
                    "maximumKeysPerRequest is " + maximumKeysPerRequest + "; 1 to 1024 are possible");
            require(maximumConnections >= 1, "maximumConnections is " + maximumConnections);
            Map<String, Application> known = unique("applications", applications, Application::id);
            Set<SaePair> seen = new HashSet<>();
            for (Pair pair : pairs) {
                require(
                        known.containsKey(pair.local()),
                        "a pair has the local application '" + pair.local() + "', which is not among applications");
                require(
                        seen.add(new SaePair(pair.local(), pair.remote())),
                        "the pair " + pair.local() + ", " + pair.remote() + " is there twice");
            }
        }
    }

    /**
     * An application of this site.
     *
     * @param id its SAE id, as in the paths of requests
     * @param certificate what its certificate must be
     */
    public record Application(String id, CertificateMatch certificate) {
        @JsonCreator(mode = JsonCreator.Mode.PROPERTIES)
        static Application of(
                @JsonProperty("id") @Nullable String id,
                @JsonProperty("certificate") @Nullable CertificateMatch certificate) {
            return new Application(identifier("id", id), present("certificate", certificate));
        }
    }

    /**
     * Two applications that share keys.
     *
     * @param local the one at this site
     * @param remote the one at the link's other site
     * @param link whose keys they get
     * @param bitsPerSecond how many bits the local one may ask for on average, as a master; 0 for any number
     * @param burstBits how many of them at once, after a pause
     */
    public record Pair(String local, String remote, String link, long bitsPerSecond, long burstBits) {
        @JsonCreator(mode = JsonCreator.Mode.PROPERTIES)
        static Pair of(
                @JsonProperty("local") @Nullable String local,
                @JsonProperty("remote") @Nullable String remote,
                @JsonProperty("link") @Nullable String link,
                @JsonProperty("bitsPerSecond") @Nullable Long bitsPerSecond,
                @JsonProperty("burstBits") @Nullable Long burstBits) {
            long rate = or(bitsPerSecond, 0L);
            return new Pair(
                    identifier("local", local),
                    identifier("remote", remote),
                    identifier("link", link),
                    rate,
                    or(burstBits, 60 * rate));
        }

        public Pair {
            require(bitsPerSecond >= 0 && burstBits >= 0, "a quota below 0");
            require(
                    bitsPerSecond == 0 || burstBits >= 8,
                    "burstBits is " + burstBits + "; with less than a key's bits no key is ever handed out");
        }
    }

    /**
     * The operator's port: plain HTTP for metrics and health.
     *
     * @param listen where; a loopback address unless the network is the operator's own
     */
    public record Operations(Endpoint listen) {
        @JsonCreator(mode = JsonCreator.Mode.PROPERTIES)
        static Operations of(@JsonProperty("listen") @Nullable Endpoint listen) {
            return new Operations(present("listen", listen));
        }
    }

    /**
     * The socket for device agents.
     *
     * @param socket its path
     * @param mode its permissions, as {@code rwx------}
     * @param group who besides the owner has its group's permissions, if it is not the agent's own group
     * @param auditLog the file that says which key ids were handed out there, if it is not that of {@code delivery}
     * @param silence a device that has said nothing for so long, though the agent waits for it, is missed
     */
    public record Device(Path socket, String mode, Optional<String> group, Optional<Path> auditLog, Duration silence) {
        private static final Pattern OCTAL = Pattern.compile("0?[0-7]{3}");

        @JsonCreator(mode = JsonCreator.Mode.PROPERTIES)
        static Device of(
                @JsonProperty("socket") @Nullable Path socket,
                @JsonProperty("mode") @Nullable String mode,
                @JsonProperty("group") @Nullable String group,
                @JsonProperty("auditLog") @Nullable Path auditLog,
                @JsonProperty("silence") @Nullable Duration silence) {
            String octal = or(mode, "0600");
            require(
                    OCTAL.matcher(octal).matches(),
                    "mode is " + octal + "; three octal digits such as 0660 are needed");
            return new Device(
                    present("socket", socket),
                    permissions(octal),
                    Optional.ofNullable(group),
                    Optional.ofNullable(auditLog),
                    or(silence, Duration.ofMinutes(1)));
        }

        private static String permissions(String octal) {
            StringBuilder text = new StringBuilder();
            for (char digit : octal.substring(octal.length() - 3).toCharArray()) {
                for (int bit = 2; bit >= 0; bit--) {
                    text.append((digit - '0' >> bit & 1) == 1 ? "xwr".charAt(bit) : '-');
                }
            }
            return text.toString();
        }
    }

    // ---- Checks ------------------------------------------------------------------------------------------------

    private static <T> T or(@Nullable T value, T otherwise) {
        return value == null ? otherwise : value;
    }

    private static <T> T present(String key, @Nullable T value) {
        if (value == null) {
            throw new IllegalArgumentException("the key '" + key + "' is missing");
        }
        return value;
    }

    private static String identifier(String key, @Nullable String value) {
        String name = present(key, value);
        require(
                NAME.matcher(name).matches(),
                key + " is '" + name + "'; 1 to 100 letters, digits and . _ ~ - are possible");
        return name;
    }

    static void require(boolean condition, String problem) {
        if (!condition) {
            throw new IllegalArgumentException(problem);
        }
    }

    private static <T> Map<String, T> unique(String key, List<T> values, Function<T, String> name) {
        Map<String, T> byName = new HashMap<>();
        for (T value : values) {
            require(byName.put(name.apply(value), value) == null, key + " has '" + name.apply(value) + "' twice");
        }
        return byName;
    }
}
