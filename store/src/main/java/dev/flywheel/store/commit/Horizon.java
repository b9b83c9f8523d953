package dev.flywheel.store.commit;

import dev.flywheel.store.core.AdapterState;
import dev.flywheel.store.core.Command;
import dev.flywheel.store.core.CommitHistory;
import dev.flywheel.store.core.CommitRules;
import dev.flywheel.store.core.Decision;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has a store let go of manifests that are older than they have to be kept: once a minute, some of one adapter at a time, so that
 * other commits get their turn between. Owns its thread, which {@link #close} ends.
 */
public final class Horizon implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Horizon.class);
    private static final Duration EVERY = Duration.ofMinutes(1);

    private final Committer committer;
    private final CommitRules rules;
    private final CommitHistory history;
    private final InstantSource clock;
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("flywheel-store-horizon").daemon().factory());

    public Horizon(Committer committer, CommitRules rules, CommitHistory history,
            InstantSource clock) {
        this.committer = committer;
        this.rules = rules;
        this.history = history;
        this.clock = clock;
        var unused = timer.scheduleWithFixedDelay(this::lookAgain, EVERY.toMillis(),
                EVERY.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Whatever is the matter with one adapter, the others are not kept for it. */
    private void lookAgain() {
        for (AdapterState adapter : committer.feed().state().sorted()) {
            try {
                look(adapter);
            } catch (RuntimeException failure) {
                LOG.warn("old manifests are still kept, trying again later: adapter={} {}",
                        adapter.name(), failure.toString());
            }
        }
    }

    /** Returns once all that is too old now is gone for good. */
    public void look() {
        committer.feed().state().sorted().forEach(this::look);
    }

    private void look(AdapterState adapter) {
        long commits = 0;
        while (expire(adapter.name())) {
            commits++;
        }
        if (commits > 0) {
            LOG.info("let go of old manifests: adapter={} commits={}", adapter.name(), commits);
        }
    }

    /** Decided beside the writer first: most of the time there is nothing to do, and it need not be asked. */
    private boolean expire(String adapter) {
        Command.Expire command = new Command.Expire(adapter, clock.millis());
        return expired(rules.decide(committer.feed().state(), command, history))
                && expired(committer.submit(command).join());
    }

    private static boolean expired(Decision<Boolean> decision) {
        return decision instanceof Decision.Accepted<Boolean> accepted && accepted.reply();
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
