package dev.flywheel.app.bench.serving;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.app.bench.BuiltInBase;
import dev.flywheel.app.config.ConfigLoader;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.local.LocalNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The benches of serving, small, on the built-in base: that they count right, not how fast anything is. */
@Timeout(180)
class ServingBenchTest {
    @TempDir private Path folder;

    private static final Path MODEL = BuiltInBase.folder();

    private LocalNode node(Map<String, Object> settings) {
        FlywheelConfig config = new ConfigLoader().load(
                Map.of("server.port", 0, "server.admin_port", 0, "server.http_port", -1,
                        "data.log_mib_max", 0),
                null,
                settings);
        return LocalNode.start(config, folder, MODEL);
    }

    /** P1: each of them is what its version says by itself. */
    @Test
    void swapsUnderLoadSpoilNoAnswer() throws Exception {
        try (LocalNode node = node(Map.of())) {
            SwapReport report = new SwapBench(node, 7, System::nanoTime).run(60, 1, done -> {},
                    done -> {});
            SwapReport.Fast fast = report.fast();
            assertThat(fast.swaps()).isEqualTo(60);
            assertThat(fast.answers()).isPositive();
            assertThat(fast.failed() + fast.mixed() + fast.wrongDigest() + fast.stale()).isZero();
            assertThat(fast.prefixTokensCached()).isPositive();
            assertThat(fast.visibleMicros()).hasSize(60);
            SwapReport.Slow slow = report.slow();
            assertThat(slow.versions()).isEqualTo(2);
            assertThat(slow.failed() + slow.wrong()).isZero();
            assertThat(slow.swapGapMicros().getFirst()).isNotEmpty();
            assertThat(slow.controlGapMicros().getFirst()).isNotEmpty();
            assertThat(report.text()).contains("stale 0");
        }
    }

    @Test
    void moreAdaptersThanSlotsAnswerAllThatIsAsked() throws Exception {
        try (LocalNode node = node(Map.of("engine.adapter_slots", 4))) {
            AdaptersReport report = new AdaptersBench(node,
                    new AdaptersBench.Settings("base", 1, 4, 2, 12, 1, Duration.ofMillis(500), 7),
                    System::nanoTime).run((done, what) -> {});
            assertThat(report.failed()).isZero();
            assertThat(report.wrong()).isZero();
            assertThat(report.tokensPerSecond()).hasSize(4)
                    .allMatch(each -> each.median() > 0);
            assertThat(report.ratios()).hasSize(3);
        }
    }

    @Test
    void whatANodeHasNoRoomForIsRefusedAndCounted() throws Exception {
        try (LocalNode node = node(Map.of("serving.requests_running_max", 2,
                "serving.queue_time_max", "20ms"))) {
            OverloadReport report = new OverloadBench(node,
                    new OverloadBench.Settings("base", 1, 2, Duration.ofSeconds(1),
                            Duration.ofSeconds(1), 1, Duration.ofMillis(700), 7),
                    System::nanoTime).run((done, what) -> {});
            OverloadReport.Step over = report.steps().getLast();
            assertThat(over.factor()).isEqualTo(10);
            assertThat(over.errors()).containsOnlyKeys("RESOURCE_EXHAUSTED");
            assertThat(over.answered()).isPositive();
            assertThat(report.steps()).allMatch(step -> step.wrong() == 0);
        }
    }

    @Test
    void eachNumberOfRowsIsMeasuredWithoutAndWithAdapters() {
        BatchReport report = new BatchBench(MODEL, "base", 1, 1, 7, System::nanoTime)
                .run(done -> {});
        assertThat(report.rows()).extracting(BatchReport.Row::rows)
                .containsExactly(1, 2, 4, 8, 16, 32);
        assertThat(report.rows())
                .allMatch(row -> row.none() > 0 && row.one() > 0 && row.each() > 0);
    }
}
