package dev.flywheel.store.commit;

import dev.flywheel.api.fault.Failpoints;
import dev.flywheel.store.core.Command;
import dev.flywheel.store.core.CommitLog;
import dev.flywheel.store.core.CommitRules;
import dev.flywheel.store.core.Decision;
import dev.flywheel.store.core.Fact;
import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.core.StoreException.Kind;
import dev.flywheel.store.core.StoreState;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The only writer of a store.
 *
 * <p>Takes commands in the order in which they come. Those that wait together are appended one by one and made durable by one
 * sync; only then is the new state published and each command acknowledged. After an I/O error every command that is not
 * certainly durable fails, and the log is opened again before the next one. If the log finds itself wrong, the writer ends.
 *
 * <p>Thread-safe; owns its thread and its log, which {@link #close} ends.
 */
public final class Committer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Committer.class);
    private static final int GROUP_MAX = 64;
    private static final Duration REOPEN_PAUSE = Duration.ofSeconds(1);

    private final CommitLog log;
    private final CommitRules rules;
    private final InstantSource clock;
    private final CommitFeed feed;
    private final BlockingQueue<Work> waiting;
    private final Thread thread;
    private final CompletableFuture<String> ended = new CompletableFuture<>();
    private volatile boolean closing;

    // Owned by the thread.
    private boolean broken;
    private Instant reopenAfter = Instant.MIN;

    /** Takes over {@code log}; at most {@code commandsMax} commands wait. */
    public Committer(CommitLog log, CommitRules rules, InstantSource clock, int commandsMax) {
        this.log = log;
        this.rules = rules;
        this.clock = clock;
        this.feed = new CommitFeed(log.load());
        this.waiting = new ArrayBlockingQueue<>(commandsMax);
        this.thread =
                Thread.ofPlatform().name("flywheel-store-commit").daemon().unstarted(this::run);
        thread.start();
    }

    public CommitFeed feed() {
        return feed;
    }

    /** Completes, with the reason, if it ends by itself: a commit would have been acknowledged without being durable. */
    public CompletableFuture<String> ended() {
        return ended.copy();
    }

    /** Completes once the decision is durable; fails with {@link StoreException} if that is not certain. */
    public <R> CompletableFuture<Decision<R>> submit(Command<R> command) {
        CompletableFuture<Decision<R>> decided = new CompletableFuture<>();
        enqueue(new CommandWork<>(command, decided));
        return decided;
    }

    /** Completes once a later commit that refers to the blob would make it durable too. */
    public CompletableFuture<Boolean> putBlob(String digest, byte[] bytes) {
        CompletableFuture<Boolean> stored = new CompletableFuture<>();
        enqueue(new BlobWork(digest, bytes, clock.millis(), stored));
        return stored;
    }

    private void enqueue(Work work) {
        if (closing) {
            work.fail(new StoreException(Kind.UNAVAILABLE, "the store is closed"));
        } else if (!waiting.offer(work)) {
            work.fail(new StoreException(Kind.OVERLOADED, waiting.size()
                    + " commands wait already; try again later"));
        } else if (closing) {
            failWaiting();
        }
    }

    private void run() {
        List<Work> group = new ArrayList<>();
        try {
            while (!closing) {
                group.add(waiting.take());
                waiting.drainTo(group, GROUP_MAX - 1);
                carryOut(group);
                group.clear();
            }
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException bug) {
            LOG.error("the store ends: what it wrote last is not certainly durable", bug);
            feed.restart(feed.state(), "the store ended");
            ended.complete("the store ended by itself: " + bug.getMessage());
        } finally {
            closing = true;
            StoreException ended = new StoreException(Kind.UNAVAILABLE, "the store is closed");
            group.forEach(work -> work.fail(ended));
            failWaiting();
        }
    }

    private void failWaiting() {
        List<Work> left = new ArrayList<>();
        waiting.drainTo(left);
        left.forEach(
                work -> work.fail(new StoreException(Kind.UNAVAILABLE, "the store is closed")));
    }

    private void carryOut(List<Work> group) {
        Group done = new Group(feed.state());
        try {
            reopenIfBroken();
            for (Work work : group) {
                append(work, done);
            }
            if (!done.commits.isEmpty()) {
                Failpoints.reach("sync-before");
                if (!Failpoints.broken("sync")) {
                    log.sync();
                }
                Failpoints.reach("sync-after");
            }
        } catch (StoreException failure) {
            fail(group, failure);
            return;
        }
        done.commits.forEach(commit -> feed.publish(commit.after(), commit.facts()));
        done.acknowledgements.forEach(Runnable::run);
        if (!done.commits.isEmpty()) {
            settle();
        }
    }

    /** What was acknowledged stays so; only what comes next has to wait for the log to be opened again. */
    private void settle() {
        try {
            log.settle();
        } catch (StoreException failure) {
            LOG.warn("the store failed, it will be opened again: {}", failure.getMessage());
            broken = true;
        }
    }

    /** A failure that concerns one command is that command's; one of the disk is everybody's and is thrown. */
    private void append(Work work, Group done) {
        try {
            work.append(this, done);
        } catch (StoreException failure) {
            if (failure.needsReopen()) {
                throw failure;
            }
            work.fail(failure);
        } catch (RuntimeException bug) {
            LOG.error("a command failed and changed nothing", bug);
            work.fail(bug);
        }
    }

    private void reopenIfBroken() {
        if (!broken) {
            return;
        }
        Instant now = clock.instant();
        if (now.isBefore(reopenAfter)) {
            throw new StoreException(Kind.UNAVAILABLE,
                    "the store failed and is not yet open again; try again in a second");
        }
        reopenAfter = now.plus(REOPEN_PAUSE);
        log.reopen(clock.millis());
        broken = false;
        feed.restart(log.load(), "the store was opened again after a failure");
    }

    private void fail(List<Work> group, StoreException failure) {
        if (failure.kind() != Kind.UNAVAILABLE) {
            LOG.warn("the store failed, it will be opened again: {}", failure.getMessage());
        }
        broken = true;
        group.forEach(work -> work.fail(failure));
    }

    /** Carries out what already runs, refuses what waits, and closes the log. */
    @Override
    public void close() {
        closing = true;
        thread.interrupt();
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException later) {
                interrupted = true;
            }
        }
        feed.restart(feed.state(), "the store is closing");
        log.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** What a group has appended but not yet synced. */
    private static final class Group {
        private StoreState state;
        private final List<Commit> commits = new ArrayList<>();
        private final List<Runnable> acknowledgements = new ArrayList<>();

        Group(StoreState state) {
            this.state = state;
        }
    }

    private record Commit(StoreState after, List<Fact> facts) {}

    private sealed interface Work {
        void append(Committer committer, Group done);

        void fail(RuntimeException failure);
    }

    private record CommandWork<R>(Command<R> command, CompletableFuture<Decision<R>> decided)
            implements
                Work {

        @Override
        public void append(Committer committer, Group done) {
            Decision<R> decision =
                    committer.rules.decide(done.state, command, committer.log.history());
            if (decision instanceof Decision.Accepted<R> accepted && !accepted.facts().isEmpty()) {
                StoreState after = done.state.after(accepted.facts());
                committer.log.append(accepted.facts(), after, command.atMillis());
                done.state = after;
                done.commits.add(new Commit(after, accepted.facts()));
            }
            done.acknowledgements.add(() -> decided.complete(decision));
        }

        @Override
        public void fail(RuntimeException failure) {
            decided.completeExceptionally(failure);
        }
    }

    private record BlobWork(
            String digest,
            byte[] bytes,
            long atMillis,
            CompletableFuture<Boolean> stored) implements Work {

        @Override
        public void append(Committer committer, Group done) {
            committer.log.putBlob(digest, bytes, atMillis);
            done.acknowledgements.add(() -> stored.complete(true));
        }

        @Override
        public void fail(RuntimeException failure) {
            stored.completeExceptionally(failure);
        }
    }
}
