package dev.flywheel.serving.adapter;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Prepares a version for the requests that it is about to get. */
@FunctionalInterface
public interface Warming {
    /** Nothing is prepared. */
    Warming NONE = (adapter, leases) -> {};

    /**
     * Returns when the version is prepared, or time is up.
     *
     * @param leases of the version, as many as are asked for; null once it has been evicted
     */
    void warm(String adapter, Supplier<@Nullable Lease> leases) throws InterruptedException;
}
