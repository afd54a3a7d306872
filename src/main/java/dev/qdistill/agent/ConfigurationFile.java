package dev.qdistill.agent;

import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonPointer;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.exc.UnrecognizedPropertyException;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** Reads an {@link AgentConfiguration} from YAML. Keys that are not known are refused, not passed over. */
public final class ConfigurationFile {
    private static final Pattern SPAN = Pattern.compile("([0-9]{1,9}) ?(ms|s|min|h|d)");

    private ConfigurationFile() {}

    /**
     * Reads a configuration file. Relative paths in it start at the file's directory.
     *
     * @throws ConfigurationException if it is not one; names line and column
     */
    public static AgentConfiguration read(Path file) {
        Path directory = Objects.requireNonNull(file.toAbsolutePath().getParent());
        SimpleModule types = new SimpleModule()
                .addDeserializer(Path.class, new ValueDeserializer<Path>() {
                    @Override
                    public Path deserialize(JsonParser parser, DeserializationContext context) {
                        return directory.resolve(parser.getString()).normalize();
                    }
                })
                .addDeserializer(Duration.class, new ValueDeserializer<Duration>() {
                    @Override
                    public Duration deserialize(JsonParser parser, DeserializationContext context) {
                        return span(context, parser.getString());
                    }
                });
        YAMLMapper mapper = YAMLMapper.builder()
                .addModule(types)
                .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
                .build();
        try (Reader text = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            AgentConfiguration configuration = mapper.readValue(text, AgentConfiguration.class);
            if (configuration == null) {
                throw new ConfigurationException(file, 0, 0, "the file is empty");
            }
            return configuration;
        } catch (JacksonException e) {
            TokenStreamLocation at = e instanceof DatabindException
                    ? locate(mapper, file, pointer(e.getPath())).orElseGet(e::getLocation)
                    : e.getLocation();
            throw new ConfigurationException(
                    file, at == null ? 0 : at.getLineNr(), at == null ? 0 : at.getColumnNr(), problem(e));
        } catch (NoSuchFileException e) {
            throw new ConfigurationException(file, 0, 0, "no such file");
        } catch (IOException e) {
            throw new ConfigurationException(file, 0, 0, "cannot be read: " + e.getMessage());
        }
    }

    private static JsonPointer pointer(List<JacksonException.Reference> path) {
        JsonPointer pointer = JsonPointer.empty();
        for (JacksonException.Reference step : path) {
            pointer = step.getPropertyName() == null
                    ? pointer.appendIndex(step.getIndex())
                    : pointer.appendProperty(step.getPropertyName());
        }
        return pointer;
    }

    /** Where a key is in the file. What is thrown while a record is made does not know. */
    private static Optional<TokenStreamLocation> locate(YAMLMapper mapper, Path file, JsonPointer pointer) {
        try (Reader text = Files.newBufferedReader(file, StandardCharsets.UTF_8);
                JsonParser parser = mapper.createParser(text)) {
            while (parser.nextToken() != null) {
                if (parser.streamReadContext().pathAsPointer().equals(pointer)) {
                    return Optional.of(parser.currentTokenLocation());
                }
            }
            return Optional.empty();
        } catch (IOException | JacksonException e) {
            return Optional.empty();
        }
    }

    private static String problem(JacksonException e) {
        String where = place(e);
        if (e instanceof UnrecognizedPropertyException unknown) {
            return "unknown key '" + unknown.getPropertyName() + "'" + where + "; possible are "
                    + String.join(
                            ", ",
                            unknown.getKnownPropertyIds().stream()
                                    .map(String::valueOf)
                                    .sorted()
                                    .toList());
        }
        Throwable cause = e.getCause();
        String message = cause instanceof IllegalArgumentException
                ? String.valueOf(cause.getMessage())
                : String.valueOf(e.getOriginalMessage()).lines().findFirst().orElse("not understood");
        return message + where;
    }

    /** The keys that lead to where an exception was thrown, as in {@code links[0].peer}. */
    private static String place(JacksonException e) {
        if (!(e instanceof DatabindException)) {
            return "";
        }
        List<JacksonException.Reference> path = e.getPath();
        StringBuilder place = new StringBuilder();
        for (JacksonException.Reference step : path) {
            if (step.getPropertyName() == null) {
                place.append('[').append(step.getIndex()).append(']');
            } else {
                place.append(place.isEmpty() ? "" : ".").append(step.getPropertyName());
            }
        }
        return place.isEmpty() ? "" : " (at " + place + ")";
    }

    private static Duration span(DeserializationContext context, String text) {
        Matcher m = SPAN.matcher(text);
        if (!m.matches()) {
            return (Duration) context.handleWeirdStringValue(
                    Duration.class, text, "a time such as 250ms, 10s, 5min, 24h or 7d is needed");
        }
        long count = Long.parseLong(m.group(1));
        return switch (m.group(2).toLowerCase(Locale.ROOT)) {
            case "ms" -> Duration.ofMillis(count);
            case "s" -> Duration.ofSeconds(count);
            case "min" -> Duration.ofMinutes(count);
            case "h" -> Duration.ofHours(count);
            default -> Duration.ofDays(count);
        };
    }
}
