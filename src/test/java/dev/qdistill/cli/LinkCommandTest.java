package dev.qdistill.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class LinkCommandTest {
    @TempDir
    Path dir;

    @BeforeEach
    void makeDumpsAndAuthenticationKey() {
        String out = dir.toString();
        assertEquals(
                0,
                CommandRun.of("simulate", "--link", "lab", "--key-bits", "200000", "--out", out)
                        .code());
        assertEquals(
                0,
                CommandRun.of("keys", "psk", "--link", "lab", "--blocks", "20", "--out", out)
                        .code());
        for (String site : List.of("alice", "bob")) {
            assertEquals(
                    0,
                    CommandRun.of(
                                    "keys",
                                    "psk",
                                    "--install",
                                    dir.resolve("lab." + site + ".qpad").toString(),
                                    "--pool",
                                    dir.resolve(site).resolve("auth").toString())
                            .code());
        }
    }

    private List<Integer> bothEnds(String... more) throws IOException {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        CompletableFuture<Integer> alice = CompletableFuture.supplyAsync(() -> end("alice", "--listen", port, more));
        int bob = end("bob", "--connect", port, more);
        return List.of(alice.join(), bob);
    }

    private int end(String site, String how, int port, String... more) {
        List<String> args = new ArrayList<>(List.of(
                "link",
                "--role",
                site,
                "--dump",
                dir.resolve(site + ".qraw").toString(),
                "--dir",
                dir.resolve(site).toString(),
                how,
                "127.0.0.1:" + port,
                "--threads",
                "1"));
        args.addAll(List.of(more));
        return Main.execute(args.toArray(String[]::new));
    }

    private JsonNode keys(String site) {
        CommandRun run =
                CommandRun.of("keys", "list", dir.resolve(site).resolve("keys").toString(), "--json");
        assertEquals(0, run.code(), run.err());
        return JsonMapper.shared().readTree(run.out()).path("keys");
    }

    @Test
    void bothSitesGetTheSameKeyAndASecondRunHasNothingLeftToDo() throws IOException {
        assertEquals(List.of(ExitCode.OK, ExitCode.OK), bothEnds());
        JsonNode alice = keys("alice");
        JsonNode bob = keys("bob");
        assertEquals(1, alice.size());
        assertEquals(alice.get(0).path("id"), bob.get(0).path("id"));
        assertTrue(alice.get(0).path("bits").asLong() > 1000);
        assertEquals(List.of(ExitCode.OK, ExitCode.OK), bothEnds(), "nothing went wrong, nothing is refused");
        assertEquals(1, keys("alice").size());
    }

    @Test
    void aBlockThatIsRefusedHasExitCode4() throws IOException {
        assertEquals(
                List.of(ExitCode.NO_KEY, ExitCode.NO_KEY),
                bothEnds("--unequal-basis-tolerance", "0.1", "--max-qber", "0.005"));
        assertEquals(0, keys("alice").size());
    }
}
