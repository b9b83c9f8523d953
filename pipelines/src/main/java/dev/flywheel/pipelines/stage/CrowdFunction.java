package dev.flywheel.pipelines.stage;

import dev.flywheel.api.v1.AimUse;
import dev.flywheel.api.v1.CrowdState;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.feedback.guard.Aim;
import dev.flywheel.feedback.guard.CrowdCap;
import dev.flywheel.feedback.guard.GuardProfiles;
import dev.flywheel.pipelines.intake.DeadLetters;
import dev.flywheel.pipelines.message.MessageType;
import dev.flywheel.pipelines.metric.LoopMetrics;
import dev.flywheel.pipelines.metric.StageFigures;
import java.time.Duration;
import java.time.Instant;
import java.util.Iterator;
import java.util.Map;
import java.util.OptionalInt;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** Runs {@link CrowdCap}, keyed by adapter. What is capped is refused; silence that is capped is dropped and counted. */
public final class CrowdFunction extends KeyedProcessFunction<String, LoopItem, LoopItem> {
    private static final long serialVersionUID = 1L;

    private final GuardProfiles profiles;
    private final Duration usersRemembered;
    private final DeadLetters letters;

    private transient ValueState<CrowdState> crowd;
    private transient MapState<Integer, AimUse> aims;
    private transient StageFigures figures;
    private transient Counter silenceCapped;

    public CrowdFunction(GuardProfiles profiles, Duration usersRemembered, DeadLetters letters) {
        this.profiles = profiles;
        this.usersRemembered = usersRemembered;
        this.letters = letters;
    }

    @Override
    public void open(OpenContext context) {
        crowd = getRuntimeContext().getState(
                new ValueStateDescriptor<>("crowd", MessageType.ofMessage(CrowdState.class)));
        aims = getRuntimeContext().getMapState(new MapStateDescriptor<>("aims", Types.INT,
                MessageType.ofMessage(AimUse.class)));
        figures = new StageFigures(getRuntimeContext().getMetricGroup(), () -> 0);
        silenceCapped = getRuntimeContext().getMetricGroup().counter(LoopMetrics.SILENCE_CAPPED);
    }

    @Override
    public void processElement(LoopItem item, Context context, Collector<LoopItem> out)
            throws Exception {
        boolean silent = item.hasExample() && !item.getExample().hasFeedback();
        if (!silent) {
            figures.received();
        }
        CrowdCap cap = new CrowdCap(profiles.of(item));
        CrowdCap.Decision decision =
                item.hasExample() && cap.remembers() ? decide(cap, item, context) : null;
        if (decision == null || decision.admitted()) {
            out.collect(item);
            if (!silent) {
                figures.handedOn();
            }
        } else if (silent) {
            silenceCapped.inc();
        } else {
            refuse(item.getExample(), decision.objection().orElseThrow(), context);
        }
    }

    private CrowdCap.Decision decide(CrowdCap cap, LoopItem item, Context context)
            throws Exception {
        CrowdState before = crowd.value() == null ? CrowdState.getDefaultInstance() : crowd.value();
        OptionalInt aim = Aim.of(item.getExample());
        AimUse use = aim.isEmpty() ? null : aims.get(aim.getAsInt());
        CrowdCap.Decision decision = cap.admit(before.getAll(),
                aim.isPresent() && use == null ? AimUse.getDefaultInstance() : use,
                item.getFirstSeenMillis(), item.getExample().getExample().getLabelledAtMillis(),
                context.timerService().currentWatermark());
        if (decision.admitted()) {
            remember(cap, before.toBuilder().setAll(decision.all()), decision.all().getAtMillis(),
                    context);
            if (decision.aim() != null) {
                aims.put(aim.getAsInt(), decision.aim());
            }
        }
        return decision;
    }

    private void remember(CrowdCap cap, CrowdState.Builder after, long atMillis, Context context)
            throws Exception {
        if (after.getWakesAtMillis() == 0) {
            long millis = atMillis + cap.sweepEvery().toMillis();
            context.timerService().registerEventTimeTimer(millis);
            after.setWakesAtMillis(millis);
        }
        crowd.update(after.build());
    }

    /** Forgets aims that say nothing any more, and the adapter when all its users are forgotten too. */
    @Override
    public void onTimer(long millis, OnTimerContext context, Collector<LoopItem> out)
            throws Exception {
        CrowdCap cap = new CrowdCap(profiles.forAll());
        Iterator<Map.Entry<Integer, AimUse>> each = aims.iterator();
        while (each.hasNext()) {
            if (cap.forgettable(each.next().getValue(), millis)) {
                each.remove();
            }
        }
        if (aims.isEmpty()) {
            aims.clear(); // an empty map is an entry too
        }
        CrowdState before = crowd.value();
        boolean allUsersForgotten = before == null
                || before.getAll().getAtMillis() + usersRemembered.toMillis() <= millis;
        if (before == null || aims.isEmpty() && allUsersForgotten) {
            crowd.clear();
        } else {
            remember(cap, before.toBuilder().clearWakesAtMillis(), millis, context);
        }
    }

    private void refuse(LabelledExample example, String detail, Context context) {
        RefusalReason reason = RefusalReason.REFUSAL_REASON_CAPPED;
        context.output(DeadLetters.REFUSED, letters.of(example.getFeedback(), reason, detail,
                Instant.ofEpochMilli(context.timerService().currentProcessingTime())));
        figures.refused(reason);
    }
}
