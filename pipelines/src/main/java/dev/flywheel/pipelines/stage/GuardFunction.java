package dev.flywheel.pipelines.stage;

import dev.flywheel.api.v1.GuardState;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.WindowUse;
import dev.flywheel.feedback.guard.GuardProfile;
import dev.flywheel.feedback.guard.UserCap;
import dev.flywheel.pipelines.intake.DeadLetters;
import dev.flywheel.pipelines.message.MessageType;
import dev.flywheel.pipelines.metric.LoopMetrics;
import dev.flywheel.pipelines.metric.StageFigures;
import java.time.Instant;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** Runs {@link UserCap}, keyed by tenant and user. What is capped is refused; silence that is capped is dropped and counted. */
public final class GuardFunction extends KeyedProcessFunction<String, LoopItem, LoopItem> {
    private static final long serialVersionUID = 1L;

    private final GuardProfile profile;
    private final DeadLetters letters;

    private transient UserCap cap;
    private transient ValueState<GuardState> state;
    private transient StageFigures figures;
    private transient Counter silenceCapped;

    public GuardFunction(GuardProfile profile, DeadLetters letters) {
        this.profile = profile;
        this.letters = letters;
    }

    /** Returns the key of an item. */
    public static String keyOf(LoopItem item) {
        return item.getTenant().length() + ":" + item.getTenant() + item.getUser();
    }

    @Override
    public void open(OpenContext context) {
        cap = new UserCap(profile);
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
        LabelledExample example = item.getExample();
        boolean silent = !example.hasFeedback();
        if (!silent) {
            figures.received();
        }
        GuardState before = state.value();
        UserCap.Decision decision =
                cap.admit(before == null ? GuardState.getDefaultInstance() : before, silent,
                        example.getExample().getLabelledAtMillis(),
                        context.timerService().currentWatermark());
        if (decision.admitted()) {
            remember(decision.state(), context);
            handOn(item, !silent, out);
        } else if (silent) {
            silenceCapped.inc();
        } else {
            refuse(example, context);
        }
    }

    private void remember(GuardState after, Context context) throws Exception {
        if (after.getWindowsCount() == 0) {
            return;
        }
        state.update(after);
        WindowUse newest = after.getWindows(after.getWindowsCount() - 1);
        context.timerService().registerEventTimeTimer(cap.forgottenAt(newest));
    }

    @Override
    public void onTimer(long millis, OnTimerContext context, Collector<LoopItem> out)
            throws Exception {
        GuardState remembered = state.value();
        if (remembered != null
                && cap.forgottenAt(remembered.getWindows(remembered.getWindowsCount() - 1))
                        <= millis) {
            state.clear();
        }
    }

    private void handOn(LoopItem item, boolean feedback, Collector<LoopItem> out) {
        out.collect(item);
        if (feedback) {
            figures.handedOn();
        }
    }

    private void refuse(LabelledExample example, Context context) {
        RefusalReason reason = RefusalReason.REFUSAL_REASON_CAPPED;
        context.output(DeadLetters.REFUSED, letters.of(example.getFeedback(), reason,
                "profile %s allows %d examples of one user in %s".formatted(profile.name(),
                        cap.max(false),
                        profile.window()),
                Instant.ofEpochMilli(context.timerService().currentProcessingTime())));
        figures.refused(reason);
    }
}
