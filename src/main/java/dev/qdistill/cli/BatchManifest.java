package dev.qdistill.cli;

import dev.qdistill.dump.BadInputException;
import dev.qdistill.link.Settings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.exc.UnrecognizedPropertyException;
import tools.jackson.databind.json.JsonMapper;

/** Which pairs of dumps a batch has: the lines of a manifest, or what lies in a directory. docs/formats.md has both. */
public final class BatchManifest {
    /** The manifest of a directory that has one. */
    public static final String FILE_NAME = "manifest.jsonl";

    private static final Pattern NAME = Pattern.compile("[\\p{L}\\p{N}][\\p{L}\\p{N}._+-]{0,99}");
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .build();

    /**
     * A line of a manifest: a pair, and what is set for it alone.
     *
     * @param name of the pair
     * @param alice path of Alice's dump, from the manifest's directory
     * @param bob path of Bob's dump, from the manifest's directory
     */
    public record Line(
            @Nullable String name,
            @Nullable String group,
            @Nullable String alice,
            @Nullable String bob,
            @Nullable Double epsilonSecrecy,
            @Nullable Double epsilonCorrectness,
            @Nullable Long blockPulses,
            @Nullable Double maximumQber,
            @Nullable Double unequalBasisTolerance,
            ProfileOptions.@Nullable Name profile,
            @Nullable Integer frameBits,
            @Nullable Double siftedRate,
            @Nullable String entropy) {
        /** Nothing set. */
        public static final Line EMPTY = of("", "", "", "");

        private static Line of(String name, String group, String alice, String bob) {
            return new Line(name, group, alice, bob, null, null, null, null, null, null, null, null, null);
        }
    }

    private final Path file;
    private final Path base;
    private final Function<Line, Settings> settings;
    private final List<BatchPair> pairs = new ArrayList<>();
    private final Map<String, String> taken = new HashMap<>();

    private BatchManifest(Path file, Path base, Function<Line, Settings> settings) {
        this.file = file;
        this.base = base;
        this.settings = settings;
    }

    /**
     * The pairs of a manifest or a directory.
     *
     * @param settings what holds for a line; throws IllegalArgumentException if it makes no sense
     * @throws BadInputException if there is none, or a line is not what it should be
     */
    static List<BatchPair> read(Path path, Function<Line, Settings> settings) throws IOException {
        if (!Files.exists(path)) {
            throw new BadInputException(path, "no such file or directory");
        }
        Path manifest = Files.isDirectory(path) ? path.resolve(FILE_NAME) : path;
        if (Files.exists(manifest)) {
            Path parent = manifest.toAbsolutePath().getParent();
            BatchManifest m = new BatchManifest(manifest, parent == null ? Path.of("") : parent, settings);
            m.lines();
            return m.pairs;
        }
        BatchManifest m = new BatchManifest(path, path, settings);
        m.directory();
        return m.pairs;
    }

    private void lines() throws IOException {
        parse(file.toString(), Files.readAllBytes(file), this::add);
        if (pairs.isEmpty()) {
            throw new BadInputException(file, 0, "the manifest names no pair of dumps");
        }
    }

    /**
     * The lines of a manifest, wherever it is: each with a name of its own and two dumps, which are not looked at.
     *
     * @param name what the manifest is called in messages
     * @throws BadInputException if a line is not what it should be
     */
    public static List<Line> parse(String name, byte[] manifest) {
        List<Line> lines = new ArrayList<>();
        Map<String, String> taken = new HashMap<>();
        parse(name, manifest, (line, offset, number) -> {
            requireName(name, line, offset, number, taken);
            lines.add(line);
        });
        if (lines.isEmpty()) {
            throw new BadInputException(name, 0, "the manifest names no pair of dumps");
        }
        return lines;
    }

    private interface Sink {
        void accept(Line line, long offset, int number);
    }

    private static void parse(String name, byte[] all, Sink sink) {
        int number = 0;
        for (int at = 0; at < all.length; ) {
            int end = at;
            while (end < all.length && all[end] != '\n') {
                end++;
            }
            String text = new String(all, at, end - at, StandardCharsets.UTF_8).strip();
            number++;
            if (!text.isEmpty()) {
                Line line;
                try {
                    line = MAPPER.readValue(text, Line.class);
                } catch (JacksonException e) {
                    throw new BadInputException(name, at, "line " + number + ": " + problem(e));
                }
                sink.accept(line, at, number);
            }
            at = end + 1;
        }
    }

