package dev.qdistill.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class KeyLengthCommandTest {
    private static final String GOOD = """
            {"protocol": "one-decoy", "intensities": [0.51, 0.15], "probabilities": [0.7, 0.3],
             "keyBasis": {"detections": [8875913, 1124087], "errors": [185856, 26055]},
             "testBasis": {"detections": [165048, 20902], "errors": [3456, 484]},
             "leakedBits": 1776924, "epsilonSecrecy": 1e-9, "epsilonCorrectness": 1e-15}
            """;

    @TempDir
    Path dir;

    @Test
    void printsTheLengthAndEveryIntermediate() throws IOException {
        CommandRun run = run(GOOD, "--json");
        assertEquals(ExitCode.OK, run.code());
        assertEquals("", run.err());
        JsonNode json = JsonMapper.shared().readTree(run.out());
        assertEquals(1464719, json.get("secretBits").longValue());
        assertEquals(1776924, json.get("leakedBits").longValue());
        assertTrue(json.get("reason").isNull());
        assertTrue(json.get("bound").get("source").stringValue().contains("Rusca"));
        assertEquals(5396516.26882, json.get("intermediates").get("s1Key").doubleValue(), 1e-5);
        assertTrue(run(GOOD).out().contains("1,464,719 bits"));
    }

    @Test
    void noPositiveLengthIsExitCodeFourWithTheResultPrinted() throws IOException {
        CommandRun run = run(GOOD.replace("1776924", "9e6"), "--json");
        assertEquals(ExitCode.NO_KEY, run.code());
        JsonNode json = JsonMapper.shared().readTree(run.out());
        assertEquals(0, json.get("secretBits").longValue());
        assertTrue(json.get("reason").stringValue().startsWith("no positive length"));
        assertTrue(run.err().contains("no key: no positive length"), run.err());
    }

    @Test
    void verificationTagBitsAreOptional() throws IOException {
        CommandRun run = run(GOOD.replace("\"leakedBits\"", "\"verificationTagBits\": 128, \"leakedBits\""), "--json");
        assertEquals(
                1464719 - 78,
                JsonMapper.shared().readTree(run.out()).get("secretBits").longValue());
    }

    @Test
    void singlePhotonsTakeOneElementEach() throws IOException {
        CommandRun run = run("""
                {"protocol": "single-photon", "intensities": [1], "probabilities": [1],
                 "keyBasis": {"detections": [1000000], "errors": [20000]},
                 "testBasis": {"detections": [100000], "errors": [2000]},
                 "leakedBits": 155584.5967960027, "epsilonSecrecy": 1e-10, "epsilonCorrectness": 1e-15}
                """, "--json");
        assertEquals(
                618823,
                JsonMapper.shared().readTree(run.out()).get("secretBits").longValue());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            484]            | -484]              | testBasis.errors[1]: -484 is negative
            484]            | 4.5]               | testBasis.errors[1]: 4.5 is not a whole number
            484]            | "484"]             | testBasis.errors[1]: a number is expected, found a string
            484]            | 20903]             | testBasis.errors[1]: 20903 errors are more than the 20902 detections
            484]            | 1e30]              | testBasis.errors[1]: 1E+30 is too large
            484]            | 1e400]             | testBasis.errors[1]: 1E+400 is too large
            484]            | 1e99999999]        | testBasis.errors[1]: 1E+99999999 is too large
            484]            | 1e-99999999]       | testBasis.errors[1]: 1E-99999999 is not a whole number
            484]            | 484, 3]            | testBasis.errors: the protocol one-decoy has 2 intensities, but there are 3
            "leakedBits"    | "leakedbits"       | leakedbits: unknown field
            "leakedBits": 1776924, |  `` | leakedBits: this field is missing
            1776924         | null               | leakedBits: a number is expected, found null
            1776924         | NaN                | at byte
            0.3             | 0.4                | probabilities: they add to
            0.7, 0.3        | 1, 0               | probabilities[1]: 0.0 is not above 0
            one-decoy       | three-decoy        | protocol: unknown protocol "three-decoy"; possible are single-photon
            "one-decoy"     | 1                  | protocol: a string is expected, found a number
            1e-9            | 0                  | epsilonSecrecy: 0.0 is not above 0 and below 1
            1e-15           | 1                  | epsilonCorrectness: 1.0 is not above 0 and below 1
            "errors": [3456 | "x": 1, "errors": [3456 | testBasis.x: unknown field; known are detections, errors
            "leakedBits"    | "leakedBits": 1, "leakedBits" | Duplicate Object property "leakedBits"
            1e-15}          | 1e-15              | not JSON
            1e-15}          | 1e-15} {}          | more than one JSON value
            """)
    void badInputIsOneLineThatNamesTheField(String from, String to, String message) throws IOException {
        assertTrue(GOOD.contains(from));
        CommandRun run = run(GOOD.replace(from, to), "--json");
        assertEquals(ExitCode.BAD_INPUT, run.code(), run.err());
        assertEquals("", run.out());
        assertTrue(run.err().contains(message), run.err());
        assertTrue(run.err().contains("counts.json"), run.err());
        assertEquals(1, run.err().lines().count());
    }

    @Test
    void whatIsNoFileOfCountsIsBadInput() throws IOException {
        assertEquals(
                ExitCode.BAD_INPUT,
                CommandRun.of("keylength", "--counts", dir.toString()).code());
        assertEquals(
                ExitCode.BAD_INPUT,
                CommandRun.of("keylength", "--counts", dir.resolve("none").toString())
                        .code());
        assertEquals(ExitCode.BAD_INPUT, run("").code());
        assertEquals(ExitCode.BAD_INPUT, run("[1]").code());
        assertEquals(ExitCode.BAD_INPUT, run(" ".repeat(2_000_000)).code());
        assertEquals(ExitCode.USAGE, CommandRun.of("keylength").code());
    }

    private CommandRun run(String json, String... options) throws IOException {
        Path file = dir.resolve("counts.json");
        Files.writeString(file, json);
        String[] args = new String[options.length + 3];
        args[0] = "keylength";
        args[1] = "--counts";
        args[2] = file.toString();
        System.arraycopy(options, 0, args, 3, options.length);
        return CommandRun.of(args);
    }
}
