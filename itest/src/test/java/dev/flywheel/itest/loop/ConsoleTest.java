package dev.flywheel.itest.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The page of a loop that has answered, learned and swapped: what it asks for, who gets it, and what a browser makes of it. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class ConsoleTest {
    private static final String OF_ADAPTER = "adapter=" + LiveMetrics.ADAPTER;

    @TempDir static Path folder;

    private static LiveMetrics loop;
    private static HttpClient http;

    @BeforeAll
    static void start() throws Exception {
        loop = new LiveMetrics(folder.resolve("data"));
        http = HttpClient.newHttpClient();
        LoopClient.await("all that was taught is measured and counted", () -> {
            JsonNode live = json("live.json?" + OF_ADAPTER);
            return live.at("/audit/trained").asLong() == LiveMetrics.ROUNDS
                    && live.at("/audit/balanced").asBoolean()
                    && anyOf(live, "taken") && anyOf(live, "sample/delayP99");
        });
    }

    @AfterAll
    static void stop() {
        if (loop != null) {
            loop.close();
            http.close();
        }
    }

    private static boolean anyOf(JsonNode live, String figure) {
        for (JsonNode point : live.get("samples")) {
            if (point.at("/" + figure).isNumber()) {
                return true;
            }
        }
        return false;
    }

    private static HttpResponse<String> get(String path) {
        try {
            return http.send(HttpRequest.newBuilder(URI.create(loop.console() + path)).build(),
                    HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static JsonNode json(String path) {
        HttpResponse<String> answer = get("console/" + path);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        try {
            return new ObjectMapper().readTree(answer.body());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void adaptersComeByPagesWithTheirAliases() {
        JsonNode all = json("adapters.json?find=MAIN");
        assertThat(all.get("all").asInt()).isEqualTo(1);
        assertThat(all.at("/rows/0/name").asText()).isEqualTo(LiveMetrics.ADAPTER);
        assertThat(all.at("/rows/0/aliases/serving").asLong()).isEqualTo(LiveMetrics.ROUNDS);
        assertThat(all.at("/rows/0/head").asLong()).isEqualTo(LiveMetrics.ROUNDS);

        assertThat(json("adapters.json?find=nobody-has-this-name").get("rows")).isEmpty();
        JsonNode beyond = json("adapters.json?offset=1&limit=1");
        assertThat(beyond.get("all").asInt()).isEqualTo(1);
        assertThat(beyond.get("rows")).isEmpty();
    }

    @Test
    void versionsComeNewestFirstAndSayWhatPointsToThem() {
        JsonNode versions = json("versions.json?" + OF_ADAPTER + "&limit=2");

        assertThat(versions.get("all").asInt()).isEqualTo(LiveMetrics.ROUNDS + 1);
        assertThat(versions.get("rows")).hasSize(2);
        JsonNode newest = versions.at("/rows/0");
        assertThat(newest.get("number").asLong()).isEqualTo(LiveMetrics.ROUNDS);
        assertThat(newest.get("head").asBoolean()).isTrue();
        assertThat(newest.at("/aliases/0").asText()).isEqualTo("serving");
        assertThat(newest.get("examples").asLong()).isPositive();
        assertThat(newest.get("lossAfter").asDouble()).isPositive();
        assertThat(json("versions.json?" + OF_ADAPTER + "&offset=2").at("/rows/0/number").asLong())
                .isZero();
    }

    @Test
    void lineageGoesBackToTheStartAndNamesNoUserNorEvent() {
        JsonNode lineage = json("lineage.json?" + OF_ADAPTER + "&version=" + LiveMetrics.ROUNDS);

        List<Long> parents = new ArrayList<>();
        lineage.at("/ancestors").forEach(each -> parents.add(each.get("version").asLong()));
        assertThat(parents).containsExactly(1L, 0L);
        assertThat(lineage.at("/round/effect").asDouble()).isPositive();
        assertThat(lineage.at("/round/seed").isTextual()).as("a browser would round it").isTrue();
        assertThat(lineage.at("/learned/rounds").asLong()).isEqualTo(LiveMetrics.ROUNDS);
        assertThat(lineage.toString()).doesNotContain(LiveMetrics.USER).doesNotContain("click-");
    }

    @Test
    void theTrailTellsOfEachMoveOfAnAlias() {
        JsonNode trail = json("trail.json?" + OF_ADAPTER);

        List<String> moves = new ArrayList<>();
        trail.get("rows")
                .forEach(row -> moves.add("%s %s %d -> %d".formatted(row.get("action").asText(),
                        row.get("alias").asText(), row.get("from").asLong(),
                        row.get("to").asLong())));
        assertThat(moves).contains("alias_moved serving 1 -> 2", "alias_moved serving 0 -> 1",
                "alias_moved previous 0 -> 1");
        assertThat(trail.findValuesAsText("action")).contains("created");
    }

    @Test
    void samplesGoOnFromWhereTheReaderIsAndTheAuditAddsUp() {
        JsonNode first = json("live.json?" + OF_ADAPTER);
        long last = first.get("samples").findValues("sequence").getLast().asLong();
        LoopClient.await("the next sample is taken",
                () -> !json("live.json?after=" + last).get("samples").isEmpty());
        assertThat(json("live.json?after=" + last).at("/samples/0/sample/sequence").asLong())
                .isEqualTo(last + 1);

        JsonNode audit = first.get("audit");
        assertThat(audit.get("acknowledged").asLong()).isEqualTo(audit.get("trained").asLong()
                + audit.get("quarantined").asLong() + audit.get("refusedInAll").asLong()
                + audit.get("pending").asLong() + audit.get("difference").asLong());
        assertThat(audit.at("/refused/not_applicable").asLong()).isEqualTo(1);
        assertThat(first.at("/samples/0/sample/kvUse").isNumber()).isTrue();
        assertThat(first.get("samples").findValues("requests")).anyMatch(
                each -> each.asDouble() > 0);
        assertThat(first.get("samples").findValues("rounds"))
                .anyMatch(each -> each.asDouble() > 0);
    }

    @Test
    void whatIsAskedWronglyIsRefusedByTheNameOfItsField() {
        assertRefused(400, "versions.json", "adapter is \"\"");
        assertRefused(400, "versions.json?adapter=../etc/passwd", "adapter is \"../etc/passwd\"");
        assertRefused(400, "versions.json?" + OF_ADAPTER + "&limit=100000", "limit is \"100000\"");
        assertRefused(400, "lineage.json?" + OF_ADAPTER + "&version=-1", "version is \"-1\"");
        assertRefused(404, "lineage.json?" + OF_ADAPTER + "&version=99", "99");
        assertRefused(404, "versions.json?adapter=default/nobody-made-this", "nobody-made-this");
        assertRefused(404, "nothing.json", "nothing here");
    }

    private static void assertRefused(int status, String path, String words) {
        HttpResponse<String> answer = get("console/" + path);
        assertThat(answer.statusCode()).as(path).isEqualTo(status);
        assertThat(answer.body()).as(path).contains(words.replace("\"", "\\\""));
    }

    @Test
    void everyAnswerKeepsOthersOutOfThePage() {
        assertThat(get("").headers().firstValue("Content-Security-Policy")).hasValueSatisfying(
                policy -> assertThat(policy).contains("default-src 'none'", "script-src 'self'")
                        .doesNotContain("unsafe"));
        assertThat(get("").body()).doesNotContain("style=")
                .doesNotContain("http://")
                .doesNotContain(
                        "https://");
        assertThat(get("console/main.js").headers().firstValue("X-Content-Type-Options"))
                .hasValue("nosniff");
        assertThat(get("console/adapters.json").headers().firstValue("Cache-Control"))
                .hasValue("no-store");
        assertThat(get("metrics").statusCode()).isEqualTo(200);
    }

    @Test
    void aRequestThatNamesAnotherHostIsRefused() throws IOException {
        assertThat(statusFor("GET", "rebound.example")).isEqualTo(421);
        assertThat(statusFor("GET", "127.0.0.1.rebound.example:7471")).isEqualTo(421);
        assertThat(statusFor("GET", "localhost:7471")).isEqualTo(200);
        assertThat(statusFor("GET", "[::1]")).isEqualTo(200);
        assertThat(statusFor("POST", "localhost")).isEqualTo(405);
    }

    /** By hand: Java's client does not let one choose the host. */
    private static int statusFor(String method, String host) throws IOException {
        URI at = URI.create(loop.console());
        try (Socket socket = new Socket(at.getHost(), at.getPort())) {
            socket.getOutputStream()
                    .write("%s /console/adapters.json HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"
                            .formatted(method, host)
                            .getBytes(StandardCharsets.US_ASCII));
            String answer = new String(socket.getInputStream().readAllBytes(),
                    StandardCharsets.UTF_8);
            return Integer.parseInt(answer.split(" ", 3)[1]);
        }
    }

    @Test
    void aBrowserShowsAllOfIt() throws Exception {
        Browser browser = browser();
        String url = loop.console() + "#" + OF_ADAPTER + "&version=" + LiveMetrics.ROUNDS;

        Browser.Page page = browser.open(url, 8000);

        assertThat(page.said()).as("errors in the console").isEmpty();
        String dom = page.dom();
        assertThat(part(dom, "adapters")).contains(LiveMetrics.ADAPTER,
                "serving → " + LiveMetrics.ROUNDS);
        assertThat(part(dom, "versions")).contains(">serving<", ">head<", "the start");
        assertThat(part(dom, "lineage")).contains("adapter norm", "version=1\"", "version=0\"");
        assertThat(part(dom, "trail")).contains("alias moved", "created");
        assertThat(part(dom, "audit")).contains("acknowledged", "balanced", "not_applicable 1");
        assertThat(part(dom, "tiles")).contains("requests / s", "KV cache in use");
        assertThat(part(dom, "delay")).contains("<circle", "99th percentile");
        assertThat(part(dom, "taken")).contains("<circle", "taken by users");
        assertThat(part(dom, "state")).contains("live");
    }

    @Test
    void aBrowserTakesAPicture() throws Exception {
        Browser browser = browser();
        Path png = Files.createDirectories(Path.of("target")).resolve("console.png");

        assertThat(browser.picture(loop.console() + "#" + OF_ADAPTER, 8000, 1300, 1500, png))
                .isEmpty();

        assertThat(png).isNotEmptyFile();
    }

    @Test
    void textThatLooksLikeMarkupStaysText() throws Exception {
        Browser.Page page = browser().open(
                loop.console() + "#adapter=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E", 8000);

        assertThat(part(page.dom(), "versions")).contains("&lt;img src=x");
        assertThat(page.dom()).doesNotContain("<img src=\"x\"");
    }

    private static Browser browser() {
        Optional<Browser> found = Browser.find(folder);
        if (found.isEmpty()) {
            System.err.println("SKIPPED: THE CONSOLE PAGE IS NOT TRIED, no Chromium on the PATH;"
                    + " install one (apt-get install chromium)");
        }
        assumeTrue(found.isPresent(), "no Chromium on the PATH: the console page is not tried");
        return found.orElseThrow();
    }

    /** The element of an id, up to the next one that has an id of the page. */
    private static String part(String dom, String id) {
        int from = dom.indexOf("id=\"" + id + "\"");
        assertThat(from).as("element %s", id).isPositive();
        String rest = dom.substring(from + id.length() + 5);
        return Pattern.compile("<[a-z0-9]+ [^>]*\\bid=\"").split(rest, 2)[0];
    }
}
