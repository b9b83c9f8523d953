package dev.flywheel.serving.metrics;

import dev.flywheel.api.v1.VersionRef;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;

/** Times one call from its arrival to its end, whatever that end is; only the first end counts. Thread-safe. */
public final class CallTimer {
    private final ServingMetrics metrics;
    private final Operation operation;
    private final LongSupplier nanos;
    private final long began;
    private final AtomicBoolean ended = new AtomicBoolean();
    private volatile String model = "";

    CallTimer(ServingMetrics metrics, Operation operation, LongSupplier nanos) {
        this.metrics = metrics;
        this.operation = operation;
        this.nanos = nanos;
        this.began = nanos.getAsLong();
    }

    /** Says what answers. Until then the model is not known: its name in the request may be anything. */
    public void leased(VersionRef version) {
        model = metrics.model(version);
    }

    /** The whole answer was given. */
    public void answered() {
        end("");
    }

    /** The call ended otherwise; {@code reason} is one of a fixed few. */
    public void failed(String reason) {
        end(reason);
    }

    private void end(String reason) {
        if (ended.compareAndSet(false, true)) {
            metrics.request(operation, model, reason, nanos.getAsLong() - began);
        }
    }
}
