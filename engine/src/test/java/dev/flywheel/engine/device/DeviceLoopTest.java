package dev.flywheel.engine.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class DeviceLoopTest {
    private final AtomicLong clock = new AtomicLong();

    @Test
    void aWaitingStepGoesBeforeAWaitingSlice() throws InterruptedException {
        DeviceLoop loop = new DeviceLoop(1, clock::get);
        List<String> order = Collections.synchronizedList(new ArrayList<>());
        CountDownLatch release = new CountDownLatch(1);
        CountDownLatch running = new CountDownLatch(1);

        Thread first = Thread.ofVirtual().start(() -> loop.slice(() -> {
            running.countDown();
            await(release);
        }));
        running.await();
        Thread slice = Thread.ofPlatform().start(() -> loop.slice(() -> order.add("slice")));
        awaitBlocked(slice);
        Thread step = Thread.ofPlatform().start(() -> loop.step(() -> order.add("step")));
        awaitBlocked(step);
        release.countDown();
        first.join();
        slice.join();
        step.join();

        assertThat(order).containsExactly("step", "slice");
    }

    @Test
    void twoLanesRunAStepAndASliceSideBySide() throws InterruptedException {
        DeviceLoop loop = new DeviceLoop(2, clock::get);
        CountDownLatch both = new CountDownLatch(2);

        Runnable meet = () -> {
            both.countDown();
            await(both); // would hang if one waited for the other
        };
        Thread slice = Thread.ofPlatform().start(() -> loop.slice(meet));
        loop.step(meet);
        slice.join();

        assertThat(both.getCount()).isZero();
    }

    @Test
    void oneLaneNeverRunsTwoThingsAtOnce() throws InterruptedException {
        assertThat(mostAtOnce(1)).isEqualTo(1);
    }

    @Test
    void stepsNeverOverlapStepsOnTwoLanes() throws InterruptedException {
        DeviceLoop loop = new DeviceLoop(2, clock::get);
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        hammer(4, () -> loop.step(() -> count(inside, most)));
        assertThat(most).hasValue(1);
    }

    @Test
    void usageCountsTheTimeOfEachKindAndWorkInFlight() {
        DeviceLoop loop = new DeviceLoop(1, clock::get);
        loop.step(() -> clock.addAndGet(30));
        DeviceUsage before = loop.usage();
        clock.addAndGet(50);
        loop.slice(() -> {
            clock.addAndGet(20);
            assertThat(loop.usage()).isEqualTo(new DeviceUsage(100, 1, 30, 0, 1, 20));
        });

        assertThat(loop.usage().since(before)).isEqualTo(new DeviceUsage(70, 0, 0, 0, 1, 20));
        assertThat(loop.usage().servingShare()).isEqualTo(0.3);
        assertThat(loop.usage().trainingShare()).isEqualTo(0.2);
    }

    @Test
    void aFailureLeavesTheLaneFree() {
        DeviceLoop loop = new DeviceLoop(1, clock::get);
        assertThatThrownBy(() -> loop.slice(() -> {
            throw new IllegalArgumentException("broken slice");
        })).hasMessage("broken slice");

        AtomicInteger ran = new AtomicInteger();
        loop.step(ran::incrementAndGet);
        assertThat(ran).hasValue(1);
    }

    @Test
    void nestedWorkIsRefusedInsteadOfWaitingForItself() {
        DeviceLoop loop = new DeviceLoop(1, clock::get);
        assertThatThrownBy(() -> loop.step(() -> loop.slice(() -> {})))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("nested");
    }

    @Test
    void otherLaneCountsAreRefused() {
        assertThatThrownBy(() -> new DeviceLoop(3, clock::get))
                .hasMessage("lanes must be 1 or 2, got 3");
    }

    private int mostAtOnce(int lanes) throws InterruptedException {
        DeviceLoop loop = new DeviceLoop(lanes, clock::get);
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        Thread slices = Thread.ofPlatform().start(() -> {
            for (int i = 0; i < 1000; i++) {
                loop.slice(() -> count(inside, most));
            }
        });
        for (int i = 0; i < 1000; i++) {
            loop.step(() -> count(inside, most));
        }
        slices.join();
        return most.get();
    }

    private static void hammer(int threads, Runnable work) throws InterruptedException {
        List<Thread> started = new ArrayList<>();
        for (int t = 0; t < threads; t++) {
            started.add(Thread.ofPlatform().start(() -> {
                for (int i = 0; i < 500; i++) {
                    work.run();
                }
            }));
        }
        for (Thread thread : started) {
            thread.join();
        }
    }

    private static void count(AtomicInteger inside, AtomicInteger most) {
        int now = inside.incrementAndGet();
        most.accumulateAndGet(now, Math::max);
        Thread.yield();
        inside.decrementAndGet();
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void awaitBlocked(Thread thread) {
        while (thread.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
    }
}
