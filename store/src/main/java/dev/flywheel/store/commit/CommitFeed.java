package dev.flywheel.store.commit;

import dev.flywheel.store.core.Fact;
import dev.flywheel.store.core.StoreState;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The newest durable state and those who follow it.
 *
 * <p>Invariant: a listener is told of every commit after the state that {@link #subscribe} returned, each once, in order: the
 * state and the set of listeners change under one lock. Thread-safe.
 */
public final class CommitFeed {
    private static final Logger LOG = LoggerFactory.getLogger(CommitFeed.class);

    private final Set<CommitListener> listeners = new LinkedHashSet<>();
    private volatile StoreState state;

    CommitFeed(StoreState state) {
        this.state = state;
    }

    /** Everything in it is durable. */
    public StoreState state() {
        return state;
    }

    /** Returns the state before the first commit that the listener will be told of. */
    public synchronized StoreState subscribe(CommitListener listener) {
        listeners.add(listener);
        return state;
    }

    public synchronized void unsubscribe(CommitListener listener) {
        listeners.remove(listener);
    }

    synchronized void publish(StoreState after, List<Fact> facts) {
        state = after;
        for (CommitListener listener : List.copyOf(listeners)) {
            try {
                listener.committed(after.commit(), facts);
            } catch (RuntimeException bug) {
                // One follower's bug must not stop the writer; it would miss this commit, so it is told no more.
                LOG.error("a follower of commits failed and is dropped", bug);
                listeners.remove(listener);
            }
        }
    }

    /** Starts over from a state that does not follow from the last one. */
    synchronized void restart(StoreState from, String why) {
        state = from;
        List<CommitListener> ended = new ArrayList<>(listeners);
        listeners.clear();
        for (CommitListener listener : ended) {
            listener.interrupted(why);
        }
    }
}
