package dev.flywheel.pipelines.stage;

import dev.flywheel.api.v1.AttributionState;
import dev.flywheel.api.v1.Heartbeat;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.IntakeRecord;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.feedback.attribution.Attribution;
import dev.flywheel.feedback.attribution.AttributionSettings;
import dev.flywheel.feedback.attribution.Effect;
import dev.flywheel.feedback.attribution.Step;
import dev.flywheel.feedback.guard.Admission;
import dev.flywheel.feedback.guard.GuardProfiles;
import dev.flywheel.feedback.time.OrphanWait;
import dev.flywheel.feedback.token.FeedbackToken;
import dev.flywheel.feedback.token.TokenKeys;
import dev.flywheel.feedback.token.TokenSigner;
import dev.flywheel.pipelines.intake.DeadLetters;
import dev.flywheel.pipelines.message.MessageType;
import dev.flywheel.pipelines.metric.LoopMetrics;
import dev.flywheel.pipelines.metric.StageFigures;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.BroadcastState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ReadOnlyBroadcastState;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.co.KeyedBroadcastProcessFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Runs {@link Attribution}, keyed by impression. Forged events end before they touch any state. Beside the events comes what
 * nodes report of themselves, which every subtask keeps: feedback waits on while its node has not written all it served.
 */
public final class AttributionFunction
        extends
            KeyedBroadcastProcessFunction<String, IntakeRecord, Heartbeat, LoopItem>
        implements
            CheckpointedFunction {
    private static final long serialVersionUID = 1L;

    /** By node: the newest heartbeat that said anything new. */
    static final MapStateDescriptor<String, Heartbeat> REPORTS = new MapStateDescriptor<>(
            "reports", Types.STRING, MessageType.ofMessage(Heartbeat.class));

    private static final int NODES_MAX = 1_024;

    private final AttributionSettings settings;
    private final OrphanWait wait;
    private final GuardProfiles profiles;
    private final String tokenKeyFile;
    private final DeadLetters letters;

    private transient Attribution attribution;
    private transient Admission admission;
    private transient ValueState<AttributionState> state;
    @SuppressWarnings("NullAway.Init") // by Flink: initializeState, before open
    private transient AttributionMemory memory;
    private transient StageFigures figures;
    private transient Counter repeated;
    private transient Counter notRemembered;

    /**
     * Makes the stage.
     *
     * @param orphanTimeoutMax how long feedback waits for an impression at most, while the node that answered has not written all
     * @param tokenKeyFile keys of feedback tokens, readable where the function runs
     */
    public AttributionFunction(
            AttributionSettings settings, Duration orphanTimeoutMax, GuardProfiles profiles,
            Path tokenKeyFile, DeadLetters letters) {
        this.settings = settings;
        this.wait = new OrphanWait(settings.orphanTimeout(), orphanTimeoutMax);
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
        MetricGroup group = getRuntimeContext().getMetricGroup();
        figures = new StageFigures(group, () -> memory.held());
        group.gauge(LoopMetrics.HELD_BYTES, (Gauge<Long>) () -> memory.heldBytes());
        group.gauge(LoopMetrics.REMEMBERED_BYTES, (Gauge<Long>) () -> memory.remembered());
        repeated = group.counter(LoopMetrics.REPEATED);
        notRemembered = group.counter(LoopMetrics.NOT_REMEMBERED);
    }

    @Override
    public void processElement(IntakeRecord record, ReadOnlyContext context,
            Collector<LoopItem> out) throws Exception {
        if (record.hasImpression()) {
            join(record.getImpression(), context, out);
        } else {
            join(record.getFeedback(), context, out);
        }
    }

    @Override
    public void processBroadcastElement(Heartbeat report, Context context,
            Collector<LoopItem> out) throws Exception {
        BroadcastState<String, Heartbeat> reports = context.getBroadcastState(REPORTS);
        Heartbeat before = reports.get(report.getNodeId());
        if (before == null) {
            forgetOldest(reports);
        }
        if (before == null || before.getAtMillis() <= report.getAtMillis()) {
            reports.put(report.getNodeId(), report);
        }
    }

    /** Makes room for the report of one more node. */
    private static void forgetOldest(BroadcastState<String, Heartbeat> reports) throws Exception {
        int count = 0;
        Heartbeat oldest = null;
        for (Map.Entry<String, Heartbeat> each : reports.immutableEntries()) {
            count++;
            if (oldest == null || each.getValue().getAtMillis() < oldest.getAtMillis()) {
                oldest = each.getValue();
            }
        }
        if (count >= NODES_MAX && oldest != null) {
            reports.remove(oldest.getNodeId());
        }
    }

    private void join(Impression impression, ReadOnlyContext context, Collector<LoopItem> out)
            throws Exception {
        AttributionState before = state.value();
        apply(before, attribution.onImpression(before, impression, memory.room()), context, out);
    }

    private void join(TakenFeedback taken, ReadOnlyContext context, Collector<LoopItem> out)
            throws Exception {
        figures.received();
        Admission.Arrival arrival = admission.onArrival(taken.getEvent());
        if (arrival instanceof Admission.Refused refused) {
            refuse(taken, refused.objection().reason(), refused.objection().detail(), context);
            return;
        }
        AttributionState before = state.value();
        Step step = attribution.onFeedback(before, taken, ((Admission.Admitted) arrival).token(),
                context.timerService().currentWatermark(), memory.room());
        long more = step.changed() ? AttributionMemory.moreHeld(before, step.state()) : 0;
        if (more > 0 && memory.heldBytes() + more > settings.heldBytesMax()) {
            // A step that holds an event does nothing else, so nothing is lost by leaving it out.
            refuse(taken, RefusalReason.REFUSAL_REASON_CAPPED,
                    "%d bytes of events wait for their impressions already, at most %d are held"
                            .formatted(memory.heldBytes(), settings.heldBytesMax()),
                    context);
        } else {
            apply(before, step, context, out);
        }
    }

    @Override
    public void onTimer(long millis, OnTimerContext context, Collector<LoopItem> out)
            throws Exception {
        AttributionState before = state.value();
        if (before != null) {
            ReadOnlyBroadcastState<String, Heartbeat> reports = context.getBroadcastState(REPORTS);
            Step step = attribution.onTime(before, millis, memory.isShort(),
                    (taken, now) -> waitsUntil(taken, reports, now));
            apply(before, step, context, out);
        }
    }

    private long waitsUntil(TakenFeedback taken, ReadOnlyBroadcastState<String, Heartbeat> reports,
            long nowMillis) {
        if (!(admission.onArrival(taken.getEvent()) instanceof Admission.Admitted admitted)) {
            return nowMillis; // its key is no longer ours
        }
        FeedbackToken token = admitted.token();
        return wait.until(taken.getEvent().getReceivedAtMillis(), token.servedAt().toEpochMilli(),
                report(reports, token.nodeId()), nowMillis);
    }

    private static @Nullable Heartbeat report(ReadOnlyBroadcastState<String, Heartbeat> reports,
            String node) {
        try {
            return reports.get(node);
        } catch (Exception e) {
            throw new IllegalStateException("reports of nodes cannot be read", e);
        }
    }

    private void apply(@Nullable AttributionState before, Step step, ReadOnlyContext context,
            Collector<LoopItem> out) throws Exception {
        if (step.changed()) {
            memory.replaced(before, step.state());
            state.update(step.state());
        }
        for (Effect effect : step.effects()) {
            apply(effect, context, out);
        }
    }

    private void apply(Effect effect, ReadOnlyContext context, Collector<LoopItem> out) {
        if (effect instanceof Effect.HandOn handOn) {
            out.collect(handOn.item());
            if (handOn.carriesFeedback()) {
                figures.handedOn();
            }
        } else if (effect instanceof Effect.Refuse refuse) {
            refuse(refuse.feedback(), refuse.reason(), refuse.detail(), context);
        } else if (effect instanceof Effect.Ignore) {
            repeated.inc();
        } else if (effect instanceof Effect.PassOver) {
            notRemembered.inc();
        } else if (effect instanceof Effect.WakeAt wake) {
            context.timerService().registerEventTimeTimer(wake.millis());
        }
    }

    private void refuse(TakenFeedback taken, RefusalReason reason, String detail,
            ReadOnlyContext context) {
        Instant now = Instant.ofEpochMilli(context.timerService().currentProcessingTime());
        context.output(DeadLetters.REFUSED, letters.of(taken, reason, detail, now));
        figures.refused(reason);
    }

    @Override
    public void initializeState(FunctionInitializationContext context) throws Exception {
        memory = new AttributionMemory(context.getOperatorStateStore(),
                settings.rememberedBytesMax());
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) throws Exception {
        memory.snapshot();
    }
}
