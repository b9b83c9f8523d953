package dev.flywheel.pipelines.stage;

import dev.flywheel.api.v1.GuardState;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.feedback.guard.GuardProfile;
import dev.flywheel.feedback.guard.GuardProfiles;
import dev.flywheel.feedback.guard.SignalClass;
import dev.flywheel.feedback.guard.UserCap;
import dev.flywheel.pipelines.intake.DeadLetters;
import dev.flywheel.pipelines.message.MessageType;
import dev.flywheel.pipelines.metric.LoopMetrics;
import dev.flywheel.pipelines.metric.StageFigures;
import java.time.Duration;
import java.time.Instant;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Runs {@link UserCap}, keyed by adapter, tenant and user. What is capped is refused; silence that is capped is dropped and
 * counted. What passes is stamped with when the user was first seen.
 */
public final class GuardFunction extends KeyedProcessFunction<String, LoopItem, LoopItem> {
    private static final long serialVersionUID = 1L;

    private final GuardProfiles profiles;
    private final Duration usersRemembered;
    private final DeadLetters letters;

    private transient UserCap cap;
    private transient ValueState<GuardState> state;
    private transient StageFigures figures;
    private transient Counter silenceCapped;

    public GuardFunction(GuardProfiles profiles, Duration usersRemembered, DeadLetters letters) {
        this.profiles = profiles;
        this.usersRemembered = usersRemembered;
        this.letters = letters;
    }

    /** Returns the key of an item. */
    public static String keyOf(LoopItem item) {
        return item.getTenant().length() + ":" + item.getTenant()
                + item.getAdapter().length() + ":" + item.getAdapter() + item.getUser();
    }

    @Override
    public void open(OpenContext context) {
        cap = new UserCap(usersRemembered);
        state = getRuntimeContext().getState(
                new ValueStateDescriptor<>("user", MessageType.ofMessage(GuardState.class)));
        figures = new StageFigures(getRuntimeContext().getMetricGroup(), () -> 0);
        silenceCapped = getRuntimeContext().getMetricGroup().counter(LoopMetrics.SILENCE_CAPPED);
    }

    @Override
    public void processElement(LoopItem item, Context context, Collector<LoopItem> out)
            throws Exception {
        if (!item.hasExample()) {
            figures.received();
            handOn(item, true, out);
            return;
        }
        boolean silent = !item.getExample().hasFeedback();
        if (!silent) {
            figures.received();
        }
        GuardProfile profile = profiles.of(item);
        if (!UserCap.remembers(profile)) {
            handOn(item, !silent, out);
            return;
        }
        UserCap.Decision decision = decide(profile, item.getExample(), context);
        if (decision.admitted()) {
            GuardState after = remember(decision.state(), context);
            handOn(item.toBuilder().setFirstSeenMillis(after.getFirstSeenMillis()).build(),
                    !silent, out);
        } else if (silent) {
            silenceCapped.inc();
        } else {
            refuse(item.getExample(), decision.objection().orElseThrow(), context);
        }
    }

    private UserCap.Decision decide(GuardProfile profile, LabelledExample example, Context context)
            throws Exception {
        GuardState before = state.value();
        return cap.admit(profile, before == null ? GuardState.getDefaultInstance() : before,
                SignalClass.of(example), example.getExample().getLabelledAtMillis(),
                context.timerService().currentWatermark());
    }

    /** One timer a user at a time: it looks again when it finds that the user has come back. */
    private GuardState remember(GuardState after, Context context) throws Exception {
        GuardState remembered = after;
        if (after.getWakesAtMillis() == 0) {
            long millis = cap.forgottenAt(after);
            context.timerService().registerEventTimeTimer(millis);
            remembered = after.toBuilder().setWakesAtMillis(millis).build();
        }
        state.update(remembered);
        return remembered;
    }

    @Override
    public void onTimer(long millis, OnTimerContext context, Collector<LoopItem> out)
            throws Exception {
        GuardState remembered = state.value();
        if (remembered == null) {
            return;
        }
        if (cap.forgottenAt(remembered) <= millis) {
            state.clear();
        } else {
            remember(remembered.toBuilder().clearWakesAtMillis().build(), context);
        }
    }

    private void handOn(LoopItem item, boolean feedback, Collector<LoopItem> out) {
        out.collect(item);
        if (feedback) {
            figures.handedOn();
        }
    }

    private void refuse(LabelledExample example, String detail, Context context) {
        RefusalReason reason = RefusalReason.REFUSAL_REASON_CAPPED;
        context.output(DeadLetters.REFUSED, letters.of(example.getFeedback(), reason, detail,
                Instant.ofEpochMilli(context.timerService().currentProcessingTime())));
        figures.refused(reason);
    }
}
