package dev.flywheel.pipelines.stage;

import dev.flywheel.api.v1.ComparedAnswer;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.PairState;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.feedback.attribution.AttributionSettings;
import dev.flywheel.feedback.attribution.PairEffect;
import dev.flywheel.feedback.attribution.PairStep;
import dev.flywheel.feedback.attribution.Pairs;
import dev.flywheel.pipelines.intake.DeadLetters;
import dev.flywheel.pipelines.message.MessageType;
import dev.flywheel.pipelines.metric.LoopMetrics;
import dev.flywheel.pipelines.metric.StageFigures;
import java.time.Instant;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.co.KeyedCoProcessFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Runs {@link Pairs}, keyed by the answer that a preferred one is compared with. What it remembers is bounded in bytes: beyond
 * that answers are passed over, and counted, and what waits for one is refused.
 */
public final class PairFunction
        extends
            KeyedCoProcessFunction<String, ComparedAnswer, LoopItem, LoopItem>
        implements
            CheckpointedFunction {
    private static final long serialVersionUID = 1L;

    private final AttributionSettings settings;
    private final long answerBytesMax;
    private final DeadLetters letters;

    private transient Pairs pairs;
    private transient ValueState<PairState> state;
    @SuppressWarnings("NullAway.Init") // by Flink: initializeState, before open
    private transient Tally held;
    @SuppressWarnings("NullAway.Init") // likewise
    private transient Tally heldBytes;
    @SuppressWarnings("NullAway.Init") // likewise
    private transient Tally answerBytes;
    private transient StageFigures figures;
    private transient Counter passedOver;

    /**
     * Makes the stage.
     *
     * @param answerBytesMax bytes of answers that one subtask remembers
     */
    public PairFunction(AttributionSettings settings, long answerBytesMax, DeadLetters letters) {
        this.settings = settings;
        this.answerBytesMax = answerBytesMax;
        this.letters = letters;
    }

    @Override
    public void open(OpenContext context) {
        pairs = new Pairs(settings);
        state = getRuntimeContext().getState(
                new ValueStateDescriptor<>("answer", MessageType.ofMessage(PairState.class)));
        figures = new StageFigures(getRuntimeContext().getMetricGroup(), () -> held.sum());
        getRuntimeContext().getMetricGroup()
                .gauge(LoopMetrics.HELD_BYTES, (Gauge<Long>) () -> heldBytes.sum());
        getRuntimeContext().getMetricGroup()
                .gauge(LoopMetrics.ANSWER_BYTES, (Gauge<Long>) () -> answerBytes.sum());
        passedOver = getRuntimeContext().getMetricGroup().counter(LoopMetrics.ANSWERS_PASSED_OVER);
    }

    @Override
    public void processElement1(ComparedAnswer answer, Context context, Collector<LoopItem> out)
            throws Exception {
        PairState before = state.value();
        if (before == null && answerBytes.sum() + answer.getSerializedSize() > answerBytesMax) {
            passedOver.inc();
            return;
        }
        apply(before, pairs.onAnswer(before, answer), context, out);
    }

    @Override
    public void processElement2(LoopItem item, Context context, Collector<LoopItem> out)
            throws Exception {
        figures.received();
        PairState before = state.value();
        PairStep step = pairs.onItem(before, item);
        long more = Pairs.heldBytes(step.state()) - Pairs.heldBytes(before);
        if (more > 0 && heldBytes.sum() + more > settings.heldBytesMax()) {
            // A step that holds an item does nothing else, so nothing is lost by leaving it out.
            refuse(item.getExample().getFeedback(), RefusalReason.REFUSAL_REASON_CAPPED,
                    "%d bytes of preferences wait for the other answer already, at most %d are held"
                            .formatted(heldBytes.sum(), settings.heldBytesMax()),
                    context);
        } else {
            apply(before, step, context, out);
        }
    }

    @Override
    public void onTimer(long millis, OnTimerContext context, Collector<LoopItem> out)
            throws Exception {
        PairState before = state.value();
        if (before != null) {
            apply(before, pairs.onTime(before, millis), context, out);
        }
    }

    private void apply(@Nullable PairState before, PairStep step, Context context,
            Collector<LoopItem> out) throws Exception {
        PairState after = step.state();
        held.add(heldOf(after) - heldOf(before));
        heldBytes.add(Pairs.heldBytes(after) - Pairs.heldBytes(before));
        answerBytes.add(answerBytesOf(after) - answerBytesOf(before));
        state.update(after);
        for (PairEffect effect : step.effects()) {
            apply(effect, context, out);
        }
    }

    private static int heldOf(@Nullable PairState state) {
        return state == null ? 0 : state.getHeldCount();
    }

    private static int answerBytesOf(@Nullable PairState state) {
        return state == null ? 0 : state.getAnswer().getSerializedSize();
    }

    private void apply(PairEffect effect, Context context, Collector<LoopItem> out) {
        if (effect instanceof PairEffect.Pass pass) {
            out.collect(pass.item());
            figures.handedOn();
        } else if (effect instanceof PairEffect.Refuse refuse) {
            refuse(refuse.feedback(), refuse.reason(), refuse.detail(), context);
        } else if (effect instanceof PairEffect.WakeAt wake) {
            context.timerService().registerEventTimeTimer(wake.millis());
        }
    }

    private void refuse(TakenFeedback taken, RefusalReason reason, String detail, Context context) {
        Instant now = Instant.ofEpochMilli(context.timerService().currentProcessingTime());
        context.output(DeadLetters.REFUSED, letters.of(taken, reason, detail, now));
        figures.refused(reason);
    }

    @Override
    public void initializeState(FunctionInitializationContext context) throws Exception {
        held = new Tally(context.getOperatorStateStore(), "held");
        heldBytes = new Tally(context.getOperatorStateStore(), "heldBytes");
        answerBytes = new Tally(context.getOperatorStateStore(), "answerBytes");
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) throws Exception {
        held.snapshot();
        heldBytes.snapshot();
        answerBytes.snapshot();
    }
}
