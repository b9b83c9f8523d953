package dev.flywheel.app.replay;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class BacklogTest {

    @Test
    void aFullBacklogWaitsUntilSomethingHasEnded() throws InterruptedException {
        Backlog backlog = new Backlog(2);
        backlog.sent();
        backlog.await();
        backlog.sent();
        CountDownLatch through = new CountDownLatch(1);
        Thread waiter = Thread.ofVirtual().start(() -> waitOn(backlog, through));

        backlog.ended(1);

        assertThat(through.await(20, TimeUnit.SECONDS)).isTrue();
        waiter.join();
    }

    private static void waitOn(Backlog backlog, CountDownLatch through) {
        try {
            backlog.await();
            through.countDown();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
