package dev.flywheel.serving.replica;

import dev.flywheel.store.replica.ReplicaEvents;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The meters of a node's replica, all named {@code flywheel.replica.*}. Thread-safe. */
final class ReplicaMeters implements ReplicaEvents {
    private static final Logger log = LoggerFactory.getLogger(ReplicaMeters.class);

    private final MeterRegistry registry;
    private final Counter damaged;
    private final Counter failures;
    private final Counter renewals;

    ReplicaMeters(MeterRegistry registry) {
        this.registry = registry;
        this.damaged = registry.counter("flywheel.replica.damaged");
        this.failures = registry.counter("flywheel.replica.failures");
        this.renewals = registry.counter("flywheel.replica.renewals");
    }

    void gauge(String name, String unit, Supplier<Number> value) {
        Gauge.builder("flywheel.replica." + name, value).baseUnit(unit).register(registry);
    }

    /** Weights were asked for, and came from the replica or from the store. */
    void read(boolean here) {
        registry.counter("flywheel.replica.reads", "from", here ? "replica" : "store").increment();
    }

    /** The replica could not be opened or written. */
    void failed() {
        failures.increment();
    }

    /** What was there has been put aside. */
    void renewed() {
        renewals.increment();
    }

    @Override
    public void damaged(String digest, String why) {
        log.error("weights {} of the replica are dropped, to be fetched again: {}", digest, why);
        damaged.increment();
    }

    @Override
    public void evicted(String digest, boolean wanted) {
        registry.counter("flywheel.replica.evictions", "wanted", Boolean.toString(wanted))
                .increment();
        if (wanted) {
            log.warn("weights {} do not fit the replica, though an alias names them; raise"
                    + " serving.replica_bytes_max", digest);
        }
    }

    @Override
    public void tooLarge(String digest, long bytes) {
        log.warn("weights {} have {} bytes, the whole replica may have fewer; raise"
                + " serving.replica_bytes_max", digest, bytes);
    }

    @Override
    public void older(String what) {
        log.warn("{} was told as it stood before; it stays as it is", what);
    }
}
