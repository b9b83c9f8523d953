package dev.flywheel.serving.impression;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.api.v1.Impression;
import dev.flywheel.feedback.kafka.EventTooLargeException;
import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.queue.QueueLimits;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 2, unit = TimeUnit.MINUTES)
class ImpressionSpoolTest {
    private static final QueueLimits LIMITS = new QueueLimits(1 << 20, 1 << 16);
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String LARGE = "large";

    @TempDir Path folder;

    private final AtomicLong now = new AtomicLong(10_000);
    private final AtomicBoolean up = new AtomicBoolean(true);
    private final List<String> arrived = Collections.synchronizedList(new ArrayList<>());
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();

    private ImpressionSpool spool(QueueLimits limits) {
        return ImpressionSpool.open(folder.resolve("spool"), limits,
                () -> Instant.ofEpochMilli(now.get()), meters);
    }

    private Impression served(String id) {
        return Impression.newBuilder().setImpressionId(id).setServedAtMillis(now.get()).build();
    }

    /** A Kafka that is up or away. */
    private CompletableFuture<Void> deliver(Impression impression) {
        if (!up.get()) {
            return CompletableFuture.failedFuture(new IllegalStateException("no broker"));
        }
        if (impression.getImpressionId().equals(LARGE)) {
            return CompletableFuture.failedFuture(new EventTooLargeException("too large"));
        }
        arrived.add(impression.getImpressionId());
        return CompletableFuture.completedFuture(null);
    }

    private static List<String> names(int count) {
        return IntStream.range(0, count).mapToObj(i -> "i" + i).toList();
    }

