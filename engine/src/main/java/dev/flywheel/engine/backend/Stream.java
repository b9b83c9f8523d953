package dev.flywheel.engine.backend;

/**
 * A queue of backend calls that run in order.
 *
 * <p>Calls on two streams have no order unless the host synchronizes between them. A stream belongs
 * to one thread at a time. The CPU backends run each call before it returns.
 */
public interface Stream extends AutoCloseable {

    /** Who waits for a stream's work; devices that can, run {@code SERVING} first. */
    enum Priority {
        SERVING,
        TRAINING
    }

    Priority priority();

    /** Waits until every call queued so far is done. */
    void synchronize();

    @Override
    void close();
}
