package dev.flywheel.pipelines.stage;

import dev.flywheel.api.v1.DelayState;
import dev.flywheel.api.v1.Evaluation;
import dev.flywheel.api.v1.EvaluationCell;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.feedback.evaluation.CellKey;
import dev.flywheel.feedback.evaluation.Delays;
import dev.flywheel.feedback.evaluation.Prequential;
import dev.flywheel.pipelines.intake.DeadLetters;
import dev.flywheel.pipelines.message.MessageType;
import dev.flywheel.pipelines.metric.EvaluationGauges;
import dev.flywheel.pipelines.metric.LoopMetrics;
import dev.flywheel.pipelines.metric.StageFigures;
import java.time.Instant;
import java.util.Collection;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.streaming.api.TimeDomain;
import org.apache.flink.streaming.api.TimerService;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/**
 * Runs {@link Prequential} and {@link Delays}, keyed by adapter, on what the guard has let pass. Hands everything on at once,
 * but what is for evaluation alone, which it refuses; examples that are judged one by one carry how many of their kind come late. What has changed is told at most once a second
 * and when a window closes. Where memory is short, the adapter that takes the most of it forgets its oldest.
 */
public final class EvaluationFunction extends KeyedProcessFunction<String, LoopItem, LoopItem> {
    private static final long serialVersionUID = 1L;

    /** Side output of the figures. */
    public static final OutputTag<Evaluation> EVALUATED =
            new OutputTag<>("evaluated", MessageType.ofMessage(Evaluation.class));

    private static final long EVERY_MILLIS = 1_000;

    /** Delays of whatever it was that an item was taken by: silence speaks of all of these. */
    private static final String ANY = "";

    private final EvaluationLimits limits;
    private final DeadLetters letters;

    private transient Prequential prequential;
    private transient EvaluationMemory memory;
    private transient EvaluationRoom room;
    @SuppressWarnings("NullAway.Init") // by the operator, before the first item
    private transient Consumer<String> turn;
    private transient Counter missed;
    private transient StageFigures figures;
    private transient EvaluationGauges gauges;

    public EvaluationFunction(EvaluationLimits limits, DeadLetters letters) {
        this.limits = limits;
        this.letters = letters;
    }

    @Override
    public void open(OpenContext context) {
        prequential = new Prequential(limits.window());
        memory = new EvaluationMemory(getRuntimeContext(), limits);
        room = new EvaluationRoom(limits.bytesMax());
        MetricGroup group = getRuntimeContext().getMetricGroup();
        figures = new StageFigures(group, () -> 0);
        gauges = new EvaluationGauges(group);
        group.gauge(LoopMetrics.EVALUATION_BYTES, (Gauge<Long>) () -> room.total());
        missed = group.counter(LoopMetrics.NOT_EVALUATED);
    }

    /** Says how to turn to another adapter than the current item's. */
    void turnBy(Consumer<String> way) {
        turn = way;
    }

    /** Tells of an adapter of which something is known from before the start; it is the current key. */
    void restored(String adapter) throws Exception {
        room.set(adapter, memory.bytes());
    }

    @Override
    public void processElement(LoopItem item, Context context, Collector<LoopItem> out)
            throws Exception {
        boolean feedback = !item.hasExample() || item.getExample().hasFeedback();
        if (feedback) {
            figures.received();
        }
        if (item.hasEvaluationOnly()) {
            judge(item, context);
            refuse(item, context);
            makeRoom(item.getAdapter(), context);
            return;
        }
        if (item.hasExample()) {
            out.collect(judged(item, context));
            makeRoom(item.getAdapter(), context);
        } else {
            out.collect(item);
        }
        if (feedback) {
            figures.handedOn();
        }
    }

    /** Nothing is learned from it: this is where it ends. */
    private void refuse(LoopItem item, Context context) {
        LabelledExample labelled = item.getEvaluationOnly();
        RefusalReason reason = RefusalReason.REFUSAL_REASON_EVALUATION_ONLY;
        String detail =
                "%s has no loss for such an answer of adapter %s: it has counted in evaluation alone"
                        .formatted(labelled.getExample().getSignal(), item.getAdapter());
        context.output(DeadLetters.REFUSED, letters.of(labelled.getFeedback(), reason, detail,
                Instant.ofEpochMilli(context.timerService().currentProcessingTime())));
        figures.refused(reason);
    }

