package dev.flywheel.store.commit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.store.InMemoryCommitLog;
import dev.flywheel.store.Samples;
import dev.flywheel.store.core.BrokenInvariantException;
import dev.flywheel.store.core.Command;
import dev.flywheel.store.core.CommitHistory;
import dev.flywheel.store.core.CommitLog;
import dev.flywheel.store.core.CommitRules;
import dev.flywheel.store.core.Decision;
import dev.flywheel.store.core.Fact;
import dev.flywheel.store.core.Limits;
import dev.flywheel.store.core.Retention;
import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.core.StoreException.Kind;
import dev.flywheel.store.core.StoreState;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The writer under a log that fails, and under a crowd. */
class CommitterTest {

    /** A log whose disk can be told to fail, and which counts what is asked of it. */
    private static final class FailingLog implements CommitLog {
        private final InMemoryCommitLog maps = new InMemoryCommitLog();
        private volatile boolean full;
        private volatile boolean latched;
        private volatile int syncs;
        private volatile int settles;
        private volatile boolean unsynced;
        private volatile boolean unsettled;
        private volatile int reopened;
        private final Semaphore gate = new Semaphore(1_000_000);

        @Override
        public StoreState load() {
            return maps.load();
        }

        @Override
        public CommitHistory history() {
            return maps;
        }

        @Override
        public void append(List<Fact> facts, StoreState after, long atMillis) {
            check();
            maps.append(facts, after, atMillis);
        }

        @Override
        public void putBlob(String digest, byte[] bytes, long atMillis) {
            check();
            maps.putBlob(digest, bytes, atMillis);
        }

        /** As RocksDB does: after one failure every write fails until it is opened again. */
        private void check() {
            latched |= full;
            if (latched) {
                throw new StoreException(Kind.DISK_FULL, "no space left");
            }
        }

        @Override
        public void sync() {
            gate.acquireUninterruptibly();
            gate.release();
            check();
            BrokenInvariantException.require(!unsynced, "the write-ahead log was not synced");
            syncs++;
        }

        @Override
        public void settle() {
            if (unsettled) {
                throw new StoreException(Kind.IO, "cannot be synced");
            }
            settles++;
        }

        @Override
        public void reopen(long atMillis) {
            if (full) {
                throw new StoreException(Kind.DISK_FULL, "still no space left");
            }
            reopened++;
            latched = false;
        }

        @Override
        public void close() {}
    }

    private final FailingLog log = new FailingLog();
    private final AtomicReference<Instant> now = new AtomicReference<>(Instant.EPOCH);
    private final InstantSource clock = now::get;
    private final Committer committer =
            new Committer(log, new CommitRules(Limits.DEFAULT, Retention.DEFAULT), clock, 100);

    @AfterEach
    void close() {
        // A test that failed may have left the writer waiting.
        log.gate.release(1_000);
        committer.close();
    }

    private void createAdapter() {
        committer.putBlob(Samples.digest(Samples.START), Samples.START).join();
        committer.submit(new Command.CreateAdapter(Samples.create("a"), 1)).join();
    }

    private CompletableFuture<Long> acquire() {
        return committer.submit(new Command.AcquireEpoch(Samples.epoch("a"), 1))
                .thenApply(decision -> ((Decision.Accepted<?>) decision).facts())
                .thenApply(facts -> ((Fact.EpochAcquired) facts.getFirst()).epoch());
    }

    private static Kind failure(CompletableFuture<?> future) {
        try {
            future.join();
            throw new AssertionError("did not fail");
        } catch (CompletionException failed) {
            return ((StoreException) failed.getCause()).kind();
        }
    }

    @Test
    void aFullDiskFailsCommandsUntilThereIsSpaceAndTheLogIsOpenAgain() {
        createAdapter();
        long before = committer.feed().state().commit();
        log.full = true;
        assertThat(failure(acquire())).isEqualTo(Kind.DISK_FULL);
        assertThat(failure(acquire())).isEqualTo(Kind.DISK_FULL);
        log.full = false;
        // Not tried again within a second: opening costs more than refusing.
        assertThat(failure(acquire())).isEqualTo(Kind.UNAVAILABLE);
        assertThat(log.reopened).isZero();
        now.set(Instant.EPOCH.plusSeconds(1));
        assertThat(acquire().join()).isEqualTo(1);
        assertThat(log.reopened).isEqualTo(1);
        assertThat(committer.feed().state().commit()).isEqualTo(before + 1);
    }

