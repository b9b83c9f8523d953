package dev.flywheel.app.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ClosingTest {
    private final List<String> closed = Collections.synchronizedList(new ArrayList<>());
    private final Closing closing = new Closing();

    @Test
    void partsCloseInTheOppositeOrderEachOnceThoughOneFails() {
        add("store");
        AutoCloseable unused = closing.add("job", () -> () -> {
            closed.add("job");
            throw new IllegalStateException("job does not stop");
        });
        add("node");

        closing.close();
        closing.close();

        assertThat(closed).containsExactly("node", "job", "store");
    }

    @Test
    void nothingIsMadeOnceClosingHasBegun() {
        closing.close();

        assertThatThrownBy(() -> closing.add("store", () -> {
            throw new AssertionError("must not be made");
        })).isInstanceOf(StartException.class).hasMessageContaining("told to stop");
    }

    @Test
    void aPartThatIsBeingMadeIsWaitedForAndClosed() throws InterruptedException {
        CountDownLatch making = new CountDownLatch(1);
        CountDownLatch made = new CountDownLatch(1);
        Thread maker = Thread.ofPlatform().start(() -> {
            AutoCloseable unused = closing.add("broker", () -> {
                making.countDown();
                await(made);
                return () -> closed.add("broker");
            });
        });
        making.await();
        Thread closer = Thread.ofPlatform().start(closing::close);
        while (closer.getState() != Thread.State.BLOCKED) {
            Thread.onSpinWait();
        }
        assertThat(closed).isEmpty();

        made.countDown();
        maker.join();
        closer.join();

        assertThat(closed).containsExactly("broker");
    }

    private void add(String name) {
        AutoCloseable unused = closing.add(name, () -> () -> closed.add(name));
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
