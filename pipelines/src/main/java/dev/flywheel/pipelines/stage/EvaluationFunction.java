package dev.flywheel.pipelines.stage;

import dev.flywheel.api.v1.DelayState;
import dev.flywheel.api.v1.Evaluation;
import dev.flywheel.api.v1.EvaluationCell;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.feedback.evaluation.CellKey;
import dev.flywheel.feedback.evaluation.Delays;
import dev.flywheel.feedback.evaluation.Prequential;
import dev.flywheel.pipelines.message.MessageType;
import dev.flywheel.pipelines.metric.EvaluationGauges;
import dev.flywheel.pipelines.metric.StageFigures;
import java.util.Map;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.TimeDomain;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/**
 * Runs {@link Prequential} and {@link Delays}, keyed by adapter, on what the guard has let pass. Hands everything on at once;
 * examples that are judged one by one carry how many of their kind come late. What has changed is told at most once a second
 * and when a window closes.
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

    private transient Prequential prequential;
    private transient EvaluationMemory memory;
    private transient MapState<String, DelayState> delays;
    private transient StageFigures figures;
    private transient EvaluationGauges gauges;

    public EvaluationFunction(EvaluationLimits limits) {
        this.limits = limits;
    }

    @Override
    public void open(OpenContext context) {
        prequential = new Prequential(limits.window());
        memory = new EvaluationMemory(getRuntimeContext(), limits);
        delays = getRuntimeContext().getMapState(new MapStateDescriptor<>("delays", Types.STRING,
                MessageType.ofMessage(DelayState.class)));
        figures = new StageFigures(getRuntimeContext().getMetricGroup(), () -> 0);
        gauges = new EvaluationGauges(getRuntimeContext().getMetricGroup());
    }

    @Override
    public void processElement(LoopItem item, Context context, Collector<LoopItem> out)
            throws Exception {
        boolean feedback = !item.hasExample() || item.getExample().hasFeedback();
        if (feedback) {
            figures.received();
        }
        out.collect(item.hasExample() ? judged(item, context) : item);
        if (feedback) {
            figures.handedOn();
        }
    }

    private LoopItem judged(LoopItem item, Context context) throws Exception {
        LabelledExample labelled = item.getExample();
        Prequential.Outcome outcome = prequential.judge(labelled, memory);
        for (CellKey changed : outcome.changed()) {
            long closesAt = changed.beginsAtMillis() + limits.window().toMillis();
            if (closesAt > context.timerService().currentWatermark()) {
                context.timerService().registerEventTimeTimer(closesAt);
            }
        }
        if (!outcome.changed().isEmpty() && !memory.due()) {
            context.timerService()
                    .registerProcessingTimeTimer(
                            context.timerService().currentProcessingTime() + EVERY_MILLIS);
            memory.setDue(true);
        }
        return labelled.getExample().getKind() == ExampleKind.EXAMPLE_KIND_BINARY
                ? withLateShare(item, outcome.firstTaken(), context)
                : item;
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
        DelayState known = delays.get(signal);
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
        DelayState known = delays.get(signal);
        delays.put(signal, Delays.add(known == null ? DelayState.getDefaultInstance() : known,
                example.getServedAtMillis(),
                example.getLabelledAtMillis() - example.getServedAtMillis(),
                example.getCorrects()));
    }

    @Override
    public void onTimer(long millis, OnTimerContext context, Collector<LoopItem> out)
            throws Exception {
        String adapter = context.getCurrentKey();
        for (Map.Entry<CellKey, EvaluationCell> changed : memory.takeChanged().entrySet()) {
            context.output(EVALUATED,
                    prequential.evaluation(adapter, changed.getKey(), changed.getValue()));
        }
        if (context.timeDomain() == TimeDomain.PROCESSING_TIME) {
            memory.setDue(false);
            return;
        }
        Map<CellKey, EvaluationCell> closed =
                memory.ofWindow(millis - limits.window().toMillis());
        if (!closed.isEmpty()) {
            gauges.show(prequential.together(adapter, closed));
        }
    }
}