    @Test
    void followersAreToldWhenTheyMayHaveMissedSomething() {
        createAdapter();
        List<String> told = new ArrayList<>();
        committer.feed().subscribe(new CommitListener() {
            @Override
            public void committed(long commit, List<Fact> facts) {
                told.add("commit " + commit);
            }

            @Override
            public void interrupted(String why) {
                told.add(why);
            }
        });
        acquire().join();
        log.full = true;
        failure(acquire());
        log.full = false;
        acquire().join();
        assertThat(told).containsExactly("commit 2", "the store was opened again after a failure");
    }

    @Test
    void nothingIsPublishedOrAcknowledgedBeforeItIsSynced() throws Exception {
        createAdapter();
        long before = committer.feed().state().commit();
        log.gate.drainPermits();
        CompletableFuture<Long> epoch = acquire();
        assertThatThrownBy(() -> epoch.get(200, TimeUnit.MILLISECONDS))
                .isInstanceOf(TimeoutException.class);
        assertThat(committer.feed().state().commit()).isEqualTo(before);
        log.gate.release();
        assertThat(epoch.join()).isEqualTo(1);
        assertThat(committer.feed().state().commit()).isEqualTo(before + 1);
    }

    @Test
    void aLogThatFindsItselfUnsyncedEndsTheStoreAndNothingIsAcknowledged() {
        createAdapter();
        List<String> told = new ArrayList<>();
        committer.feed().subscribe(new CommitListener() {
            @Override
            public void committed(long commit, List<Fact> facts) {
                told.add("commit " + commit);
            }

            @Override
            public void interrupted(String why) {
                told.add(why);
            }
        });
        log.unsynced = true;
        assertThat(failure(acquire())).isEqualTo(Kind.UNAVAILABLE);
        assertThat(committer.ended().join()).contains("was not synced");
        assertThat(told).containsExactly("the store ended");
        log.unsynced = false;
        assertThat(failure(acquire())).isEqualTo(Kind.UNAVAILABLE);
    }

    @Test
    void aMarkThatCannotBeSettledTakesNothingBackAndOpensTheLogAgain() {
        createAdapter();
        // What is settled is acknowledged before; the next work is not begun before.
        committer.putBlob("0".repeat(64), new byte[1]).join();
        int before = log.settles;
        log.unsettled = true;
        assertThat(acquire().join()).isEqualTo(1);
        assertThat(log.settles).isEqualTo(before);
        assertThat(acquire().join()).isEqualTo(2);
        assertThat(log.reopened).isEqualTo(1);
    }

    @Test
    void commandsThatWaitTogetherShareASync() {
        createAdapter();
        log.gate.drainPermits();
        List<CompletableFuture<Long>> epochs = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            epochs.add(acquire());
        }
        int before = log.syncs;
        log.gate.release();
        for (int i = 0; i < 50; i++) {
            assertThat(epochs.get(i).join()).isEqualTo(i + 1);
        }
        assertThat(log.syncs - before).isLessThan(10);
    }

    @Test
    void aCrowdIsShedInsteadOfPiledUp() {
        createAdapter();
        log.gate.drainPermits();
        List<CompletableFuture<Long>> epochs = new ArrayList<>();
        for (int i = 0; i < 1_000; i++) {
            epochs.add(acquire());
        }
        log.gate.release();
        long shed = epochs.stream().filter(epoch -> {
            try {
                epoch.join();
                return false;
            } catch (CompletionException failed) {
                return ((StoreException) failed.getCause()).kind() == Kind.OVERLOADED;
            }
        }).count();
        assertThat(shed).isBetween(700L, 900L);
    }

    @Test
    void aClosedCommitterSaysSo() {
        committer.close();
        assertThat(failure(acquire())).isEqualTo(Kind.UNAVAILABLE);
    }
}