    private static void awaitEmpty(ImpressionSpool spool) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (spool.size() > 0) {
            assertThat(System.nanoTime()).as("all has arrived in time").isLessThan(deadline);
            Thread.onSpinWait();
        }
    }

    @Test
    void whatIsTakenArrivesInOrderAndIsLetGo() {
        try (ImpressionSpool spool = spool(LIMITS);
                SpoolDrain drain = SpoolDrain.start(spool, this::deliver)) {
            for (int i = 0; i < 500; i++) {
                assertThat(spool.offer(served("i" + i))).isTrue();
            }
            awaitEmpty(spool);
            assertThat(arrived).containsExactlyElementsOf(names(500));
            assertThat(spool.unwrittenSince()).isZero();
        }
    }

    @Test
    void whatCameWhileKafkaWasAwayArrivesInOrderLater() {
        up.set(false);
        try (ImpressionSpool spool = spool(LIMITS);
                SpoolDrain drain = SpoolDrain.start(spool, this::deliver)) {
            for (int i = 0; i < 100; i++) {
                assertThat(spool.offer(served("i" + i))).isTrue();
            }
            assertThat(spool.size()).isEqualTo(100);
            assertThat(spool.unwrittenSince()).isEqualTo(10_000);
            up.set(true);
            awaitEmpty(spool);
            assertThat(new LinkedHashSet<>(arrived)).hasSize(100)
                    .containsExactlyElementsOf(names(100));
        }
    }

    @Test
    void whatOneProcessLeftTheNextOneSends() {
        up.set(false);
        try (ImpressionSpool spool = spool(LIMITS)) {
            assertThat(spool.offer(served("of before"))).isTrue();
        }
        up.set(true);
        now.set(99_500);
        try (ImpressionSpool spool = spool(LIMITS)) {
            assertThat(spool.unwrittenSince()).isEqualTo(10_000);
            assertThat(spool.offer(served("new"))).isTrue();
            try (SpoolDrain drain = SpoolDrain.start(spool, this::deliver)) {
                awaitEmpty(spool);
            }
        }
        assertThat(arrived).containsExactly("of before", "new");
    }

    @Test
    void aFullSpoolTakesNothingUntilThereIsRoom() {
        int size = served("i0").getSerializedSize();
        up.set(false);
        try (ImpressionSpool spool = spool(new QueueLimits(2L * size, size));
                SpoolDrain drain = SpoolDrain.start(spool, this::deliver)) {
            assertThat(spool.offer(served("i0"))).isTrue();
            assertThat(spool.offer(served("i1"))).isTrue();
            assertThat(spool.offer(served("i2"))).isFalse();
            assertThat(spool.offer(served("too long a name"))).isFalse();
            up.set(true);
            awaitEmpty(spool);
            assertThat(spool.offer(served("i3"))).isTrue();
        }
        assertThat(arrived).contains("i0", "i1", "i3").doesNotContain("i2");
    }

    @Test
    void whatKafkaNeverTakesHoldsNothingUp() {
        try (ImpressionSpool spool = spool(LIMITS);
                SpoolDrain drain = SpoolDrain.start(spool, this::deliver)) {
            assertThat(spool.offer(served(LARGE))).isTrue();
            assertThat(spool.offer(served("next"))).isTrue();
            awaitEmpty(spool);
        }
        assertThat(arrived).containsExactly("next");
        assertThat(meters.counter("flywheel.serving.spool.lost").count()).isEqualTo(1);
    }

    @Test
    void timeDoesNotGoPastWhatKafkaDoesNotHave() {
        up.set(false);
        try (ImpressionSpool spool = spool(LIMITS);
                SpoolDrain drain = SpoolDrain.start(spool, this::deliver)) {
            assertThat(spool.progress().millis()).isEqualTo(10_000);
            assertThat(spool.offer(served("waits"))).isTrue();
            now.set(12_345);
            assertThat(spool.offer(served("waits too"))).isTrue();
            assertThat(spool.progress().millis()).isEqualTo(10_000);
            up.set(true);
            awaitEmpty(spool);
            now.set(20_000);
            awaitTrue("all times are forgotten", () -> spool.progress().millis() == 20_000);
        }
    }

    /** Kafka takes the second and fails the first, later. */
    @Test
    void whatFailsAloneIsSentAgainAlone() {
        Map<String, CompletableFuture<Void>> open = new ConcurrentHashMap<>();
        try (ImpressionSpool spool = spool(LIMITS);
                SpoolDrain drain = SpoolDrain.start(spool, impression -> {
                    arrived.add(impression.getImpressionId());
                    return open.computeIfAbsent(impression.getImpressionId() + arrived.size(),
                            each -> new CompletableFuture<>());
                })) {
            assertThat(spool.offer(served("i0"))).isTrue();
            assertThat(spool.offer(served("i1"))).isTrue();
            awaitTrue("both are on their way", () -> open.size() == 2);
            open.get("i12").complete(null);
            awaitTrue("one has arrived", () -> spool.size() == 1);
            open.get("i01").completeExceptionally(new IllegalStateException("timed out"));
            awaitTrue("the other is sent again", () -> open.containsKey("i03"));
            assertThat(spool.unwrittenSince()).isEqualTo(10_000);
            open.get("i03").complete(null);
            awaitEmpty(spool);
            assertThat(spool.offer(served("i2"))).isTrue();
            awaitTrue("what comes later is sent", () -> open.containsKey("i24"));
            open.get("i24").complete(null);
            awaitEmpty(spool);
        }
        assertThat(arrived).containsExactly("i0", "i1", "i0", "i2");
    }

    @Test
    void aReopenedSpoolKnowsWhatItHolds() {
        up.set(false);
        try (ImpressionSpool spool = spool(LIMITS)) {
            assertThat(spool.offer(served("i0"))).isTrue();
            now.set(20_000);
            assertThat(spool.offer(served("i1"))).isTrue();
            spool.reopen();
            assertThat(spool.size()).isEqualTo(2);
            assertThat(spool.progress().millis()).isEqualTo(10_000);
            assertThat(spool.offer(served("i2"))).isTrue();
            up.set(true);
            try (SpoolDrain drain = SpoolDrain.start(spool, this::deliver)) {
                awaitEmpty(spool);
            }
            assertThat(spool.unwrittenSince()).isZero();
        }
        assertThat(arrived).containsExactly("i0", "i1", "i2");
    }

    @Test
    void timeStandsWhileTheSpoolCannotBeOpenedAgain() throws Exception {
        Path files = folder.resolve("spool");
        Path away = folder.resolve("away");
        try (ImpressionSpool spool = spool(LIMITS)) {
            assertThat(spool.offer(served("i0"))).isTrue();
            now.set(20_000);
            Files.move(files, away);
            Files.writeString(files, "no folder");
            assertThatThrownBy(spool::reopen).isInstanceOf(StoreException.class);
            assertThat(spool.progress().millis()).isEqualTo(10_000);
            assertThat(spool.offer(served("refused"))).isFalse();
            assertThat(spool.progress().millis()).isEqualTo(10_000);
            Files.delete(files);
            Files.move(away, files);
            spool.reopen();
            assertThat(spool.progress().millis()).isEqualTo(10_000);
            try (SpoolDrain drain = SpoolDrain.start(spool, this::deliver)) {
                awaitEmpty(spool);
            }
            assertThat(spool.progress().millis()).isEqualTo(20_000);
        }
        assertThat(arrived).containsExactly("i0");
    }

    @Test
    void onlyWhatHasWaitedIsSyncedToDisk() {
        AtomicLong nanos = new AtomicLong();
        try (ImpressionSpool spool = spool(LIMITS);
                SpoolDrain drain = SpoolDrain.start(spool, this::deliver, nanos::get)) {
            assertThat(spool.offer(served("quick"))).isTrue();
            awaitEmpty(spool);
            assertThat(meters.counter("flywheel.serving.spool.syncs").count()).isZero();
            up.set(false);
            assertThat(spool.offer(served("slow"))).isTrue();
            awaitTrue("it is synced", () -> {
                nanos.addAndGet(Duration.ofMillis(100).toNanos());
                return meters.counter("flywheel.serving.spool.syncs").count() > 0;
            });
            up.set(true);
            awaitTrue("it has arrived", () -> {
                nanos.addAndGet(Duration.ofMillis(100).toNanos());
                return spool.size() == 0;
            });
        }
        assertThat(arrived).contains("quick", "slow");
    }

    @Test
    void aDeliveryThatThrowsIsTriedAgain() {
        AtomicBoolean throwing = new AtomicBoolean(true);
        try (ImpressionSpool spool = spool(LIMITS);
                SpoolDrain drain = SpoolDrain.start(spool, impression -> {
                    if (throwing.getAndSet(false)) {
                        throw new IllegalArgumentException("a fault");
                    }
                    return deliver(impression);
                })) {
            assertThat(spool.offer(served("i0"))).isTrue();
            awaitEmpty(spool);
        }
        assertThat(arrived).containsExactly("i0");
    }

    @Test
    void aSpoolThatCannotBeReadIsPutAsideAndTheNodeGoesOn() throws Exception {
        try (ImpressionSpool spool = spool(LIMITS)) {
            assertThat(spool.offer(served("damaged"))).isTrue();
        }
        Files.writeString(folder.resolve("spool/CURRENT"), "MANIFEST-999999\n");
        try (ImpressionSpool spool = spool(LIMITS)) {
            assertThat(spool.size()).isZero();
            assertThat(spool.offer(served("new"))).isTrue();
        }
        assertThat(folder.resolve("spool.damaged-1")).isDirectory();
    }

    private static void awaitTrue(String what, BooleanSupplier holds) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!holds.getAsBoolean()) {
            assertThat(System.nanoTime()).as(what).isLessThan(deadline);
            Thread.onSpinWait();
        }
    }
}
