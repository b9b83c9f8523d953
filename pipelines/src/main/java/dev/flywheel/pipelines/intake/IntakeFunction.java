package dev.flywheel.pipelines.intake;

import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.IntakeRecord;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.pipelines.metric.LoopMetrics;
import dev.flywheel.pipelines.metric.StageFigures;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Parts the events from heartbeats and from what is no event, and reports how far each partition has been taken. Chained to
 * its source, so that a heartbeat has done its work, which is to move the source's watermark, before it ends here.
 */
public abstract class IntakeFunction<T> extends ProcessFunction<IntakeRecord, T> {
    private static final long serialVersionUID = 1L;

    private transient Map<Integer, Long> positions;
    private transient StageFigures figures;

    private IntakeFunction() {}

    public static IntakeFunction<Impression> impressions() {
        return new Impressions();
    }

    public static IntakeFunction<TakenFeedback> feedback() {
        return new Feedback();
    }

    @Override
    public void open(OpenContext context) {
        positions = new ConcurrentHashMap<>();
        figures = new StageFigures(getRuntimeContext().getMetricGroup(), () -> 0);
    }

    @Override
    public void processElement(IntakeRecord record, Context context, Collector<T> out) {
        T event = event(record);
        if (event != null) {
            out.collect(event);
            figures.handedOn();
        } else if (record.hasMalformed()) {
            context.output(DeadLetters.REFUSED, record.getMalformed());
            figures.refused(RefusalReason.REFUSAL_REASON_MALFORMED);
        }
        taken(record.getPartition(), record.getOffset() + 1);
    }

    abstract @Nullable T event(IntakeRecord record);

    private void taken(int partition, long next) {
        if (positions.put(partition, next) == null) {
            getRuntimeContext().getMetricGroup()
                    .gauge(LoopMetrics.POSITION + partition,
                            (Gauge<Long>) () -> positions.get(partition));
        }
    }

    private static final class Impressions extends IntakeFunction<Impression> {
        private static final long serialVersionUID = 1L;

        @Override
        @Nullable
        Impression event(IntakeRecord record) {
            return record.hasImpression() ? record.getImpression() : null;
        }
    }

    private static final class Feedback extends IntakeFunction<TakenFeedback> {
        private static final long serialVersionUID = 1L;

        @Override
        @Nullable
        TakenFeedback event(IntakeRecord record) {
            return record.hasFeedback() ? record.getFeedback() : null;
        }
    }
}