    private static String problem(JacksonException e) {
        return switch (e) {
            case UnrecognizedPropertyException u ->
                "unknown field \"" + u.getPropertyName() + "\"; known are " + u.getKnownPropertyIds();
            case DatabindException d
            when !d.getPath().isEmpty() ->
                "the field " + d.getPath().getFirst().getPropertyName() + " is not what it should be";
            case MismatchedInputException m -> "an object is expected";
            default -> "no JSON: " + CountsFile.firstLine(e.getOriginalMessage());
        };
    }

    private static void requireName(
            String source, @Nullable Line line, long offset, int number, Map<String, String> taken) {
        if (line == null || line.name() == null || line.alice() == null || line.bob() == null) {
            throw bad(source, offset, number, "name, alice and bob are needed");
        }
        if (!NAME.matcher(line.name()).matches()) {
            throw bad(
                    source,
                    offset,
                    number,
                    "the name \"" + line.name() + "\" is none for a directory: 1 to 100 letters, digits and . _ + -,"
                            + " the first a letter or digit");
        }
        // Some file systems do not tell capital letters from small ones.
        String other = taken.putIfAbsent(line.name().toLowerCase(Locale.ROOT), line.name());
        if (other != null) {
            throw bad(source, offset, number, "there is a pair named \"" + other + "\" already");
        }
    }

    private static BadInputException bad(String source, long offset, int number, String problem) {
        return new BadInputException(source, offset, (number > 0 ? "line " + number + ": " : "") + problem);
    }

    private void add(Line line, long offset, int number) {
        requireName(file.toString(), line, offset, number, taken);
        try {
            pairs.add(new BatchPair(
                    Objects.requireNonNull(line.name()),
                    line.group() == null ? "" : line.group(),
                    base.resolve(Objects.requireNonNull(line.alice())),
                    base.resolve(Objects.requireNonNull(line.bob())),
                    settings.apply(line),
                    Optional.ofNullable(line.entropy()).map(base::resolve)));
        } catch (IllegalArgumentException e) { // a setting out of range, or a path that is none
            throw bad(file.toString(), offset, number, String.valueOf(e.getMessage()));
        }
    }

    // A file with "alice" in its name, and the one beside it with "bob" in that place.
    private void directory() throws IOException {
        List<Path> files;
        try (Stream<Path> walk = Files.walk(base, 6)) {
            files = walk.filter(Files::isRegularFile)
                    .filter(f -> name(f).contains("alice") && !name(f).startsWith(".") && !name(f).endsWith(".qkey"))
                    .sorted()
                    .toList();
        }
        for (Path alice : files) {
            String name = name(alice);
            int at = name.lastIndexOf("alice");
            String before = name.substring(0, at);
            String after = name.substring(at + "alice".length());
            Path inside = base.relativize(alice);
            int depth = inside.getNameCount() - 1;
            int dot = after.indexOf('.');
            String own = trim(before + (dot < 0 ? after : after.substring(0, dot)));
            String folders = Stream.iterate(0, i -> i < depth, i -> i + 1)
                    .map(i -> inside.getName(i).toString())
                    .reduce((a, b) -> a + "-" + b)
                    .orElse("");
            String joined = folders.isEmpty() ? own : own.isEmpty() ? folders : folders + "-" + own;
            Path bob = inside.resolveSibling(before + "bob" + after);
            add(
                    Line.of(
                            joined.isEmpty() ? "session" : joined,
                            depth > 1 ? inside.getName(0).toString() : "",
                            inside.toString(),
                            bob.toString()),
                    -1,
                    0);
        }
        if (pairs.isEmpty()) {
            throw new BadInputException(
                    file,
                    "has no " + FILE_NAME
                            + " and no pair of dumps: a file with \"alice\" in its name, and beside it one"
                            + " with \"bob\" in that place");
        }
    }

    private static String name(Path file) {
        return String.valueOf(file.getFileName());
    }

    private static String trim(String s) {
        return s.replaceAll("^[._+-]+|[._+-]+$", "");
    }
}
