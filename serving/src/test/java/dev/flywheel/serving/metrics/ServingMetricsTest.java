package dev.flywheel.serving.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.VersionRef;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ServingMetricsTest {
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final ServingMetrics metrics = new ServingMetrics(meters, 2);
    private final AtomicLong nanos = new AtomicLong();

    private static VersionRef version(String adapter) {
        return VersionRef.newBuilder().setAdapter(adapter).setNumber(7).build();
    }

    private long requests(String model) {
        return meters.find("gen_ai.server.request.duration")
                .tag("gen_ai.request.model", model)
                .timers()
                .stream()
                .mapToLong(timer -> timer.count())
                .sum();
    }

    private void answered(String adapter) {
        CallTimer call = metrics.call(Operation.RANK, nanos::get);
        call.leased(version(adapter));
        call.answered();
    }

    @Test
    void aCallIsTimedByTheMonotonicClockUntilItsFirstEnd() {
        nanos.set(5);
        CallTimer call = metrics.call(Operation.GENERATE, nanos::get);
        nanos.addAndGet(TimeUnit.MILLISECONDS.toNanos(30));
        call.failed("CANCELLED");
        nanos.addAndGet(TimeUnit.SECONDS.toNanos(9));
        call.answered();

        assertThat(meters.find("gen_ai.server.request.duration").timers()).singleElement()
                .satisfies(timer -> {
                    assertThat(timer.count()).isEqualTo(1);
                    assertThat(timer.totalTime(TimeUnit.MILLISECONDS)).isEqualTo(30);
                    assertThat(timer.getId().getTag("error.type")).isEqualTo("CANCELLED");
                    assertThat(timer.getId().getTag("gen_ai.request.model")).isEmpty();
                });
    }

    @Test
    void adaptersBeyondTheBoundShareASeriesUntilOneIsGone() {
        answered("a");
        answered("b");
        answered("c");
        answered("d");
        answered("");
        assertThat(requests("other")).isEqualTo(2);
        assertThat(requests("base")).isEqualTo(1);

        metrics.forget("a");
        answered("c");

        assertThat(requests("a")).isZero();
        assertThat(requests("c")).isEqualTo(1);
        assertThat(requests("other")).isEqualTo(2);
    }
}
