package dev.flywheel.itest.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The check of dashboards has to find what is wrong with them. */
class PromQlTest {
    private final PromQlCheck check = new PromQlCheck(new Scrape("""
            # HELP requests_total what came
            # TYPE requests_total counter
            requests_total{method="rank",code="OK"} 3.0
            # TYPE took_seconds histogram
            took_seconds_bucket{model="a",le="0.1"} 1
            took_seconds_bucket{model="a",le="+Inf"} 2
            took_seconds_count{model="a"} 2
            took_seconds_sum{model="a"} 0.5
            plain 1.0
            """));

    @ParameterizedTest
    @ValueSource(strings = {
        "plain", "plain > 0.95", "up == 0", "plain + on (instance) up",
        "rate(requests_total{method=\"rank\", code!~\"by|le\"}[5m]) > 1e-3",
        "histogram_quantile(0.99, sum by (le, model) (rate(took_seconds_bucket[$__rate_interval])))",
        "sum(rate(requests_total[5m])) by (method) / ignoring (instance) plain",
        "sum without (code) (requests_total offset 1h) unless absent(plain)",
        "topk(5, requests_total{method=~\"$method\"})", "time() - plain and vector(1) == bool 1",
        "label_replace(plain, \"no_such_label\", \"$1\", \"instance\", \"(.*)\")"})
    void whatIsThereIsFound(String expression) {
        assertThat(check.problems(expression)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '~', value = {
        "rate(request_total[5m]); no metric request_total",
        "requests_total{metod=\"rank\"}; requests_total has no label metod",
        "requests_total{method=\"rnak\"}; requests_total is never seen with method rnak",
        "sum by (model) (requests_total); requests_total has no label model",
        "sum(rate(requests_total[5m])) by (model); requests_total has no label model",
        "sum by (method) (requests_total) / sum by (method) (plain); plain has no label method",
        "requests_total / on (method) plain; plain has no label method",
        "histogram_quantile(0.9, sum by (le) (took_seconds_count)); took_seconds_count has no label le",
        "max(max by (code) (rate(requests_total[5m]))) by (job) > sum(gone); no metric gone"})
    void whatIsNotThereIsTold(String expression, String problem) {
        assertThat(check.problems(expression)).isEqualTo(List.of(problem));
    }

    @ParameterizedTest
    @ValueSource(strings = {"sum(plain", "plain)", "plain{method=\"rank\"", "rate(plain[5m)",
        "{job=\"x\"}", "plain ; plain"})
    void whatIsNoExpressionIsRefused(String expression) {
        assertThatThrownBy(() -> check.problems(expression))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(expression);
    }

    @Test
    void everyLabelOfAScrapeIsRead() {
        Scrape scrape = new Scrape("a{b=\"x, \\\"y\\\"}\",c=\"\"} 1.5");

        assertThat(scrape.samples("a")).singleElement()
                .satisfies(sample -> assertThat(sample.labels()).containsEntry("c", "")
                        .containsKey("b"));
    }
}
