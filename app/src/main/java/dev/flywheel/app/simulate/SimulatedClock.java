package dev.flywheel.app.simulate;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The loop's clock in a simulation: it stands still until it is moved, and never goes back. Thread-safe.
 *
 * <p>It has to stay behind the machine's: the loop takes no event for later than the broker says it came.
 */
public final class SimulatedClock implements InstantSource {
    private final AtomicLong millis;

    public SimulatedClock(Instant start) {
        this.millis = new AtomicLong(start.toEpochMilli());
    }

    /** Moves on to {@code atMillis}; stays where it is if it is later already. */
    void advanceTo(long atMillis) {
        millis.accumulateAndGet(atMillis, Math::max);
    }

    void advance(Duration by) {
        advanceTo(millis() + by.toMillis());
    }

    @Override
    public Instant instant() {
        return Instant.ofEpochMilli(millis.get());
    }

    @Override
    public long millis() {
        return millis.get();
    }
}
