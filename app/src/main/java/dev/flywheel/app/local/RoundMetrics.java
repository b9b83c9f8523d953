package dev.flywheel.app.local;

import dev.flywheel.api.v1.RoundFigures;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.serving.metrics.BoundedNames;
import dev.flywheel.trainer.server.RoundKey;
import dev.flywheel.trainer.server.RoundListener;
import dev.flywheel.trainer.server.RoundReport;
import io.grpc.Status;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;

/**
 * Counts rounds and what they used, and says so when there will be no more. Adapters without a place share a series, see {@link
 * BoundedNames}.
 */
final class RoundMetrics implements RoundListener {
    private static final Duration[] YIELD_BOUNDS = {Duration.ofNanos(100_000),
        Duration.ofMillis(1), Duration.ofMillis(5), Duration.ofMillis(10),
        Duration.ofMillis(25), Duration.ofMillis(50), Duration.ofMillis(100),
        Duration.ofMillis(250), Duration.ofSeconds(1), Duration.ofSeconds(5)};

    private final MeterRegistry meters;
    private final BoundedNames names;
    private final Consumer<String> over;
    private final Map<String, RoundFigures> last = new ConcurrentHashMap<>();
    private final Counter examples;
    private final Counter seconds;

    RoundMetrics(MeterRegistry meters, int adaptersMax, Consumer<String> over) {
        this.meters = meters;
        this.names = new BoundedNames(adaptersMax);
        this.over = over;
        this.examples = Counter.builder("flywheel.train.examples")
                .description("examples that rounds trained on, those of rejected rounds included")
                .register(meters);
        this.seconds = Counter.builder("flywheel.train.device")
                .baseUnit("seconds")
                .description("wall time of rounds, serving's turns on the device included")
                .register(meters);
        for (Status.Code code : Status.Code.values()) {
            failures(code, 0);
        }
    }

    /** What has not happened stands there as 0, so that its first time is seen to rise. */
    private void failures(Status.Code code, int count) {
        Counter.builder("flywheel.train.failures")
                .description("rounds that broke off, by gRPC status; they are tried again")
                .tag("code", code.name())
                .register(meters)
                .increment(count);
    }

    /** Measures how long training stands back for serving. */
    void watch(DeviceLoop device) {
        Timer yields = Timer.builder("flywheel.train.gpu.yield.duration")
                .description(
                        "how long a slice of training waited for its lane of the device, where it had to")
                .serviceLevelObjectives(YIELD_BOUNDS)
                .register(meters);
        device.onYield(nanos -> yields.record(nanos, TimeUnit.NANOSECONDS));
    }

    @Override
    public void ended(RoundReport report) {
        String adapter = names.label(report.key().adapter());
        gate(adapter, "committed", report.committed() ? 1 : 0);
        gate(adapter, "rejected", report.committed() ? 0 : 1);
        if (last.put(adapter, report.figures()) == null) {
            gauge("flywheel.train.loss", adapter, RoundFigures::getLossAfter,
                    "mean loss of the newest round's first examples after its last step, nats");
            gauge("flywheel.train.grad.norm", adapter, RoundFigures::getGradientNorm,
                    "L2 norm of the newest round's first gradient");
        }
        examples.increment(report.figures().getExamples());
        seconds.increment(report.figures().getDeviceSeconds());
    }

    private void gate(String adapter, String outcome, int count) {
        Counter.builder("flywheel.gate.outcomes")
                .description("rounds that ended, by what the gate said to their candidate")
                .tags("adapter", adapter, "outcome", outcome)
                .register(meters)
                .increment(count);
    }

    private void gauge(String name, String adapter, ToDoubleFunction<RoundFigures> value,
            String description) {
        Gauge.builder(name, last, newest -> value
                .applyAsDouble(newest.getOrDefault(adapter, RoundFigures.getDefaultInstance())))
                .description(description)
                .tag("adapter", adapter)
                .register(meters);
    }

    @Override
    public void failed(RoundKey key, String code) {
        failures(Status.Code.valueOf(code), 1);
    }

    @Override
    public void died() {
        over.accept(
                "the trainer's thread has ended, nothing is learned any more; " + LogFile.hint());
    }
}
