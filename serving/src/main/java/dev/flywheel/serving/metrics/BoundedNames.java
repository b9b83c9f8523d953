package dev.flywheel.serving.metrics;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Names that have a place as a label: the first so many that came, until they are forgotten. The others go by {@link #OTHER}, so
 * that the number of series does not grow with what comes from outside. Thread-safe.
 */
public final class BoundedNames {
    /** Stands for all names without a place. */
    public static final String OTHER = "other";

    private final int max;
    private final Set<String> names = ConcurrentHashMap.newKeySet();

    /** @param max names that have a place, at least 1 */
    public BoundedNames(int max) {
        if (max < 1) {
            throw new IllegalArgumentException("max is " + max + ", must be at least 1");
        }
        this.max = max;
    }

    /** Returns the label of a name. */
    public String label(String name) {
        return has(name) ? name : OTHER;
    }

    /** Returns whether a name has a place; it takes one if there is one left. */
    public boolean has(String name) {
        if (names.contains(name)) {
            return true;
        }
        synchronized (names) {
            return names.size() < max && names.add(name);
        }
    }

    /** Gives a name's place back. */
    public void forget(String name) {
        names.remove(name);
    }
}
