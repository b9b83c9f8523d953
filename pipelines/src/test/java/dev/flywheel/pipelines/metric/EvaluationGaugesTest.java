package dev.flywheel.pipelines.metric;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.Evaluation;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Metric;
import org.apache.flink.runtime.metrics.MetricRegistry;
import org.apache.flink.runtime.metrics.groups.GenericMetricGroup;
import org.apache.flink.runtime.metrics.groups.UnregisteredMetricGroups;
import org.apache.flink.runtime.metrics.util.TestingMetricRegistry;
import org.junit.jupiter.api.Test;

/** The gauges in a registry of Flink's. */
class EvaluationGaugesTest {
    private static final long MINUTE = 60_000;

    private final Map<String, Metric> registered = new TreeMap<>();
    private final MetricRegistry registry = TestingMetricRegistry.builder()
            .setRegisterConsumer((metric, name, group) -> registered
                    .put(group.getMetricIdentifier(name), metric))
            .setUnregisterConsumer((metric, name, group) -> registered
                    .remove(group.getMetricIdentifier(name)))
            .build();
    private final EvaluationGauges gauges = new EvaluationGauges(new GenericMetricGroup(registry,
            UnregisteredMetricGroups.createUnregisteredOperatorMetricGroup(), "evaluation"));

    @Test
    void anAdaptersWindowIsShownInAllOfTheNewestAndOfTheMostJudgedVersion() {
        gauges.show(window("a", 7, 0, 30), window("a", 7, 0, 10), window("a", 6, 0, 20));

        assertThat(figure("a", "all", "items")).isEqualTo(30);
        assertThat(figure("a", "newest", "items")).isEqualTo(10);
        assertThat(figure("a", "newest", "version")).isEqualTo(7);
        assertThat(figure("a", "most_judged", "items")).isEqualTo(20);
        assertThat(figure("a", "most_judged", "version")).isEqualTo(6);
        assertThat(shown()).isEqualTo("a");
    }

    @Test
    void aLaterWindowTakesThePlaceOfAnEarlierAndNotTheOtherWayRound() {
        show("a", MINUTE, 1);
        show("a", 2 * MINUTE, 2);
        show("a", 0, 3);
        assertThat(figure("a", "all", "items")).isEqualTo(2);
    }

    @Test
    void whenAllPlacesAreTakenTheLeastRecentlyShownMakesWay() {
        for (int i = 0; i < EvaluationGauges.ADAPTERS_MAX; i++) {
            show("a" + i, i == 3 ? 0 : MINUTE, 1);
        }
        int metrics = registered.size();

        show("late", 11 * MINUTE, 5);

        assertThat(figure("late", "all", "items")).isEqualTo(5);
        assertThat(registered).as("those of the other are taken back").hasSize(metrics);
        assertThat(shown().lines()).hasSize(EvaluationGauges.ADAPTERS_MAX)
                .contains("late")
                .doesNotContain("a3");
        assertThat(notShown()).isZero();
    }

    @Test
    void whileAllAreShownWithNewWindowsAnotherIsCounted() {
        for (int i = 0; i < EvaluationGauges.ADAPTERS_MAX; i++) {
            show("a" + i, MINUTE, 1);
        }
        int metrics = registered.size();

        show("late", 10 * MINUTE, 5);
        show("late", 11 * MINUTE, 5);

        assertThat(notShown()).isEqualTo(2);
        assertThat(registered).hasSize(metrics);
        assertThat(shown().lines()).doesNotContain("late");
    }

    @Test
    void aForgottenAdapterHasNoGaugesAndMayComeBack() {
        int metrics = registered.size();
        show("a", 0, 1);
        gauges.forget("a");
        gauges.forget("never");
        assertThat(registered).hasSize(metrics);
        show("a", 0, 4);
        assertThat(figure("a", "all", "items")).isEqualTo(4);
    }

    private void show(String adapter, long beginsAt, int items) {
        Evaluation window = window(adapter, 1, beginsAt, items);
        gauges.show(window, window, window);
    }

    private static Evaluation window(String adapter, long version, long beginsAt, int items) {
        return Evaluation.newBuilder()
                .setAdapter(adapter)
                .setVersion(version)
                .setBeginsAtMillis(beginsAt)
                .setLengthMillis(10_000)
                .setItems(items)
                .build();
    }

    private double figure(String adapter, String versions, String name) {
        return (Double) ((Gauge<?>) metric("adapter.%s.versions.%s.%s".formatted(adapter, versions,
                name))).getValue();
    }

    private String shown() {
        return (String) ((Gauge<?>) metric(EvaluationGauges.SHOWN)).getValue();
    }

    private long notShown() {
        return ((Counter) metric(EvaluationGauges.NOT_SHOWN)).getCount();
    }

    private Metric metric(String end) {
        return registered.entrySet()
                .stream()
                .filter(each -> each.getKey().endsWith("." + end))
                .map(Map.Entry::getValue)
                .findFirst()
                .orElseThrow(
                        () -> new AssertionError(end + " is not among " + registered.keySet()));
    }
}
