package dev.qdistill.cli;

import dev.qdistill.dump.BadInputException;
import dev.qdistill.keystore.KeyStoreException;
import dev.qdistill.security.DetectionCounts;
import dev.qdistill.security.DetectionCounts.Intensity;
import dev.qdistill.security.EpsilonBudget;
import dev.qdistill.security.Protocol;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.exc.StreamReadException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.json.JsonMapper;

/**
 * The counts of one block as a JSON file: the input of a finite-key bound. Read strictly: a field that is unknown,
 * missing, of another type or out of range is one error that names the field.
 */
record CountsFile(DetectionCounts counts, double leakedBits, double verificationTagBits, EpsilonBudget budget) {
    private static final int MAX_BYTES = 1 << 20;
    private static final Set<String> ROOT_FIELDS = Set.of(
            "protocol",
            "intensities",
            "probabilities",
            "keyBasis",
            "testBasis",
            "leakedBits",
            "verificationTagBits",
            "epsilonSecrecy",
            "epsilonCorrectness");
    private static final Set<String> BASIS_FIELDS = Set.of("detections", "errors");

    /** @throws BadInputException if the file is not what it should be */
    static CountsFile read(Path file) {
        return new Reader(file).read();
    }

    private record Reader(Path file) {
        CountsFile read() {
            JsonNode root = parse();
            requireObject(root, "the file", "", ROOT_FIELDS);
            Protocol protocol = protocol(root);
            int rows = protocol.intensities();
            double[] means = numbers(root, "intensities", rows, protocol);
            double[] probabilities = numbers(root, "probabilities", rows, protocol);
            long[][] key = basis(root, "keyBasis", rows, protocol);
            long[][] test = basis(root, "testBasis", rows, protocol);
            double leakedBits = number(field(root, "leakedBits", ""), "leakedBits");
            double tagBits = root.has("verificationTagBits")
                    ? number(field(root, "verificationTagBits", ""), "verificationTagBits")
                    : 0;
            EpsilonBudget budget =
                    new EpsilonBudget(epsilon(root, "epsilonSecrecy"), epsilon(root, "epsilonCorrectness"));
            List<Intensity> intensities = new ArrayList<>();
            for (int i = 0; i < rows; i++) {
                if (probabilities[i] == 0 || probabilities[i] > 1) {
                    throw bad("probabilities[" + i + "]", probabilities[i] + " is not above 0 and at most 1");
                }
                intensities.add(
                        new Intensity(means[i], probabilities[i], key[0][i], key[1][i], test[0][i], test[1][i]));
            }
            double sum = Arrays.stream(probabilities).sum();
            if (Math.abs(sum - 1) > DetectionCounts.PROBABILITY_TOLERANCE) {
                throw bad("probabilities", "they add to " + sum + ", not to 1");
            }
            return new CountsFile(new DetectionCounts(protocol, intensities), leakedBits, tagBits, budget);
        }

        private JsonNode parse() {
            JsonMapper mapper = JsonMapper.builder(JsonFactory.builder()
                            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
                            .build())
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
                    .build();
            try (InputStream in = open()) {
                byte[] bytes = in.readNBytes(MAX_BYTES + 1);
                if (bytes.length > MAX_BYTES) {
                    throw new BadInputException(file, "larger than 1 MiB, which no file of counts is");
                }
                JsonNode root = mapper.readTree(bytes);
                if (root.isMissingNode()) {
                    throw new BadInputException(file, 0, "no JSON value, the file is empty");
                }
                return root;
            } catch (StreamReadException e) {
                throw new BadInputException(
                        file, e.getLocation().getByteOffset(), "not JSON: " + firstLine(e.getOriginalMessage()));
            } catch (MismatchedInputException e) {
                throw new BadInputException(file, "more than one JSON value");
            } catch (IOException e) {
                throw new BadInputException(file, "cannot be read: " + KeyStoreException.reason(e));
            }
        }

        private InputStream open() throws IOException {
            if (!Files.exists(file) || Files.isDirectory(file)) {
                throw new BadInputException(file, Files.exists(file) ? "is a directory" : "no such file");
            }
            return Files.newInputStream(file);
        }

        private Protocol protocol(JsonNode root) {
            JsonNode node = field(root, "protocol", "");
            String ids = Arrays.stream(Protocol.values()).map(Protocol::id).collect(Collectors.joining(", "));
            if (!node.isString()) {
                throw bad("protocol", "a string is expected, found " + kind(node) + "; possible are " + ids);
            }
            return Protocol.of(node.stringValue())
                    .orElseThrow(() ->
                            bad("protocol", "unknown protocol \"" + node.stringValue() + "\"; possible are " + ids));
        }

