package dev.flywheel.app.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class HistoryTest {
    private static final long START = 1_700_000_000_000L;

    private final PrometheusMeterRegistry meters =
            new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final AtomicLong nanos = new AtomicLong(-5);
    private final History history = new History(meters, "n", Duration.ofSeconds(2), 3,
            Duration.ofSeconds(60), InstantSource.fixed(Instant.ofEpochMilli(START)), nanos::get);

    @AfterEach
    void close() {
        history.close();
    }

    private Sample look(Duration later) {
        nanos.addAndGet(later.toNanos());
        history.look();
        return history.since(new Query("")).samples().getLast().sample();
    }

    @Test
    void aRateIsOfTheTimeThatPassedByTheMonotonicClock() {
        Counter tokens = Counter.builder("flywheel.serving.tokens")
                .tag("kind", "prompt")
                .register(meters);
        Counter others = Counter.builder("flywheel.serving.tokens")
                .tag("kind", "output")
                .register(meters);
        tokens.increment(30);
        others.increment(10);

        Sample sample = look(Duration.ofSeconds(4));
        assertThat(sample.tokens()).isEqualTo(10);
        assertThat(sample.atMillis()).isEqualTo(START + 4_000);

        tokens.increment(1);
        assertThat(look(Duration.ofMillis(500)).tokens()).isEqualTo(2);
        assertThat(look(Duration.ofSeconds(1)).tokens()).isZero();
    }

    @Test
    void roundsThatThisProcessDoesNotTrainAreUnknownAndNotNone() {
        assertThat(look(Duration.ofSeconds(1)).rounds()).isNull();

        var unused = Counter.builder("flywheel.train.failures").register(meters);
        look(Duration.ofSeconds(1));
        Counter.builder("flywheel.gate.outcomes")
                .tag("outcome", "committed")
                .register(meters)
                .increment(3);
        assertThat(look(Duration.ofSeconds(1)).rounds()).isEqualTo(3);
    }

    @Test
    void delaysAreOfWhatCameSinceTheSampleBefore() {
        Timer delay = Timer.builder("flywheel.feedback.to.serving.delay")
                .serviceLevelObjectives(Duration.ofMillis(100), Duration.ofSeconds(1),
                        Duration.ofSeconds(2))
                .register(meters);
        for (int i = 0; i < 100; i++) {
            delay.record(Duration.ofMillis(50));
        }
        assertThat(look(Duration.ofSeconds(1)).delayMedian()).isNull();
        for (int i = 0; i < 4; i++) {
            delay.record(Duration.ofMillis(1_500));
        }

        Sample sample = look(Duration.ofSeconds(1));
        assertThat(sample.delayMedian()).isCloseTo(1.5, within(1e-9));
        assertThat(sample.delayP99()).isCloseTo(1.99, within(1e-9));

        delay.record(Duration.ofSeconds(30));
        assertThat(look(Duration.ofSeconds(1)).delayP99()).isEqualTo(2);
        assertThat(look(Duration.ofSeconds(1)).delayP99()).isNull();
    }

    @Test
    void itTellsForHowLongTheAuditHasNotBalanced() {
        AtomicLong difference = new AtomicLong(1);
        Gauge.builder("flywheel.audit.events", () -> 5).tag("term", "pending").register(meters);
        Gauge.builder("flywheel.audit.difference", difference::get).register(meters);
        Gauge.builder("flywheel.audit.age", () -> 1).register(meters);

        look(Duration.ofSeconds(1));
        look(Duration.ofSeconds(3));
        assertThat(history.since(new Query("")).unbalancedMillis()).isEqualTo(3_000);

        difference.set(0);
        look(Duration.ofSeconds(1));
        assertThat(history.since(new Query("")).unbalancedMillis()).isZero();
    }

    @Test
    void soManySamplesAreKeptAndAReaderGoesOnFromItsLast() {
        for (int i = 0; i < 5; i++) {
            look(Duration.ofSeconds(1));
        }

        assertThat(sequences("")).containsExactly(3L, 4L, 5L);
        assertThat(sequences("after=4")).containsExactly(5L);
        assertThat(sequences("after=5")).isEmpty();
    }

    private List<Long> sequences(String query) {
        return history.since(new Query(query))
                .samples()
                .stream()
                .map(point -> point.sample().sequence())
                .toList();
    }
}
