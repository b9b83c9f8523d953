package dev.flywheel.app.local;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Closes parts in the opposite order of their start, each once, whatever an earlier one throws.
 *
 * <p>Parts are made under the same lock that closing takes: whoever closes from another thread waits for the part that is
 * being made, and no part is made after it. Thread-safe.
 */
public final class Closing implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Closing.class);

    private final Deque<Part> parts = new ArrayDeque<>();
    private boolean closed;

    private record Part(String name, AutoCloseable closeable) {}

    /**
     * Makes a part, takes it over and returns it.
     *
     * @throws StartException if closing has begun
     */
    public synchronized <T extends AutoCloseable> T add(String name, Supplier<? extends T> maker) {
        if (closed) {
            throw new StartException("told to stop before everything had started");
        }
        T part = maker.get();
        parts.push(new Part(name, part));
        return part;
    }

    @Override
    public synchronized void close() {
        closed = true;
        while (!parts.isEmpty()) {
            Part part = parts.pop();
            try {
                part.closeable.close();
            } catch (Exception e) {
                LOG.warn("closing {} failed: {}", part.name, e.toString());
            }
        }
    }
}