        private long[][] basis(JsonNode root, String name, int rows, Protocol protocol) {
            JsonNode node = field(root, name, "");
            requireObject(node, name, name + ".", BASIS_FIELDS);
            long[] detections = counts(node, name, "detections", rows, protocol);
            long[] errors = counts(node, name, "errors", rows, protocol);
            for (int i = 0; i < rows; i++) {
                if (errors[i] > detections[i]) {
                    throw bad(
                            name + ".errors[" + i + "]",
                            errors[i] + " errors are more than the " + detections[i] + " detections");
                }
            }
            return new long[][] {detections, errors};
        }

        private double[] numbers(JsonNode root, String name, int rows, Protocol protocol) {
            JsonNode node = array(field(root, name, ""), name, rows, protocol);
            double[] values = new double[rows];
            for (int i = 0; i < rows; i++) {
                values[i] = number(node.get(i), name + "[" + i + "]");
            }
            return values;
        }

        private long[] counts(JsonNode basis, String basisName, String name, int rows, Protocol protocol) {
            String path = basisName + "." + name;
            JsonNode node = array(field(basis, name, basisName + "."), path, rows, protocol);
            long[] values = new long[rows];
            for (int i = 0; i < rows; i++) {
                values[i] = count(node.get(i), path + "[" + i + "]");
            }
            return values;
        }

        private JsonNode array(JsonNode node, String path, int rows, Protocol protocol) {
            if (!node.isArray()) {
                throw bad(path, "an array is expected, found " + kind(node));
            }
            if (node.size() != rows) {
                throw bad(
                        path,
                        "the protocol " + protocol.id() + " has " + rows + " intensities, but there are " + node.size()
                                + " elements");
            }
            return node;
        }

        // A whole number, 0 or more; JSON does not tell 1e6 from 1000000, nor do we.
        private long count(JsonNode node, String path) {
            if (number(node, path) > 1L << 62) {
                throw bad(path, shown(node) + " is too large for a count");
            }
            BigDecimal exact = node.decimalValue().stripTrailingZeros();
            if (exact.scale() > 0) {
                throw bad(path, shown(node) + " is not a whole number");
            }
            return exact.longValueExact();
        }

        private double number(JsonNode node, String path) {
            if (!node.isNumber()) {
                throw bad(path, "a number is expected, found " + kind(node));
            }
            if (node.decimalValue().signum() < 0) {
                throw bad(path, shown(node) + " is negative");
            }
            double value = node.decimalValue().doubleValue();
            if (value == Double.POSITIVE_INFINITY) {
                throw bad(path, shown(node) + " is too large");
            }
            return value;
        }

        private static String shown(JsonNode number) {
            return number.decimalValue().round(new MathContext(12)).toString();
        }

        private double epsilon(JsonNode root, String name) {
            double value = number(field(root, name, ""), name);
            if (value == 0 || value >= 1) {
                throw bad(name, value + " is not above 0 and below 1");
            }
            return value;
        }

        private JsonNode field(JsonNode object, String name, String prefix) {
            JsonNode node = object.get(name);
            if (node == null) {
                throw bad(prefix + name, "this field is missing");
            }
            return node;
        }

        private void requireObject(JsonNode node, String path, String prefix, Set<String> known) {
            if (!node.isObject()) {
                throw bad(path, "an object is expected, found " + kind(node));
            }
            for (String name : node.propertyNames()) {
                if (!known.contains(name)) {
                    throw bad(prefix + name, "unknown field; known are " + String.join(", ", new TreeSet<>(known)));
                }
            }
        }

        private BadInputException bad(String path, String problem) {
            return new BadInputException(file, path + ": " + problem);
        }

        private static String kind(JsonNode node) {
            return switch (node.getNodeType()) {
                case ARRAY -> "an array";
                case OBJECT -> "an object";
                case STRING -> "a string";
                case BOOLEAN -> "a boolean";
                case NULL -> "null";
                case NUMBER -> "a number";
                default -> "nothing";
            };
        }
    }

    /** Of a message of the JSON library's what concerns a person: without where its own parts are. */
    static String firstLine(String message) {
        int internals = message.indexOf(" (start marker");
        return (internals < 0 ? message : message.substring(0, internals))
                .lines()
                .findFirst()
                .orElse("");
    }
}
