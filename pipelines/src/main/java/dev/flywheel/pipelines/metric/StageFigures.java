package dev.flywheel.pipelines.metric;

import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.feedback.event.ReasonNames;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;

/** What an operator reports of itself under the names of {@link LoopMetrics}. Used by the operator's thread. */
public final class StageFigures {
    private final MetricGroup group;
    private final Counter received;
    private final Counter handedOn;
    private final Map<RefusalReason, Counter> refused = new EnumMap<>(RefusalReason.class);

    /**
     * Registers the figures.
     *
     * @param held read by Flink's metric threads, so it must be safe to read from any
     */
    public StageFigures(MetricGroup group, LongSupplier held) {
        this.group = group;
        received = group.counter(LoopMetrics.RECEIVED);
        handedOn = group.counter(LoopMetrics.HANDED_ON);
        group.gauge(LoopMetrics.HELD_FEEDBACK, (Gauge<Long>) held::getAsLong);
        group.gauge(LoopMetrics.AS_OF, new Clock());
    }

    /** An object for each operator: Flink keeps gauges by identity, and a method reference would be one for all. */
    private static final class Clock implements Gauge<Long> {
        @Override
        public Long getValue() {
            return System.currentTimeMillis();
        }
    }

    public void received() {
        received.inc();
    }

    public void handedOn() {
        handedOn.inc();
    }

    public void refused(RefusalReason reason) {
        refused.computeIfAbsent(reason,
                each -> group.counter(LoopMetrics.REFUSED + ReasonNames.of(each)))
                .inc();
    }
}
