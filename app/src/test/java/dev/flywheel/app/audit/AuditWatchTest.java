package dev.flywheel.app.audit;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a running audit shows, and when it speaks. */
class AuditWatchTest {
    private static final long SECOND = 1_000_000_000L;

    private final MeterRegistry meters = new SimpleMeterRegistry();
    private final List<String> said = new ArrayList<>();
    private AuditReport next = report(0, true);
    private long nanos;
    private final AuditWatch watch =
            new AuditWatch(() -> next, meters, Duration.ofSeconds(60), () -> nanos, said::add);

    @Test
    void eachTermIsExportedWithItsAge() throws Exception {
        assertThat(gauge("difference")).isNaN();
        assertThat(gauge("age")).isNaN();
        look(report(2, true));
        nanos += 7 * SECOND;

        assertThat(term("acknowledged")).isEqualTo(10);
        assertThat(term("trained")).isEqualTo(4);
        assertThat(term("quarantined")).isEqualTo(1);
        assertThat(term("refused")).isEqualTo(2);
        assertThat(term("pending")).isEqualTo(1);
        assertThat(gauge("difference")).isEqualTo(2);
        assertThat(gauge("repeated")).isEqualTo(3);
        assertThat(gauge("age")).isEqualTo(7);
        assertThat(meters.get("flywheel.audit.refused").tag("reason", "late").gauge().value())
                .isEqualTo(2);
    }

    @Test
    void aDifferenceThatStaysIsSaidOnceAndItsEndToo() throws Exception {
        look(report(1, true));
        nanos += 59 * SECOND;
        look(report(1, true));
        assertThat(said).isEmpty();
        nanos += SECOND;
        look(report(1, true));
        look(report(1, true));
        assertThat(said).singleElement()
                .asString()
                .contains("does not balance for 60 s", "difference=1", "client/f at 0:17");
        look(report(0, true));
        look(report(0, true));
        assertThat(said).hasSize(2).last().asString().contains("balances again");
    }

    @Test
    void aDifferenceThatComesAndGoesIsNone() throws Exception {
        for (int i = 0; i < 10; i++) {
            look(report(1, true));
            nanos += 40 * SECOND;
            look(report(0, true));
        }
        assertThat(said).isEmpty();
    }

    @Test
    void aJobThatTellsNothingIsNoDifference() throws Exception {
        for (int i = 0; i < 10; i++) {
            look(report(5, false));
            nanos += 40 * SECOND;
        }
        assertThat(said).isEmpty();
        assertThat(term("pending")).isEqualTo(-1);
    }

    @Test
    void aLookThatFailsIsTriedAgain() throws Exception {
        AuditWatch failing = new AuditWatch(() -> {
            throw new IllegalStateException("no broker");
        }, new SimpleMeterRegistry(), Duration.ofSeconds(60), () -> nanos, said::add);
        failing.look();
        failing.look();
        assertThat(said).isEmpty();
    }

    @Test
    void closingEndsALookThatWaits() throws Exception {
        CountDownLatch looks = new CountDownLatch(1);
        CountDownLatch closed = new CountDownLatch(1);
        AuditWatch.Look waiting = new AuditWatch.Look() {
            @Override
            public AuditReport audit() throws InterruptedException {
                looks.countDown();
                new CountDownLatch(1).await();
                return report(0, true);
            }

            @Override
            public void close() {
                closed.countDown();
            }
        };
        try (AuditWatch running = AuditWatch.start(waiting, new SimpleMeterRegistry(),
                Duration.ofMillis(1), Duration.ofSeconds(60))) {
            assertThat(running).isNotNull();
            looks.await();
        }
        assertThat(closed.getCount()).isZero();
    }

    private void look(AuditReport report) throws InterruptedException {
        next = report;
        watch.look();
    }

    private double term(String term) {
        return meters.get("flywheel.audit.events").tag("term", term).gauge().value();
    }

    private double gauge(String name) {
        return meters.get("flywheel.audit." + name).gauge().value();
    }

    private static AuditReport report(long difference, boolean told) {
        @Nullable PendingTerms pending = told ? new PendingTerms(1, 0, 0, 0, 0) : null;
        return new AuditReport("2026-06-01T12:00:00Z", 10, 4, 1,
                new TreeMap<>(Map.of("late", 2L)), pending, difference, 0,
                new Duplicates(13, 3, 0, 0, 2, 0, 0), new TreeMap<>(),
                List.of(new OpenEvent("client", "f", 0, 17, false)));
    }
}
