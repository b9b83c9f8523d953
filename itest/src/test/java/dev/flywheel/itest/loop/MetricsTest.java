package dev.flywheel.itest.loop;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a loop exports that has answered, learned and swapped, and what dashboards, alerts and README say of it. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class MetricsTest {
    private static final String NEWEST = Integer.toString(LiveMetrics.ROUNDS);
    private static final Pattern LABEL_VALUES =
            Pattern.compile("label_values\\((.+),\\s*(\\w+)\\s*\\)");
    private static final Pattern SHOWN_LABEL =
            Pattern.compile("\\{\\{\\s*(?:\\$labels\\.)?(\\w+)\\s*}}");

    @TempDir static Path folder;

    private static LiveMetrics loop;
    private static Scrape scrape;

    /** An expression, the texts that show its labels, and where it stands. */
    private record Shown(String where, String expression, List<String> texts) {}

    @BeforeAll
    static void start() throws Exception {
        loop = new LiveMetrics(folder);
        LoopClient.await("all that was taught is measured", () -> {
            scrape = loop.scrape();
            return settled();
        });
    }

    private static boolean settled() {
        return scrape.sum("flywheel_feedback_to_serving_delay_seconds_count", Map.of()) >= loop
                .taught()
                .size()
                && scrape.sum("flywheel_adapter_info",
                        Map.of("alias", "serving", "version", NEWEST)) == 1
                && !scrape.samples("flywheel_loop_evaluation_log_loss").isEmpty()
                && !scrape.samples("flywheel_loop_evaluation_auc").isEmpty()
                && !scrape.samples("flywheel_adapter_staleness_seconds").isEmpty()
                && !scrape.samples("flywheel_audit_refused").isEmpty()
                && scrape.sum("flywheel_feedback_events_total", Map.of("at", "job")) >= 1
                && scrape.sum("flywheel_dead_letters_total", Map.of()) >= 1
                && scrape.sum("flywheel_audit_events", Map.of("term", "trained")) == loop.taught()
                        .size();
    }

    @AfterAll
    static void stop() {
        if (loop != null) {
            loop.close();
        }
    }

    @Test
    void everyMetricAndLabelThatADashboardOrAnAlertNamesIsExported() throws IOException {
        List<Shown> all = new ArrayList<>(dashboards());
        all.addAll(alerts());
        PromQlCheck check = new PromQlCheck(scrape);

        assertThat(all).hasSizeGreaterThan(50).allSatisfy(shown -> {
            assertThat(check.problems(shown.expression())).as("%s: %s", shown.where(),
                    shown.expression()).isEmpty();
            assertThat(notShown(check, shown)).as("labels in the texts of %s", shown.where())
                    .isEmpty();
        });
    }

    /** Labels in a text that no metric of the expression has. */
    private static List<String> notShown(PromQlCheck check, Shown shown) {
        List<PromQl.Selector> selectors = PromQl.names(shown.expression()).selectors();
        return shown.texts()
                .stream()
                .flatMap(text -> SHOWN_LABEL.matcher(text).results().map(each -> each.group(1)))
                .filter(label -> selectors.stream()
                        .noneMatch(each -> check.has(each.metric(), label)))
                .toList();
    }

    private static List<Shown> dashboards() throws IOException {
        List<Shown> found = new ArrayList<>();
        try (Stream<Path> files = Files.list(deployed("grafana"))) {
            for (Path file : files.filter(each -> each.toString().endsWith(".json")).toList()) {
                JsonNode dashboard = new ObjectMapper().readTree(file.toFile());
                for (JsonNode panel : dashboard.get("panels")) {
                    panel.path("targets")
                            .forEach(target -> found.add(new Shown(
                                    file.getFileName() + ", " + panel.path("title").asText(),
                                    target.get("expr").asText(),
                                    List.of(target.path("legendFormat").asText()))));
                }
                for (JsonNode variable : dashboard.path("templating").path("list")) {
                    if (variable.path("type").asText().equals("query")) {
                        found.add(new Shown(file.getFileName() + ", variable",
                                counted(variable.at("/query/query").asText()), List.of()));
                    }
                }
            }
        }
        return found;
    }

    /** What {@code label_values} asks for, as an expression. */
    private static String counted(String query) {
        Matcher values = LABEL_VALUES.matcher(query);
        assertThat(values.matches()).as(query).isTrue();
        return "count by (" + values.group(2) + ") (" + values.group(1) + ")";
    }

    private static List<Shown> alerts() throws IOException {
        List<Shown> found = new ArrayList<>();
        JsonNode alerts = new ObjectMapper(new YAMLFactory())
                .readTree(deployed("prometheus/alerts.yml").toFile());
        for (JsonNode group : alerts.get("groups")) {
            for (JsonNode rule : group.get("rules")) {
                List<String> texts = new ArrayList<>();
                rule.get("annotations").forEach(text -> texts.add(text.asText()));
                found.add(new Shown(rule.get("alert").asText(), rule.get("expr").asText(), texts));
            }
        }
        return found;
    }

    private static Path deployed(String name) {
        return BuiltInBase.folder().resolve("../../deploy").resolve(name).normalize();
    }

    @Test
    void everyDashboardCanBeImportedAndSaysWhatItsPanelsShow() throws IOException {
        Set<String> uids = new TreeSet<>();
        try (Stream<Path> files = Files.list(deployed("grafana"))) {
            for (Path file : files.toList()) {
                JsonNode dashboard = new ObjectMapper().readTree(file.toFile());
                uids.add(dashboard.get("uid").asText());
                assertThat(dashboard.get("schemaVersion").asInt()).isGreaterThanOrEqualTo(39);
                assertThat(dashboard.at("/templating/list/0/type").asText())
                        .isEqualTo("datasource");
                Set<Integer> ids = new TreeSet<>();
                for (JsonNode panel : dashboard.get("panels")) {
                    assertThat(ids.add(panel.get("id").asInt())).as("own id").isTrue();
                    if (panel.get("type").asText().equals("row")) {
                        continue;
                    }
                    assertThat(panel.path("description").asText()).as("%s", panel.get("title"))
                            .isNotBlank();
                    assertThat(panel.at("/fieldConfig/defaults/unit").asText()).isNotBlank();
                    assertThat(panel.at("/datasource/uid").asText()).isEqualTo("${datasource}");
                }
            }
        }
        assertThat(uids).hasSize(3);
    }

    @Test
    void theBucketsAreThoseOfTheConventions() {
        assertBuckets("gen_ai_server_time_to_first_token_seconds", .001, .005, .01, .02, .04, .06,
                .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10);
        assertBuckets("gen_ai_server_time_per_output_token_seconds", .01, .025, .05, .075, .1, .15,
                .2, .3, .4, .5, .75, 1, 2.5);
        assertBuckets("gen_ai_server_request_duration_seconds", .01, .02, .04, .08, .16, .32, .64,
                1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92);
        assertBuckets("gen_ai_client_token_usage", 1, 4, 16, 64, 256, 1024, 4096, 16384, 65536,
                262144, 1048576, 4194304, 16777216, 67108864);
    }

    private static void assertBuckets(String name, double... bounds) {
        Set<Double> found = new TreeSet<>();
        scrape.samples(name + "_bucket")
                .forEach(each -> found.add(Double.parseDouble(
                        each.labels().getOrDefault("le", "").replace("+Inf", "Infinity"))));

        assertThat(found).as(name)
                .containsExactlyElementsOf(DoubleStream
                        .concat(DoubleStream.of(bounds),
                                DoubleStream.of(Double.POSITIVE_INFINITY))
                        .boxed()
                        .toList());
    }

    @Test
    void everySeriesSaysWhatItIs() {
        assertThat(scrape.names()).hasSizeGreaterThan(80)
                .allSatisfy(name -> assertThat(scrape.help().get(scrape.family(name))).as(name)
                        .isNotBlank());
    }

    @Test
    void whatWasDoneIsCountedUnderTheNamesOfTheConventions() {
        Map<String, String> generated =
                Map.of("gen_ai_operation_name", "text_completion", "gen_ai_provider_name",
                        "flywheel", "gen_ai_request_model", LiveMetrics.ADAPTER);
        assertThat(scrape.sum("gen_ai_server_time_to_first_token_seconds_count", generated))
                .isEqualTo(1);
        assertThat(scrape.sum("gen_ai_server_time_per_output_token_seconds_count", generated))
                .isEqualTo(1);
        assertThat(scrape.sum("gen_ai_server_request_duration_seconds_count",
                Map.of("gen_ai_operation_name", "score", "error_type", ""))).isEqualTo(1);
        assertThat(scrape.sum("gen_ai_server_request_duration_seconds_count",
                Map.of("error_type", "ADAPTER_NOT_FOUND", "gen_ai_request_model", "")))
                .isEqualTo(1);
        assertThat(scrape.sum("gen_ai_client_token_usage_sum",
                Map.of("gen_ai_operation_name", "text_completion", "gen_ai_token_type", "output")))
                .isBetween(1.0, 4.0);
    }

    @Test
    void eachEventThatWasLearnedHasOneDelayAndTheServedVersionOneRow() {
        assertThat(scrape.sum("flywheel_feedback_to_serving_delay_seconds_count", Map.of()))
                .isEqualTo(loop.taught().size());
        assertThat(scrape.sum("flywheel_feedback_to_serving_delay_seconds_sum", Map.of()))
                .isBetween(0.01, 180.0);
        assertThat(scrape.samples("flywheel_adapter_info")
                .stream()
                .filter(each -> "serving".equals(each.labels().get("alias")))
                .map(each -> each.labels().get("version")))
                .containsExactly(NEWEST);
        assertThat(scrape.samples("flywheel_lora_requests")).singleElement()
                .satisfies(each -> assertThat(each.labels()).containsOnlyKeys("max_lora",
                        "running_lora_adapters", "waiting_lora_adapters"));
        assertThat(scrape.samples("flywheel_adapter_staleness_seconds")).singleElement()
                .satisfies(each -> assertThat(each.value()).isBetween(0.0, 300.0));
        assertThat(scrape.sum("flywheel_feedback_events_total",
                Map.of("at", "node", "result", "forged"))).isEqualTo(1);
        assertThat(scrape.sum("flywheel_feedback_events_total",
                Map.of("at", "job", "result", "not_applicable"))).isEqualTo(1);
        assertThat(scrape.sum("flywheel_dead_letters_total", Map.of("of", "feedback")))
                .isEqualTo(1);
        assertThat(scrape.sum("flywheel_gate_outcomes_total", Map.of("outcome", "committed")))
                .isEqualTo(LiveMetrics.ROUNDS);
    }

    @Test
    void noLabelTellsOfAUserOrOfWhatWasAsked() {
        assertThat(scrape.samples()).allSatisfy(each -> assertThat(each.labels().toString())
                .doesNotContain(LiveMetrics.USER)
                .doesNotContain("nobody-made-this")
                .doesNotContain("click-")
                .doesNotContain("Once"));
    }

    @Test
    void theTableInReadmeNamesEveryMetricThereIsWithItsType() throws IOException {
        String readme = Files.readString(deployed("../README.md"));
        Matcher row = Pattern.compile("(?m)^\\| `((?:gen_ai|flywheel)_\\w+)` \\| (\\w+) \\|")
                .matcher(readme);
        Set<String> told = new TreeSet<>();
        row.results().forEach(each -> told.add(each.group(1) + " " + each.group(2)));
        Set<String> exported = new TreeSet<>();
        scrape.types().forEach((name, type) -> {
            if (!name.endsWith("_max")) {
                exported.add(name + " " + type);
            }
        });

        assertThat(told).isEqualTo(exported);
    }
}
