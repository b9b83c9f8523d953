package dev.flywheel.app.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class BoundedLoadTest {
    private static byte[] kept = {};

    @Test
    void whatHangsIsGivenUp() throws Exception {
        CountDownLatch never = new CountDownLatch(1);

        BoundedLoad load = BoundedLoad.run(() -> {
            try {
                never.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }, 0.05, () -> 0);
        never.countDown();

        assertThat(load.finished()).isFalse();
    }

    @Test
    void anExhaustedStackIsAFailureAndNoCrash() throws Exception {
        BoundedLoad load = BoundedLoad.run(() -> deeper(0), 60, () -> 0);

        assertThat(load.finished()).isTrue();
        assertThat(load.failure()).isInstanceOf(StackOverflowError.class);
        assertThat(Refusals.isRefusal(load.failure())).isFalse();
    }

    @Test
    void whatWasAllocatedIsCounted() throws Exception {
        int bytes = 10_000_000;

        assertThat(BoundedLoad.run(() -> kept = new byte[bytes], 60, () -> 0).heapBytes())
                .isGreaterThanOrEqualTo(bytes);
        assertThat(kept).hasSize(bytes);
    }

    @Test
    void howLongItTookIsWhatTheClockSays() throws Exception {
        AtomicLong clock = new AtomicLong(5);

        BoundedLoad load = BoundedLoad.run(() -> clock.addAndGet(2_500_000_000L), 60, clock::get);

        assertThat(load.seconds()).isEqualTo(2.5);
    }

    private static int deeper(int depth) {
        return depth < 0 ? depth : 1 + deeper(depth + 1);
    }
}
