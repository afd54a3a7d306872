package dev.qdistill.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.qdistill.bits.BitString;
import dev.qdistill.keystore.IndexedKeyStore;
import dev.qdistill.keystore.KeyRecord;
import dev.qdistill.keystore.Site;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Two agents with the same keys, and applications with certificates at both. */
final class KeyDeliveryTest {
    private static final int BITS = 30_000;

    @TempDir
    static Path certificates;

    @TempDir
    Path dir;

    private Agent alice;
    private Agent bob;

    @BeforeAll
    static void makeCertificates() throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        Path.of("scripts/make-certs").toAbsolutePath().toString(),
                        certificates.toString(),
                        "sae-a",
                        "sae-b",
                        "sae-c",
                        "stranger")
                .redirectErrorStream(true)
                .redirectOutput(certificates.resolve("log").toFile())
                .start();
        assumeTrue(
                process.waitFor(60, TimeUnit.SECONDS) && process.exitValue() == 0,
                () -> "scripts/make-certs needs bash and openssl");
        Files.createDirectory(certificates.resolve("other"));
    }

    @BeforeEach
    void startAgents() throws IOException {
        TestSite.preShare(dir.resolve("alice"), dir.resolve("bob"), 10);
        alice = start("alice", "bob", "sae-a", "sae-b", Site.ALICE);
        bob = start("bob", "alice", "sae-b", "sae-a", Site.BOB);
    }

    @AfterEach
    void stopAgents() {
        alice.close();
        bob.close();
    }

    private Agent start(String site, String other, String local, String remote, Site role) throws IOException {
        String yaml = """
                name: kme-SITE
                keyStore: SITE/keys
                links:
                  - name: metro
                    peer: {name: kme-OTHER, connect: "localhost:1", authenticationPool: SITE/auth}
                    block: {pulses: 1000000}
                    capacityBits: 2560000
                delivery:
                  listen: 127.0.0.1:0
                  tls: {certificate: CERTS/kme-SITE.pem, key: CERTS/kme-SITE.key, authorities: CERTS/ca.pem}
                  auditLog: SITE/audit.log
                  maximumKeysPerRequest: 50
                  applications:
                    - id: LOCAL
                      certificate: {subject: "CN=LOCAL"}
                    - id: sae-c
                      certificate: {san: "URI:urn:sae:sae-c"}
                  pairs:
                    - {local: LOCAL, remote: REMOTE, link: metro}
                    - {local: sae-c, remote: REMOTE, link: metro, bitsPerSecond: 1, burstBits: 512}
                operations:
                  listen: 127.0.0.1:0
                """.replace("SITE", site)
                .replace("OTHER", other)
                .replace("LOCAL", local)
                .replace("REMOTE", remote)
                .replace("CERTS", certificates.toString());
        Files.createDirectories(dir.resolve(site));
        Path file = Files.writeString(dir.resolve(site + ".yaml"), yaml);
        return Agent.start(ConfigurationFile.read(file), role);
    }

    @Test
    void bothSitesGetTheSameKeysByIdAndEachOnce() throws Exception {
        fill(1);
        try (HttpClient a = client("sae-a");
                HttpClient b = client("sae-b")) {
            Answer enc = get(a, alice, "sae-b/enc_keys");
            assertEquals(200, enc.status(), enc.body());
            String id = enc.id(0);
            assertEquals(32, enc.key(0).length);
            Answer dec = get(b, bob, "sae-a/dec_keys?key_ID=" + id);
            assertEquals(enc.body(), dec.body());
            assertEquals(400, get(b, bob, "sae-a/dec_keys?key_ID=" + id).status());

            // The other direction, by POST, several at once, another size.
            Answer more = post(b, bob, "sae-a/enc_keys", "{\"number\": 7, \"size\": 520}");
            assertEquals(200, more.status(), more.body());
            assertEquals(7, more.json().get("keys").size());
            assertEquals(65, more.key(6).length);
            Answer same = post(a, alice, "sae-b/dec_keys", ids(more.ids()));
            assertEquals(more.body(), same.body());
            assertNotEquals(enc.body(), more.body());

            Answer status = get(a, alice, "sae-b/status");
            assertEquals(200, status.status());
            assertEquals("kme-alice", status.json().get("source_KME_ID").stringValue());
            assertEquals("kme-bob", status.json().get("target_KME_ID").stringValue());
            assertEquals(256, status.json().get("key_size").intValue());
            assertEquals(57, status.json().get("stored_key_count").intValue());
            assertEquals(5000, status.json().get("max_key_count").intValue());
            assertEquals(50, status.json().get("max_key_per_request").intValue());
        }
        String audit = Files.readString(dir.resolve("alice/audit.log"));
        assertEquals(3, audit.lines().count());
        JsonNode first = JsonMapper.shared().readTree(audit.lines().findFirst().orElseThrow());
        assertEquals("sae-a", first.get("caller").stringValue());
        assertEquals(36, first.get("keys").get(0).stringValue().length());
        assertEquals(
                "rw-------",
                PosixFilePermissions.toString(Files.getPosixFilePermissions(dir.resolve("alice/audit.log"))));
        assertEquals(List.of(), alice.store().verify());
    }

    @Test
    void withoutACertificateOrWithAStrangersThereIsNothing() throws Exception {
        fill(1);
        try (HttpClient nobody = client(null)) {
            assertThrows(IOException.class, () -> get(nobody, alice, "sae-b/enc_keys"));
        }
        try (HttpClient stranger = client("stranger")) {
            Answer answer = get(stranger, alice, "sae-b/enc_keys");
            assertEquals(401, answer.status());
            assertTrue(answer.json().get("message").stringValue().contains("certificate"));
            assertFalse(answer.json().has("keys"));
        }
        // A certificate of the right name that another authority signed.
        Process process = new ProcessBuilder(
                        Path.of("scripts/make-certs").toAbsolutePath().toString(),
                        certificates.resolve("other").toString(),
                        "sae-a")
                .redirectErrorStream(true)
                .redirectOutput(certificates.resolve("log").toFile())
                .start();
        assertEquals(0, process.waitFor());
        try (HttpClient forged = client("other/sae-a")) {
            assertThrows(IOException.class, () -> get(forged, alice, "sae-b/enc_keys"));
        }
        try (HttpClient a = client("sae-a")) {
            assertEquals(401, get(a, alice, "sae-x/enc_keys").status());
            assertEquals(401, get(a, alice, "sae-c/status").status());
        }
    }

    @Test
    void badRequestsAreAnsweredAsTheStandardSays() throws Exception {
        fill(1);
        try (HttpClient a = client("sae-a");
                HttpClient b = client("sae-b")) {
            for (String query : new String[] {
                "?size=7",
                "?size=0",
                "?size=8192",
                "?size=-8",
                "?size=x",
                "?number=0",
                "?number=51",
                "?number=1&number=2",
                "?numer=1",
                "?size=99999999999"
            }) {
                Answer answer = get(a, alice, "sae-b/enc_keys" + query);
                assertEquals(400, answer.status(), query);
                assertTrue(answer.json().get("message").isString());
            }
            for (String body : new String[] {
                "",
                "[]",
                "{",
                "{\"size\": \"256\"}",
                "{\"number\": 1.5}",
                "{\"extension_mandatory\": [{\"route\": \"x\"}]}",
                "{\"additional_slave_SAE_IDs\": [\"sae-d\"]}",
                "{\"number\": 1, \"x\": \"" + "y".repeat(300_000) + "\"}"
            }) {
                Answer answer = post(a, alice, "sae-b/enc_keys", body);
                assertEquals(400, answer.status(), body.substring(0, Math.min(60, body.length())));
            }
            assertEquals(
                    200,
                    post(a, alice, "sae-b/enc_keys", "{\"extension_optional\": [{\"route\": \"x\"}]}")
                            .status());
            for (String query : new String[] {
                "", "?key_ID=", "?key_ID=1", "?key_ID=" + UUID.randomUUID(), "?key_id=" + UUID.randomUUID()
            }) {
                assertEquals(400, get(b, bob, "sae-a/dec_keys" + query).status(), query);
            }
            for (String body : new String[] {
                "{}",
                "{\"key_IDs\": []}",
                "{\"key_IDs\": [1]}",
                "{\"key_IDs\": [{\"key_ID\": 5}]}",
                ids(List.of(UUID.randomUUID().toString()))
            }) {
                assertEquals(400, post(b, bob, "sae-a/dec_keys", body).status(), body);
            }
            assertEquals(404, get(a, alice, "sae-b/keys").status());
            assertEquals(404, get(a, alice, "").status());
            assertEquals(405, post(a, alice, "sae-b/status", "{}").status());
            // Of several keys all or none.
            Answer two = get(a, alice, "sae-b/enc_keys?number=2");
            List<String> wrong = List.of(two.id(0), UUID.randomUUID().toString());
            assertEquals(400, post(b, bob, "sae-a/dec_keys", ids(wrong)).status());
            assertEquals(200, post(b, bob, "sae-a/dec_keys", ids(two.ids())).status());
        }
    }

    @Test
    void anEmptyStoreAndAUsedUpQuotaAre503() throws Exception {
        try (HttpClient a = client("sae-a");
                HttpClient c = client("sae-c")) {
            Answer empty = get(a, alice, "sae-b/enc_keys");
            assertEquals(503, empty.status());
            assertTrue(empty.json().get("message").stringValue().contains("not enough"));
            fill(1);
            int keys = 0;
            while (get(a, alice, "sae-b/enc_keys?number=10").status() == 200) {
                keys += 10;
            }
            assertEquals(50, keys);
            fill(2);
            assertEquals(200, get(c, alice, "sae-b/enc_keys?number=2").status());
            Answer used = get(c, alice, "sae-b/enc_keys");
            assertEquals(503, used.status());
            assertTrue(used.json().get("message").stringValue().contains("quota"));
            assertTrue(Integer.parseInt(used.retryAfter()) > 100, used.retryAfter());
            assertEquals(400, get(c, alice, "sae-b/enc_keys?number=3").status());
            assertEquals(200, get(a, alice, "sae-b/enc_keys").status());
        }
    }

    @Test
    void manyClientsAtOnceGetEachKeyOnce() throws Exception {
        fill(1);
        fill(2);
        try (HttpClient a = client("sae-a");
                HttpClient b = client("sae-b");
                ExecutorService threads = Executors.newFixedThreadPool(8)) {
            List<Future<List<String>>> jobs = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                boolean forward = i % 2 == 0;
                jobs.add(threads.submit(() -> {
                    Answer enc = forward
                            ? get(a, alice, "sae-b/enc_keys?number=4&size=128")
                            : get(b, bob, "sae-a/enc_keys?number=4&size=128");
                    assertEquals(200, enc.status(), enc.body());
                    Answer dec = forward
                            ? post(b, bob, "sae-a/dec_keys", ids(enc.ids()))
                            : post(a, alice, "sae-b/dec_keys", ids(enc.ids()));
                    assertEquals(enc.body(), dec.body());
                    return List.of(
                            enc.text(0),
                            enc.text(1),
                            enc.text(2),
                            enc.text(3),
                            enc.id(0),
                            enc.id(1),
                            enc.id(2),
                            enc.id(3));
                }));
            }
            Set<String> all = new HashSet<>();
            for (Future<List<String>> job : jobs) {
                all.addAll(job.get());
            }
            assertEquals(20 * 8, all.size());
        }
    }

    @Test
    void theOperatorSeesMetricsAndHealth() throws Exception {
        fill(1);
        try (HttpClient a = client("sae-a")) {
            assertEquals(200, get(a, alice, "sae-b/enc_keys?number=3").status());
        }
        alice.readiness().add("link metro", () -> java.util.Optional.of("no peer"));
        try (HttpClient operator = HttpClient.newHttpClient()) {
            String base = "http://127.0.0.1:" + alice.operationsPort().orElseThrow();
            assertEquals(200, get(operator, base + "/health").status());
            Answer ready = get(operator, base + "/ready");
            assertEquals(503, ready.status());
            assertEquals(
                    "link metro: no peer", ready.json().get("problems").get(0).stringValue());
            alice.readiness().add("link metro", java.util.Optional::empty);
            assertEquals(200, get(operator, base + "/ready").status());
            String metrics = "";
            for (int i = 0;
                    i < 40 && !metrics.contains("qdistill_stored_keys{link=\"metro\",state=\"available\"} 1");
                    i++) {
                Thread.sleep(100);
                metrics = get(operator, base + "/metrics").body();
            }
            assertTrue(metrics.contains("qdistill_delivered_keys_total{method=\"enc_keys\"} 3.0"), metrics);
            assertTrue(metrics.contains("qdistill_delivered_bits_total{method=\"enc_keys\"} 768.0"), metrics);
            assertTrue(
                    metrics.contains("qdistill_delivery_requests_total{method=\"enc_keys\",status=\"200\"} 1.0"),
                    metrics);
            assertTrue(metrics.contains("qdistill_epsilon{kind=\"secrecy\",link=\"metro\"} 1.0E-9"), metrics);
            assertEquals(404, get(operator, base + "/").status());
        }
    }

    @Test
    void aStoppedAgentHasSettledItsHandoutsAndFreedItsPortsAndStore() throws Exception {
        fill(1);
        try (HttpClient a = client("sae-a")) {
            assertEquals(200, get(a, alice, "sae-b/enc_keys?number=3").status());
        }
        alice.close();
        alice.close();
        try (IndexedKeyStore store = IndexedKeyStore.openBeside(dir.resolve("alice/keys"))) {
            assertEquals(
                    List.of("made 1", "master 3"),
                    store.ledger().stream()
                            .map(line -> line.entry().id() + " " + line.keys())
                            .toList());
        }
        alice = start("alice", "bob", "sae-a", "sae-b", Site.ALICE);
        try (HttpClient a = client("sae-a")) {
            assertEquals(200, get(a, alice, "sae-b/enc_keys").status());
        }
        bob.close();
        Files.move(dir.resolve("bob/keys"), dir.resolve("bob/away"));
        Files.createDirectory(dir.resolve("bob/keys"));
        ConfigurationException e = assertThrows(ConfigurationException.class, () -> {
            try (IndexedKeyStore store = IndexedKeyStore.open(dir.resolve("bob/keys"), java.util.Map.of());
                    BitString key = BitString.random(BITS, new Random(1))) {
                store.add(record(1).at(Site.ALICE), key);
            }
            start("bob", "alice", "sae-b", "sae-a", Site.BOB);
        });
        assertTrue(String.valueOf(e.getMessage()).contains("alice's site"), e.getMessage());
    }

    // ---- ---------------------------------------------------------------------------------------------------------

    private static KeyRecord record(long seed) {
        return new KeyRecord(
                new UUID(seed << 40 | 0x4000, 1L << 63 | seed),
                "metro",
                Site.ALICE,
                new UUID(0, 0),
                seed,
                BITS,
                1e-9,
                1e-15,
                Instant.parse("2026-01-01T00:00:00Z").plusSeconds(seed));
    }

    private void fill(long seed) {
        try (BitString key = BitString.random(BITS, new Random(seed))) {
            bob.store().stage(record(seed).at(Site.BOB), key);
            alice.store().add(record(seed), key);
            bob.store().commit(record(seed).id());
        }
    }

    private record Answer(int status, String body, String retryAfter) {
        JsonNode json() {
            return JsonMapper.shared().readTree(body);
        }

        String id(int i) {
            return json().get("keys").get(i).get("key_ID").stringValue();
        }

        String text(int i) {
            return json().get("keys").get(i).get("key").stringValue();
        }

        byte[] key(int i) {
            return Base64.getDecoder().decode(text(i));
        }

        List<String> ids() {
            List<String> ids = new ArrayList<>();
            json().get("keys").forEach(key -> ids.add(key.get("key_ID").stringValue()));
            return ids;
        }
    }

    private static String ids(List<String> ids) {
        ObjectNode body = JsonMapper.shared().createObjectNode();
        ArrayNode array = body.putArray("key_IDs");
        ids.forEach(id -> array.addObject().put("key_ID", id));
        return body.toString();
    }

    private static Answer get(HttpClient client, Agent agent, String path) throws IOException, InterruptedException {
        return get(client, base(agent) + path);
    }

    private static Answer get(HttpClient client, String uri) throws IOException, InterruptedException {
        HttpResponse<String> r =
                client.send(HttpRequest.newBuilder(URI.create(uri)).build(), HttpResponse.BodyHandlers.ofString());
        return new Answer(
                r.statusCode(), r.body(), r.headers().firstValue("Retry-After").orElse(""));
    }

    private static Answer post(HttpClient client, Agent agent, String path, String body)
            throws IOException, InterruptedException {
        HttpResponse<String> r = client.send(
                HttpRequest.newBuilder(URI.create(base(agent) + path))
                        .header("Content-Type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString(body))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        return new Answer(
                r.statusCode(), r.body(), r.headers().firstValue("Retry-After").orElse(""));
    }

    private static String base(Agent agent) {
        return "https://localhost:" + agent.deliveryPort().orElseThrow() + "/api/v1/keys/";
    }

    private static HttpClient client(@Nullable String name) throws Exception {
        Path ca = certificates.resolve("ca.pem");
        AgentConfiguration.Tls tls = new AgentConfiguration.Tls(
                certificates.resolve((name == null ? "sae-a" : name) + ".pem"),
                certificates.resolve((name == null ? "sae-a" : name) + ".key"),
                ca);
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(PemFiles.identity(tls), new char[0]);
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(PemFiles.authorities(tls));
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(name == null ? null : keys.getKeyManagers(), trust.getTrustManagers(), null);
        return HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .sslContext(context)
                .build();
    }
}