    private LoopItem judged(LoopItem item, Context context) throws Exception {
        Prequential.Outcome outcome = judge(item, context);
        return item.getExample().getExample().getKind() == ExampleKind.EXAMPLE_KIND_BINARY
                ? withLateShare(item, outcome.firstTaken(), context)
                : item;
    }

    private Prequential.Outcome judge(LoopItem item, Context context) throws Exception {
        Prequential.Outcome outcome = prequential.judge(item, memory);
        if (outcome.missed()) {
            missed.inc();
        }
        tellLater(outcome.changed(), context.timerService());
        wake(context.timerService());
        return outcome;
    }

    private void tellLater(Collection<CellKey> changed, TimerService timers) throws Exception {
        for (CellKey cell : changed) {
            long closesAt = cell.beginsAtMillis() + limits.window().toMillis();
            if (closesAt > timers.currentWatermark()) {
                memory.open(cell);
                timers.registerEventTimeTimer(closesAt);
            }
        }
        if (!changed.isEmpty() && !memory.due()) {
            timers.registerProcessingTimeTimer(timers.currentProcessingTime() + EVERY_MILLIS);
            memory.setDue(true);
        }
    }

    private void wake(TimerService timers) {
        long at = memory.takeNewWake();
        if (at > 0) {
            timers.registerEventTimeTimer(at);
        }
    }

    private void makeRoom(String current, Context context) throws Exception {
        room.set(current, memory.bytes());
        if (!room.isShort()) {
            return;
        }
        while (room.isShort()) {
            String adapter = room.largest();
            turn.accept(adapter);
            memory.forgetOldest(context.timerService().currentWatermark(),
                    (key, cell) -> tell(adapter, key, cell, context));
            takes(adapter);
        }
        turn.accept(current);
    }

    private void tell(String adapter, CellKey key, EvaluationCell cell, Context context) {
        context.output(EVALUATED, prequential.evaluation(adapter, key, cell));
    }

    private LoopItem withLateShare(LoopItem item, boolean firstTaken, Context context)
            throws Exception {
        LabelledExample labelled = item.getExample();
        Example example = labelled.getExample();
        if (firstTaken) {
            count(example.getSignal(), example);
            count(ANY, example);
        }
        String signal = labelled.hasFeedback() ? example.getSignal() : ANY;
        DelayState known = memory.delay(signal);
        double share = known == null ? 0
                : Delays.lateShare(known, now(example, context)).orElse(0);
        return item.toBuilder()
                .setExample(labelled.toBuilder()
                        .setExample(example.toBuilder().setLateShare(share)))
                .build();
    }

    private static long now(Example example, Context context) {
        long watermark = context.timerService().currentWatermark();
        return watermark == Long.MIN_VALUE ? example.getLabelledAtMillis() : watermark;
    }

    private void count(String signal, Example example) throws Exception {
        DelayState known = memory.delay(signal);
        memory.keep(signal, Delays.add(known == null ? DelayState.getDefaultInstance() : known,
                example.getServedAtMillis(),
                example.getLabelledAtMillis() - example.getServedAtMillis(),
                example.getCorrects()));
    }

    @Override
    public void onTimer(long millis, OnTimerContext context, Collector<LoopItem> out)
            throws Exception {
        String adapter = context.getCurrentKey();
        for (Map.Entry<CellKey, EvaluationCell> changed : memory.takeChanged().entrySet()) {
            tell(adapter, changed.getKey(), changed.getValue(), context);
        }
        if (context.timeDomain() == TimeDomain.PROCESSING_TIME) {
            memory.setDue(false);
            return;
        }
        Map<CellKey, EvaluationCell> closed = memory.close(millis - limits.window().toMillis());
        if (!closed.isEmpty()) {
            gauges.show(prequential.together(adapter, closed), prequential.newest(adapter, closed),
                    prequential.mostJudged(adapter, closed));
        }
        memory.expire(millis, (key, cell) -> tell(adapter, key, cell, context));
        wake(context.timerService());
        takes(adapter);
    }

    /** Looks how much memory the adapter of the current key takes. */
    private void takes(String adapter) throws Exception {
        long bytes = memory.bytes();
        room.set(adapter, bytes);
        if (bytes == 0) {
            gauges.forget(adapter);
        }
    }
}
