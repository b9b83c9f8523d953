package dev.flywheel.app.replay;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class BacklogTest {

    @Test
    void aFullBacklogWaitsUntilSomethingHasEnded() throws InterruptedException {
        Backlog backlog = new Backlog(2, () -> 0);
        backlog.sent();
        backlog.await();
        backlog.sent();
        Thread waiter = Thread.ofPlatform().start(() -> await(backlog));
        while (waiter.getState() != Thread.State.TIMED_WAITING) {
            assertThat(waiter.isAlive()).as("it waits").isTrue();
        }

        backlog.ended(1);

        waiter.join();
    }

    @Test
    void eventsThatNeverEndAreGivenUpAfterAWhileWithoutProgress() throws InterruptedException {
        AtomicLong nanos = new AtomicLong();
        Backlog backlog = new Backlog(2, () -> nanos.getAndAdd(TimeUnit.SECONDS.toNanos(6)));
        backlog.sent();
        backlog.sent();

        backlog.await();

        assertThat(nanos.get()).as("it waited").isPositive();
        long waited = nanos.get();
        backlog.sent();
        backlog.await();
        assertThat(nanos.get()).as("looks at the clock once, and finds room")
                .isEqualTo(waited + TimeUnit.SECONDS.toNanos(6));
    }

    private static void await(Backlog backlog) {
        try {
            backlog.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
