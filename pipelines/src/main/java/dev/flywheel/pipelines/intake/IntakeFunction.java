package dev.flywheel.pipelines.intake;

import dev.flywheel.api.v1.Heartbeat;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.IntakeRecord;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.feedback.time.OrphanWait;
import dev.flywheel.pipelines.message.MessageType;
import dev.flywheel.pipelines.metric.LoopMetrics;
import dev.flywheel.pipelines.metric.StageFigures;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/**
 * Parts the events from heartbeats and from what is no event, and reports how far each partition has been taken. Chained to
 * its source, so that a heartbeat has done its work, which is to move the source's watermark, before it ends here.
 */
public abstract class IntakeFunction<T> extends ProcessFunction<IntakeRecord, T> {
    private static final long serialVersionUID = 1L;

    /**
     * Side output of what nodes report of themselves: of a run of heartbeats of one node that say it has written all, one in
     * {@link OrphanWait#LOOK_AGAIN}, the first and the last it sends; every other.
     */
    public static final OutputTag<Heartbeat> REPORTS =
            new OutputTag<>("reports", MessageType.ofMessage(Heartbeat.class));

    /** Nodes whose last report is known; of others each is handed on. */
    private static final int NODES_MAX = 1_024;

    /** By node: what was handed on last, in event time. */
    private transient Map<String, Heartbeat> reported;
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
        reported = new HashMap<>();
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
        } else if (record.hasHeartbeat()) {
            report(record.getHeartbeat(), record.getEventTimeMillis(), context);
        }
        taken(record.getPartition(), record.getOffset() + 1);
    }

    private void report(Heartbeat heartbeat, long millis, Context context) {
        Heartbeat report = heartbeat.toBuilder().setAtMillis(millis).build();
        String node = report.getNodeId();
        if (saysMore(report, reported.get(node))) {
            if (reported.size() >= NODES_MAX && !reported.containsKey(node)) {
                reported.clear();
            }
            reported.put(node, report);
            context.output(REPORTS, report);
        }
    }

    /** Whether a report says more than that its node still has nothing unwritten, or says that of answers long after the last. */
    private static boolean saysMore(Heartbeat report, @Nullable Heartbeat last) {
        return last == null || report.getLast() || !wroteAll(report) || !wroteAll(last)
                || report.getAtMillis() >= last.getAtMillis() + OrphanWait.LOOK_AGAIN.toMillis();
    }

    private static boolean wroteAll(Heartbeat report) {
        return report.getUnwrittenSinceMillis() == 0;
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
