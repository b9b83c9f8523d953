package dev.flywheel.pipelines.stage;

import dev.flywheel.api.v1.AttributionState;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.feedback.attribution.Attribution;
import dev.flywheel.feedback.attribution.AttributionSettings;
import dev.flywheel.feedback.attribution.Effect;
import dev.flywheel.feedback.attribution.Step;
import dev.flywheel.feedback.guard.Admission;
import dev.flywheel.feedback.guard.GuardProfiles;
import dev.flywheel.feedback.token.FeedbackToken;
import dev.flywheel.feedback.token.TokenKeys;
import dev.flywheel.feedback.token.TokenSigner;
import dev.flywheel.pipelines.intake.DeadLetters;
import dev.flywheel.pipelines.message.MessageType;
import dev.flywheel.pipelines.metric.LoopMetrics;
import dev.flywheel.pipelines.metric.StageFigures;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.co.KeyedCoProcessFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/** Runs {@link Attribution}, keyed by impression. Forged events end before they touch any state. */
public final class AttributionFunction
        extends
            KeyedCoProcessFunction<String, Impression, TakenFeedback, LoopItem>
        implements
            CheckpointedFunction {
    private static final long serialVersionUID = 1L;

    private final AttributionSettings settings;
    private final GuardProfiles profiles;
    private final String tokenKeyFile;
    private final DeadLetters letters;

    private transient Attribution attribution;
    private transient Admission admission;
    private transient ValueState<AttributionState> state;
    @SuppressWarnings("NullAway.Init") // by Flink: initializeState, before open
    private transient ListState<Long> heldState;
    @SuppressWarnings("NullAway.Init") // likewise
    private transient ListState<Long> heldBytesState;
    private transient volatile long held;
    private transient volatile long heldBytes;
    private transient StageFigures figures;
    private transient Counter repeated;

    public AttributionFunction(
            AttributionSettings settings, GuardProfiles profiles, Path tokenKeyFile,
            DeadLetters letters) {
        this.settings = settings;
        this.profiles = profiles;
        this.tokenKeyFile = tokenKeyFile.toString();
        this.letters = letters;
    }

    @Override
    public void open(OpenContext context) throws Exception {
        admission = new Admission(new TokenSigner(TokenKeys.read(Path.of(tokenKeyFile))), profiles);
        attribution = new Attribution(settings, admission);
        state = getRuntimeContext().getState(
                new ValueStateDescriptor<>("impression",
                        MessageType.ofMessage(AttributionState.class)));
        figures = new StageFigures(getRuntimeContext().getMetricGroup(), () -> held);
        getRuntimeContext().getMetricGroup()
                .gauge(LoopMetrics.HELD_BYTES, (Gauge<Long>) () -> heldBytes);
        repeated = getRuntimeContext().getMetricGroup().counter(LoopMetrics.REPEATED);
    }

    @Override
    public void processElement1(Impression impression, Context context, Collector<LoopItem> out)
            throws Exception {
        apply(attribution.onImpression(state.value(), impression), context, out);
    }

    @Override
    public void processElement2(TakenFeedback taken, Context context, Collector<LoopItem> out)
            throws Exception {
        figures.received();
        Admission.Arrival arrival = admission.onArrival(taken.getEvent());
        if (arrival instanceof Admission.Refused refused) {
            refuse(taken, refused.objection().reason(), refused.objection().detail(), context);
            return;
        }
        FeedbackToken token = ((Admission.Admitted) arrival).token();
        Step step = attribution.onFeedback(state.value(), taken, token,
                context.timerService().currentWatermark());
        long more = bytesHeld(step.state()) - bytesHeld(state.value());
        if (more > 0 && heldBytes + more > settings.heldBytesMax()) {
            // A step that holds an event does nothing else, so nothing is lost by leaving it out.
            refuse(taken, RefusalReason.REFUSAL_REASON_CAPPED,
                    "%d bytes of events wait for their impressions already, at most %d are held"
                            .formatted(heldBytes, settings.heldBytesMax()),
                    context);
        } else {
            apply(step, context, out);
        }
    }

    private static long bytesHeld(@Nullable AttributionState state) {
        return state == null ? 0
                : state.getHeldList().stream().mapToLong(TakenFeedback::getSerializedSize).sum();
    }

    @Override
    public void onTimer(long millis, OnTimerContext context, Collector<LoopItem> out)
            throws Exception {
        AttributionState before = state.value();
        if (before != null) {
            apply(attribution.onTime(before, millis), context, out);
        }
    }

    private void apply(Step step, Context context, Collector<LoopItem> out) throws Exception {
        AttributionState before = state.value();
        AttributionState after = step.state();
        held += (after == null ? 0 : after.getHeldCount())
                - (before == null ? 0 : before.getHeldCount());
        heldBytes += bytesHeld(after) - bytesHeld(before);
        state.update(after);
        for (Effect effect : step.effects()) {
            apply(effect, context, out);
        }
    }

    private void apply(Effect effect, Context context, Collector<LoopItem> out) {
        if (effect instanceof Effect.Emit emit) {
            Example example = emit.example().getExample();
            LoopItem.Builder item = LoopItem.newBuilder()
                    .setAdapter(example.getAdapter())
                    .setTenant(example.getTenant())
                    .setUser(example.getUser())
                    .setExample(emit.example());
            handOn(item.build(), emit.example().hasFeedback(), out);
        } else if (effect instanceof Effect.TakeBack back) {
            FeedbackEvent event = back.withdrawal().getRetraction().getEvent();
            handOn(LoopItem.newBuilder()
                    .setAdapter(back.adapter())
                    .setTenant(event.getTenant())
                    .setUser(event.getUser())
                    .setWithdrawal(back.withdrawal())
                    .build(), true, out);
        } else if (effect instanceof Effect.Refuse refuse) {
            refuse(refuse.feedback(), refuse.reason(), refuse.detail(), context);
        } else if (effect instanceof Effect.Ignore) {
            repeated.inc();
        } else if (effect instanceof Effect.WakeAt wake) {
            context.timerService().registerEventTimeTimer(wake.millis());
        }
    }

    private void handOn(LoopItem item, boolean feedback, Collector<LoopItem> out) {
        out.collect(item);
        if (feedback) {
            figures.handedOn();
        }
    }

    private void refuse(TakenFeedback taken, RefusalReason reason, String detail, Context context) {
        Instant now = Instant.ofEpochMilli(context.timerService().currentProcessingTime());
        context.output(DeadLetters.REFUSED, letters.of(taken, reason, detail, now));
        figures.refused(reason);
    }

    @Override
    public void initializeState(FunctionInitializationContext context) throws Exception {
        heldState = context.getOperatorStateStore()
                .getListState(new ListStateDescriptor<>("held", Types.LONG));
        heldBytesState = context.getOperatorStateStore()
                .getListState(new ListStateDescriptor<>("heldBytes", Types.LONG));
        // Whatever parallelism it is restored with, the parts add up to what is held.
        held = sum(heldState);
        heldBytes = sum(heldBytesState);
    }

    private static long sum(ListState<Long> parts) throws Exception {
        long sum = 0;
        for (long part : parts.get()) {
            sum += part;
        }
        return sum;
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) throws Exception {
        heldState.update(List.of(held));
        heldBytesState.update(List.of(heldBytes));
    }
}
