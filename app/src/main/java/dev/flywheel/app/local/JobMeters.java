package dev.flywheel.app.local;

import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.feedback.event.ReasonNames;
import dev.flywheel.serving.metrics.FeedbackResult;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.EnumSet;
import java.util.List;
import java.util.function.LongSupplier;

/** Exports what the job has come to so far. For one thread; read by any. */
final class JobMeters {
    /** What {@link JobOutcomes#deadLetters} names. */
    static final String FEEDBACK = "feedback";
    static final String IMPRESSION = "impression";

    private final LongSupplier nanos;
    private volatile JobOutcomes now = JobOutcomes.NOTHING;
    private volatile long checkpointSeenAt;

    /** @param nanos a monotonic clock */
    JobMeters(MeterRegistry meters, LongSupplier nanos) {
        this.nanos = nanos;
        this.checkpointSeenAt = nanos.getAsLong();
        for (RefusalReason reason : EnumSet.complementOf(
                EnumSet.of(RefusalReason.REFUSAL_REASON_UNSPECIFIED, RefusalReason.UNRECOGNIZED))) {
            String name = ReasonNames.of(reason);
            FunctionCounter
                    .builder(FeedbackResult.METER, this,
                            each -> each.now.refused().getOrDefault(name, 0L))
                    .description(FeedbackResult.DESCRIPTION)
                    .tags("at", "job", "result", name)
                    .register(meters);
        }
        for (String of : List.of(FEEDBACK, IMPRESSION)) {
            FunctionCounter
                    .builder("flywheel.dead.letters", this,
                            each -> each.now.deadLetters().getOrDefault(of, 0L))
                    .description(
                            "records that the dead-letter topics were ever given, by what they were")
                    .tag("of", of)
                    .register(meters);
        }
        Gauge.builder("flywheel.loop.checkpoint.age", this, JobMeters::checkpointAge)
                .baseUnit("seconds")
                .description(
                        "time since this node saw the job's newest complete checkpoint for the first time, since its start if there is none")
                .register(meters);
    }

    private double checkpointAge() {
        return (nanos.getAsLong() - checkpointSeenAt) / 1e9;
    }

    void show(JobOutcomes outcomes) {
        if (outcomes.checkpoint() != now.checkpoint()) {
            checkpointSeenAt = nanos.getAsLong();
        }
        now = outcomes;
    }
}
