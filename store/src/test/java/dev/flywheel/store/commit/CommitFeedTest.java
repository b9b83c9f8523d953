package dev.flywheel.store.commit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.store.core.Fact;
import dev.flywheel.store.core.StoreState;
import dev.flywheel.store.core.Tombstone;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class CommitFeedTest {
    private static final int FOLLOWERS = 300;
    private static final List<Fact> FACTS =
            List.of(new Fact.Withdrawn(Set.of(new Tombstone.OfExample("x"))));

    /** Notes the first commit that it is told of. */
    private static class First implements CommitListener {
        private volatile long first;

        @Override
        public void committed(long commit, List<Fact> facts) {
            if (first == 0) {
                first = commit;
            }
        }

        @Override
        public void interrupted(String why) {}
    }

    /** Begins to follow at as many moments as fit between commits that come as fast as they can. */
    @Test
    void aFollowerIsToldOfEveryCommitAfterTheStateItBeganWith() {
        CommitFeed feed = new CommitFeed(StoreState.EMPTY);
        // Somebody who takes his time, so that most who come have to wait.
        feed.subscribe(new First() {
            @Override
            public void committed(long commit, List<Fact> facts) {
                Thread.yield();
            }
        });
        AtomicBoolean enough = new AtomicBoolean();
        CompletableFuture<Void> writer = CompletableFuture.runAsync(() -> {
            while (!enough.get()) {
                feed.publish(feed.state().after(FACTS), FACTS);
            }
        });
        try {
            for (int i = 0; i < FOLLOWERS; i++) {
                First follower = new First();
                long began = feed.subscribe(follower).commit();
                while (follower.first == 0) {
                    Thread.yield();
                }
                feed.unsubscribe(follower);
                assertThat(follower.first).isEqualTo(began + 1);
            }
        } finally {
            enough.set(true);
            writer.join();
        }
    }
}
