package dev.flywheel.app.local;

import dev.flywheel.trainer.server.RoundKey;
import dev.flywheel.trainer.server.RoundListener;
import dev.flywheel.trainer.server.RoundReport;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.Consumer;

/** Counts rounds and what they used, and says so when there will be no more. */
final class RoundMetrics implements RoundListener {
    private final MeterRegistry meters;
    private final Consumer<String> over;

    RoundMetrics(MeterRegistry meters, Consumer<String> over) {
        this.meters = meters;
        this.over = over;
    }

    @Override
    public void ended(RoundReport report) {
        Counter.builder("flywheel.trainer.rounds")
                .tag("verdict", report.committed() ? "committed" : "rejected")
                .register(meters)
                .increment();
        Counter.builder("flywheel.trainer.examples")
                .register(meters)
                .increment(report.figures().getExamples());
        Counter.builder("flywheel.trainer.device")
                .baseUnit("seconds")
                .register(meters)
                .increment(report.figures().getDeviceSeconds());
    }

    @Override
    public void failed(RoundKey key, String code) {
        Counter.builder("flywheel.trainer.failures").tag("code", code).register(meters).increment();
    }

    @Override
    public void died() {
        over.accept(
                "the trainer's thread has ended, nothing is learned any more; " + LogFile.hint());
    }
}
